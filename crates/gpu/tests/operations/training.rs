//! All of it at once: a small network memorises some images, with nothing read back but the loss.

use hnas_gpu::augmentation::{Cut, Cuts, Images, cut};
use hnas_gpu::conv::{self, Layout, Product, Window};
use hnas_gpu::norm::{self, Moments, Norm};
use hnas_gpu::norm_gradient::{self, NormGradient, Normalized};
use hnas_gpu::sgd::{self, Descent};
use hnas_gpu::{
    Activation, Buffer, Coefficients, Machine, Map, PART, Precision, Reading, Slope, Target, depthwise, head, pitch,
    pool,
};

use crate::sample::{PRECISIONS, Random, download, machine};

const BATCH: usize = 12;
const SIDE: usize = 8;
const CLASSES: usize = 4;
const EPSILON: f32 = 1e-5;

/// Parameters, and what follows their shape, each in one buffer; the parts are handed out one after the other.
struct Parameters {
    weights: Buffer<f32>,
    gradients: Buffer<f32>,
    velocities: Buffer<f32>,
    used: usize,
}

/// One parameter with its gradient.
struct Parameter {
    weight: Buffer<f32>,
    gradient: Buffer<f32>,
}

impl Parameters {
    fn next(&mut self, machine: &Machine, values: &[f32]) -> Parameter {
        let range = self.used..self.used + values.len();
        self.used = range.end.next_multiple_of(PART / 4);
        let weight = self.weights.part(range.clone());
        machine.write(&weight, values);
        Parameter { weight, gradient: self.gradients.part(range) }
    }
}

/// A convolution's map with its batch normalisation and ReLU.
struct Layer {
    map: Map,
    gradient: Map,
    kernel: Parameter,
    gamma: Parameter,
    beta: Parameter,
    moments: Moments,
    activation: Activation,
    coefficients: Coefficients,
}

impl Layer {
    fn new(
        machine: &Machine,
        precision: Precision,
        parameters: &mut Parameters,
        channels: usize,
        kernel: &[f32],
    ) -> Layer {
        let pitch = pitch(channels);
        let filled = |value: f32| (0..pitch).map(|at| if at < channels { value } else { 0.0 }).collect::<Vec<f32>>();
        Layer {
            map: Map::room(machine, precision, BATCH * SIDE * SIDE, channels),
            gradient: Map::room(machine, precision, BATCH * SIDE * SIDE, channels),
            kernel: parameters.next(machine, kernel),
            gamma: parameters.next(machine, &filled(1.0)),
            beta: parameters.next(machine, &filled(0.0)),
            moments: Moments(machine.room(2 * pitch)),
            activation: Activation(machine.room(3 * pitch)),
            coefficients: Coefficients(machine.room(3 * pitch)),
        }
    }

    fn reading(&self) -> Reading<'_> {
        Reading { map: &self.map, activation: Some(&self.activation) }
    }

    fn slope(&self) -> Slope<'_> {
        let normalized = Some((&self.map, &self.activation, &self.coefficients));
        Slope { gradient: &self.gradient, normalized }
    }

    fn normalize(&self, machine: &Machine) {
        let norm = Norm { gamma: &self.gamma.weight, beta: &self.beta.weight, epsilon: EPSILON, relu: true };
        norm::batch_statistics(machine, &self.map, norm, &self.moments, &self.activation);
    }

    fn through_normalization(&self, machine: &Machine) {
        let of = Normalized {
            map: &self.map,
            gradient: &self.gradient,
            moments: &self.moments,
            activation: &self.activation,
            gamma: &self.gamma.weight,
            epsilon: EPSILON,
        };
        let (gamma, beta) = (&self.gamma.gradient, &self.beta.gradient);
        norm_gradient::gradients(machine, of, NormGradient { gamma, beta, coefficients: &self.coefficients });
    }
}

#[test]
fn a_network_memorises_images() {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::new(14);
        let zeros = vec![0.0; 16_384];
        let [weights, gradients, velocities] = [(); 3].map(|()| machine.upload(&zeros));
        let mut parameters = Parameters { weights, gradients, velocities, used: 0 };
        let mut drawn = |count: usize, inputs: usize| -> Vec<f32> {
            random.numbers(count).iter().map(|number| number * (6.0 / inputs as f32).sqrt()).collect()
        };

        // Images, a 3x3 convolution, a depthwise one of it, a 1x1 one of both, and a classifier of its mean.
        let (large, small) = (
            Window { height: SIDE, width: SIDE, kernel: 3, stride: 1 },
            Window { height: SIDE, width: SIDE, kernel: 1, stride: 1 },
        );
        let size = depthwise::Size { height: SIDE, width: SIDE, stride: 1 };
        let stem_layout = Layout { inputs: vec![3], outputs: 16, kernel: 3 };
        let joined_layout = Layout { inputs: vec![16, 16], outputs: 24, kernel: 1 };
        let linear_layout = Layout { inputs: vec![24], outputs: CLASSES, kernel: 1 };
        let point = Window { height: 1, width: 1, kernel: 1, stride: 1 };
        let stem = Layer::new(&machine, precision, &mut parameters, 16, &stem_layout.pack(&drawn(432, 27)));
        let each = Layer::new(&machine, precision, &mut parameters, 16, &depthwise::pack(&drawn(144, 9)));
        let joined = Layer::new(&machine, precision, &mut parameters, 24, &joined_layout.pack(&drawn(768, 32)));
        let linear = parameters.next(&machine, &linear_layout.pack(&drawn(96, 24)));
        let bias = parameters.next(&machine, &[0.0; 16]);
        let [mean, mean_gradient] = [(); 2].map(|()| Map::room(&machine, precision, BATCH, 24));
        let [logits, logits_gradient] = [(); 2].map(|()| Map::room(&machine, precision, BATCH, CLASSES));
        let (loss, rate) = (machine.upload(&[0.0]), machine.upload(&[0.1]));

        let bytes: Vec<u8> = (0..BATCH * 3 * 10 * 10).map(|_| random.below(256) as u8).collect();
        let images = Images::upload(&machine, &bytes, 3, 10, 10);
        let normalizer = machine.upload(&[2.0 / 255.0, 2.0 / 255.0, 2.0 / 255.0, -1.0, -1.0, -1.0]);
        let labels = machine.upload(&(0..BATCH as u32).map(|image| image % CLASSES as u32).collect::<Vec<u32>>());
        let (cuts, batch) = (Cuts::room(&machine, BATCH), Map::room(&machine, precision, BATCH * SIDE * SIDE, 3));
        let input = Reading { map: &batch, activation: None };

        let mut first = 0.0;
        for step in 0..60 {
            let cut_of = |image: u32| Cut { image, top: step % 3, left: step / 3 % 3, mirrored: step % 2 == 1 };
            cuts.write(&machine, &images, SIDE, SIDE, &(0..BATCH as u32).map(cut_of).collect::<Vec<Cut>>());
            cut(&machine, &images, &cuts, &normalizer, SIDE, SIDE, &batch);

            conv::forward(&machine, &[input], large, &stem.kernel.weight, &stem.map);
            stem.normalize(&machine);
            depthwise::forward(&machine, stem.reading(), size, &each.kernel.weight, &each.map);
            each.normalize(&machine);
            let both = [stem.reading(), each.reading()];
            conv::forward(&machine, &both, small, &joined.kernel.weight, &joined.map);
            joined.normalize(&machine);
            pool::global_forward(&machine, joined.reading(), SIDE * SIDE, &mean);
            let mean_reading = Reading { map: &mean, activation: None };
            conv::forward(&machine, &[mean_reading], point, &linear.weight, &logits);
            head::add_bias(&machine, &logits, &bias.weight);
            head::cross_entropy(&machine, &logits, &labels, &logits_gradient, (&loss, 0));

            let slope = Slope { gradient: &logits_gradient, normalized: None };
            let product = Product { slope, weights: &linear.weight };
            head::bias_gradient(&machine, &logits_gradient, &bias.gradient);
            conv::weight_gradient(&machine, &[mean_reading], slope, point, &linear.gradient);
            conv::input_gradient(&machine, &[product], &[24], 0, point, Target::Write(&mean_gradient));
            pool::global_backward(&machine, &mean_gradient, SIDE * SIDE, Target::Write(&joined.gradient));
            joined.through_normalization(&machine);
            norm_gradient::settle(&machine, joined.slope());
            let slope = Slope { normalized: None, ..joined.slope() };
            let product = Product { slope, weights: &joined.kernel.weight };
            conv::weight_gradient(&machine, &both, slope, small, &joined.kernel.gradient);
            conv::input_gradient(&machine, &[product], &[16, 16], 0, small, Target::Write(&stem.gradient));
            conv::input_gradient(&machine, &[product], &[16, 16], 1, small, Target::Write(&each.gradient));
            each.through_normalization(&machine);
            depthwise::weight_gradient(&machine, stem.reading(), each.slope(), size, &each.kernel.gradient);
            depthwise::input_gradient(&machine, each.slope(), size, &each.kernel.weight, Target::Add(&stem.gradient));
            stem.through_normalization(&machine);
            conv::weight_gradient(&machine, &[input], stem.slope(), large, &stem.kernel.gradient);

            let Parameters { weights, gradients, velocities, .. } = &parameters;
            sgd::step(&machine, Descent { momentum: 0.9, decay: 1e-4 }, &rate, gradients, velocities, weights);
            if step == 0 {
                first = download(&machine, &loss)[0];
            }
        }
        let last = download(&machine, &loss)[0];
        assert!(first > 1.0 && last < 0.1, "the loss went from {first} to {last} in {precision:?}");
    }
}
