//! From a photograph to the bytes that a network sees: a window, resampled, perhaps mirrored, perhaps brighter.
//!
//! - Resampling is by a triangle filter as wide as the window is shrunk (bilinear with antialiasing), in the stored
//!   (gamma-coded) values, as other pipelines do.
//! - The output stays bytes: a GPU is sent a quarter of what floats would take, and the error is half a step of 255 at
//!   most, since brightness and contrast are one function of a byte, rounded once.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rand::rngs::ChaCha8Rng;
use serde::Deserialize;
use thiserror::Error;

use crate::photo::Photo;
use crate::random::{below, between};

/// The largest side of an output.
const LARGEST: u32 = 4096;
/// How often a window is drawn before the largest one of a permitted shape is taken.
const TRIES: usize = 10;

/// How training images are distorted: the fields of an [`Augmentation`], not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distortion {
    /// Rows and columns of the output.
    pub size: u32,
    /// Least and largest share of the photograph's area that a window has.
    pub area: [f64; 2],
    /// Least and largest width of a window, divided by its height.
    pub aspect: [f64; 2],
    /// Whether half of the images are mirrored.
    pub flip: bool,
    /// The most that is added to or taken from every value, where 255 counts as 1.
    pub brightness: f64,
    /// Least and largest factor on the distance of a value from its channel's mean.
    pub contrast: [f64; 2],
}

/// Random windows, flips, brightness and contrast: what a training sees of a photograph.
///
/// For a photograph of `W x H` pixels, with `U[a, b]` a uniform draw, in this order:
///
/// 1. Window: area `A = W H U[area]`, aspect `r = exp(U[ln aspect])`, width `w = sqrt(A r)`, height `h = sqrt(A / r)`, drawn
///    again until it fits (`w <= W`, `h <= H`), at most 10 times; then left `U[0, W - w]` and top `U[0, H - h]`. If none fits,
///    it is the largest centred window whose aspect is permitted. (Szegedy et al., *Going Deeper with Convolutions*, 2015,
///    section 6: area 8 % to 100 %, aspect 3/4 to 4/3. The uniform logarithm and the 10 draws are torchvision's
///    `RandomResizedCrop`, which besides rounds to whole pixels.)
/// 2. The window is resampled to `size x size`.
/// 3. It is mirrored with probability 1/2, if `flip`.
/// 4. `y = f (x - m) + m + d` for each value `x` of a channel of mean `m`, with `d = U[-brightness, brightness]` and
///    `f = U[contrast]`, cut to 0..1 and rounded to a byte once. (TensorFlow's `adjust_brightness` and `adjust_contrast`, with
///    the ranges of its Inception preprocessing; the order of the two makes no difference in this form.)
///
/// The paper says "scale and aspect-ratio jitter", flips, brightness and contrast changes; its ranges are not printed.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "Distortion")]
pub struct Augmentation(Distortion);

/// The middle of a photograph: what an evaluation sees of it.
///
/// It is the photograph, resized so that its shorter side has `shorter` pixels, cropped in its middle to `size x size`. Done
/// as one resampling of a centred square of side `size min(W, H) / shorter`, without rounding the longer side in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawCentreCrop")]
pub struct CentreCrop {
    size: u32,
    shorter: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "CentreCrop")]
struct RawCentreCrop {
    size: u32,
    shorter: u32,
}

/// Why a transformation makes no sense.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum TransformError {
    /// No pixels, or more than can be meant.
    #[error("an output of {0} x {0} pixels: 1 to {LARGEST} are possible")]
    Size(u32),
    /// A crop larger than what it is cut from.
    #[error("a crop of {size} x {size} does not fit where the shorter side is {shorter}")]
    Crop {
        /// Side of the crop.
        size: u32,
        /// The shorter side.
        shorter: u32,
    },
    /// An empty or senseless range.
    #[error("{what} from {low} to {high}: {rule}")]
    Range {
        /// Which range.
        what: &'static str,
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
        /// What is possible.
        rule: &'static str,
    },
}

/// A part of a photograph, in pixels from its upper left corner; corners may lie within a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Columns before it.
    pub left: f64,
    /// Rows above it.
    pub top: f64,
    /// Its columns.
    pub width: f64,
    /// Its rows.
    pub height: f64,
}

/// Makes images of windows; keeps what it needs for that between two images. One a thread.
#[derive(Default)]
pub struct Transformer {
    resizer: Resizer,
    resized: Vec<u8>,
}

impl Distortion {
    /// Inception's ranges, for an output of `size x size`.
    pub fn inception(size: u32) -> Distortion {
        Distortion {
            size,
            area: [0.08, 1.0],
            aspect: [3.0 / 4.0, 4.0 / 3.0],
            flip: true,
            brightness: 32.0 / 255.0,
            contrast: [0.5, 1.5],
        }
    }
}

impl TryFrom<Distortion> for Augmentation {
    type Error = TransformError;

    fn try_from(distortion: Distortion) -> Result<Augmentation, TransformError> {
        check_size(distortion.size)?;
        let range = |what, [low, high]: [f64; 2], good: bool, rule| {
            if good && low <= high { Ok(()) } else { Err(TransformError::Range { what, low, high, rule }) }
        };
        let [low, high] = distortion.area;
        range("area", distortion.area, low > 0.0 && high <= 1.0, "shares of an area are above 0 and at most 1")?;
        let [low, high] = distortion.aspect;
        range("aspect", distortion.aspect, low >= 0.01 && high <= 100.0, "width by height is 0.01 to 100")?;
        let [low, high] = distortion.contrast;
        range("contrast", distortion.contrast, low >= 0.0 && high <= 100.0, "factors are 0 to 100")?;
        let most = distortion.brightness;
        range("brightness", [-most, most], most <= 1.0, "at most 1 is added or taken away")?;
        Ok(Augmentation(distortion))
    }
}

impl TryFrom<RawCentreCrop> for CentreCrop {
    type Error = TransformError;

    fn try_from(raw: RawCentreCrop) -> Result<CentreCrop, TransformError> {
        CentreCrop::new(raw.size, raw.shorter)
    }
}

fn check_size(size: u32) -> Result<(), TransformError> {
    if (1..=LARGEST).contains(&size) { Ok(()) } else { Err(TransformError::Size(size)) }
}

impl Augmentation {
    /// Rows and columns of the output.
    pub fn size(&self) -> u32 {
        self.0.size
    }

    /// Draws an image `[3, size, size]` from a photograph.
    pub fn apply(&self, photo: &Photo, transformer: &mut Transformer, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let window = self.window(photo.width, photo.height, rng);
        // Always drawn, so that one range leaves the others' draws as they are.
        let mirrored = (below(rng, 2) == 1) & self.0.flip;
        let brightness = between(rng, [-self.0.brightness, self.0.brightness]);
        let contrast = between(rng, self.0.contrast);
        transformer.resize(photo, window, self.0.size);
        let tables = transformer.channel_means().map(|mean| adjustment(mean, brightness, contrast));
        transformer.planes(mirrored, &tables)
    }

    /// Draws a window of a photograph of `width x height` pixels.
    pub fn window(&self, width: u32, height: u32, rng: &mut ChaCha8Rng) -> Window {
        let (full_width, full_height) = (f64::from(width), f64::from(height));
        let [low, high] = self.0.aspect;
        for _ in 0..TRIES {
            let area = full_width * full_height * between(rng, self.0.area);
            let aspect = between(rng, [low.ln(), high.ln()]).exp();
            let (width, height) = ((area * aspect).sqrt(), (area / aspect).sqrt());
            if width <= full_width && height <= full_height {
                let left = between(rng, [0.0, full_width - width]);
                let top = between(rng, [0.0, full_height - height]);
                return Window { left, top, width, height };
            }
        }
        let aspect = (full_width / full_height).clamp(low, high);
        centred(full_width, full_height, full_width.min(full_height * aspect), full_height.min(full_width / aspect))
    }
}

impl CentreCrop {
    /// A crop of `size x size` where the shorter side has `shorter` pixels: 299 of 342 are the usual 87.5 %.
    ///
    /// # Errors
    /// When the crop is empty, too large, or larger than `shorter`.
    pub fn new(size: u32, shorter: u32) -> Result<CentreCrop, TransformError> {
        check_size(size)?;
        if size > shorter {
            return Err(TransformError::Crop { size, shorter });
        }
        Ok(CentreCrop { size, shorter })
    }

    /// Rows and columns of the output.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The image `[3, size, size]` of a photograph.
    pub fn apply(&self, photo: &Photo, transformer: &mut Transformer) -> Vec<u8> {
        transformer.resize(photo, self.window(photo.width, photo.height), self.size);
        transformer.planes(false, &[identity(); 3])
    }

    /// The window of a photograph of `width x height` pixels.
    pub fn window(&self, width: u32, height: u32) -> Window {
        let side = f64::from(width.min(height)) * f64::from(self.size) / f64::from(self.shorter);
        centred(f64::from(width), f64::from(height), side, side)
    }
}

fn centred(full_width: f64, full_height: f64, width: f64, height: f64) -> Window {
    Window { left: (full_width - width) / 2.0, top: (full_height - height) / 2.0, width, height }
}

/// What becomes of each byte of a channel of mean `mean` (0 to 1).
fn adjustment(mean: f64, brightness: f64, contrast: f64) -> [u8; 256] {
    std::array::from_fn(|byte| {
        let changed = contrast * (byte as f64 / 255.0 - mean) + mean + brightness;
        (changed.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

fn identity() -> [u8; 256] {
    std::array::from_fn(|byte| byte as u8)
}

impl Transformer {
    /// Resamples a window to `size x size`.
    fn resize(&mut self, photo: &Photo, window: Window, size: u32) {
        // Rounding may have put an edge a hair outside.
        let (full_width, full_height) = (f64::from(photo.width), f64::from(photo.height));
        let (left, top) = (window.left.clamp(0.0, full_width - 1e-9), window.top.clamp(0.0, full_height - 1e-9));
        let within =
            |from: f64, length: f64, full: f64| if from + length > full { (full - from).next_down() } else { length };
        let (width, height) = (within(left, window.width, full_width), within(top, window.height, full_height));
        self.resized.resize(size as usize * size as usize * 3, 0);
        let source = ImageRef::new(photo.width, photo.height, &photo.pixels, PixelType::U8x3);
        let target = Image::from_slice_u8(size, size, &mut self.resized, PixelType::U8x3);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(left, top, width, height);
        self.resizer
            .resize(&source.expect("a photo holds its pixels"), &mut target.expect("just sized"), &options)
            .expect("the window lies within the photo");
    }

    /// Mean of each channel of what was resized, 0 to 1.
    fn channel_means(&self) -> [f64; 3] {
        let mut sums = [0u64; 3];
        for pixel in self.resized.chunks_exact(3) {
            sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += u64::from(value));
        }
        let pixels = (self.resized.len() / 3) as f64;
        sums.map(|sum| sum as f64 / pixels / 255.0)
    }

    /// What was resized, as planes, each channel through its table.
    fn planes(&self, mirrored: bool, tables: &[[u8; 256]; 3]) -> Vec<u8> {
        let pixels = self.resized.len() / 3;
        let side = pixels.isqrt();
        let mut planes = vec![0; 3 * pixels];
        for ((plane, table), channel) in planes.chunks_exact_mut(pixels).zip(tables).zip(0..) {
            for (row, from) in plane.chunks_exact_mut(side).zip(self.resized.chunks_exact(3 * side)) {
                let values = from.chunks_exact(3).map(|pixel| table[usize::from(pixel[channel])]);
                row.iter_mut().zip(values).for_each(|(to, value)| *to = value);
                if mirrored {
                    row.reverse();
                }
            }
        }
        planes
    }
}
