//! 1x1 convolutions of several maps.

use hnas_kernels::pointwise::{Destination, Target, Weights, Writing, backward, forward};
use hnas_kernels::{Block, Gathering, GradientSums, Moments, Reading, Slope, Sums, blocks, pack};
use rand::{RngExt, rngs::ChaCha8Rng};

use crate::naive::{
    CHANNELS, Convolution, Gradient, Input, KINDS, Kind, Map, Windows, assert_close, assert_gaps, assert_map, one_of,
    random, rng, statistics, unwritten, wide,
};

/// Below, at and above what is computed at once, for each kind of processor.
const PIXELS: [usize; 15] = [1, 3, 4, 5, 6, 7, 12, 13, 47, 48, 49, 95, 96, 100, 151];

/// Where gradients go, with what lies there before; some of it twice.
struct Targets {
    to: Vec<Target>,
    memory: Vec<Vec<Block>>,
    expected: Vec<Map>,
    /// The input whose gradient goes there, if it is the only one.
    of: Vec<Option<usize>>,
}

impl Targets {
    /// Of inputs with such gradients.
    fn random(gradients: &[Map], rng: &mut ChaCha8Rng) -> Targets {
        let mut targets = Targets { to: Vec::new(), memory: Vec::new(), expected: Vec::new(), of: Vec::new() };
        for (input, gradient) in gradients.iter().enumerate() {
            let (number, pixels, channels) = (targets.memory.len(), gradient.pixels(), gradient.channels);
            let used = targets.expected.iter().position(|map| map.channels == channels);
            match (rng.random_range(0..4), used) {
                (0, _) => targets.to.push(Target::Nowhere),
                (1, _) => {
                    targets.to.push(Target::Write(number));
                    targets.memory.push(unwritten(pixels, channels));
                    targets.expected.push(gradient.clone());
                    targets.of.push(Some(input));
                }
                (2, _) | (_, None) => {
                    targets.to.push(Target::Add(number));
                    let mut map = Map::random(pixels, channels, rng);
                    targets.memory.push(map.blocks());
                    map.add(gradient);
                    targets.expected.push(map);
                    targets.of.push(Some(input));
                }
                (_, Some(used)) => {
                    targets.to.push(Target::Add(used));
                    targets.expected[used].add(gradient);
                    targets.of[used] = None;
                }
            }
        }
        targets
    }

    /// Gathers what can be gathered while the gradients are written by `backward`, and checks all of it.
    fn check(&mut self, inputs: &[Input], what: &str, backward: impl FnOnce(&[Target], &mut [Destination])) {
        let of: Vec<Option<&Input>> = self.of.iter().map(|of| of.map(|input| &inputs[input])).collect();
        let channels: Vec<usize> = self.expected.iter().map(|map| map.channels).collect();
        let means: Vec<Vec<f32>> = channels.iter().map(|&channels| random(channels, &mut rng(1))).collect();
        let packed: Vec<Vec<Block>> = means.iter().map(|mean| pack(mean)).collect();
        let mut sums: Vec<GradientSums> =
            channels.iter().map(|&channels| GradientSums::new(blocks(channels))).collect();
        let mut destinations: Vec<Destination> = Vec::new();
        for (((map, of), mean), sums) in self.memory.iter_mut().zip(&of).zip(&packed).zip(&mut sums) {
            let gathering = of.map(|_| Gathering { sums, mean });
            destinations.push(Destination { map, gathering });
        }
        backward(&self.to, &mut destinations);
        for (number, sums) in sums.into_iter().enumerate() {
            let (expected, what) = (&self.expected[number], format!("{what}, {:?}, target {number}", self.to));
            assert_map(&self.memory[number], expected, &what);
            if let Some(input) = of[number].filter(|input| input.activation().is_some()) {
                input.assert_sums(sums, expected, &means[number], &what);
            }
        }
    }
}

/// The gradients of maps that lie one behind the other.
fn split(map: &Map, channels: &[usize]) -> Vec<Map> {
    let mut first = 0;
    let cut = |&channels: &usize| {
        first += channels;
        map.cut(first - channels, channels)
    };
    channels.iter().map(cut).collect()
}

fn check(seed: u64) {
    let rng = &mut rng(seed);
    let pixels = one_of(&PIXELS, rng);
    let mut channels: Vec<usize> = (0..rng.random_range(1..=4)).map(|_| one_of(&CHANNELS, rng)).collect();
    if rng.random() {
        let first = channels[0];
        channels.fill(first);
    }
    let outputs: Vec<usize> = (0..rng.random_range(1..=3)).map(|_| one_of(&CHANNELS, rng)).collect();
    let what = format!("case {seed}: {pixels} pixels, {channels:?} to {outputs:?}");

    let inputs: Vec<Input> = channels.iter().map(|&c| Input::random(pixels, c, one_of(&KINDS, rng), rng)).collect();
    let total: usize = channels.iter().sum();
    let weights: Vec<Vec<f32>> = outputs.iter().map(|&output| random(output * total, rng)).collect();
    let gradients: Vec<Gradient> =
        outputs.iter().map(|&output| Gradient::random(pixels, output, one_of(&KINDS, rng), rng)).collect();

    let x = Map::concat(&inputs.iter().map(Input::read).collect::<Vec<_>>());
    let windows = Windows { images: pixels, height: 1, width: 1, kernel: 1, stride: 1 };
    let expected: Vec<Convolution> = weights
        .iter()
        .zip(&gradients)
        .map(|(weight, gradient)| Convolution::of(windows, &x, &wide(weight), &gradient.read()))
        .collect();

    let named: Vec<(usize, &[f32])> = outputs.iter().copied().zip(weights.iter().map(Vec::as_slice)).collect();
    let packed = Weights::pack(&channels, &named);
    let readings: Vec<Reading> = inputs.iter().map(Input::reading).collect();
    let mut maps: Vec<Vec<Block>> = outputs.iter().map(|&output| unwritten(pixels, output)).collect();
    let mut sums: Vec<Option<Sums>> =
        outputs.iter().map(|&output| rng.random::<bool>().then(|| Sums::new(blocks(output)))).collect();
    let mut writings: Vec<Writing> =
        maps.iter_mut().zip(&mut sums).map(|(map, sums)| Writing { map, sums: sums.as_mut() }).collect();
    forward(&readings, &packed, &mut writings);
    for (product, (map, sums)) in maps.iter().zip(&sums).enumerate() {
        assert_map(map, &expected[product].y, &format!("{what}, product {product}"));
        if let Some(sums) = sums {
            let moments = Moments::of(std::slice::from_ref(sums), outputs[product]);
            let (mean, variance) = statistics(&Map::of(map, outputs[product]));
            assert_close(&wide(&moments.mean), &mean, &format!("{what}, mean {product}"));
            assert_close(&wide(&moments.variance), &variance, &format!("{what}, variance {product}"));
        }
    }

    let slopes: Vec<Slope> = gradients.iter().map(Gradient::slope).collect();
    let mut dx = Map::zeros(pixels, total);
    expected.iter().for_each(|expected| dx.add(&expected.dx));
    let mut gradient = vec![Block::ZERO; packed.gradient_blocks()];
    // Twice: what the weights get is added.
    for time in [1.0, 2.0] {
        Targets::random(&split(&dx, &channels), rng).check(&inputs, &what, |to, targets| {
            backward(&readings, &slopes, &packed, to, targets, &mut gradient);
        });
        let unpacked = packed.unpack(&gradient);
        for (product, (found, expected)) in unpacked.iter().zip(&expected).enumerate() {
            let expected: Vec<f64> = expected.dw.iter().map(|value| value * time).collect();
            assert_close(&wide(found), &expected, &format!("{what}, weight {product}"));
        }
        assert_gaps(&gradient, &unpacked.concat(), &what);
    }
}

#[test]
fn equals_its_definition() {
    (0..400).for_each(check);
}

/// Pixels that each have a single channel set give the weights, and these as a gradient give them back.
#[test]
fn weights_are_packed_and_unpacked() {
    for (inputs, outputs) in [(vec![1], vec![1]), (vec![3, 17], vec![20]), (vec![16, 5, 1], vec![5, 32, 17])] {
        let total: usize = inputs.iter().sum();
        let rng = &mut rng(7);
        let weights: Vec<Vec<f32>> = outputs.iter().map(|&output| random(output * total, rng)).collect();
        let named: Vec<(usize, &[f32])> = outputs.iter().copied().zip(weights.iter().map(Vec::as_slice)).collect();
        let packed = Weights::pack(&inputs, &named);

        let one_hot = Map::build(total, total, |pixel, channel| f64::from(u8::from(pixel == channel)));
        let plain = |map: Map| Input::new(map, Kind::Plain, Vec::new(), Vec::new());
        let maps: Vec<Input> = split(&one_hot, &inputs).into_iter().map(plain).collect();
        let readings: Vec<Reading> = maps.iter().map(Input::reading).collect();
        let mut found: Vec<Vec<Block>> = outputs.iter().map(|&output| unwritten(total, output)).collect();
        let mut writings: Vec<Writing> = found.iter_mut().map(|map| Writing { map, sums: None }).collect();
        forward(&readings, &packed, &mut writings);

        let slope = |(gradient, &output): (_, &usize)| Slope { gradient, blocks: blocks(output), normalized: None };
        let slopes: Vec<Slope> = found.iter().map(Vec::as_slice).zip(&outputs).map(slope).collect();
        let mut gradient = vec![Block::ZERO; packed.gradient_blocks()];
        backward(&readings, &slopes, &packed, &vec![Target::Nowhere; inputs.len()], &mut [], &mut gradient);
        assert_eq!(packed.unpack(&gradient), weights);
    }
}

#[test]
#[should_panic(expected = "2 x 3 weights are not 5")]
fn weights_of_another_size_are_refused() {
    Weights::pack(&[1, 2], &[(2, &[0.0; 5])]);
}

/// A training that has gone wrong must not look like one that has not.
#[test]
fn what_is_not_a_number_passes_a_relu() {
    for (pixels, channels, output) in [(5, 3, 5), (100, 20, 17)] {
        for pixel in [0, pixels / 2, pixels - 1] {
            let rng = &mut rng(1);
            let mut map = Map::random(pixels, channels, rng);
            *map.at_mut(pixel, channels - 1) = f64::NAN;
            let input = Input::new(map, Kind::Relu, vec![-0.5; channels], vec![0.25; channels]);
            let weight = random(output * channels, rng);
            let packed = Weights::pack(&[channels], &[(output, &weight)]);
            let (mut map, mut sums) = (unwritten(pixels, output), Sums::new(blocks(output)));
            forward(&[input.reading()], &packed, &mut [Writing { map: &mut map, sums: Some(&mut sums) }]);
            for (number, found) in map.chunks_exact(blocks(output)).enumerate() {
                let found = &hnas_kernels::values(found)[..output];
                assert!(found.iter().all(|value| value.is_nan() == (number == pixel)), "pixel {number}: {found:?}");
            }
            let Moments { mean, variance } = Moments::of(&[sums], output);
            assert!(mean.iter().chain(&variance).all(|value| value.is_nan()), "{mean:?} {variance:?}");
        }
    }
}
