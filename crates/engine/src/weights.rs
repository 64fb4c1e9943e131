//! Files of weights, see [`Trained::save`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use hnas_compiler::Graph;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::device::EngineDevice;
use crate::error::EngineError;
use crate::initializer::Initializer;
use crate::network::Network;
use crate::normalizer::Normalizer;
use crate::parameters::{Convolution, Linear, Norm, Parameters, overwrite};
use crate::phenotype::check_classifier;
use crate::random::{Stream, stream};
use crate::trained::Trained;

/// The one key of the file's metadata: with several, their order in the file would differ from run to run.
const METADATA_KEY: &str = "hnas";

/// The name of the tensor that holds the loss of each step.
pub(crate) const LOSSES: &str = "losses";

/// The metadata.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    graph: String,
    batch_norm_epsilon: f64,
    normalizer: Normalizer,
}

const FORMAT: u32 = 1;

impl Trained {
    /// Writes everything that is needed to evaluate the network elsewhere into one
    /// [safetensors](https://huggingface.co/docs/safetensors) file, which Python and others read as well.
    ///
    /// Its tensors, 32-bit floats in PyTorch's layout, are named after the nodes of the graph: `node5.weight`
    /// `[out, in, k, k]`, `node5.norm.weight`, `.bias`, `.running_mean`, `.running_var` `[channels]`; the halves of a
    /// separable convolution are `node7.depthwise` and `node7.pointwise`; the classifier's weight is
    /// `[classes, features]`. `losses` is the loss of each step. The metadata's entry `hnas` is a JSON object with the
    /// graph as text, the normalisation of images and batch normalisation's epsilon. Equal networks give equal bytes.
    ///
    /// The file is complete or absent: it is written under another name and renamed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), EngineError> {
        let mut parameters = self.network.parameters.clone();
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> =
            named(&mut parameters).into_iter().map(|(name, slot)| slot.to_bytes(name)).collect();
        tensors.push((LOSSES.to_owned(), vec![self.losses.len()], bytes(&self.losses)));
        let header = Header {
            format: FORMAT,
            graph: self.graph.to_text(),
            batch_norm_epsilon: self.network.epsilon(),
            normalizer: self.normalizer.clone(),
        };
        let format =
            |reason: SafeTensorError| EngineError::Format { path: path.to_owned(), reason: reason.to_string() };
        let file = encode(&tensors, &header).map_err(format)?;
        let failed = |source| EngineError::File { action: "write", path: path.to_owned(), source };
        whole_or_absent(path, &[&file]).map_err(failed)
    }

    /// Reads a file of [`Trained::save`] onto a device.
    ///
    /// # Errors
    /// When the file cannot be read, or is not one of `save`'s: the message names what is missing or has another shape.
    pub fn load(path: &Path, device: &EngineDevice) -> Result<Trained, EngineError> {
        let file =
            fs::read(path).map_err(|source| EngineError::File { action: "read", path: path.to_owned(), source })?;
        decode(&file, device).map_err(|reason| EngineError::Format { path: path.to_owned(), reason })
    }
}

/// A safetensors file of tensors in 32-bit floats, each with name, shape and bytes, and the header as its metadata.
pub(crate) fn encode(
    tensors: &[(String, Vec<usize>, Vec<u8>)],
    header: &impl Serialize,
) -> Result<Vec<u8>, SafeTensorError> {
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).expect("4 bytes a number of the shape");
        (name.as_str(), view)
    });
    let header = serde_json::to_string(header).expect("strings and finite numbers are JSON");
    safetensors::serialize(views, Some(HashMap::from([(METADATA_KEY.to_owned(), header)])))
}

/// The header of such a file. The error is the reason only.
pub(crate) fn decode_header<T: DeserializeOwned>(file: &[u8]) -> Result<T, String> {
    let (_, metadata) = SafeTensors::read_metadata(file).map_err(|error| error.to_string())?;
    let header = metadata.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
    let header = header.ok_or_else(|| format!("its metadata has no entry '{METADATA_KEY}'"))?;
    serde_json::from_str(header).map_err(|error| format!("metadata: {error}"))
}

/// Writes a file that is never seen half: under another name, and then renamed.
pub(crate) fn whole_or_absent(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.unfinished", std::process::id()));
    let write = || {
        let mut file = File::create(&unfinished)?;
        pieces.iter().try_for_each(|piece| file.write_all(piece))?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    // What is left of an attempt that failed is of no use to anybody.
    write().inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// The error is the reason only: the caller knows the file.
fn decode(file: &[u8], device: &EngineDevice) -> Result<Trained, String> {
    let header: Header = decode_header(file)?;
    if header.format != FORMAT {
        return Err(format!("format {} instead of {FORMAT}", header.format));
    }
    let graph = Graph::parse(&header.graph).map_err(|error| format!("graph: {error}"))?;
    check_classifier(&graph).map_err(|error| format!("graph: {error}"))?;
    if header.normalizer.channels() != graph.input_shape().channels {
        let (found, needed) = (header.normalizer.channels(), graph.input_shape().channels);
        return Err(format!("it normalises {found} channels, but its network takes {needed}"));
    }

    let mut tensors =
        SafeTensors::deserialize(file).map_err(|error| error.to_string())?.tensors().into_iter().collect();
    // The first weights do not matter: each is overwritten, or the file is refused.
    let mut rng = stream(0, Stream::Weights);
    let epsilon = header.batch_norm_epsilon;
    let mut network = Network::new(&graph, Initializer::HeNormal, epsilon, device.plain(), &mut rng);
    for (name, slot) in named(&mut network.parameters) {
        slot.fill(&name, &mut tensors)?;
    }
    let losses = tensors.get(LOSSES).map(|view| view.shape().to_vec()).unwrap_or_default();
    let losses = numbers(LOSSES, &losses, &mut tensors)?;
    if let Some(name) = tensors.into_keys().min() {
        return Err(format!("its network has no tensor '{name}'"));
    }
    Ok(Trained {
        graph,
        network,
        normalizer: header.normalizer,
        device: device.clone(),
        losses,
        seconds: 0.0,
        supply: None,
    })
}

/// A place in the module that a tensor of the file belongs to.
pub(crate) enum Slot<'a> {
    Vector(&'a mut Param<Tensor<1>>),
    /// Kept as `[in, out]`, in the file `[out, in]`.
    Matrix(&'a mut Param<Tensor<2>>),
    Kernel(&'a mut Param<Tensor<4>>),
}

/// Every tensor of the module with its name in the file.
pub(crate) fn named(parameters: &mut Parameters) -> Vec<(String, Slot<'_>)> {
    let Parameters { convolutions, linears } = parameters;
    let mut slots = Vec::new();
    for Convolution { name, weight, norm } in convolutions {
        slots.push((format!("{name}.weight"), Slot::Kernel(weight)));
        if let Some(Norm { gamma, beta, mean, variance }) = norm {
            slots.push((format!("{name}.norm.weight"), Slot::Vector(gamma)));
            slots.push((format!("{name}.norm.bias"), Slot::Vector(beta)));
            slots.push((format!("{name}.norm.running_mean"), Slot::Vector(mean)));
            slots.push((format!("{name}.norm.running_var"), Slot::Vector(variance)));
        }
    }
    for Linear { name, weight, bias } in linears {
        slots.push((format!("{name}.weight"), Slot::Matrix(weight)));
        slots.push((format!("{name}.bias"), Slot::Vector(bias)));
    }
    slots
}

impl Slot<'_> {
    pub(crate) fn to_bytes(&self, name: String) -> (String, Vec<usize>, Vec<u8>) {
        let numbers = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
        let (shape, numbers) = match self {
            Slot::Vector(param) => (param.dims().to_vec(), numbers(param.val().into_data())),
            Slot::Matrix(param) => {
                let [inputs, outputs] = param.dims();
                (vec![outputs, inputs], transposed(&numbers(param.val().into_data()), [inputs, outputs]))
            }
            Slot::Kernel(param) => (param.dims().to_vec(), numbers(param.val().into_data())),
        };
        (name, shape, bytes(&numbers))
    }

    pub(crate) fn fill(self, name: &str, tensors: &mut HashMap<String, TensorView<'_>>) -> Result<(), String> {
        match self {
            Slot::Vector(param) => {
                let read = numbers(name, &param.dims(), tensors)?;
                overwrite(param, read);
            }
            Slot::Matrix(param) => {
                let [inputs, outputs] = param.dims();
                let read = numbers(name, &[outputs, inputs], tensors)?;
                overwrite(param, transposed(&read, [outputs, inputs]));
            }
            Slot::Kernel(param) => {
                let read = numbers(name, &param.dims(), tensors)?;
                overwrite(param, read);
            }
        }
        Ok(())
    }
}

/// The transposed matrix, in memory: a tensor's own `transpose` is a view, which other kernels multiply, with other last
/// bits.
fn transposed(numbers: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| numbers[row * columns + column])).collect()
}

/// Takes a tensor out of the file.
pub(crate) fn numbers(
    name: &str,
    shape: &[usize],
    tensors: &mut HashMap<String, TensorView<'_>>,
) -> Result<Vec<f32>, String> {
    let view = tensors.remove(name).ok_or_else(|| format!("it has no tensor '{name}'"))?;
    if view.dtype() != Dtype::F32 || view.shape() != shape {
        let (dtype, found) = (view.dtype(), view.shape());
        return Err(format!("tensor '{name}' is {dtype:?} {found:?}, its network needs F32 {shape:?}"));
    }
    let (numbers, _) = view.data().as_chunks::<4>();
    Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}

pub(crate) fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
