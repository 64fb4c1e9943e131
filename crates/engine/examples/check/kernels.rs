//! The time of each kernel, and which part of the memory's speed it reaches.

use std::error::Error;

use hnas_gpu::augmentation::{Cut, Cuts, Images, cut};
use hnas_gpu::conv::{self, Layout, Product, Window};
use hnas_gpu::copy::copy;
use hnas_gpu::norm::{self, Moments, Norm};
use hnas_gpu::norm_gradient::{self, NormGradient, Normalized};
use hnas_gpu::pool::{self, Winners};
use hnas_gpu::sgd::{self, Descent};
use hnas_gpu::sum::{self, Part};
use hnas_gpu::{
    Activation, BLOCK, Buffer, Coefficients, Machine, Map, Precision, Reading, Slope, Target, TooLarge, depthwise,
    head, pitch,
};

use crate::seconds;

/// Bytes a second of a copy of so many values: reading and writing.
pub(crate) fn copy_bandwidth(machine: &Machine, values: usize) -> Result<f64, Box<dyn Error>> {
    let map = || Ok::<Map, TooLarge>(Map::new(machine.room_of_its_own(values)?, Precision::F32, BLOCK));
    let (from, to) = (map()?, map()?);
    Ok((2 * values * size_of::<f32>()) as f64 / seconds(machine, || copy(machine, &from, &to))?)
}

/// Prints a line for each kernel, on maps as the search and the large model have them.
pub(crate) fn measure(machine: &Machine, bandwidth: f64) -> Result<(), Box<dyn Error>> {
    let (search, large) = if machine.is_software() { (2, 1) } else { (256, 64) };
    for (model, batch, side, channels) in [("search", search, 24, 16), ("large", large, 32, 64)] {
        for precision in [Precision::F32, Precision::Bf16] {
            println!(
                "\nkernels      {model} model: {batch} images of {side}x{side}, {channels} channels, maps in {precision:?}"
            );
            let maps = Maps::new(machine, precision, batch, side, channels);
            for (name, bytes, work) in kernels(machine, &maps) {
                let seconds = seconds(machine, work)?;
                let part = 100.0 * bytes as f64 / seconds / bandwidth;
                println!("  {name:<34} {:>10.1} us {:>8.1} MB {part:>6.1} %", 1e6 * seconds, bytes as f64 / 1e6);
            }
        }
    }
    Ok(())
}

/// Everything that kernels read and write, of one size.
struct Maps {
    side: usize,
    channels: usize,
    /// Read by turns, so that no kernel finds what the one before left in a cache.
    maps: [Map; 4],
    gradient: Map,
    output: Map,
    /// One pixel an image.
    vector: Map,
    winners: Winners,
    activation: Activation,
    coefficients: Coefficients,
    moments: Moments,
    /// Gamma, beta, and the gradients of both.
    channel: [Buffer<f32>; 4],
    kernel: [Buffer<f32>; 3],
    kernel_gradient: [Buffer<f32>; 3],
    logits: [Map; 2],
    labels: Buffer<u32>,
    loss: Buffer<f32>,
    images: Images,
    cuts: Cuts,
    normalizer: Buffer<f32>,
    /// With a pitch of its own.
    batch: Map,
    /// Gradients, velocities and weights.
    weights: [Buffer<f32>; 3],
}

const CLASSES: usize = 10;

impl Maps {
    fn new(machine: &Machine, precision: Precision, batch: usize, side: usize, channels: usize) -> Maps {
        let (pixels, width) = (batch * side * side, pitch(channels));
        let values = |len: usize| (0..len).map(|at| (at % 17) as f32 / 17.0).collect::<Vec<f32>>();
        let numbers = |len: usize| machine.upload(&values(len));
        let map_of = |pixels: usize, channels: usize| {
            Map::upload(machine, precision, channels, &values(pixels * pitch(channels)))
        };
        let map = || map_of(pixels, channels);
        let layout = |inputs: usize, kernel| Layout { inputs: vec![channels; inputs], outputs: channels, kernel };
        let kernels = [layout(1, 1).values(), layout(4, 1).values(), layout(1, 3).values()];
        let images = Images::upload(machine, &vec![7; 256 * 3 * 40 * 40], 3, 40, 40);
        let cuts = Cuts::room(machine, batch);
        let cut_of = |image: usize| Cut { image: (image % 256) as u32, top: 3, left: 5, mirrored: image % 2 == 1 };
        cuts.write(machine, &images, side, side, &(0..batch).map(cut_of).collect::<Vec<Cut>>());
        Maps {
            side,
            channels,
            maps: std::array::from_fn(|_| map()),
            gradient: map(),
            output: map(),
            vector: map_of(batch, channels),
            winners: Winners(machine.upload(&vec![0x0404_0404; pixels * width / 4])),
            activation: Activation(numbers(3 * width)),
            coefficients: Coefficients(numbers(3 * width)),
            moments: Moments(numbers(2 * width)),
            channel: std::array::from_fn(|_| numbers(width)),
            kernel: kernels.map(numbers),
            kernel_gradient: kernels.map(numbers),
            logits: std::array::from_fn(|_| map_of(batch, CLASSES)),
            labels: machine.upload(&vec![1; batch]),
            loss: numbers(1),
            images,
            cuts,
            normalizer: numbers(6),
            batch: map_of(pixels, 3),
            weights: std::array::from_fn(|_| numbers(pixels * width)),
        }
    }

    fn reading(&self, map: usize) -> Reading<'_> {
        Reading { map: &self.maps[map], activation: Some(&self.activation) }
    }

    fn slope(&self) -> Slope<'_> {
        let normalized = Some((&self.maps[0], &self.activation, &self.coefficients));
        Slope { gradient: &self.gradient, normalized }
    }

    fn norm(&self) -> Norm<'_> {
        let [gamma, beta, ..] = &self.channel;
        Norm { gamma, beta, epsilon: 1e-5, relu: true }
    }
}

type Kernel<'a> = (&'static str, usize, Box<dyn Fn() + 'a>);

/// Name, bytes that it has to move at least, call.
fn kernels<'a>(machine: &'a Machine, maps: &'a Maps) -> Vec<Kernel<'a>> {
    let (side, channels) = (maps.side, maps.channels);
    let bytes = |map: &Map| map.precision().bytes() * map.pixels() * pitch(map.channels());
    let (one, weight_bytes) = (bytes(&maps.output), size_of::<f32>() * maps.weights[0].len());
    // A byte a value.
    let winners = one / maps.output.precision().bytes();
    let window = move |kernel| Window { height: side, width: side, kernel, stride: 1 };
    let size = depthwise::Size { height: side, width: side, stride: 1 };
    let readings = move |count: usize| (0..count).map(|map| maps.reading(map)).collect::<Vec<Reading>>();
    let convolution = move |inputs: usize, kernel: usize, at: usize| {
        let inputs = readings(inputs);
        move || conv::forward(machine, &inputs, window(kernel), &maps.kernel[at], &maps.output)
    };
    let weights = move |inputs: usize, kernel: usize, at: usize| {
        let inputs = readings(inputs);
        move || conv::weight_gradient(machine, &inputs, maps.slope(), window(kernel), &maps.kernel_gradient[at])
    };
    let back = move |inputs: usize, kernel: usize, at: usize| {
        let counts = vec![channels; inputs];
        move || {
            let product = Product { slope: maps.slope(), weights: &maps.kernel[at] };
            conv::input_gradient(machine, &[product], &counts, 0, window(kernel), Target::Write(&maps.output));
        }
    };
    let depthwise_kernel = maps.kernel[2].part(0..9 * pitch(channels));
    let depthwise_gradient = maps.kernel_gradient[2].part(0..9 * pitch(channels));
    let same_kernel = depthwise_kernel.clone();
    vec![
        (
            "cut a batch",
            bytes(&maps.batch),
            Box::new(move || cut(machine, &maps.images, &maps.cuts, &maps.normalizer, side, side, &maps.batch)),
        ),
        ("convolution 1x1", 2 * one, Box::new(convolution(1, 1, 0))),
        ("convolution 1x1 of 4 maps", 5 * one, Box::new(convolution(4, 1, 1))),
        ("convolution 3x3", 2 * one, Box::new(convolution(1, 3, 2))),
        ("its weight gradient, 1x1", 3 * one, Box::new(weights(1, 1, 0))),
        ("its weight gradient, 1x1 of 4 maps", 6 * one, Box::new(weights(4, 1, 1))),
        ("its weight gradient, 3x3", 3 * one, Box::new(weights(1, 3, 2))),
        ("its input gradient, 1x1", 3 * one, Box::new(back(1, 1, 0))),
        ("its input gradient, 3x3", 3 * one, Box::new(back(1, 3, 2))),
        (
            "depthwise 3x3",
            2 * one,
            Box::new(move || depthwise::forward(machine, maps.reading(0), size, &depthwise_kernel, &maps.output)),
        ),
        (
            "its weight gradient",
            3 * one,
            Box::new(move || {
                depthwise::weight_gradient(machine, maps.reading(1), maps.slope(), size, &depthwise_gradient)
            }),
        ),
        (
            "its input gradient",
            3 * one,
            Box::new(move || {
                depthwise::input_gradient(machine, maps.slope(), size, &same_kernel, Target::Write(&maps.output))
            }),
        ),
        (
            "statistics of a batch",
            one,
            Box::new(move || {
                norm::batch_statistics(machine, &maps.maps[1], maps.norm(), &maps.moments, &maps.activation)
            }),
        ),
        ("gradients of a normalisation", 2 * one, Box::new(move || normalisation(machine, maps))),
        ("back through a normalisation", 3 * one, Box::new(move || norm_gradient::settle(machine, maps.slope()))),
        (
            "max pool",
            2 * one + winners,
            Box::new(move || pool::max_forward(machine, maps.reading(0), side, side, &maps.output, &maps.winners)),
        ),
        (
            "its gradient",
            2 * one + winners,
            Box::new(move || {
                pool::max_backward(machine, &maps.gradient, &maps.winners, side, side, Target::Write(&maps.output))
            }),
        ),
        (
            "average pool",
            2 * one,
            Box::new(move || pool::avg_forward(machine, maps.reading(1), side, side, &maps.output)),
        ),
        (
            "its gradient",
            2 * one,
            Box::new(move || pool::avg_backward(machine, &maps.gradient, side, side, Target::Write(&maps.output))),
        ),
        (
            "sum of 4 maps",
            5 * one,
            Box::new(move || {
                sum::forward(
                    machine,
                    &readings(4).into_iter().map(|input| Part { input, at: 0 }).collect::<Vec<Part>>(),
                    &maps.output,
                )
            }),
        ),
        (
            "mean over all pixels",
            one,
            Box::new(move || pool::global_forward(machine, maps.reading(2), side * side, &maps.vector)),
        ),
        (
            "its gradient",
            one,
            Box::new(move || pool::global_backward(machine, &maps.vector, side * side, Target::Write(&maps.output))),
        ),
        (
            "cross-entropy",
            2 * bytes(&maps.logits[0]),
            Box::new(move || {
                head::cross_entropy(machine, &maps.logits[0], &maps.labels, &maps.logits[1], (&maps.loss, 0))
            }),
        ),
        (
            "update of as many weights",
            5 * weight_bytes,
            Box::new(move || {
                sgd::step(
                    machine,
                    Descent { momentum: 0.9, decay: 1e-4 },
                    &maps.normalizer.part(0..1),
                    &maps.weights[0],
                    &maps.weights[1],
                    &maps.weights[2],
                )
            }),
        ),
    ]
}

fn normalisation(machine: &Machine, maps: &Maps) {
    let [gamma, _, gamma_gradient, beta_gradient] = &maps.channel;
    let of = Normalized {
        map: &maps.maps[1],
        gradient: &maps.gradient,
        moments: &maps.moments,
        activation: &maps.activation,
        gamma,
        epsilon: 1e-5,
    };
    let to = NormGradient { gamma: gamma_gradient, beta: beta_gradient, coefficients: &maps.coefficients };
    norm_gradient::gradients(machine, of, to);
}
