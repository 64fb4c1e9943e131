//! The device, random maps on both sides, and how close two results are.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(feature = "vulkan")]
use hnas_gpu::vulkan_devices;
use hnas_gpu::{Activation, Buffer, Coefficients, CubeElement, Machine, Precision, Reading, Slope, pitch};
use hnas_kernels::{Block, blocks, pack, values, values_mut};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Every operation is tested on maps of each.
pub(crate) const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// The device of all tests; `None` where there is none, after a line that says which test did not run.
pub(crate) fn machine() -> Option<Machine> {
    #[cfg(feature = "vulkan")]
    if vulkan_devices() > 0 {
        return Some(Machine::vulkan(0));
    }
    #[cfg(feature = "cuda")]
    if let Ok(machine) = Machine::cuda(0) {
        return Some(machine);
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Past the test runner, which would keep the line to itself.
    let line = format!("{test}: NOT RUN, since there is no Vulkan device; one in software will do\n");
    std::io::stderr().write_all(line.as_bytes()).expect("the standard error is open");
    None
}

/// Fails unless `work` panics with these words.
#[track_caller]
pub(crate) fn assert_panics(words: &str, work: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("nothing panicked");
    let message = panic.downcast_ref::<String>().expect("a panic with numbers in its message");
    assert!(message.contains(words), "{message}");
}

/// Random numbers that are the same in every run.
pub(crate) struct Random {
    rng: ChaCha8Rng,
    precision: Precision,
}

impl Random {
    /// With maps of 32-bit floats.
    pub(crate) fn new(seed: u64) -> Random {
        Random::with_maps(Precision::F32, seed)
    }

    /// With maps of values that are exact in a precision.
    pub(crate) fn with_maps(precision: Precision, seed: u64) -> Random {
        Random { rng: ChaCha8Rng::seed_from_u64(seed), precision }
    }

    /// So many numbers between -1 and 1.
    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.rng.random_range(-1.0..1.0)).collect()
    }

    /// A whole number below `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.rng.random_range(0..end)
    }

    /// A map with zeros where the padding is.
    pub(crate) fn map(&mut self, pixels: usize, channels: usize) -> Map {
        let mut map = vec![Block::ZERO; pixels * blocks(channels)];
        for pixel in map.chunks_exact_mut(blocks(channels)) {
            values_mut(pixel)[..channels].copy_from_slice(&self.numbers(channels));
        }
        Map { map, channels, precision: self.precision }.exact()
    }

    /// Some scale and shift.
    pub(crate) fn activation(&mut self, channels: usize, relu: bool) -> hnas_kernels::Activation {
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        hnas_kernels::Activation { scale: pack(&self.numbers(channels)), shift: pack(&self.numbers(channels)), floor }
    }

    /// Some way back through a normalisation.
    pub(crate) fn coefficients(&mut self, channels: usize) -> hnas_kernels::Coefficients {
        let [scale, slope, offset] = std::array::from_fn(|_| pack(&self.numbers(channels)));
        hnas_kernels::Coefficients { scale, slope, offset }
    }

    /// A map that is read, normalised or as it is.
    pub(crate) fn input(&mut self, pixels: usize, channels: usize, activation: Option<bool>) -> Input {
        let map = self.map(pixels, channels);
        Input { map, activation: activation.map(|relu| self.activation(channels, relu)) }
    }

    /// The gradient of a map, normalised or as it is.
    pub(crate) fn output(&mut self, pixels: usize, channels: usize, normalized: bool) -> Output {
        let gradient = self.map(pixels, channels);
        let normalized = normalized
            .then(|| (self.map(pixels, channels), self.activation(channels, true), self.coefficients(channels)));
        Output { gradient, normalized }
    }
}

/// A map on the CPU.
#[derive(Clone)]
pub(crate) struct Map {
    pub(crate) map: Vec<Block>,
    pub(crate) channels: usize,
    pub(crate) precision: Precision,
}

impl Map {
    /// With values that are exact in its precision.
    pub(crate) fn exact(mut self) -> Map {
        if self.precision == Precision::Bf16 {
            let cut = |value: &mut f32| *value = f32::from_bits(value.to_bits() & 0xFFFF_0000);
            values_mut(&mut self.map).iter_mut().for_each(cut);
        }
        self
    }

    pub(crate) fn upload(&self, machine: &Machine) -> hnas_gpu::Map {
        hnas_gpu::Map::upload(machine, self.precision, self.channels, values(&self.map))
    }
}

/// A map that is read, on the CPU.
pub(crate) struct Input {
    pub(crate) map: Map,
    pub(crate) activation: Option<hnas_kernels::Activation>,
}

/// The gradient of a map, on the CPU.
pub(crate) struct Output {
    pub(crate) gradient: Map,
    pub(crate) normalized: Option<(Map, hnas_kernels::Activation, hnas_kernels::Coefficients)>,
}

/// An [`Input`] on the device.
pub(crate) struct DeviceInput {
    map: hnas_gpu::Map,
    activation: Option<Activation>,
}

/// An [`Output`] on the device.
pub(crate) struct DeviceOutput {
    gradient: hnas_gpu::Map,
    normalized: Option<(hnas_gpu::Map, Activation, Coefficients)>,
}

impl Input {
    pub(crate) fn reading(&self) -> hnas_kernels::Reading<'_> {
        let Map { map, channels, .. } = &self.map;
        hnas_kernels::Reading {
            map,
            blocks: blocks(*channels),
            channels: *channels,
            activation: self.activation.as_ref(),
        }
    }

    pub(crate) fn upload(&self, machine: &Machine) -> DeviceInput {
        DeviceInput {
            map: self.map.upload(machine),
            activation: self.activation.as_ref().map(|activation| upload_activation(machine, activation)),
        }
    }
}

impl Output {
    pub(crate) fn slope(&self) -> hnas_kernels::Slope<'_> {
        hnas_kernels::Slope {
            gradient: &self.gradient.map,
            blocks: blocks(self.gradient.channels),
            normalized: self.normalized.as_ref().map(|(map, activation, way)| (map.map.as_slice(), activation, way)),
        }
    }

    pub(crate) fn upload(&self, machine: &Machine) -> DeviceOutput {
        DeviceOutput {
            gradient: self.gradient.upload(machine),
            normalized: self.normalized.as_ref().map(|(map, activation, way)| {
                let rows = [&way.scale, &way.slope, &way.offset].map(|row| values(row)).concat();
                let way = Coefficients(machine.upload(&rows));
                (map.upload(machine), upload_activation(machine, activation), way)
            }),
        }
    }
}

impl DeviceInput {
    pub(crate) fn reading(&self) -> Reading<'_> {
        Reading { map: &self.map, activation: self.activation.as_ref() }
    }
}

impl DeviceOutput {
    pub(crate) fn slope(&self) -> Slope<'_> {
        let normalized = self.normalized.as_ref().map(|(map, activation, way)| (map, activation, way));
        Slope { gradient: &self.gradient, normalized }
    }
}

/// Scale, shift and floor on the device.
pub(crate) fn upload_activation(machine: &Machine, activation: &hnas_kernels::Activation) -> Activation {
    let floor = vec![activation.floor.max(f32::MIN); values(&activation.scale).len()];
    Activation(machine.upload(&[values(&activation.scale), values(&activation.shift), &floor].concat()))
}

/// The values of a buffer, after everything that was asked for.
#[track_caller]
pub(crate) fn download<T: CubeElement>(machine: &Machine, buffer: &Buffer<T>) -> Vec<T> {
    machine.download(buffer).unwrap_or_else(|error| panic!("the device failed: {error}"))
}

/// One value a channel, padded, on the device.
pub(crate) fn upload_channels(machine: &Machine, channels: &[f32]) -> Buffer<f32> {
    machine.upload(values(&pack(channels)))
}

/// New memory full of a number that is nobody's result, so that what is not written shows.
pub(crate) fn unwritten(machine: &Machine, len: usize) -> Buffer<f32> {
    machine.upload(&vec![77.0; len])
}

/// New memory for a map, full of another number.
pub(crate) fn unwritten_map(machine: &Machine, precision: Precision, pixels: usize, channels: usize) -> hnas_gpu::Map {
    hnas_gpu::Map::upload(machine, precision, channels, &vec![77.0; pixels * pitch(channels)])
}

/// The values of a map, after everything that was asked for.
#[track_caller]
pub(crate) fn download_map(machine: &Machine, map: &hnas_gpu::Map) -> Vec<f32> {
    map.download(machine).unwrap_or_else(|error| panic!("the device failed: {error}"))
}

/// Fails when two results differ by more than `tolerance` of the largest value. Padding counts.
#[track_caller]
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_rounded(what, found, expected, tolerance, 0.0);
}

/// The same, with what each value may differ by relative to itself.
#[track_caller]
fn assert_rounded(what: &str, found: &[f32], expected: &[f32], tolerance: f32, own: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let distance = (found - expected).abs();
        assert!(
            distance <= tolerance * largest + own * expected.abs(),
            "{what}: value {at} is {found}, not {expected}; the largest is {largest}"
        );
    }
}

/// The same for a buffer of the device.
#[track_caller]
pub(crate) fn assert_same(machine: &Machine, what: &str, found: &Buffer<f32>, expected: &[f32], tolerance: f32) {
    assert_close(what, &download(machine, found), expected, tolerance);
}

/// The same for a map of the device, whose values were rounded once to its precision.
#[track_caller]
pub(crate) fn assert_map(machine: &Machine, what: &str, found: &hnas_gpu::Map, expected: &[f32], tolerance: f32) {
    let own = rounding(found.precision());
    let what = format!("{what} in {:?}", found.precision());
    assert_rounded(&what, &download_map(machine, found), expected, tolerance, own);
}

/// What rounding to a precision changes a number by, relative to it, beside what computing it does.
pub(crate) fn rounding(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => 0.0,
        Precision::Bf16 => 1.0 / 256.0,
    }
}

/// What single numbers that are the sums of a few products may differ by.
pub(crate) const FEW: f32 = 2e-6;

/// What sums over all pixels may differ by.
pub(crate) const MANY: f32 = 1e-5;
