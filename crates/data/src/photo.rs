//! One photograph: from the bytes of a JPEG or PNG file to red, green and blue.
//!
//! What a file is, is told from its first bytes: ILSVRC-2012 holds a PNG named .JPEG. Every file becomes RGB of 8 bits:
//!
//! - grey is repeated three times; palettes and 16 bits are expanded and cut; an alpha channel is left out
//! - four channels are cyan, magenta, yellow and black, or YCCK, in Adobe's convention: what is stored is 255 less the ink.
//!   So `red = cyan * black / 255` of the stored bytes, likewise the others. Colour profiles are not applied.
//! - orientation tags are not applied: pixels are taken as they are stored, as TensorFlow's and torchvision's pipelines
//!   take them, whose accuracies are the published ones.
//!
//! A file is damaged when it has no end or when a strict decoder refuses it: an image that is cut off, or whose codes are
//! wrong, would be part noise or grey. A header alone takes no memory: what it promises must fit into the file's bytes, see [`too_large`].

mod segments;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use png::{BitDepth, ColorType, Limits, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use self::segments::{as_stored, has_end};
use crate::error::grouped;

/// The longest file that is read, in bytes: far more than a photograph takes.
const LONGEST_FILE: u64 = 1 << 27;
/// The largest image that is decoded, in pixels: 8192 x 8192, which takes 200 million bytes, progressive 600 million.
const MOST_PIXELS: u64 = 1 << 26;
/// The most pixels that a byte of a JPEG can stand for: each block of 8 x 8 pixels takes at least a bit.
const PIXELS_A_BYTE: u64 = 8 * 64;

/// A decoded photograph.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// `[height, width, 3]`: red, green, blue.
    pub pixels: Vec<u8>,
    /// How it was stored.
    pub kind: Kind,
}

/// How a photograph was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Three colours, or a luminance and two differences.
    Rgb,
    /// One channel.
    Grey,
    /// Three inks and black, or YCCK.
    Cmyk,
}

impl Photo {
    /// Reads and decodes a file.
    ///
    /// # Errors
    /// Why the file is no photograph.
    pub fn load(path: &Path) -> Result<Photo, String> {
        Photo::decode(&read(path)?)
    }

    /// Decodes the bytes of a file.
    ///
    /// # Errors
    /// Why they are no photograph.
    pub fn decode(bytes: &[u8]) -> Result<Photo, String> {
        match bytes {
            [] => Err("0 bytes".to_string()),
            [0xff, 0xd8, ..] => jpeg(bytes),
            [0x89, b'P', b'N', b'G', ..] => png(bytes),
            _ => Err(format!("{} bytes that are neither JPEG nor PNG", grouped(bytes.len() as u64))),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(cannot)?;
    let found = file.metadata().map_err(cannot)?;
    if !found.is_file() {
        return Err("not a file".to_string());
    }
    let mut bytes = Vec::with_capacity(found.len().min(LONGEST_FILE) as usize);
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("longer than {} bytes", grouped(LONGEST_FILE)));
    }
    Ok(bytes)
}

fn jpeg(bytes: &[u8]) -> Result<Photo, String> {
    if !has_end(bytes) {
        return Err(format!("cut off after {} bytes", grouped(bytes.len() as u64)));
    }
    let stored = as_stored(bytes);
    // Asked for as they are stored, colours are not converted.
    let colours = if stored.is_some() { ColorSpace::YCbCr } else { ColorSpace::RGB };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(colours);
    let bytes = stored.as_deref().unwrap_or(bytes);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let info = decoder.info().ok_or("no header")?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    too_large(width, height, PIXELS_A_BYTE.saturating_mul(bytes.len() as u64))?;
    let kind = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => Kind::Grey,
        Some(ColorSpace::CMYK | ColorSpace::YCCK) => Kind::Cmyk,
        _ => Kind::Rgb,
    };
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    photo(width, height, pixels, kind)
}

fn png(bytes: &[u8]) -> Result<Photo, String> {
    let limits = Limits { bytes: 8 * MOST_PIXELS as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let (width, height) = (reader.info().width, reader.info().height);
    // Deflate makes at most 1032 bytes of one, and a pixel may be a bit.
    too_large(width, height, 8 * 1032 * bytes.len() as u64)?;
    let mut read = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let frame = reader.next_frame(&mut read).map_err(|error| error.to_string())?;
    if frame.bit_depth != BitDepth::Eight {
        return Err(format!("{:?} bits a channel", frame.bit_depth));
    }
    let grey = |samples| read.chunks_exact(samples).flat_map(|pixel| [pixel[0]; 3]).collect();
    let (pixels, kind) = match frame.color_type {
        ColorType::Grayscale => (grey(1), Kind::Grey),
        ColorType::GrayscaleAlpha => (grey(2), Kind::Grey),
        ColorType::Rgb => (read, Kind::Rgb),
        ColorType::Rgba => (read.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(), Kind::Rgb),
        ColorType::Indexed => return Err("a palette that was not expanded".to_string()),
    };
    photo(width, height, pixels, kind)
}

/// Refuses what a header promises when that is empty, more than [`MOST_PIXELS`], or more than its file can hold.
fn too_large(width: u32, height: u32, room: u64) -> Result<(), String> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MOST_PIXELS {
        return Err(format!("{width} x {height} pixels are none, or more than {}", grouped(MOST_PIXELS)));
    }
    if pixels > room {
        return Err(format!("its header promises {width} x {height} pixels, more than its bytes can hold"));
    }
    Ok(())
}

fn photo(width: u32, height: u32, pixels: Vec<u8>, kind: Kind) -> Result<Photo, String> {
    let bytes = width as usize * height as usize * 3;
    if pixels.len() != bytes {
        return Err(format!("{} bytes of pixels instead of {}", grouped(pixels.len() as u64), grouped(bytes as u64)));
    }
    Ok(Photo { width, height, pixels, kind })
}

impl std::fmt::Debug for Photo {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({} x {}, {:?})", self.width, self.height, self.kind)
    }
}
