//! Parameters as plain numbers, as a program reads them.

use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::module::Param;
use burn::tensor::Tensor;

use crate::parameters::{Convolution, Linear, Norm, Parameters};
use crate::values::{ConvolutionValues, LinearValues, Values};

/// The numbers of all layers, shared with their tensors.
pub(crate) struct Layers {
    pub(crate) convolutions: Vec<ConvolutionNumbers>,
    pub(crate) linears: Vec<LinearNumbers>,
}

pub(crate) struct ConvolutionNumbers {
    /// `[out, in, k, k]`, of a depthwise one `[channels, 1, 3, 3]`.
    pub(crate) weight: Numbers,
    pub(crate) outputs: usize,
    pub(crate) norm: Option<NormNumbers>,
}

/// All `[channels]`.
pub(crate) struct NormNumbers {
    pub(crate) gamma: Numbers,
    pub(crate) beta: Numbers,
    pub(crate) mean: Numbers,
    pub(crate) variance: Numbers,
}

pub(crate) struct LinearNumbers {
    /// `[in, out]`
    pub(crate) weight: Numbers,
    /// `[out]`
    pub(crate) bias: Numbers,
}

/// The numbers of a tensor on the CPU.
pub(crate) struct Numbers(FlexTensor);

impl Numbers {
    fn of<const D: usize>(param: &Param<Tensor<D>>) -> Numbers {
        let (tensor, expectation) = (param.val(), "a program runs on the CPU backend");
        let tensor = if tensor.device().is_autodiff() {
            tensor.try_into_primitive::<Autodiff<Flex>>().expect(expectation).primitive().clone()
        } else {
            tensor.try_into_primitive::<Flex>().expect(expectation)
        };
        Numbers(if tensor.as_slice::<f32>().is_some() { tensor } else { tensor.to_contiguous() })
    }

    pub(crate) fn get(&self) -> &[f32] {
        self.0.as_slice().expect("the only constructor takes 32-bit floats in order")
    }
}

impl Layers {
    pub(crate) fn of(parameters: &Parameters) -> Layers {
        let Parameters { convolutions, linears } = parameters;
        let norm = |Norm { gamma, beta, mean, variance }: &Norm| NormNumbers {
            gamma: Numbers::of(gamma),
            beta: Numbers::of(beta),
            mean: Numbers::of(mean),
            variance: Numbers::of(variance),
        };
        let convolution = |Convolution { name: _, weight, norm: own }: &Convolution| ConvolutionNumbers {
            weight: Numbers::of(weight),
            outputs: weight.dims()[0],
            norm: own.as_ref().map(norm),
        };
        let linear = |Linear { name: _, weight, bias }: &Linear| LinearNumbers {
            weight: Numbers::of(weight),
            bias: Numbers::of(bias),
        };
        Layers {
            convolutions: convolutions.iter().map(convolution).collect(),
            linears: linears.iter().map(linear).collect(),
        }
    }
}

impl Layers {
    /// A zero for each number.
    pub(crate) fn zeros(&self) -> Values {
        let convolution = |layer: &ConvolutionNumbers| {
            let channels = layer.norm.as_ref().map_or(0, |norm| norm.gamma.get().len());
            ConvolutionValues::zeros(layer.weight.get().len(), channels)
        };
        let linear = |layer: &LinearNumbers| LinearValues::zeros(layer.weight.get().len(), layer.bias.get().len());
        Values {
            convolutions: self.convolutions.iter().map(convolution).collect(),
            linears: self.linears.iter().map(linear).collect(),
        }
    }
}
