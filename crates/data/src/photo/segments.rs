//! The segments of a JPEG: what the decoder does not tell of its headers.

use std::ops::Range;

const END: u8 = 0xd9;
const ADOBE: u8 = 0xee;

/// Each marker and where its data are, up to the end marker if there is one. Codes between two segments are passed over.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, Range<usize>)> {
    let mut at = 2;
    std::iter::from_fn(move || {
        loop {
            at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)? + 1;
            match *bytes.get(at)? {
                // Another of the fill bytes that may precede a marker.
                0xff => {}
                // A value of 255 among the codes, a marker that stands alone, or a restart.
                0x00 | 0x01 | 0xd0..=0xd8 => at += 1,
                END => {
                    at = bytes.len();
                    return Some((END, at..at));
                }
                // Passed over as a whole, since a small preview in it has an end of its own.
                marker => {
                    let data = at + 3;
                    let length = u16::from_be_bytes([*bytes.get(at + 1)?, *bytes.get(at + 2)?]);
                    at += 1 + usize::from(length);
                    return Some((marker, data..at.max(data)));
                }
            }
        }
    })
}

/// Whether a JPEG goes on to its end marker. The decoder would fill up what is missing of the last rows.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    segments(bytes).any(|(marker, _)| marker == END)
}

/// A JPEG whose three channels are red, green and blue by Adobe's marker, made to be read without conversion: the marker says
/// luminance and differences, and these are asked for. The decoder takes the marker's 0 for four inks, however many channels
/// there are. `None` for all others.
pub(super) fn as_stored(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut transform = None;
    for (marker, data) in segments(bytes) {
        let segment = bytes.get(data.clone())?;
        match marker {
            ADOBE if segment.starts_with(b"Adobe") && segment.get(11) == Some(&0) => transform = Some(data.start + 11),
            // The frame: a byte, height and width, the number of channels, and for each its name and two bytes. Channels
            // that are called R, G and B the decoder knows.
            0xc0..=0xc2 if !matches!(segment, [_, _, _, _, _, 3, ..]) => return None,
            0xc0..=0xc2 if matches!(segment[6..], [b'R', _, _, b'G', _, _, b'B', ..]) => return None,
            _ => {}
        }
    }
    let transform = transform?;
    let mut copy = bytes.to_vec();
    copy[transform] = 1;
    Some(copy)
}
