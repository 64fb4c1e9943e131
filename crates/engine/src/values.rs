//! A number for each number of a network's parameters, on the host: the parameters themselves, or their gradients
//! together with the statistics of a batch.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::parameters::{BatchStatistics, Convolution, Linear, Norm, Parameters, overwrite};

/// Numbers of all layers, in the order of [`Parameters`].
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub(crate) convolutions: Vec<ConvolutionValues>,
    pub(crate) linears: Vec<LinearValues>,
}

#[derive(Clone, Debug)]
pub(crate) struct ConvolutionValues {
    /// Whether any step of a program has the layer: not one that the output does not depend on.
    pub(crate) found: bool,
    /// `[out, in, k, k]`, of a depthwise one `[channels, 1, 3, 3]`.
    pub(crate) weight: Vec<f32>,
    /// `[channels]`, as all below; empty without a batch normalisation.
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
    /// Running, or of a batch.
    pub(crate) mean: Vec<f32>,
    /// Running, or the biased one of a batch.
    pub(crate) variance: Vec<f32>,
}

#[derive(Clone, Debug)]
pub(crate) struct LinearValues {
    /// `[in, out]`
    pub(crate) weight: Vec<f32>,
    /// `[out]`
    pub(crate) bias: Vec<f32>,
}

impl ConvolutionValues {
    pub(crate) fn zeros(weights: usize, channels: usize) -> ConvolutionValues {
        let [gamma, beta, mean, variance] = std::array::from_fn(|_| vec![0.0; channels]);
        ConvolutionValues { found: false, weight: vec![0.0; weights], gamma, beta, mean, variance }
    }
}

impl LinearValues {
    pub(crate) fn zeros(weights: usize, outputs: usize) -> LinearValues {
        LinearValues { weight: vec![0.0; weights], bias: vec![0.0; outputs] }
    }
}

impl Values {
    /// Of no layers.
    pub(crate) fn none() -> Values {
        Values { convolutions: Vec::new(), linears: Vec::new() }
    }

    /// A zero for each number.
    pub(crate) fn zeros(&self) -> Values {
        let convolution = |own: &ConvolutionValues| ConvolutionValues::zeros(own.weight.len(), own.gamma.len());
        let linear = |own: &LinearValues| LinearValues::zeros(own.weight.len(), own.bias.len());
        Values {
            convolutions: self.convolutions.iter().map(convolution).collect(),
            linears: self.linears.iter().map(linear).collect(),
        }
    }

    /// The parameters and the running statistics.
    pub(crate) fn of(parameters: &Parameters) -> Values {
        let Parameters { convolutions, linears } = parameters;
        let convolution = |Convolution { name: _, weight, norm }: &Convolution| {
            let of = |pick: fn(&Norm) -> &Param<Tensor<1>>| norm.as_ref().map_or(Vec::new(), |norm| read(pick(norm)));
            ConvolutionValues {
                found: true,
                weight: read(weight),
                gamma: of(|norm| &norm.gamma),
                beta: of(|norm| &norm.beta),
                mean: of(|norm| &norm.mean),
                variance: of(|norm| &norm.variance),
            }
        };
        let linear =
            |Linear { name: _, weight, bias }: &Linear| LinearValues { weight: read(weight), bias: read(bias) };
        Values {
            convolutions: convolutions.iter().map(convolution).collect(),
            linears: linears.iter().map(linear).collect(),
        }
    }

    /// Writes the parameters and the running statistics; the other way of [`Values::of`].
    pub(crate) fn write(self, parameters: &mut Parameters) {
        let Parameters { convolutions, linears } = parameters;
        for (Convolution { name: _, weight, norm }, own) in convolutions.iter_mut().zip(self.convolutions) {
            overwrite(weight, own.weight);
            if let Some(Norm { gamma, beta, mean, variance }) = norm {
                overwrite(gamma, own.gamma);
                overwrite(beta, own.beta);
                overwrite(mean, own.mean);
                overwrite(variance, own.variance);
            }
        }
        for (Linear { name: _, weight, bias }, own) in linears.iter_mut().zip(self.linears) {
            overwrite(weight, own.weight);
            overwrite(bias, own.bias);
        }
    }

    /// Gradients and a batch's statistics as the optimiser and the running statistics take them.
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

fn read<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().iter::<f32>().collect()
}
