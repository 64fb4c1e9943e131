//! How the values of a map lie in memory, as kernels see it: a line of four of them is one vector of a buffer.

use cubecl::prelude::*;

use crate::map::Precision;

/// Four neighbouring channels of one pixel: what a unit reads, computes and writes at once.
pub(crate) type Line = Vector<f32, Const<4>>;

/// Channels of a [`Line`].
pub(crate) const LINE: usize = 4;

/// A line in [`Precision::Bf16`]: the channel of lower number is the lower half of a word.
///
/// Words, not a type of such numbers, which not every device has: what is written and read is the same on all of them.
pub(crate) type Halves = Vector<u32, Const<2>>;

/// A line as it lies in memory. Kernels that read or write maps are compiled for each.
#[cube]
pub(crate) trait Stored: CubePrimitive {
    /// Of maps that lie so.
    const PRECISION: Precision;

    /// The line that was stored.
    fn unpack(stored: Self) -> Line;

    /// A line as it is stored.
    fn pack(line: Line) -> Self;
}

#[cube]
impl Stored for Line {
    const PRECISION: Precision = Precision::F32;

    fn unpack(stored: Line) -> Line {
        stored
    }

    fn pack(line: Line) -> Line {
        line
    }
}

#[cube]
impl Stored for Halves {
    const PRECISION: Precision = Precision::Bf16;

    fn unpack(stored: Halves) -> Line {
        let mut line = Line::new(0.0);
        #[unroll]
        for lane in 0..LINE {
            let word = stored.extract(lane / 2);
            if comptime!(lane % 2 == 0) {
                line.insert(lane, f32::reinterpret(word << 16));
            } else {
                line.insert(lane, f32::reinterpret(word & 0xFFFF_0000));
            }
        }
        line
    }

    fn pack(line: Line) -> Halves {
        let mut stored = Halves::new(0u32);
        #[unroll]
        for word in 0..LINE / 2 {
            let low = upper_half(line.extract(2 * word));
            let high = upper_half(line.extract(2 * word + 1));
            stored.insert(word, low | (high << 16));
        }
        stored
    }
}

/// The upper half of a number, rounded to the nearest by the lower, to the even one of two.
///
/// Half of the last place that is kept, less one if that is even, carries into it where it has to, and on into the
/// exponent up to infinity. What is not a number would be carried out of its kind, and is kept one by a bit.
#[cube]
fn upper_half(value: f32) -> u32 {
    let bits = u32::reinterpret(value);
    let mut half = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    if bits & 0x7FFF_FFFF > 0x7F80_0000 {
        half = (bits >> 16) | 0x40;
    }
    half
}

/// A [`Map`](crate::Map) on the device.
#[derive(CubeType, CubeLaunch)]
pub(crate) struct Lines<S: Stored> {
    stored: Box<[S]>,
}

#[cube]
impl<S: Stored> Lines<S> {
    /// Of all pixels.
    pub(crate) fn len(&self) -> usize {
        self.stored.len()
    }

    pub(crate) fn read(&self, at: usize) -> Line {
        S::unpack(self.stored[at])
    }

    pub(crate) fn write(&mut self, at: usize, line: Line) {
        self.stored[at] = S::pack(line);
    }
}

/// Launches a kernel in the variant for maps of a precision.
macro_rules! launch {
    ($precision:expr, $kernel:ident($($argument:expr),* $(,)?)) => {
        match $precision {
            $crate::map::Precision::F32 => $kernel::launch::<$crate::stored::Line>($($argument),*),
            $crate::map::Precision::Bf16 => $kernel::launch::<$crate::stored::Halves>($($argument),*),
        }
    };
}
pub(crate) use launch;
