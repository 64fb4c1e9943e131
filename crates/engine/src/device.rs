//! The one place where a device is chosen.
//!
//! Which backends exist is decided when the program is built (cargo features `cpu`, `cuda` and `vulkan`), which device is
//! used when it runs. Devices are enumerated before one is opened: asking for a device that is not there panics in threads
//! of its own.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
#[cfg(feature = "cuda")]
use burn::tensor::DeviceType;
#[cfg(feature = "gpu")]
use hnas_gpu::Machine;

use crate::cores::{Cores, Part};
use crate::environment;
use crate::error::EngineError;
use crate::recipe::{Precision, Recipe};

/// Where to compute, as a user asks for it: `auto`, `cpu`, `cuda:N` or `vulkan:N`; `cuda` and `vulkan` are the first ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device if there is one, else the CPU. Never a Vulkan device, which may be one in software.
    #[default]
    Auto,
    /// The CPU, with the threads of the current rayon pool.
    Cpu,
    /// The CUDA device of this index.
    Cuda(usize),
    /// The Vulkan device of this index, those in hardware first.
    Vulkan(usize),
}

impl FromStr for DeviceChoice {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<DeviceChoice, EngineError> {
        let unknown = || EngineError::UnknownDeviceName { name: text.to_owned() };
        let indexed = |prefix: &str| {
            let index = text.strip_prefix(prefix)?;
            // `parse` alone would take "+1".
            if index.bytes().all(|byte| byte.is_ascii_digit()) { index.parse().ok() } else { None }
        };
        Ok(match text {
            "auto" => DeviceChoice::Auto,
            "cpu" => DeviceChoice::Cpu,
            "cuda" => DeviceChoice::Cuda(0),
            "vulkan" => DeviceChoice::Vulkan(0),
            _ => {
                let cuda = indexed("cuda:").map(DeviceChoice::Cuda);
                cuda.or_else(|| indexed("vulkan:").map(DeviceChoice::Vulkan)).ok_or_else(unknown)?
            }
        })
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => write!(f, "auto"),
            DeviceChoice::Cpu => write!(f, "cpu"),
            DeviceChoice::Cuda(index) => write!(f, "cuda:{index}"),
            DeviceChoice::Vulkan(index) => write!(f, "vulkan:{index}"),
        }
    }
}

/// A device that there is. Results are equal bit for bit between runs on the same kind only (invariant E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    #[cfg(feature = "cpu")]
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda(usize),
    #[cfg(feature = "vulkan")]
    Vulkan(usize),
}

/// What a device computes with.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Operations are done when their functions return.
    #[cfg(feature = "cpu")]
    Cpu,
    /// Operations are queued; reading a value waits for all of them.
    #[cfg(feature = "gpu")]
    Gpu(Machine),
}

/// A device that was found when it was opened. Cheap to clone; `Display` is its name, `cpu`, `cuda:N` or `vulkan:N`.
#[derive(Clone, Debug)]
pub struct EngineDevice {
    name: Name,
    kind: Kind,
    /// The tensor library's: the same device, or the CPU where the library has no other.
    device: Device,
    cores: Option<Cores>,
}

impl EngineDevice {
    /// The same device, for computations that share these threads of the processor with others. Without, each uses the current
    /// rayon pool.
    #[must_use]
    pub fn sharing(&self, cores: &Cores) -> EngineDevice {
        EngineDevice { cores: Some(cores.clone()), ..self.clone() }
    }

    /// Takes part in the threads that are shared, if any are, for one training or evaluation.
    pub(crate) fn join(&self) -> Part {
        Part::of(self.cores.as_ref())
    }

    /// The device for tensors that need no gradient.
    pub(crate) fn plain(&self) -> &Device {
        &self.device
    }

    /// The device for tensors of a training.
    pub(crate) fn autodiff(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// Whether it is the CPU, where several networks are best trained at once, one for each core.
    pub fn is_cpu(&self) -> bool {
        match self.kind {
            #[cfg(feature = "cpu")]
            Kind::Cpu => true,
            #[cfg(feature = "gpu")]
            Kind::Gpu(_) => false,
        }
    }

    /// Checks that it can train by a recipe.
    ///
    /// # Errors
    /// When the recipe's precision is not one of the device's.
    pub fn check(&self, recipe: &Recipe) -> Result<(), EngineError> {
        let keeps = match recipe.precision() {
            Precision::F32 => None,
            Precision::Bf16 if self.is_cpu() => Some(self.to_string()),
            Precision::Bf16 => environment::asks_for_plain().then(|| format!("{self} with HNAS_KERNELS=plain")),
        };
        keeps.map_or(Ok(()), |device| Err(EngineError::Precision { device }))
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Whether it is another device of the same kind.
    fn may_share_a_run_with(&self, other: &EngineDevice) -> bool {
        self.name != other.name && std::mem::discriminant(&self.name) == std::mem::discriminant(&other.name)
    }
}

impl fmt::Display for EngineDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl fmt::Display for Name {
    #[allow(unused_variables, reason = "a build without any backend has no devices")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            #[cfg(feature = "cpu")]
            Name::Cpu => write!(f, "cpu"),
            #[cfg(feature = "cuda")]
            Name::Cuda(index) => write!(f, "cuda:{index}"),
            #[cfg(feature = "vulkan")]
            Name::Vulkan(index) => write!(f, "vulkan:{index}"),
        }
    }
}

/// Opens the device asked for.
///
/// # Errors
/// When this build has no backend for it (the message names the cargo feature) or the machine no such device (the
/// message names what there is); when `HNAS_KERNELS` or `HNAS_SIMD` is set to a word that means nothing.
pub fn open_device(choice: DeviceChoice) -> Result<EngineDevice, EngineError> {
    environment::check()?;
    // Only the kind that is asked for is looked for: to ask the drivers takes time.
    let wanted = match choice {
        DeviceChoice::Auto => cuda().into_iter().chain(cpu()).next(),
        DeviceChoice::Cpu => cpu().first().copied(),
        DeviceChoice::Cuda(index) => cuda().get(index).copied(),
        DeviceChoice::Vulkan(index) => vulkan().get(index).copied(),
    };
    if let Some(name) = wanted {
        return open(name);
    }
    let (asked, feature, available) = (choice.to_string(), missing_feature(choice), names());
    Err(match feature {
        Some(feature) => EngineError::MissingFeature { asked, feature, available },
        None => EngineError::NoSuchDevice { asked, available },
    })
}

/// Opens the devices that a list such as `cuda:0,cuda:1` names; `cuda:all` and `vulkan:all` are all there are.
///
/// # Errors
/// As [`open_device`] and a [`DeviceChoice`] that is read; when a device is named twice, or two are of different kinds,
/// whose results are not to be compared (invariant E1).
pub fn open_devices(list: &str) -> Result<Vec<EngineDevice>, EngineError> {
    let all = |name: &str| {
        let (found, first) = match name {
            "cuda:all" => (cuda(), "cuda:0"),
            "vulkan:all" => (vulkan(), "vulkan:0"),
            _ => return vec![name.to_owned()],
        };
        // The first one, so that the error says what is missing, if there is none.
        if found.is_empty() { vec![first.to_owned()] } else { found.iter().map(Name::to_string).collect() }
    };
    let mut opened: Vec<EngineDevice> = Vec::new();
    for name in list.split(',').flat_map(all) {
        let device = open_device(name.parse()?)?;
        if let Some(other) = opened.iter().find(|other| !other.may_share_a_run_with(&device)) {
            return Err(EngineError::Devices { first: other.to_string(), second: device.to_string() });
        }
        opened.push(device);
    }
    Ok(opened)
}

/// The names of the devices that [`open_device`] would open here, the one of `auto` first.
pub fn devices() -> Vec<String> {
    [cuda(), cpu(), vulkan()].concat().iter().map(Name::to_string).collect()
}

fn open(name: Name) -> Result<EngineDevice, EngineError> {
    match name {
        #[cfg(feature = "cpu")]
        Name::Cpu => {
            hnas_kernels::keep_freed_memory();
            Ok(EngineDevice { name, kind: Kind::Cpu, device: Device::flex(), cores: None })
        }
        #[cfg(feature = "cuda")]
        Name::Cuda(index) => {
            let gone = |_| EngineError::NoSuchDevice { asked: name.to_string(), available: names() };
            let machine = Machine::cuda(index).map_err(gone)?;
            Ok(EngineDevice { name, kind: Kind::Gpu(machine), device: Device::cuda(index), cores: None })
        }
        #[cfg(feature = "vulkan")]
        Name::Vulkan(index) => {
            if environment::asks_for_plain() {
                let message = format!("HNAS_KERNELS is plain, but the tensor library does not compute on {name}");
                return Err(EngineError::Environment { message });
            }
            Ok(EngineDevice { name, kind: Kind::Gpu(Machine::vulkan(index)), device: Device::flex(), cores: None })
        }
    }
}

fn cpu() -> Vec<Name> {
    #[cfg(feature = "cpu")]
    return vec![Name::Cpu];
    #[cfg(not(feature = "cpu"))]
    return Vec::new();
}

fn cuda() -> Vec<Name> {
    #[cfg(feature = "cuda")]
    return (0..Device::enumerate(DeviceType::Cuda).len()).map(Name::Cuda).collect();
    #[cfg(not(feature = "cuda"))]
    return Vec::new();
}

fn vulkan() -> Vec<Name> {
    #[cfg(feature = "vulkan")]
    return (0..hnas_gpu::vulkan_devices()).map(Name::Vulkan).collect();
    #[cfg(not(feature = "vulkan"))]
    return Vec::new();
}

fn missing_feature(choice: DeviceChoice) -> Option<&'static str> {
    match choice {
        DeviceChoice::Auto => (cfg!(not(feature = "cpu"))).then_some("cpu"),
        DeviceChoice::Cpu => (cfg!(not(feature = "cpu"))).then_some("cpu"),
        DeviceChoice::Cuda(_) => (cfg!(not(feature = "cuda"))).then_some("cuda"),
        DeviceChoice::Vulkan(_) => (cfg!(not(feature = "vulkan"))).then_some("vulkan"),
    }
}

fn names() -> String {
    let found = devices();
    if found.is_empty() { "no device".to_owned() } else { found.join(", ") }
}
