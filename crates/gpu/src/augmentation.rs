//! Batches of images that live on the device as bytes: cut out, mirrored and normalised there.

use cubecl::prelude::*;

use crate::buffer::Buffer;
use crate::machine::{GROUP, Machine};
use crate::map::Map;
use crate::stored::{LINE, Line, Lines, Stored, launch};

/// Numbers of a [`Cut`] on the device.
const NUMBERS: usize = 4;

/// Images of one shape as bytes, on the device.
#[derive(Clone, Debug)]
pub struct Images {
    /// `[images, channels, height, width]`, four bytes in a number.
    bytes: Buffer<u32>,
    channels: usize,
    height: usize,
    width: usize,
    count: usize,
}

/// Which image of a set becomes the next of a batch, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The number of the image.
    pub image: u32,
    /// The first row that is kept.
    pub top: u32,
    /// The first column that is kept.
    pub left: u32,
    /// Whether what is kept is mirrored from left to right.
    pub mirrored: bool,
}

/// The cuts of a batch, on the device.
#[derive(Clone, Debug)]
pub struct Cuts(Buffer<u32>);

impl Images {
    /// Takes images `[images, channels, height, width]` to the device.
    ///
    /// Panics when the bytes are not whole images.
    pub fn upload(machine: &Machine, bytes: &[u8], channels: usize, height: usize, width: usize) -> Images {
        let image = channels * height * width;
        assert!(bytes.len().is_multiple_of(image), "{} bytes are no images of {image}", bytes.len());
        let (fours, rest) = bytes.as_chunks();
        let mut packed: Vec<u32> = fours.iter().map(|&four| u32::from_le_bytes(four)).collect();
        if !rest.is_empty() {
            let mut last = [0; 4];
            last[..rest.len()].copy_from_slice(rest);
            packed.push(u32::from_le_bytes(last));
        }
        Images { bytes: machine.upload(&packed), channels, height, width, count: bytes.len() / image }
    }
}

impl Cuts {
    /// Room for the cuts of a batch, to be [written](Cuts::write).
    pub fn room(machine: &Machine, batch: usize) -> Cuts {
        Cuts(machine.room(batch * NUMBERS))
    }

    /// Says how the next batch is cut out of `images`, which a window of so many rows and columns fits into.
    ///
    /// Panics when a cut reaches beyond its image, or there are more or fewer than the batch has images.
    pub fn write(&self, machine: &Machine, images: &Images, height: usize, width: usize, cuts: &[Cut]) {
        for cut in cuts {
            let inside = cut.top as usize + height <= images.height && cut.left as usize + width <= images.width;
            assert!((cut.image as usize) < images.count && inside, "{cut:?} of {height}x{width} is not in the images");
        }
        let numbers = cuts.iter().flat_map(|cut| [cut.image, cut.top, cut.left, u32::from(cut.mirrored)]);
        machine.write(&self.0, &numbers.collect::<Vec<u32>>());
    }
}

/// Makes a batch, of `[batch, height, width]` pixels: each byte becomes `byte scale + shift`, with the numbers of its channel
/// from `normalizer`, `[2, channels]`.
///
/// Panics when a buffer has another size.
pub fn cut(
    machine: &Machine,
    images: &Images,
    cuts: &Cuts,
    normalizer: &Buffer<f32>,
    height: usize,
    width: usize,
    output: &Map,
) {
    let (expected, given) = (cuts.0.len() / NUMBERS * height * width, output.pixels());
    assert!(given == expected, "a batch of {given} pixels, not {expected}");
    assert!(output.channels() == images.channels, "{} channels of {}", output.channels(), images.channels);
    assert!(normalizer.len() == 2 * images.channels, "{} numbers for {} channels", normalizer.len(), images.channels);
    launch!(
        output.precision(),
        take(
            machine.client(),
            machine.groups(output.lines()),
            GROUP,
            images.bytes.argument(),
            cuts.0.argument(),
            normalizer.argument(),
            output.launch(),
            SizesLaunch::new(images.channels, images.height, images.width, height, width, output.pixel_lines()),
        )
    );
}

#[derive(CubeType, CubeLaunch)]
struct Sizes {
    channels: usize,
    image_height: usize,
    image_width: usize,
    height: usize,
    width: usize,
    /// Of a pixel of the batch.
    lines: usize,
}

/// One unit a line of the batch.
#[cube(launch)]
fn take<S: Stored>(bytes: &[u32], cuts: &[u32], normalizer: &[f32], mut output: Lines<S>, sizes: Sizes) {
    let at = ABSOLUTE_POS;
    if at < output.len() {
        let line = at % sizes.lines;
        let pixel = at / sizes.lines;
        let row = pixel / sizes.width % sizes.height;
        let mut column = pixel % sizes.width;
        let number = pixel / (sizes.width * sizes.height) * NUMBERS;
        let image = cuts[number] as usize;
        let top = cuts[number + 1] as usize;
        let left = cuts[number + 2] as usize;
        if cuts[number + 3] == 1 {
            column = sizes.width - 1 - column;
        }
        let mut values = Line::new(0.0);
        #[unroll]
        for lane in 0..LINE {
            let channel = line * LINE + lane;
            if channel < sizes.channels {
                let plane = (image * sizes.channels + channel) * sizes.image_height;
                let place = (plane + top + row) * sizes.image_width + left + column;
                let byte = (bytes[place / 4] >> (8 * u32::cast_from(place % 4))) & 255;
                let scale = normalizer[channel];
                let shift = normalizer[sizes.channels + channel];
                values.insert(lane, fma(f32::cast_from(byte), scale, shift));
            }
        }
        output.write(at, values);
    }
}
