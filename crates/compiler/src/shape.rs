//! The shape of a feature map.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The shape of one image's feature map, written `channels x height x width`, for example `16x32x32`.
///
/// The batch is no part of it: a tensor of the engine is `[batch, channels, height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Number of channels.
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl Shape {
    /// The shape of `channels` maps of `height` x `width` pixels.
    pub fn new(channels: usize, height: usize, width: usize) -> Shape {
        Shape { channels, height, width }
    }

    /// Number of pixels of one channel.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Number of values: channels times pixels.
    pub fn elements(self) -> usize {
        self.channels * self.pixels()
    }

    /// The same pixels with another number of channels.
    pub(crate) fn with_channels(self, channels: usize) -> Shape {
        Shape { channels, ..self }
    }

    /// What a window that is padded by half its size leaves when it moves `stride` pixels at a time.
    pub(crate) fn strided(self, stride: usize) -> Shape {
        Shape { height: self.height.div_ceil(stride), width: self.width.div_ceil(stride), ..self }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Why a text is not a shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a shape such as 16x32x32 (channels, height and width)")]
pub struct ShapeError(String);

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Shape, ShapeError> {
        let sizes: Option<Vec<usize>> = text.split('x').map(number).collect();
        match sizes.as_deref() {
            Some(&[channels, height, width]) => Ok(Shape { channels, height, width }),
            Some(_) | None => Err(ShapeError(text.to_owned())),
        }
    }
}

/// A plain decimal number. `parse` alone would take a sign as well.
fn number(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
