//! A training between two steps, in a file: whoever finds it goes on as if nothing had happened.
//!
//! ```text
//! weights and running statistics, velocities, losses so far     32-bit floats, as tensors of a safetensors file
//! what it is a checkpoint of, and the seconds it took            its metadata, JSON
//! MD5 of all that, in hexadecimal                                the last 32 bytes
//! ```
//!
//! Random streams and the place in the data follow from the seed and the number of steps, so they need no place of their own.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use hnas_compiler::Graph;
use hnas_data::Md5;
use safetensors::tensor::{SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::recipe::Recipe;
use crate::source::TrainOn;
use crate::weights::{LOSSES, bytes, decode_header, encode, named, numbers, whole_or_absent};

const FORMAT: u32 = 1;

/// Length of the checksum at the end.
const CHECKSUM: usize = 32;

/// Where a training keeps what it needs to go on.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The file. It is whole or absent: it is written under another name and renamed.
    pub file: PathBuf,
    /// It is written after each so many steps, and after the last one.
    pub every: NonZeroUsize,
    /// Which training it is, in words of the caller's: a file of another one is passed over.
    pub of: String,
}

/// A training between two steps.
pub(crate) struct Halfway {
    pub(crate) velocities: Parameters,
    /// Of each step that is done.
    pub(crate) losses: Vec<f32>,
    /// That these steps took.
    pub(crate) seconds: f64,
}

/// What a file is a checkpoint of: everything that decides the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    of: String,
    seed: u64,
    recipe: Recipe,
    graph: String,
    images: String,
    device: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    seconds: f64,
    identity: Identity,
}

/// The checkpoints of one training.
pub(crate) struct Keeper<'a> {
    checkpoints: &'a Checkpoints,
    identity: Identity,
}

impl<'a> Keeper<'a> {
    pub(crate) fn new(
        checkpoints: &'a Checkpoints,
        (graph, images): (&Graph, TrainOn),
        (recipe, seed): (&Recipe, u64),
        device: &EngineDevice,
    ) -> Keeper<'a> {
        let ((channels, height, width), classes) = images.kind();
        let images = format!("{} of {channels}x{height}x{width}, {classes} classes", images.len());
        // Trainings on the same kind of device are the same; which of them it is does not matter.
        let device = device.to_string().split(':').next().unwrap_or_default().to_owned();
        let (of, graph) = (checkpoints.of.clone(), graph.to_text());
        Keeper { checkpoints, identity: Identity { of, seed, recipe: recipe.clone(), graph, images, device } }
    }

    /// Whether a checkpoint is due after so many steps.
    pub(crate) fn is_due(&self, steps: usize) -> bool {
        steps.is_multiple_of(self.checkpoints.every.get()) || steps == self.identity.recipe.steps()
    }

    /// Puts the weights of the file into `network`, which has the graph's parameters, and gives the rest of it. `None` where
    /// there is no file, or, after a warning, where it is damaged or another training's.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn read(&self, network: &mut Network) -> Result<Option<Halfway>, EngineError> {
        let path = &self.checkpoints.file;
        let file = match fs::read(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EngineError::File { action: "read", path: path.clone(), source }),
        };
        let mut found = network.clone();
        match self.decode(&file, &mut found) {
            Ok(halfway) => {
                *network = found;
                Ok(Some(halfway))
            }
            Err(reason) => {
                tracing::warn!("{}: the training begins anew: {reason}", path.display());
                Ok(None)
            }
        }
    }

    fn decode(&self, file: &[u8], network: &mut Network) -> Result<Halfway, String> {
        let (content, checksum) = file.split_at_checked(file.len().wrapping_sub(CHECKSUM)).unwrap_or_default();
        if content.is_empty() || Md5::of(content).to_string().as_bytes() != checksum {
            return Err(format!("its {} bytes do not have the checksum at their end", file.len()));
        }
        let Header { format, seconds, identity } = decode_header(content)?;
        if format != FORMAT {
            return Err(format!("format {format} instead of {FORMAT}"));
        }
        if identity != self.identity {
            return Err("it is a checkpoint of another training".to_owned());
        }
        let tensors = SafeTensors::deserialize(content).map_err(|error| error.to_string())?;
        let mut tensors: HashMap<String, TensorView> = tensors.tensors().into_iter().collect();
        let mut velocities = network.parameters.zeros();
        for (name, slot) in named(&mut network.parameters) {
            slot.fill(&name, &mut tensors)?;
        }
        for (name, slot) in named(&mut velocities) {
            let name = velocity(&name);
            slot.fill(&name, &mut tensors)?;
        }
        let count = tensors.get(LOSSES).map(|view| view.shape().to_vec()).unwrap_or_default();
        Ok(Halfway { velocities, losses: numbers(LOSSES, &count, &mut tensors)?, seconds })
    }

    /// Writes the file. One that cannot be written is a warning: the training goes on.
    pub(crate) fn write(&self, network: &Network, halfway: &Halfway) {
        if let Err(error) = self.try_to_write(network, halfway) {
            tracing::warn!("{}: cannot write a checkpoint: {error}", self.checkpoints.file.display());
        }
    }

    fn try_to_write(&self, network: &Network, halfway: &Halfway) -> io::Result<()> {
        let Halfway { velocities, losses, seconds } = halfway;
        let (mut parameters, mut velocities) = (network.parameters.clone(), velocities.clone());
        let weights = named(&mut parameters).into_iter().map(|(name, slot)| slot.to_bytes(name));
        let rest = named(&mut velocities).into_iter().map(|(name, slot)| slot.to_bytes(velocity(&name)));
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = weights.chain(rest).collect();
        tensors.push((LOSSES.to_owned(), vec![losses.len()], bytes(losses)));
        let header = Header { format: FORMAT, seconds: *seconds, identity: self.identity.clone() };
        let content = encode(&tensors, &header).map_err(io::Error::other)?;
        drop(tensors);
        if let Some(folder) = self.checkpoints.file.parent() {
            fs::create_dir_all(folder)?;
        }
        whole_or_absent(&self.checkpoints.file, &[&content, Md5::of(&content).to_string().as_bytes()])
    }
}

/// The name of the velocity of a parameter.
fn velocity(parameter: &str) -> String {
    format!("{parameter}.velocity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{DeviceChoice, open_device};
    use crate::learner::Training;
    use crate::phenotype::Phenotype;
    use crate::same_function::{CLASSES, SIDE, skeleton};
    use crate::values::Values;
    use crate::way::{HostWay, Way};
    use hnas_compiler::{Program, SeparableInner, Shape, assemble, optimize};
    use hnas_data::{Images, Train, TrainingImages};
    use hnas_genome::{Genotype, SearchSpace};
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    /// The tensor library's own way needs gradients of what was read: whichever way, a training goes on.
    #[test]
    fn what_is_read_is_trained_on() {
        let device = open_device(DeviceChoice::Cpu).unwrap();
        let genotype = Genotype::random(&SearchSpace::hierarchical(), 1000, &mut ChaCha8Rng::seed_from_u64(2)).genotype;
        let input = Shape::new(3, SIDE, SIDE);
        let graph = optimize(assemble(&genotype, &skeleton(SeparableInner::BatchNorm), input).unwrap());
        let short = |raw: &mut crate::RawRecipe| {
            (raw.steps, raw.batch, raw.crop) = (4, 3, SIDE);
            raw.learning_rate.drops.clear();
        };
        let recipe = Recipe::paper_search().with(short).unwrap();
        let pixels = (0..5 * 3 * SIDE * SIDE).map(|pixel| (pixel * 37 % 251) as u8).collect();
        let labels = (0..5).map(|image| (image % CLASSES) as u8).collect();
        let images = TrainingImages::from(Images::new(pixels, labels, (3, SIDE, SIDE), CLASSES).unwrap());
        let images: Train = images.all(5, 0).unwrap();
        let images = TrainOn::from(&images);
        let normalizer = images.normalizer(&recipe).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ways: [fn(&Graph, Shape) -> HostWay; 2] =
            [|_, _| HostWay::Tensors, |graph, input| HostWay::Program(Program::lower(graph, input).unwrap())];
        for (number, way) in ways.into_iter().enumerate() {
            let begin = |network: Network, steps: usize| {
                let source = images.source(&recipe, 1, steps).unwrap();
                let way = Way::Host(way(&graph, input));
                Training::new(way, network, &recipe, &device, (source, &normalizer)).unwrap()
            };
            let first = || Phenotype::build(&graph, &recipe, &device, 1).unwrap().network;
            let steps = |training: &mut Training, count| (0..count).for_each(|_| training.step(0.05).unwrap());
            let numbers = |training: &Training| {
                let (network, velocities) = training.state().unwrap();
                [network.parameters, velocities].map(|parameters| format!("{:?}", Values::of(&parameters)))
            };
            let mut whole = begin(first(), 0);
            steps(&mut whole, 4);

            let file = folder.path().join(number.to_string());
            let checkpoints = Checkpoints { file, every: NonZeroUsize::MIN, of: String::new() };
            let keeper = Keeper::new(&checkpoints, (&graph, images), (&recipe, 1), &device);
            let mut halfway = begin(first(), 0);
            steps(&mut halfway, 2);
            let (network, velocities) = halfway.state().unwrap();
            keeper.write(&network, &Halfway { velocities, losses: vec![1.0, 0.5], seconds: 3.0 });

            let mut network = first();
            let read = keeper.read(&mut network).unwrap().unwrap();
            assert_eq!((read.losses.as_slice(), read.seconds), ([1.0, 0.5].as_slice(), 3.0));
            let mut rest = begin(network, 2);
            rest.set_velocities(read.velocities);
            steps(&mut rest, 2);
            assert!(numbers(&rest) == numbers(&whole), "way {number}");
        }
    }
}
