//! Milliseconds of each operation and of a whole training step: burn's own formulation, the fused one, and their ratio,
//! measured in turns in one run.
//!
//! `cargo bench -p hnas-kernels --bench operations [name] [threads] [plain|fused]` runs the lines whose name contains
//! `name`, on one thread and both formulations unless told otherwise. Numbers are the smallest of several turns, forward
//! and backward together.

mod network;

use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Distribution, Tensor};
use network::{Formulation, Network};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let filter = arguments.next().unwrap_or_default();
    let threads = arguments.next().map_or(1, |threads| threads.parse().expect("the second argument is a number"));
    let only = arguments.next();
    hnas_kernels::keep_freed_memory();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.install(|| run(&filter, only.as_deref()));
}

fn run(filter: &str, only: Option<&str>) {
    println!("{:42} {:>10} {:>10} {:>8}", "batch 64, forward and backward", "plain ms", "fused ms", "ratio");
    for [channels, side] in [[16, 24], [16, 32], [32, 12], [64, 6]] {
        let x = random([64, channels, side, side]);
        let vector = random([channels]);
        let weight = |input: usize, kernel: usize| random([channels, input, kernel, kernel]);
        let (depthwise, three, one) = (weight(1, 3), weight(channels, 3), weight(channels, 1));
        let (wide, wide_one) = (random([64, channels * 4, side, side]), weight(channels * 4, 1));
        let line = |name: &str, work: &dyn Fn(&Formulation) -> Tensor<4>| {
            let name = format!("{name}, {channels} channels, {side}x{side}");
            if name.contains(filter) {
                compare(&name, only, |formulation| {
                    black_box(work(formulation).sum().backward());
                });
            }
        };
        let (images, stem) = (random([64, 3, side, side]).detach(), random([channels, 3, 3, 3]));
        line("stem 3x3", &|f| (f.conv)(images.clone(), stem.clone(), 1));
        line("depthwise 3x3", &|f| (f.depthwise)(x.clone(), depthwise.clone(), 1));
        line("depthwise 3x3 stride 2", &|f| (f.depthwise)(x.clone(), depthwise.clone(), 2));
        line("conv 1x1", &|f| (f.conv)(x.clone(), one.clone(), 1));
        line("conv 1x1 from four times as many", &|f| (f.conv)(wide.clone(), wide_one.clone(), 1));
        line("conv 3x3", &|f| (f.conv)(x.clone(), three.clone(), 1));
        line("max pool", &|f| (f.max_pool)(x.clone()));
        line("avg pool", &|f| (f.avg_pool)(x.clone()));
        line("batch norm and relu", &|f| (f.batch_norm_train)(x.clone(), vector.clone(), vector.clone(), 1e-3, true).0);
    }
    for side in [24, 32] {
        let network = Network::new(16, &Device::flex().autodiff());
        let images = Tensor::random([64, 3, side, side], Distribution::Default, &Device::flex().autodiff());
        let name = format!("step of a network, {side}x{side}");
        if name.contains(filter) {
            compare(&name, only, |formulation| {
                black_box(network.loss(images.clone(), formulation).backward());
            });
        }
    }
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Default, &Device::flex().autodiff()).require_grad()
}

/// The time this thread has run where the system tells and one thread does all the work, the time of day otherwise: on a
/// machine shared with others, the second measures them too.
fn clock() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let start = *START;
    let alone = rayon::current_num_threads() == 1;
    let status = alone.then(|| std::fs::read_to_string("/proc/thread-self/schedstat").ok()).flatten();
    let ran = status.and_then(|status| status.split(' ').next()?.parse().ok());
    ran.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Runs both formulations four times in turns and prints the smallest times.
fn compare(name: &str, only: Option<&str>, work: impl Fn(&Formulation)) {
    let mut best = [Duration::MAX; 2];
    let mut turns = 0;
    while turns < 4 {
        let formulations = [("plain", &Formulation::PLAIN), ("fused", &Formulation::FUSED)];
        for (best, (name, formulation)) in best.iter_mut().zip(formulations) {
            if only.is_some_and(|only| only != name) {
                continue;
            }
            let (start, from) = (Instant::now(), clock());
            let mut calls = 0;
            // The clock advances in steps of a few milliseconds.
            while start.elapsed() < Duration::from_millis(150) {
                work(formulation);
                calls += 1;
            }
            *best = ((clock() - from) / calls).min(*best);
        }
        turns += 1;
    }
    let [plain, fused] = best.map(|time| if time == Duration::MAX { f64::NAN } else { time.as_secs_f64() * 1e3 });
    println!("{name:42} {plain:10.2} {fused:10.2} {:8.1}", plain / fused);
}
