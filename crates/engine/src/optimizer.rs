//! Stochastic gradient descent with momentum and weight decay (paper section 4).
//!
//! Written out over the tensor library's tensors, since a training that was interrupted goes on with the velocities that it
//! had, and the library's own optimiser keeps them under numbers that are drawn anew in each process.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::parameters::{Convolution, Linear, Norm, Parameters};
use crate::recipe::{Recipe, WeightDecayOn};

/// The recipe's optimiser, with the velocity of each parameter.
pub(crate) struct Optimizer {
    momentum: f32,
    /// The decay of kernels, and of what shifts and scales.
    decay: f32,
    others: f32,
    /// In the places of the parameters; those of running statistics stay 0.
    velocities: Parameters,
}

impl Optimizer {
    /// An optimiser at rest for `parameters`.
    pub(crate) fn new(recipe: &Recipe, parameters: &Parameters) -> Optimizer {
        let decay = recipe.weight_decay() as f32;
        let others = match recipe.weight_decay_on() {
            WeightDecayOn::All => decay,
            WeightDecayOn::ConvolutionsAndLinear => 0.0,
        };
        Optimizer { momentum: recipe.momentum() as f32, decay, others, velocities: parameters.zeros() }
    }

    /// The velocities, in the places of the parameters.
    pub(crate) fn velocities(&self) -> &Parameters {
        &self.velocities
    }

    /// Goes on with these velocities.
    pub(crate) fn set_velocities(&mut self, velocities: Parameters) {
        self.velocities = velocities;
    }

    /// One update of every trained parameter that has a gradient.
    pub(crate) fn step(&mut self, rate: f64, parameters: &mut Parameters, mut gradients: GradientsParams) {
        let Optimizer { momentum, decay, others, velocities } = self;
        let (kernels, others) =
            (Rule { rate, momentum: *momentum, decay: *decay }, Rule { rate, momentum: *momentum, decay: *others });
        for (layer, velocity) in parameters.convolutions.iter_mut().zip(&mut velocities.convolutions) {
            let Convolution { name: _, weight, norm } = layer;
            kernels.update(weight, &mut velocity.weight, &mut gradients);
            if let Some((Norm { gamma, beta, mean: _, variance: _ }, velocity)) =
                norm.as_mut().zip(velocity.norm.as_mut())
            {
                others.update(gamma, &mut velocity.gamma, &mut gradients);
                others.update(beta, &mut velocity.beta, &mut gradients);
            }
        }
        for (Linear { name: _, weight, bias }, velocity) in parameters.linears.iter_mut().zip(&mut velocities.linears) {
            kernels.update(weight, &mut velocity.weight, &mut gradients);
            others.update(bias, &mut velocity.bias, &mut gradients);
        }
    }
}

/// `v = momentum v + gradient + decay weight; weight -= rate v`
#[derive(Clone, Copy)]
struct Rule {
    rate: f64,
    momentum: f32,
    decay: f32,
}

impl Rule {
    fn update<const D: usize>(
        self,
        param: &mut Param<Tensor<D>>,
        velocity: &mut Param<Tensor<D>>,
        gradients: &mut GradientsParams,
    ) {
        let Some(gradient) = gradients.remove::<D>(param.id) else { return };
        let Rule { rate, momentum, decay } = self;
        let weight = param.val().inner();
        let gradient = if decay == 0.0 { gradient } else { weight.clone().mul_scalar(decay).add(gradient) };
        replace(velocity, |velocity| gradient.add(velocity.mul_scalar(momentum)));
        let step = velocity.val().mul_scalar(rate);
        drop(weight);
        replace(param, |weight| {
            let tracked = weight.is_require_grad();
            let updated = Tensor::from_inner(weight.inner().sub(step));
            if tracked { updated.require_grad() } else { updated }
        });
    }
}

/// Changes a parameter's tensor; the old one is given away, so that it may be written in place.
fn replace<const D: usize>(param: &mut Param<Tensor<D>>, change: impl FnOnce(Tensor<D>) -> Tensor<D>) {
    let nothing = Param::initialized(param.id, Tensor::empty([0; D], &param.device()));
    *param = std::mem::replace(param, nothing).map(change);
}
