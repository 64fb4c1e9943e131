//! The one place where a device is chosen.
//!
//! Which backends exist is decided when the program is built (cargo features `cpu` and `cuda`), which device is used
//! when it runs. Devices are enumerated before one is opened: asking the tensor library for a device that is not there
//! panics in threads of its own.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
#[cfg(any(feature = "cpu", feature = "cuda"))]
use burn::tensor::DeviceType;

use crate::environment;
use crate::error::EngineError;

/// Where to compute, as a user asks for it: `auto`, `cpu`, `cuda` (the same as `cuda:0`) or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU, with the threads of the current rayon pool.
    Cpu,
    /// The CUDA device of this index.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<DeviceChoice, EngineError> {
        let unknown = || EngineError::UnknownDeviceName { name: text.to_owned() };
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "cuda" => Ok(DeviceChoice::Cuda(0)),
            _ => {
                let index = text.strip_prefix("cuda:").ok_or_else(unknown)?;
                // `parse` alone would take "+1".
                if !index.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(unknown());
                }
                index.parse().map(DeviceChoice::Cuda).map_err(|_| unknown())
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => write!(f, "auto"),
            DeviceChoice::Cpu => write!(f, "cpu"),
            DeviceChoice::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// The kind of a device. Results are equal bit for bit between runs on the same kind only (invariant E1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceKind {
    /// Each operation is done when its function returns.
    Cpu,
    /// Operations are queued; reading a value waits for all of them.
    Cuda { index: usize },
}

/// A device that was found when it was opened. Cheap to clone; `Display` is its name, `cpu` or `cuda:N`.
#[derive(Clone, Debug)]
pub struct EngineDevice {
    device: Device,
    kind: DeviceKind,
}

impl EngineDevice {
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
        self.kind == DeviceKind::Cpu
    }

    pub(crate) fn kind(&self) -> DeviceKind {
        self.kind
    }
}

impl fmt::Display for EngineDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DeviceKind::Cpu => write!(f, "cpu"),
            DeviceKind::Cuda { index } => write!(f, "cuda:{index}"),
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
    let found = enumerate();
    let wanted = match choice {
        // CUDA devices come first in the list.
        DeviceChoice::Auto => found.first(),
        DeviceChoice::Cpu => found.iter().find(|device| device.kind == DeviceKind::Cpu),
        DeviceChoice::Cuda(index) => found.iter().find(|device| device.kind == DeviceKind::Cuda { index }),
    };
    if let Some(device) = wanted {
        if device.is_cpu() {
            hnas_kernels::keep_freed_memory();
        }
        return Ok(device.clone());
    }
    let available = names(&found);
    let (asked, feature) = (choice.to_string(), missing_feature(choice));
    Err(match feature {
        Some(feature) => EngineError::MissingFeature { asked, feature, available },
        None => EngineError::NoSuchDevice { asked, available },
    })
}

/// The names of the devices that [`open_device`] would open here, the one of `auto` first.
pub fn devices() -> Vec<String> {
    enumerate().iter().map(EngineDevice::to_string).collect()
}

fn enumerate() -> Vec<EngineDevice> {
    #[allow(unused_mut, reason = "a build without any backend has no devices")]
    let mut found = Vec::new();
    #[cfg(feature = "cuda")]
    found.extend(
        Device::enumerate(DeviceType::Cuda)
            .iter()
            .enumerate()
            .map(|(index, device)| EngineDevice { device: device.clone(), kind: DeviceKind::Cuda { index } }),
    );
    #[cfg(feature = "cpu")]
    found.extend(
        Device::enumerate(DeviceType::Flex)
            .iter()
            .map(|device| EngineDevice { device: device.clone(), kind: DeviceKind::Cpu }),
    );
    found
}

fn missing_feature(choice: DeviceChoice) -> Option<&'static str> {
    match choice {
        DeviceChoice::Auto => (cfg!(not(feature = "cpu"))).then_some("cpu"),
        DeviceChoice::Cpu => (cfg!(not(feature = "cpu"))).then_some("cpu"),
        DeviceChoice::Cuda(_) => (cfg!(not(feature = "cuda"))).then_some("cuda"),
    }
}

fn names(found: &[EngineDevice]) -> String {
    if found.is_empty() {
        return "no device".to_owned();
    }
    found.iter().map(EngineDevice::to_string).collect::<Vec<_>>().join(", ")
}
