//! Parameters as plain numbers: what a program reads, and the gradients it gives.

use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::parameters::{BatchStatistics, Convolution, Linear, Norm, Parameters};

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

/// The gradients of all parameters and the statistics of the batch; zeros where no step gave any.
pub(crate) struct Gradients {
    pub(crate) convolutions: Vec<ConvolutionGradients>,
    pub(crate) linears: Vec<LinearGradients>,
}

pub(crate) struct ConvolutionGradients {
    /// Whether any step gave any: not of a layer that the output does not depend on.
    pub(crate) found: bool,
    pub(crate) weight: Vec<f32>,
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
    /// Mean of each channel over the batch.
    pub(crate) mean: Vec<f32>,
    /// Biased variance of each channel over the batch.
    pub(crate) variance: Vec<f32>,
}

pub(crate) struct LinearGradients {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Gradients {
    /// Of no layers.
    pub(crate) fn none() -> Gradients {
        Gradients { convolutions: Vec::new(), linears: Vec::new() }
    }

    pub(crate) fn zeros(layers: &Layers) -> Gradients {
        let convolution = |layer: &ConvolutionNumbers| {
            let channels = || vec![0.0; layer.norm.as_ref().map_or(0, |norm| norm.gamma.get().len())];
            let weight = vec![0.0; layer.weight.get().len()];
            let [gamma, beta, mean, variance] = std::array::from_fn(|_| channels());
            ConvolutionGradients { found: false, weight, gamma, beta, mean, variance }
        };
        let linear = |layer: &LinearNumbers| LinearGradients {
            weight: vec![0.0; layer.weight.get().len()],
            bias: vec![0.0; layer.bias.get().len()],
        };
        Gradients {
            convolutions: layers.convolutions.iter().map(convolution).collect(),
            linears: layers.linears.iter().map(linear).collect(),
        }
    }

    /// The same as the optimiser and the running statistics take them.
    pub(crate) fn into_tensors(
        self,
        parameters: &Parameters,
        device: &Device,
    ) -> (GradientsParams, Vec<BatchStatistics>) {
        let (mut gradients, mut statistics) = (GradientsParams::new(), Vec::new());
        let vector = |numbers: Vec<f32>| {
            let length = numbers.len();
            Tensor::<1>::from_data(TensorData::new(numbers, [length]), device)
        };
        for (number, (layer, found)) in parameters.convolutions.iter().zip(self.convolutions).enumerate() {
            if !found.found {
                continue;
            }
            let weight = Tensor::<4>::from_data(TensorData::new(found.weight, layer.weight.dims()), device);
            gradients.register(layer.weight.id, weight);
            if let Some(norm) = &layer.norm {
                gradients.register(norm.gamma.id, vector(found.gamma));
                gradients.register(norm.beta.id, vector(found.beta));
                let [mean, variance] = [found.mean, found.variance].map(vector);
                statistics.push(BatchStatistics { convolution: number, mean, variance });
            }
        }
        for (layer, found) in parameters.linears.iter().zip(self.linears) {
            let weight = Tensor::<2>::from_data(TensorData::new(found.weight, layer.weight.dims()), device);
            gradients.register(layer.weight.id, weight);
            gradients.register(layer.bias.id, vector(found.bias));
        }
        (gradients, statistics)
    }
}
