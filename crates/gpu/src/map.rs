//! Feature maps on the device.

use cubecl::server::ServerError;

use crate::buffer::Buffer;
use crate::copy::copy;
use crate::machine::Machine;
use crate::pitch;
use crate::stored::{LINE, LinesLaunch, Stored};

/// How the values of maps and of gradients of maps lie in memory. Kernels compute with 32-bit floats whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// The upper halves of 32-bit floats: their range, so that small gradients are not lost, with 8 bits of a number in
    /// place of 24. What is written is rounded to the nearest, to the even one of two.
    Bf16,
}

impl Precision {
    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Bf16 => 2,
        }
    }
}

/// A feature map, or the gradient of the loss with respect to one: `[pixels, pitch]`. A clone is the same memory.
///
/// Invariant: the memory is of exactly the values of the pixels, of which there is at least one channel.
#[derive(Clone, Debug)]
pub struct Map {
    words: Buffer<u32>,
    precision: Precision,
    channels: usize,
    pixels: usize,
}

impl Map {
    /// The map of so many channels that lies in some memory.
    ///
    /// Panics when the memory is not of whole pixels.
    pub fn new(words: Buffer<u32>, precision: Precision, channels: usize) -> Map {
        let pixel = Map::words(precision, 1, channels);
        assert!(
            channels > 0 && words.len().is_multiple_of(pixel),
            "a map of {} words has no pixels of {channels} channels in {pixel} words",
            words.len()
        );
        Map { precision, channels, pixels: words.len() / pixel, words }
    }

    /// A map in new memory, that holds anything until it is written.
    pub fn room(machine: &Machine, precision: Precision, pixels: usize, channels: usize) -> Map {
        Map::new(machine.room(Map::words(precision, pixels, channels)), precision, channels)
    }

    /// A map in new memory, of values `[pixels, pitch]`.
    ///
    /// Panics when they are not whole pixels.
    pub fn upload(machine: &Machine, precision: Precision, channels: usize, values: &[f32]) -> Map {
        let map = Map::room(machine, precision, values.len() / pitch(channels), channels);
        map.write(machine, values);
        map
    }

    /// Words of memory that a map takes.
    pub fn words(precision: Precision, pixels: usize, channels: usize) -> usize {
        pixels * pitch(channels) * precision.bytes() / size_of::<u32>()
    }

    /// How its values lie in memory.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Channels of a pixel; the rest of its pitch is padding.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How many pixels it has.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// Puts values `[pixels, pitch]` into it, after everything that was asked for before.
    ///
    /// Panics when there are more or fewer than it holds.
    pub fn write(&self, machine: &Machine, values: &[f32]) {
        let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        match self.precision {
            Precision::F32 => machine.write(&self.words, &bits),
            Precision::Bf16 => copy(machine, &Map::new(machine.upload(&bits), Precision::F32, self.channels), self),
        }
    }

    /// Waits until everything that was asked for is done, and gives the values, `[pixels, pitch]`.
    ///
    /// Fails when something went wrong on the device that this map depends on.
    pub fn download(&self, machine: &Machine) -> Result<Vec<f32>, ServerError> {
        Ok(Map::download_all(machine, std::slice::from_ref(self))?.remove(0))
    }

    /// The same of several maps, for one wait.
    pub fn download_all(machine: &Machine, maps: &[Map]) -> Result<Vec<Vec<f32>>, ServerError> {
        let words: Vec<Buffer<u32>> = maps.iter().map(|map| map.in_full(machine).words).collect();
        let read = machine.download_all(&words)?;
        Ok(read.into_iter().map(|bits| bits.into_iter().map(f32::from_bits).collect()).collect())
    }

    /// The same values in 32-bit floats.
    fn in_full(&self, machine: &Machine) -> Map {
        match self.precision {
            Precision::F32 => self.clone(),
            Precision::Bf16 => {
                let full = Map::room(machine, Precision::F32, self.pixels, self.channels);
                copy(machine, self, &full);
                full
            }
        }
    }

    /// Lines of a pixel.
    pub(crate) fn pixel_lines(&self) -> usize {
        pitch(self.channels) / LINE
    }

    /// Lines of all pixels.
    pub(crate) fn lines(&self) -> usize {
        self.pixels * self.pixel_lines()
    }

    /// As an argument of a kernel for maps that lie like this one.
    ///
    /// Panics when it is one for others: all maps of a call are of one precision.
    pub(crate) fn launch<S: Stored>(&self) -> LinesLaunch<S> {
        let Map { precision, .. } = self;
        assert!(*precision == S::PRECISION, "a map of {precision:?} among those of {:?}", S::PRECISION);
        LinesLaunch::new(self.words.argument())
    }

    /// Something that stands where a kernel takes a table, and is not read.
    pub(crate) fn stand_in(&self) -> &Buffer<u32> {
        &self.words
    }

    /// Panics when another map has other pixels or channels.
    pub(crate) fn check_like(&self, other: &Map) {
        let size = |map: &Map| (map.pixels, map.channels);
        let ((pixels, channels), (others, other_channels)) = (size(self), size(other));
        assert!(
            (pixels, channels) == (others, other_channels),
            "a map of {pixels} pixels and {channels} channels belongs to one of {others} and {other_channels}"
        );
    }
}
