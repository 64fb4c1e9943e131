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

/// [`crate::plain::conv_joined`]; `None` for more feature maps than a cell joins.
pub(crate) fn conv_joined(xs: &[Tensor<4>], weight: &Tensor<4>) -> Option<Tensor<4>> {
    fn apply_to<const N: usize>(xs: &[Tensor<4>], weight: &Tensor<4>) -> Tensor<4> {
        let tensors: [&Tensor<4>; N] = std::array::from_fn(|index| xs.get(index).unwrap_or(weight));
        apply(Pointwise, tensors.map(|tensor| tensor.clone().into()))
    }
    Some(match xs.len() {
        1 => apply_to::<2>(xs, weight),
        2 => apply_to::<3>(xs, weight),
        3 => apply_to::<4>(xs, weight),
        4 => apply_to::<5>(xs, weight),
        5 => apply_to::<6>(xs, weight),
        6 => apply_to::<7>(xs, weight),
        7 => apply_to::<8>(xs, weight),
        8 => apply_to::<9>(xs, weight),
        9 => apply_to::<10>(xs, weight),
        10 => apply_to::<11>(xs, weight),
        _ => return None,
    })
}

/// [`crate::plain::depthwise`] for strides 1 and 2; `None` for others.
pub(crate) fn depthwise(x: &Tensor<4>, weight: &Tensor<4>, stride: usize) -> Option<Tensor<4>> {
    match stride {
        1 | 2 => Some(apply(Depthwise { stride }, [x.clone().into(), weight.clone().into()])),
        _ => None,
    }
}

/// 1x1 convolution of feature maps laid one behind the other along the channels; the last argument is the weight.
#[derive(Clone, Debug)]
struct Pointwise;

impl Pointwise {
    fn sizes<const N: usize>(arguments: &[Array; N]) -> pointwise::Sizes {
        let [batch, _, height, width] = arguments[0].dims();
        let [output, input, _, _] = arguments[N - 1].dims();
        let mut channels = 0;
        for x in &arguments[..N - 1] {
            let [n, c, h, w] = x.dims();
            let (size, first) = ([n, h, w], [batch, height, width]);
            assert!(size == first, "feature maps of [batch, height, width] {first:?} and {size:?} cannot be joined");
            channels += c;
        }
        check_channels(channels, input);
        pointwise::Sizes { batch, input, output, plane: height * width }
    }
}

impl<const N: usize> Operation<N> for Pointwise {
    type Kept = [Array; N];

    fn forward(&self, arguments: &[Array; N]) -> Array {
        let sizes = Self::sizes(arguments);
        let xs: Vec<&[f32]> = arguments[..N - 1].iter().map(Array::values).collect();
        let [batch, _, height, width] = arguments[0].dims();
        let y = pointwise::forward(&xs, arguments[N - 1].values(), sizes);
        Array::new(y, &[batch, sizes.output, height, width])
    }

    fn forward_keeping(&self, arguments: [Array; N]) -> (Array, [Array; N]) {
        (self.forward(&arguments), arguments)
    }

    fn backward(&self, kept: [Array; N], dy: Array, wanted: [bool; N]) -> [Option<Array>; N] {
        let sizes = Self::sizes(&kept);
        let weight = &kept[N - 1];
        let mut gradients = [const { None }; N];
        let mut dweight = vec![0.0; sizes.output * sizes.input];
        let mut first = 0;
        for (index, x) in kept[..N - 1].iter().enumerate() {
            let [_, count, _, _] = x.dims::<4>();
            if wanted[index] {
                let dx = pointwise::input_gradient(dy.values(), weight.values(), sizes, first, count);
                gradients[index] = Some(Array::new(dx, &x.dims::<4>()));
            }
            if wanted[N - 1] {
                let part = pointwise::Sizes { input: count, ..sizes };
                let of_part = pointwise::weight_gradient(x.values(), dy.values(), part);
                let rows = dweight.chunks_exact_mut(sizes.input).zip(of_part.chunks_exact(count));
                rows.for_each(|(row, from)| row[first..first + count].copy_from_slice(from));
            }
            first += count;
        }
        gradients[N - 1] = Some(Array::new(dweight, &weight.dims::<4>()));
        gradients
    }
}

#[derive(Clone, Debug)]
struct Columns {
    stride: usize,
}

impl Columns {
    fn sizes(&self, [x, weight]: &[Array; 2]) -> columns::Sizes {
        let ([batch, channels, height, width], [output, input, _, _]) = (x.dims(), weight.dims());
        check_channels(channels, input);
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
    fn sizes(&self, [x, weight]: &[Array; 2]) -> depthwise::Sizes {
        let ([batch, channels, height, width], shape) = (x.dims(), weight.dims::<4>());
        check_channels(channels, shape[0]);
        assert!(shape[1..] == [1, 3, 3], "depthwise kernels are [channels, 1, 3, 3], not {shape:?}");
        depthwise::Sizes { batch, channels, height, width, stride: self.stride }
    }
}

impl Operation<2> for Depthwise {
    type Kept = [Array; 2];

    fn forward(&self, arguments: &[Array; 2]) -> Array {
        let [x, weight] = arguments;
        let sizes = self.sizes(arguments);
        let shape =
            [sizes.batch, sizes.channels, sizes.height.div_ceil(self.stride), sizes.width.div_ceil(self.stride)];
        Array::new(depthwise::forward(x.values(), weight.values(), sizes), &shape)
    }

    fn forward_keeping(&self, arguments: [Array; 2]) -> (Array, [Array; 2]) {
        (self.forward(&arguments), arguments)
    }

    fn backward(&self, kept: [Array; 2], dy: Array, _: [bool; 2]) -> [Option<Array>; 2] {
        let sizes = self.sizes(&kept);
        let [x, weight] = kept;
        let (dx, dweight) = depthwise::backward(x.values(), weight.values(), dy.values(), sizes);
        [Some(Array::new(dx, &x.dims::<4>())), Some(Array::new(dweight, &weight.dims::<4>()))]
    }
}

fn check_channels(feature_map: usize, kernels: usize) {
    assert!(feature_map == kernels, "kernels for {kernels} channels meet a feature map of {feature_map}");
}
