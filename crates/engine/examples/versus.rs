//! This engine's side of `cargo xtask bench engine --against pytorch`: a program that trains what it is told to.
//!
//! ```text
//! versus [--threads N] [--candidates N]
//! ```
//!
//! It reads one command a line from standard input, its words separated by tabs, and answers each with one line of
//! JSON, `{"error": ..}` when it cannot:
//!
//! ```text
//! case GENOTYPE SKELETON SIDE BATCH SEED     builds a network and makes a batch up; GENOTYPE is a file or
//!                                            random:SEED:hierarchical or random:SEED:flat, SKELETON small or large:C0
//! write FOLDER                               writes its graph, weights, batch, loss and gradients for the other engine
//! step K                                     trains K steps on that batch, every candidate on threads of its own
//! curve FOLDER STEPS DATA                    writes graph, weights and STEPS batches of cifar10 or made-up images, trains
//!                                            on them, and scores the network on a thousand others
//! bandwidth                                  bytes a second that the threads copy in large pieces, read and written
//! memory                                     bytes: the most this process ever held, and what it holds now
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use hnas_compiler::{Graph, Program, Shape, Skeleton, assemble, cost, optimize};
use hnas_data::Manifest;
use hnas_engine::{EngineDevice, NamedTensor, Probe, Recipe, open_device};
use hnas_genome::{Genotype, SearchSpace};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use rayon::{ThreadPool, ThreadPoolBuilder};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut threads, mut candidates) = (1, 1);
    while let Some(name) = arguments.next() {
        let number = arguments.next().ok_or("every option takes a number")?.parse()?;
        match name.as_str() {
            "--threads" => threads = number,
            "--candidates" => candidates = number,
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let pools = (0..candidates).map(|_| ThreadPoolBuilder::new().num_threads(threads).build());
    let mut bench = Bench { device: open_device("cpu".parse()?)?, pools: pools.collect::<Result<_, _>>()?, case: None };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split('\t').collect();
        let answer = bench.answer(&words).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

struct Bench {
    device: EngineDevice,
    /// One for each candidate.
    pools: Vec<ThreadPool>,
    case: Option<Case>,
}

/// Images that a network is scored on after a curve.
const TESTED: usize = 1000;

/// The class of the highest logit.
fn best(logits: &[f32]) -> u8 {
    let highest = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    highest.and_then(|class| u8::try_from(class).ok()).unwrap_or(u8::MAX)
}

/// A network and what it is trained on.
struct Case {
    graph: Graph,
    recipe: Recipe,
    probes: Vec<Probe>,
    images: Vec<f32>,
    labels: Vec<u8>,
}

impl Bench {
    fn answer(&mut self, words: &[&str]) -> Outcome<Value> {
        match words {
            ["case", genotype, skeleton, side, batch, seed] => {
                let graph = graph(genotype, skeleton, side.parse()?)?;
                let (batch, seed) = (batch.parse()?, seed.parse()?);
                let (images, labels) = made_up(graph.input_shape(), batch, seed);
                let recipe = Recipe::paper_search().with(|raw| raw.batch = batch)?;
                let probe = |pool: &ThreadPool| pool.install(|| Probe::new(&graph, &recipe, &self.device, seed));
                let probes = self.pools.iter().map(probe).collect::<Result<_, _>>()?;
                let total = cost(&graph).total;
                let work = Program::lower(&graph, graph.input_shape())?.total_training_work(batch, size_of::<f32>());
                let answer = json!({
                    "nodes": graph.nodes().len(),
                    "parameters": total.parameters,
                    "multiply_adds": total.multiply_adds,
                    "step": { "multiply_adds": work.multiply_adds, "bytes": work.bytes },
                });
                self.case = Some(Case { graph, recipe, probes, images, labels });
                Ok(answer)
            }
            ["write", folder] => {
                let (pools, case) = self.parts()?;
                pools[0].install(|| case.write(Path::new(folder)))
            }
            ["step", steps] => {
                let (pools, case) = self.parts()?;
                Ok(case.step(pools, steps.parse()?))
            }
            ["curve", folder, steps, data] => {
                let (pools, case) = self.parts()?;
                let (folder, steps) = (Path::new(folder), steps.parse()?);
                pools[0].install(|| case.curve(folder, steps, data))
            }
            ["bandwidth"] => Ok(json!({ "bytes_a_second": bandwidth(&self.pools) })),
            ["memory"] => Ok(json!({ "peak": status("VmHWM")?, "now": status("VmRSS")? })),
            _ => Err(format!("unknown command {words:?}").into()),
        }
    }

    fn parts(&mut self) -> Outcome<(&[ThreadPool], &mut Case)> {
        Ok((&self.pools, self.case.as_mut().ok_or("there is no case yet")?))
    }
}

/// Bytes a second, read and written, of copies too large for a cache, on all threads of all candidates at once.
fn bandwidth(pools: &[ThreadPool]) -> f64 {
    const FLOATS: usize = 32 << 20;
    let copy = || {
        let (from, mut to) = (vec![1_f32; FLOATS], vec![0_f32; FLOATS]);
        let turn = |to: &mut Vec<f32>| {
            let started = Instant::now();
            std::hint::black_box(to).copy_from_slice(std::hint::black_box(&from));
            started.elapsed().as_secs_f64()
        };
        let best = (0..10).map(|_| turn(&mut to)).fold(f64::INFINITY, f64::min);
        (2 * FLOATS * size_of::<f32>()) as f64 / best
    };
    std::thread::scope(|scope| {
        let threads: usize = pools.iter().map(ThreadPool::current_num_threads).sum();
        let copies: Vec<_> = (0..threads).map(|_| scope.spawn(copy)).collect();
        copies.into_iter().map(|copy| copy.join().expect("a copy does not panic")).sum()
    })
}

impl Case {
    /// Writes `graph.txt` and `case.safetensors`.
    fn write(&mut self, folder: &Path) -> Outcome<Value> {
        let (loss, gradients) = self.probes[0].loss_and_gradients(&self.images, &self.labels);
        let mut file = TensorFile::default();
        for NamedTensor { name, shape, values } in &self.probes[0].weights() {
            file.floats(name, shape, values);
        }
        for NamedTensor { name, shape, values } in &gradients {
            file.floats(&format!("gradient.{name}"), shape, values);
        }
        file.batches("", &[self.labels.len()], self.graph.input_shape(), &self.images, &self.labels);
        file.floats("loss", &[1], &[loss]);
        self.save(folder, "case.safetensors", file)?;
        Ok(json!({ "loss": loss }))
    }

    /// Seconds of each step of each candidate, all of which train at once.
    fn step(&mut self, pools: &[ThreadPool], steps: usize) -> Value {
        let Case { probes, images, labels, .. } = self;
        let (images, labels): (&[f32], &[u8]) = (images, labels);
        let timed = |probe: &mut Probe| {
            let started = Instant::now();
            let loss = probe.step(images, labels);
            (started.elapsed().as_secs_f64(), loss)
        };
        let seconds: Vec<Vec<(f64, f32)>> = std::thread::scope(|scope| {
            let candidates: Vec<_> = probes
                .iter_mut()
                .zip(pools)
                .map(|(probe, pool)| scope.spawn(|| pool.install(|| (0..steps).map(|_| timed(probe)).collect())))
                .collect();
            candidates.into_iter().map(|candidate| candidate.join().expect("a step does not panic")).collect()
        });
        let of = |part: fn(&(f64, f32)) -> f64| -> Vec<Vec<f64>> {
            seconds.iter().map(|steps| steps.iter().map(part).collect()).collect()
        };
        json!({ "seconds": of(|step| step.0), "losses": of(|step| step.1.into()) })
    }

    /// Writes `graph.txt` and `curve.safetensors`, and trains: the loss of each step.
    fn curve(&mut self, folder: &Path, steps: usize, data: &str) -> Outcome<Value> {
        let (input, batch) = (self.graph.input_shape(), self.labels.len());
        let count = steps * batch;
        let (mut images, mut labels) = match data {
            "cifar10" => cifar10(input, count + TESTED)?,
            "made-up" => made_up(input, count + TESTED, 1),
            other => return Err(format!("unknown data {other}: cifar10 or made-up").into()),
        };
        let (test_images, test_labels) = (images.split_off(count * input.elements()), labels.split_off(count));
        let mut file = TensorFile::default();
        for NamedTensor { name, shape, values } in &self.probes[0].weights() {
            file.floats(name, shape, values);
        }
        file.batches("", &[steps, batch], input, &images, &labels);
        file.batches("test_", &[TESTED], input, &test_images, &test_labels);
        self.save(folder, "curve.safetensors", file)?;
        let batches = images.chunks_exact(images.len() / steps).zip(labels.chunks_exact(batch));
        let losses: Vec<f32> = batches.map(|(images, labels)| self.probes[0].step(images, labels)).collect();
        let mut correct = 0;
        for (images, labels) in test_images.chunks(batch * input.elements()).zip(test_labels.chunks(batch)) {
            let logits = self.probes[0].logits(images);
            let classes = logits.len() / labels.len();
            correct += logits.chunks_exact(classes).zip(labels).filter(|(row, label)| best(row) == **label).count();
        }
        Ok(json!({ "losses": losses, "accuracy": correct as f64 / TESTED as f64 }))
    }

    fn save(&self, folder: &Path, name: &str, file: TensorFile) -> Outcome<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("graph.txt"), self.graph.to_text())?;
        let recipe = &self.recipe;
        let metadata = [
            ("learning_rate", recipe.learning_rate_at(1)),
            ("momentum", recipe.momentum()),
            ("weight_decay", recipe.weight_decay()),
            ("batch_norm_momentum", recipe.batch_norm_momentum()),
            ("batch_norm_epsilon", recipe.batch_norm_epsilon()),
        ];
        file.save(&folder.join(name), metadata.map(|(name, number)| (name.to_owned(), number.to_string())).into())
    }
}

/// A safetensors file in the making.
#[derive(Default)]
struct TensorFile(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl TensorFile {
    fn floats(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.0.push((name.to_owned(), Dtype::F32, shape.to_vec(), bytes));
    }

    /// `images` `[.., channels, height, width]` and `labels` `[..]`, their names behind `kind`.
    fn batches(&mut self, kind: &str, outer: &[usize], input: Shape, images: &[f32], labels: &[u8]) {
        self.floats(&format!("{kind}images"), &[outer, &[input.channels, input.height, input.width]].concat(), images);
        let bytes = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
        self.0.push((format!("{kind}labels"), Dtype::I64, outer.to_vec(), bytes));
    }

    fn save(&self, path: &Path, metadata: HashMap<String, String>) -> Outcome<()> {
        let mut views = Vec::with_capacity(self.0.len());
        for (name, kind, shape, bytes) in &self.0 {
            views.push((name.as_str(), TensorView::new(*kind, shape.clone(), bytes)?));
        }
        Ok(std::fs::write(path, safetensors::serialize(views, Some(metadata))?)?)
    }
}

fn graph(genotype: &str, skeleton: &str, side: usize) -> Outcome<Graph> {
    let genotype = match genotype.split(':').collect::<Vec<_>>()[..] {
        ["random", seed, space] => {
            let space = match space {
                "hierarchical" => SearchSpace::hierarchical(),
                "flat" => SearchSpace::flat(),
                other => return Err(format!("unknown space {other}: hierarchical or flat").into()),
            };
            Genotype::random(&space, 1000, &mut ChaCha8Rng::seed_from_u64(seed.parse()?)).genotype
        }
        _ => Genotype::from_ron(&std::fs::read_to_string(genotype)?)?,
    };
    let skeleton = match skeleton.split_once(':') {
        None if skeleton == "small" => Skeleton::cifar_small(),
        Some(("large", c0)) => Skeleton::cifar_large(c0.parse()?)?,
        _ => return Err(format!("unknown skeleton {skeleton}: small or large:C0").into()),
    };
    Ok(optimize(assemble(&genotype, &skeleton, Shape::new(3, side, side))?))
}

/// Noise with a trace of the class in it: one of ten gratings.
fn made_up(input: Shape, count: usize, seed: u64) -> (Vec<f32>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let Shape { channels, height, width } = input;
    let (mut images, mut labels) = (Vec::with_capacity(count * channels * height * width), Vec::with_capacity(count));
    for _ in 0..count {
        let label = (rng.next_u32() % 10) as u8;
        labels.push(label);
        let (turn, angle) = (f32::from(label) * 0.31, (rng.next_u32() % 628) as f32 / 100.0);
        for pixel in 0..channels * height * width {
            let (row, column) = ((pixel / width % height) as f32, (pixel % width) as f32);
            let grating = (0.9 * (row * turn.cos() + column * turn.sin()) + angle).sin();
            images.push(0.5 * grating + (rng.next_u32() as f32 / u32::MAX as f32 - 0.5) * 2.0);
        }
    }
    (images, labels)
}

/// The middles of the first images of CIFAR-10 as its cache holds it, in the range -1 to 1.
fn cifar10(input: Shape, count: usize) -> Outcome<(Vec<f32>, Vec<u8>)> {
    let (all, _) = hnas_data::load(&Manifest::builtin("cifar10")?, &hnas_data::cache_root()?)?;
    let all = all.all(all.len(), 0)?;
    let (_, height, width) = all.shape();
    let (top, left) = ((height - input.height) / 2, (width - input.width) / 2);
    let (mut images, mut labels) = (Vec::with_capacity(count * input.pixels() * input.channels), Vec::new());
    for index in (0..all.len()).cycle().take(count) {
        labels.push(all.label(index));
        for row in all.image(index).chunks_exact(width).enumerate().filter(|(row, _)| {
            let row = row % height;
            row >= top && row < top + input.height
        }) {
            images.extend(row.1[left..left + input.width].iter().map(|&byte| f32::from(byte) / 127.5 - 1.0));
        }
    }
    Ok((images, labels))
}

/// A line of this process's status, in bytes.
fn status(name: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
