//! Maps as they are read: scale, shift and ReLU on the way in, and the gradient of them on the way back.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::map::Map;
use crate::pitch;
use crate::stored::{LINE, Line, Lines, Stored};

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

/// A map, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The values in memory.
    pub map: &'a Map,
    /// What is applied; `None` for the values as they are.
    pub activation: Option<&'a Activation>,
}

/// The gradient of the loss with respect to a map.
#[derive(Clone, Copy, Debug)]
pub struct Slope<'a> {
    /// With respect to the map as it is read.
    pub gradient: &'a Map,
    /// The map, its activation and the way back through its normalisation; `None` for a map that is read as it is.
    pub normalized: Option<(&'a Map, &'a Activation, &'a Coefficients)>,
}

/// Where the gradient with respect to an input goes.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The map gets it.
    Write(&'a Map),
    /// It is added to the map.
    Add(&'a Map),
}

/// A [`Reading`] on the device.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Source<S: Stored> {
    map: Lines<S>,
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
impl<S: Stored> Source<S> {
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
        let value = fma(self.map.read(pixel * self.lines + line), affine.scale, affine.shift);
        select_many(value.less_than(&affine.floor), affine.floor, value)
    }
}

/// A [`Slope`] on the device.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Descent<S: Stored> {
    gradient: Lines<S>,
    map: Lines<S>,
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
impl<S: Stored> Descent<S> {
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
        let mut gradient = self.gradient.read(at);
        if self.normalized == 1 {
            gradient = self.back(undo, gradient, at);
        }
        gradient
    }

    /// The same of a gradient that is at hand, where there is a normalisation.
    pub(crate) fn back(&self, undo: &Undo, gradient: Line, at: usize) -> Line {
        let value = self.map.read(at);
        let active = fma(value, undo.scale, undo.shift).greater_than(&undo.floor);
        let gradient = select_many(active, gradient, Line::new(0.0));
        fma(gradient, undo.outer, fma(value, undo.slope, undo.offset))
    }
}

impl Reading<'_> {
    pub(crate) fn launch<S: Stored>(&self) -> SourceLaunch<S> {
        let Reading { map, activation } = self;
        SourceLaunch::new(
            map.launch(),
            // Something has to stand where there is no activation; it is not read.
            activation.map_or(map.stand_in().argument(), |activation| table(&activation.0, map).argument()),
            map.pixel_lines(),
            map.channels().div_ceil(LINE),
            u32::from(activation.is_some()),
        )
    }
}

impl Slope<'_> {
    pub(crate) fn launch<S: Stored>(&self) -> DescentLaunch<S> {
        let gradient = self.gradient;
        let nothing = || gradient.stand_in().argument();
        let (map, activation, coefficients) = match self.normalized {
            Some((map, activation, coefficients)) => {
                gradient.check_like(map);
                (map, table(&activation.0, map).argument(), table(&coefficients.0, map).argument())
            }
            None => (gradient, nothing(), nothing()),
        };
        DescentLaunch::new(
            gradient.launch(),
            map.launch(),
            activation,
            coefficients,
            gradient.pixel_lines(),
            u32::from(self.normalized.is_some()),
        )
    }
}

impl<'a> Target<'a> {
    /// The map, and whether to add to it.
    pub(crate) fn split(self) -> (&'a Map, u32) {
        match self {
            Target::Write(map) => (map, 0),
            Target::Add(map) => (map, 1),
        }
    }
}

/// Three numbers a channel of a map.
fn table<'a>(buffer: &'a Buffer<f32>, map: &Map) -> &'a Buffer<f32> {
    let channels = map.channels();
    assert!(buffer.len() == 3 * pitch(channels), "a table for {channels} channels has {} values", buffer.len());
    buffer
}
