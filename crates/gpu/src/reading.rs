//! Maps as they are read: scale, shift and ReLU on the way in, and the gradient of them on the way back.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::pitch;

/// What is applied to a map by whatever reads it: `max(floor, scale x + shift)`, each channel with its own numbers.
///
/// `[3, pitch]`: scale, shift and floor. Scale and shift are zero past the last channel; the floor is zero for a ReLU and
/// the lowest number for none.
#[derive(Clone, Debug)]
pub struct Activation(pub Buffer<f32>);

/// How the gradient of a normalised map becomes that of the map before its normalisation:
/// `scale (g where the ReLU let through) + slope z + offset`, with batch statistics as functions of the map.
///
/// `[3, pitch]`: scale, slope and offset; all zero past the last channel.
#[derive(Clone, Debug)]
pub struct Coefficients(pub Buffer<f32>);

/// A map, `[pixels, pitch]`, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The values in memory.
    pub map: &'a Buffer<f32>,
    /// Channels of a pixel; the rest of its pitch is padding.
    pub channels: usize,
    /// What is applied; `None` for the values as they are.
    pub activation: Option<&'a Activation>,
}

/// The gradient of the loss with respect to a map, `[pixels, pitch]`.
#[derive(Clone, Copy, Debug)]
pub struct Slope<'a> {
    /// With respect to the map as it is read.
    pub gradient: &'a Buffer<f32>,
    /// Channels of a pixel.
    pub channels: usize,
    /// The map, its activation and the way back through its normalisation; `None` for a map that is read as it is.
    pub normalized: Option<(&'a Buffer<f32>, &'a Activation, &'a Coefficients)>,
}

/// Where the gradient with respect to an input goes.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The buffer gets it.
    Write(&'a Buffer<f32>),
    /// It is added to the buffer.
    Add(&'a Buffer<f32>),
}

/// Four neighbouring channels of one pixel: what a unit reads, computes and writes at once.
pub(crate) type Line = Vector<f32, Const<4>>;

/// Channels of a [`Line`].
pub(crate) const LINE: usize = 4;

/// A [`Reading`] on the device.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Source {
    map: Box<[Line]>,
    activation: Box<[Line]>,
    /// Of a pixel.
    pub(crate) lines: usize,
    /// Lines of a pixel that are not padding alone.
    pub(crate) filled: usize,
    activated: u32,
}

/// What is applied to one line of channels.
#[derive(CubeType)]
pub(crate) struct Affine {
    pub(crate) scale: Line,
    pub(crate) shift: Line,
    pub(crate) floor: Line,
}

#[cube]
impl Source {
    /// What is applied to the values of a line.
    pub(crate) fn affine(&self, line: usize) -> Affine {
        let mut scale = Line::new(1.0);
        let mut shift = Line::new(0.0);
        let mut floor = Line::new(f32::MIN);
        if self.activated == 1 {
            scale = self.activation[line];
            shift = self.activation[self.lines + line];
            floor = self.activation[2 * self.lines + line];
        }
        Affine { scale, shift, floor }
    }

    /// A line of a pixel. What is not a number stays so.
    pub(crate) fn read(&self, affine: &Affine, pixel: usize, line: usize) -> Line {
        let value = fma(self.map[pixel * self.lines + line], affine.scale, affine.shift);
        select_many(value.less_than(&affine.floor), affine.floor, value)
    }
}

/// A [`Slope`] on the device.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Descent {
    gradient: Box<[Line]>,
    map: Box<[Line]>,
    activation: Box<[Line]>,
    coefficients: Box<[Line]>,
    /// Of a pixel.
    pub(crate) lines: usize,
    normalized: u32,
}

/// The way back for one line of channels.
#[derive(CubeType)]
pub(crate) struct Undo {
    scale: Line,
    shift: Line,
    floor: Line,
    outer: Line,
    slope: Line,
    offset: Line,
}

#[cube]
impl Descent {
    /// The way back for a line.
    pub(crate) fn undo(&self, line: usize) -> Undo {
        let mut scale = Line::new(0.0);
        let mut shift = Line::new(0.0);
        let mut floor = Line::new(0.0);
        let mut outer = Line::new(0.0);
        let mut slope = Line::new(0.0);
        let mut offset = Line::new(0.0);
        if self.normalized == 1 {
            scale = self.activation[line];
            shift = self.activation[self.lines + line];
            floor = self.activation[2 * self.lines + line];
            outer = self.coefficients[line];
            slope = self.coefficients[self.lines + line];
            offset = self.coefficients[2 * self.lines + line];
        }
        Undo { scale, shift, floor, outer, slope, offset }
    }

    /// The gradient before the normalisation, of a line of a pixel.
    pub(crate) fn read(&self, undo: &Undo, pixel: usize, line: usize) -> Line {
        let at = pixel * self.lines + line;
        let mut gradient = self.gradient[at];
        if self.normalized == 1 {
            gradient = self.back(undo, gradient, at);
        }
        gradient
    }

    /// The same of a gradient that is at hand, where there is a normalisation.
    pub(crate) fn back(&self, undo: &Undo, gradient: Line, at: usize) -> Line {
        let value = self.map[at];
        let active = fma(value, undo.scale, undo.shift).greater_than(&undo.floor);
        let gradient = select_many(active, gradient, Line::new(0.0));
        fma(gradient, undo.outer, fma(value, undo.slope, undo.offset))
    }
}

impl Reading<'_> {
    /// Lines of a pixel.
    pub(crate) fn lines(&self) -> usize {
        pitch(self.channels) / LINE
    }

    /// Pixels of the map.
    pub(crate) fn pixels(&self) -> usize {
        pixels(self.map, self.channels)
    }

    pub(crate) fn launch(&self) -> SourceLaunch {
        // Something has to stand where there is no activation; it is not read.
        let activation = self.activation.map_or(self.map, |activation| table(&activation.0, self.channels));
        SourceLaunch::new(
            self.map.argument(),
            activation.argument(),
            self.lines(),
            self.channels.div_ceil(LINE),
            u32::from(self.activation.is_some()),
        )
    }
}

impl Slope<'_> {
    /// Lines of a pixel.
    pub(crate) fn lines(&self) -> usize {
        pitch(self.channels) / LINE
    }

    /// Pixels of the map.
    pub(crate) fn pixels(&self) -> usize {
        pixels(self.gradient, self.channels)
    }

    pub(crate) fn launch(&self) -> DescentLaunch {
        let (map, activation, coefficients) = match self.normalized {
            Some((map, activation, coefficients)) => {
                assert!(
                    map.len() == self.gradient.len(),
                    "a map of {} has a gradient of {}",
                    map.len(),
                    self.gradient.len()
                );
                (map, table(&activation.0, self.channels), table(&coefficients.0, self.channels))
            }
            None => (self.gradient, self.gradient, self.gradient),
        };
        DescentLaunch::new(
            self.gradient.argument(),
            map.argument(),
            activation.argument(),
            coefficients.argument(),
            self.lines(),
            u32::from(self.normalized.is_some()),
        )
    }
}

impl<'a> Target<'a> {
    /// The buffer, and whether to add to it.
    pub(crate) fn split(self) -> (&'a Buffer<f32>, u32) {
        match self {
            Target::Write(buffer) => (buffer, 0),
            Target::Add(buffer) => (buffer, 1),
        }
    }
}

/// Pixels of a map.
///
/// Panics when it does not hold whole pixels.
pub(crate) fn pixels(map: &Buffer<f32>, channels: usize) -> usize {
    let pitch = pitch(channels);
    assert!(channels > 0 && map.len().is_multiple_of(pitch), "a map of {} values has no pixels of {pitch}", map.len());
    map.len() / pitch
}

/// Three numbers a channel.
fn table(buffer: &Buffer<f32>, channels: usize) -> &Buffer<f32> {
    assert!(buffer.len() == 3 * pitch(channels), "a table for {channels} channels has {} values", buffer.len());
    buffer
}
