//! What a network learns: the burn module that owns every parameter and every running statistic.
//!
//! It knows no graph: [`Network`](crate::network::Network) says which layer is used where.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use crate::initializer::{Fan, Initializer};

/// All layers with parameters, each kind in the order of the graph.
#[derive(Module, Debug)]
pub(crate) struct Parameters {
    pub(crate) convolutions: Vec<Convolution>,
    pub(crate) linears: Vec<Linear>,
}

/// A convolution without bias and, unless it is followed by another one directly, its batch normalisation.
#[derive(Module, Debug)]
pub(crate) struct Convolution {
    /// Its name in a file of weights.
    #[module(skip)]
    pub(crate) name: String,
    /// `[out, in, k, k]`, of a depthwise one `[channels, 1, 3, 3]`.
    pub(crate) weight: Param<Tensor<4>>,
    pub(crate) norm: Option<Norm>,
}

/// Batch normalisation; all `[channels]`.
#[derive(Module, Debug)]
pub(crate) struct Norm {
    pub(crate) gamma: Param<Tensor<1>>,
    pub(crate) beta: Param<Tensor<1>>,
    /// Running mean and variance: never trained, so they live on the device without autodiff.
    pub(crate) mean: Param<Tensor<1>>,
    pub(crate) variance: Param<Tensor<1>>,
}

/// The classifier.
#[derive(Module, Debug)]
pub(crate) struct Linear {
    /// Its name in a file of weights.
    #[module(skip)]
    pub(crate) name: String,
    /// `[in, out]`
    pub(crate) weight: Param<Tensor<2>>,
    /// `[out]`
    pub(crate) bias: Param<Tensor<1>>,
}

/// Mean and biased variance of a batch, seen by the batch normalisation of a convolution.
pub(crate) struct BatchStatistics {
    pub(crate) convolution: usize,
    pub(crate) mean: Tensor<1>,
    pub(crate) variance: Tensor<1>,
}

impl Convolution {
    /// First weights for `shape` `[out, in, k, k]`, drawn from `rng`.
    pub(crate) fn new(
        name: String,
        shape: [usize; 4],
        normalized: bool,
        initializer: Initializer,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Convolution {
        let [out, input, height, width] = shape;
        // A depthwise kernel reads and writes one channel.
        let depthwise = input == 1 && out > 1 && height == 3;
        let outputs = if depthwise { height * width } else { out * height * width };
        let fan = Fan { inputs: input * height * width, outputs };
        let weights = initializer.draw(shape.iter().product(), fan, rng);
        Convolution {
            name,
            weight: Param::from_data(TensorData::new(weights, shape), device),
            norm: normalized.then(|| Norm::new(out, device)),
        }
    }
}

impl Norm {
    fn new(channels: usize, device: &Device) -> Norm {
        let plain = device.clone().without_autodiff();
        Norm {
            gamma: Param::from_tensor(Tensor::ones([channels], device)),
            beta: Param::from_tensor(Tensor::zeros([channels], device)),
            mean: statistic(Tensor::zeros([channels], &plain)),
            variance: statistic(Tensor::ones([channels], &plain)),
        }
    }

    fn update(&mut self, mean: Tensor<1>, variance: Tensor<1>, momentum: f64) {
        let mix = |running: &Param<Tensor<1>>, batch: Tensor<1>| {
            statistic(running.val() * (1.0 - momentum) + batch.without_autodiff() * momentum)
        };
        self.mean = mix(&self.mean, mean);
        self.variance = mix(&self.variance, variance);
    }
}

/// A tensor that has no gradient.
pub(crate) fn statistic<const D: usize>(value: Tensor<D>) -> Param<Tensor<D>> {
    Param::initialized(ParamId::new(), value)
}

/// Puts other numbers, as many, into a parameter.
pub(crate) fn overwrite<const D: usize>(param: &mut Param<Tensor<D>>, numbers: Vec<f32>) {
    let data = TensorData::new(numbers, param.dims());
    *param = param.clone().map(|old| {
        let new = Tensor::from_data(data, &old.device());
        if old.is_require_grad() { new.require_grad() } else { new }
    });
}

impl Linear {
    /// First weights for `inputs` features, drawn from `rng`; the bias starts at 0.
    pub(crate) fn new(
        name: String,
        [inputs, outputs]: [usize; 2],
        initializer: Initializer,
        device: &Device,
        rng: &mut ChaCha8Rng,
    ) -> Linear {
        let weights = initializer.draw(inputs * outputs, Fan { inputs, outputs }, rng);
        Linear {
            name,
            weight: Param::from_data(TensorData::new(weights, [inputs, outputs]), device),
            bias: Param::from_tensor(Tensor::zeros([outputs], device)),
        }
    }
}

impl Parameters {
    /// No layers.
    pub(crate) fn none() -> Parameters {
        Parameters { convolutions: Vec::new(), linears: Vec::new() }
    }

    /// A zero for each number, without autodiff.
    pub(crate) fn zeros(&self) -> Parameters {
        fn zero<const D: usize>(param: &Param<Tensor<D>>) -> Param<Tensor<D>> {
            statistic(Tensor::zeros(param.dims(), &param.device().without_autodiff()))
        }
        let norm = |Norm { gamma, beta, mean, variance }: &Norm| Norm {
            gamma: zero(gamma),
            beta: zero(beta),
            mean: zero(mean),
            variance: zero(variance),
        };
        let convolution = |Convolution { name, weight, norm: own }: &Convolution| Convolution {
            name: name.clone(),
            weight: zero(weight),
            norm: own.as_ref().map(norm),
        };
        let linear = |Linear { name, weight, bias }: &Linear| Linear {
            name: name.clone(),
            weight: zero(weight),
            bias: zero(bias),
        };
        Parameters {
            convolutions: self.convolutions.iter().map(convolution).collect(),
            linears: self.linears.iter().map(linear).collect(),
        }
    }

    /// Trained numbers, counted on the module.
    pub(crate) fn trained(&self) -> usize {
        let mut count = Trained(0);
        self.visit(&mut count);
        count.0
    }

    /// Trained numbers and running statistics, counted on the module.
    pub(crate) fn with_statistics(&self) -> usize {
        self.num_params()
    }

    /// Mixes a batch's statistics into the running ones: `running = (1 - momentum) * running + momentum * batch`.
    pub(crate) fn update_statistics(&mut self, batch: Vec<BatchStatistics>, momentum: f64) {
        for BatchStatistics { convolution, mean, variance } in batch {
            if let Some(norm) = &mut self.convolutions[convolution].norm {
                norm.update(mean, variance, momentum);
            }
        }
    }
}

/// Counts the numbers that take a gradient.
struct Trained(usize);

impl ModuleVisitor for Trained {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.0 += param.lazy_shape().num_elements();
        }
    }
}
