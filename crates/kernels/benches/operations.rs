//! Microseconds of each operation, forward and backward, at the sizes of the search model, batch 64 on one thread, and how
//! fast it multiplies and moves memory meanwhile.
//!
//! `cargo bench -p hnas-kernels --bench operations [name]` runs the lines whose name contains `name`. A time is the
//! smallest of several turns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hnas_kernels::conv::{self, Window};
use hnas_kernels::pointwise::{Destination, Target, Weights, Writing};
use hnas_kernels::{
    Activation, Block, Coefficients, Gathering, GradientSums, Reading, Slope, Sums, blocks, depthwise, pointwise, pool,
    zeroed,
};

const BATCH: usize = 64;

/// Channels and side of the maps of the three groups, and of a crop of the first.
const SIZES: [(usize, usize); 4] = [(16, 32), (16, 24), (32, 16), (64, 8)];

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!("{:44} {:>9} {:>9} {:>9}", "batch 64, one thread", "us", "GMAC/s", "GB/s");
    for (channels, side) in SIZES {
        let bench = Bench { filter: &filter, channels, side };
        bench.pointwise(1);
        bench.pointwise(4);
        bench.stem();
        bench.depthwise();
        bench.pools();
    }
}

struct Bench<'a> {
    filter: &'a str,
    channels: usize,
    side: usize,
}

impl Bench<'_> {
    fn pixels(&self) -> usize {
        BATCH * self.side * self.side
    }

    /// A map of made-up values.
    fn map(&self) -> Vec<Block> {
        let mut map = zeroed(self.pixels() * blocks(self.channels));
        let values = hnas_kernels::values_mut(&mut map).iter_mut();
        values.enumerate().for_each(|(index, value)| *value = (index * 37 % 101) as f32 / 50.0 - 1.0);
        map
    }

    fn activation(&self) -> Activation {
        let same = |value| vec![Block::splat(value); blocks(self.channels)];
        Activation { scale: same(0.9), shift: same(0.1), floor: 0.0 }
    }

    /// Prints the line of an operation that multiplies `products` times a pixel and touches so many maps.
    fn line(&self, name: &str, products: usize, maps: usize, mut work: impl FnMut()) {
        let name = format!("{name}, {} channels, {side}x{side}", self.channels, side = self.side);
        if !name.contains(self.filter) {
            return;
        }
        work();
        let mut best = Duration::MAX;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(300) {
            let turn = Instant::now();
            work();
            best = best.min(turn.elapsed());
        }
        let seconds = best.as_secs_f64();
        let bytes = (maps * self.pixels() * blocks(self.channels) * size_of::<Block>()) as f64;
        let multiplied = (products * self.pixels()) as f64;
        println!("{name:44} {:9.0} {:9.1} {:9.1}", seconds * 1e6, multiplied / seconds / 1e9, bytes / seconds / 1e9);
    }

    fn pointwise(&self, count: usize) {
        let (maps, activation) = ((0..count).map(|_| self.map()).collect::<Vec<_>>(), self.activation());
        let (channels, width) = (self.channels, blocks(self.channels));
        let reading = |map| Reading { map, blocks: width, channels, activation: Some(&activation) };
        let readings: Vec<Reading> = maps.iter().map(|map| reading(map)).collect();
        let weight = vec![0.01; channels * channels * count];
        let weights = Weights::pack(&vec![channels; count], &[(channels, &weight)]);
        let products = channels * channels * count;
        let mut output = self.map();
        self.line(&format!("1x1 of {count}"), products, count + 1, || {
            let mut sums = Sums::new(width);
            pointwise::forward(&readings, &weights, &mut [Writing { map: &mut output, sums: Some(&mut sums) }]);
            black_box(&sums);
        });
        let (gradient, way) = (self.map(), way(width));
        let slope = Slope { gradient: &gradient, blocks: width, normalized: Some((&output, &activation, &way)) };
        let mut targets: Vec<Vec<Block>> = (0..count).map(|_| self.map()).collect();
        let to: Vec<Target> = (0..count).map(Target::Add).collect();
        let mut found = vec![Block::ZERO; weights.gradient_blocks()];
        self.line(&format!("1x1 of {count} backward"), 2 * products, 3 * count + 2, || {
            let mut targets: Vec<Destination> =
                targets.iter_mut().map(|map| Destination { map, gathering: None }).collect();
            pointwise::backward(&readings, &[slope], &weights, &to, &mut targets, &mut found);
        });
        let (to, mean): (Vec<Target>, _) = ((0..count).map(Target::Write).collect(), vec![Block::ZERO; width]);
        self.line(&format!("1x1 of {count} backward, with sums"), 2 * products, 3 * count + 2, || {
            let mut sums = vec![GradientSums::new(width); count];
            let gatherings = sums.iter_mut().map(|sums| Some(Gathering { sums, mean: &mean }));
            let mut targets: Vec<Destination> =
                targets.iter_mut().zip(gatherings).map(|(map, gathering)| Destination { map, gathering }).collect();
            pointwise::backward(&readings, &[slope], &weights, &to, &mut targets, &mut found);
            black_box(&sums);
        });
    }

    /// A 3x3 convolution of images of three channels.
    fn stem(&self) {
        let (side, width) = (self.side, blocks(self.channels));
        let window = Window { height: side, width: side, channels: 3, kernel: 3, stride: 1 };
        let mut images = zeroed(self.pixels());
        for (index, pixel) in images.iter_mut().enumerate() {
            pixel.0[..3].fill((index * 37 % 101) as f32 / 50.0 - 1.0);
        }
        let readings = [Reading { map: &images, blocks: 1, channels: 3, activation: None }];
        let weights = window.pack(self.channels, &vec![0.01; 27 * self.channels]);
        let (mut output, products) = (self.map(), 27 * self.channels);
        self.line("stem", products, 2, || {
            let mut sums = Sums::new(width);
            conv::forward(&readings, window, &weights, &mut Writing { map: &mut output, sums: Some(&mut sums) });
            black_box(&sums);
        });
        let (gradient, way, activation) = (self.map(), way(width), self.activation());
        let slope = Slope { gradient: &gradient, blocks: width, normalized: Some((&output, &activation, &way)) };
        let mut found = vec![Block::ZERO; weights.gradient_blocks()];
        self.line("stem backward", products, 3, || {
            conv::backward(&readings, window, slope, &weights, &[Target::Nowhere], &mut [], &mut found);
        });
    }

    fn depthwise(&self) {
        let (map, activation, width) = (self.map(), self.activation(), blocks(self.channels));
        let reading = Reading { map: &map, blocks: width, channels: self.channels, activation: Some(&activation) };
        let size = depthwise::Size { height: self.side, width: self.side, stride: 1 };
        let kernels = depthwise::pack(&vec![0.1; self.channels * 9]);
        let (mut output, products) = (self.map(), 9 * self.channels);
        self.line("depthwise 3x3", products, 2, || {
            let mut sums = Sums::new(width);
            depthwise::forward(reading, size, &kernels, &mut output, &mut Some(&mut sums));
            black_box(&sums);
        });
        let (gradient, way) = (self.map(), way(width));
        let slope = Slope { gradient: &gradient, blocks: width, normalized: Some((&output, &activation, &way)) };
        let (mut target, mut found) = (self.map(), vec![[Block::ZERO; 9]; width]);
        self.line("depthwise 3x3 backward", 2 * products, 5, || {
            let destination = Destination { map: &mut target, gathering: None };
            depthwise::backward(reading, slope, size, &kernels, &mut Some((destination, true)), &mut found);
        });
    }

    fn pools(&self) {
        let (map, activation, width) = (self.map(), self.activation(), blocks(self.channels));
        let reading = Reading { map: &map, blocks: width, channels: self.channels, activation: Some(&activation) };
        let (side, mut output) = (self.side, self.map());
        let mut winners = vec![[0; hnas_kernels::BLOCK]; output.len()];
        self.line("max pool", 0, 2, || pool::max_forward(reading, side, side, &mut output, &mut winners));
        let mut target = self.map();
        self.line("max pool backward", 0, 3, || {
            pool::max_backward(&map, &winners, width, side, side, &mut target, true);
        });
        self.line("average pool", 0, 2, || pool::avg_forward(reading, side, side, &mut output));
        self.line("average pool backward", 0, 3, || pool::avg_backward(&map, width, side, side, &mut target, true));
    }
}

/// A way back through some normalisation.
fn way(blocks: usize) -> Coefficients {
    let same = |value| vec![Block::splat(value); blocks];
    Coefficients { scale: same(0.9), slope: same(0.01), offset: same(0.02) }
}
