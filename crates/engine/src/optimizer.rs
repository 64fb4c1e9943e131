//! Stochastic gradient descent with momentum and weight decay (paper section 4).

use burn::module::ParamGroup;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};

use crate::parameters::Parameters;
use crate::recipe::{Recipe, WeightDecayOn};

/// The recipe's optimiser, with the velocity of each parameter.
pub(crate) struct Optimizer(ModuleOptimizer);

impl Optimizer {
    /// An optimiser at rest for `parameters`.
    pub(crate) fn new(recipe: &Recipe, parameters: &Parameters) -> Optimizer {
        // burn's own default dampens the gradient by 0.1; the paper's momentum has none.
        let momentum = MomentumConfig::new().with_momentum(recipe.momentum()).with_dampening(0.0);
        let plain = SgdConfig::new().with_momentum(Some(momentum));
        let decaying = plain.clone().with_weight_decay(Some(WeightDecayConfig::new(recipe.weight_decay() as f32)));
        let all = ModuleOptimizer::from(decaying.build());
        Optimizer(match recipe.weight_decay_on() {
            WeightDecayOn::All => all,
            WeightDecayOn::ConvolutionsAndLinear => {
                all.with_group(ParamGroup::from_ids(parameters.shifts_and_scales()), plain.build(), None)
            }
        })
    }

    /// One update of every trained parameter.
    pub(crate) fn step(&mut self, rate: f64, parameters: Parameters, gradients: GradientsParams) -> Parameters {
        self.0.step(rate, parameters, gradients)
    }
}
