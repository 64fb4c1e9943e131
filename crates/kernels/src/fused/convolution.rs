//! Convolutions: over all channels with 1x1 and 3x3 kernels, and depthwise with 3x3 ones.

use burn::tensor::Tensor;

use super::tape::{Array, Operation, apply};
use crate::loops::{columns, depthwise, pointwise};

/// [`crate::plain::conv`] for 1x1 kernels with stride 1 and for 3x3 kernels with strides 1 and 2; `None` for others.
pub(crate) fn conv(x: &Tensor<4>, weight: &Tensor<4>, stride: usize) -> Option<Tensor<4>> {
    let arguments = || [x.clone().into(), weight.clone().into()];
    match (weight.dims()[2], stride) {
        (1, 1) => Some(apply(Pointwise, arguments())),
        (3, 1 | 2) => Some(apply(Columns { stride }, arguments())),
        _ => None,
    }
}

/// [`crate::plain::depthwise`] for strides 1 and 2; `None` for others.
pub(crate) fn depthwise(x: &Tensor<4>, weight: &Tensor<4>, stride: usize) -> Option<Tensor<4>> {
    match stride {
        1 | 2 => Some(apply(Depthwise { stride }, [x.clone().into(), weight.clone().into()])),
        _ => None,
    }
}

#[derive(Clone, Debug)]
struct Pointwise;

impl Pointwise {
    fn sizes([x, weight]: &[Array; 2]) -> pointwise::Sizes {
        let ([batch, input, height, width], [output, _, _, _]) = (x.dims(), weight.dims());
        pointwise::Sizes { batch, input, output, plane: height * width }
    }
}

impl Operation<2> for Pointwise {
    type Kept = [Array; 2];

    fn forward(&self, arguments: &[Array; 2]) -> Array {
        let [x, weight] = arguments;
        let sizes = Self::sizes(arguments);
        let [batch, _, height, width] = x.dims();
        Array::new(pointwise::forward(x.values(), weight.values(), sizes), &[batch, sizes.output, height, width])
    }

    fn forward_keeping(&self, arguments: [Array; 2]) -> (Array, [Array; 2]) {
        (self.forward(&arguments), arguments)
    }

    fn backward(&self, kept: [Array; 2], dy: Array, wanted: [bool; 2]) -> [Option<Array>; 2] {
        let sizes = Self::sizes(&kept);
        let [x, weight] = kept;
        [
            wanted[0].then(|| {
                let dx = pointwise::input_gradient(dy.values(), weight.values(), sizes);
                Array::new(dx, &x.dims::<4>())
            }),
            wanted[1].then(|| {
                let dweight = pointwise::weight_gradient(x.values(), dy.values(), sizes);
                Array::new(dweight, &weight.dims::<4>())
            }),
        ]
    }
}

#[derive(Clone, Debug)]
struct Columns {
    stride: usize,
}

impl Columns {
    fn sizes(&self, [x, weight]: &[Array; 2]) -> columns::Sizes {
        let ([batch, input, height, width], [output, _, _, _]) = (x.dims(), weight.dims());
        columns::Sizes { batch, input, output, height, width, stride: self.stride }
    }
}

impl Operation<2> for Columns {
    type Kept = [Array; 2];

    fn forward(&self, arguments: &[Array; 2]) -> Array {
        let [x, weight] = arguments;
        let sizes = self.sizes(arguments);
        let shape = [sizes.batch, sizes.output, sizes.height.div_ceil(self.stride), sizes.width.div_ceil(self.stride)];
        Array::new(columns::forward(x.values(), weight.values(), sizes), &shape)
    }

    fn forward_keeping(&self, arguments: [Array; 2]) -> (Array, [Array; 2]) {
        (self.forward(&arguments), arguments)
    }

    fn backward(&self, kept: [Array; 2], dy: Array, wanted: [bool; 2]) -> [Option<Array>; 2] {
        let sizes = self.sizes(&kept);
        let [x, weight] = kept;
        [
            wanted[0].then(|| {
                let dx = columns::input_gradient(dy.values(), weight.values(), sizes);
                Array::new(dx, &x.dims::<4>())
            }),
            wanted[1].then(|| {
                let dweight = columns::weight_gradient(x.values(), dy.values(), sizes);
                Array::new(dweight, &weight.dims::<4>())
            }),
        ]
    }
}

#[derive(Clone, Debug)]
struct Depthwise {
    stride: usize,
}

impl Depthwise {
    fn sizes(&self, x: &Array) -> depthwise::Sizes {
        let [batch, channels, height, width] = x.dims();
        depthwise::Sizes { batch, channels, height, width, stride: self.stride }
    }
}

impl Operation<2> for Depthwise {
    type Kept = [Array; 2];

    fn forward(&self, [x, weight]: &[Array; 2]) -> Array {
        let sizes = self.sizes(x);
        let shape =
            [sizes.batch, sizes.channels, sizes.height.div_ceil(self.stride), sizes.width.div_ceil(self.stride)];
        Array::new(depthwise::forward(x.values(), weight.values(), sizes), &shape)
    }

    fn forward_keeping(&self, arguments: [Array; 2]) -> (Array, [Array; 2]) {
        (self.forward(&arguments), arguments)
    }

    fn backward(&self, [x, weight]: [Array; 2], dy: Array, _: [bool; 2]) -> [Option<Array>; 2] {
        let (dx, dweight) = depthwise::backward(x.values(), weight.values(), dy.values(), self.sizes(&x));
        [Some(Array::new(dx, &x.dims::<4>())), Some(Array::new(dweight, &weight.dims::<4>()))]
    }
}
