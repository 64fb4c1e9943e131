//! `meta.mat` of ILSVRC-2012's development kit: which class a number of the kit's ground truth means.
//!
//! It is a MATLAB 5 file, by MathWorks' *MAT-File Format*: elements of a type, a length and as many bytes, padded to 8; an
//! element may be compressed; a matrix is an element of elements. Read is the array of structures which has the fields
//! `ILSVRC2012_ID` and `WNID`, little-endian, as the kit's is.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// The most that is inflated, in bytes. The kit's file inflates to less than 3 million.
const MOST: u64 = 1 << 26;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const STRUCTURES: u8 = 2;

/// The numbers and names of the classes in `meta.mat`; `None` when the bytes are no such file.
pub(super) fn classes(file: &[u8]) -> Option<Vec<(u32, String)>> {
    if file.get(126..128)? != b"IM" {
        return None;
    }
    let mut rest = file.get(128..)?;
    while let Some((kind, data)) = element(&mut rest) {
        let mut inflated = Vec::new();
        let found = match kind {
            COMPRESSED => {
                ZlibDecoder::new(data).take(MOST).read_to_end(&mut inflated).ok()?;
                let mut inflated = inflated.as_slice();
                element(&mut inflated).filter(|(kind, _)| *kind == MATRIX).and_then(|(_, data)| structures(data))
            }
            MATRIX => structures(data),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Takes an element: its type and its bytes.
fn element<'a>(rest: &mut &'a [u8]) -> Option<(u32, &'a [u8])> {
    let word = |from: usize, bytes: &[u8]| Some(u32::from_le_bytes(bytes.get(from..from + 4)?.try_into().ok()?));
    let kind = word(0, rest)?;
    // At most 4 bytes are put beside the type, in the place of the length.
    let (kind, data, length) = if kind >> 16 == 0 {
        let bytes = word(4, rest)? as usize;
        let padded = if kind == COMPRESSED { bytes } else { bytes.next_multiple_of(8) };
        (kind, rest.get(8..)?.get(..bytes)?, 8 + padded)
    } else {
        (kind & 0xffff, rest.get(4..8)?.get(..(kind >> 16) as usize)?, 8)
    };
    *rest = rest.get(length..).unwrap_or_default();
    Some((kind, data))
}

/// The class of a matrix, and what follows flags, sizes and name.
fn matrix(mut data: &[u8]) -> Option<(u8, &[u8])> {
    let class = *element(&mut data)?.1.first()?;
    element(&mut data)?;
    element(&mut data)?;
    Some((class, data))
}

fn structures(data: &[u8]) -> Option<Vec<(u32, String)>> {
    let (class, mut rest) = matrix(data)?;
    if class != STRUCTURES {
        return None;
    }
    let length = u32::from_le_bytes(element(&mut rest)?.1.get(..4)?.try_into().ok()?) as usize;
    let names = element(&mut rest)?.1;
    if length == 0 {
        return None;
    }
    let fields: Vec<&[u8]> =
        names.chunks(length).map(|name| name.split(|byte| *byte == 0).next().unwrap_or(name)).collect();
    let place = |name: &[u8]| fields.iter().position(|field| *field == name);
    let (number, name) = (place(b"ILSVRC2012_ID")?, place(b"WNID")?);
    let mut classes = Vec::new();
    while !rest.is_empty() {
        let values: Vec<&[u8]> =
            fields.iter().map(|_| element(&mut rest).map(|(_, data)| data)).collect::<Option<_>>()?;
        classes.push((whole(values[number])?, text(values[name])?));
    }
    Some(classes)
}

/// The first number of a matrix, whatever its type.
fn whole(data: &[u8]) -> Option<u32> {
    let (_, mut rest) = matrix(data)?;
    let (kind, data) = element(&mut rest)?;
    match kind {
        1 | 2 => data.first().map(|byte| u32::from(*byte)),
        3 | 4 => Some(u32::from(u16::from_le_bytes(data.get(..2)?.try_into().ok()?))),
        5 | 6 => Some(u32::from_le_bytes(data.get(..4)?.try_into().ok()?)),
        9 => Some(f64::from_le_bytes(data.get(..8)?.try_into().ok()?) as u32),
        _ => None,
    }
}

/// The characters of a matrix: of one byte each, or of two.
fn text(data: &[u8]) -> Option<String> {
    let (_, mut rest) = matrix(data)?;
    let (kind, data) = element(&mut rest)?;
    match kind {
        1 | 2 | 16 => String::from_utf8(data.to_vec()).ok(),
        4 | 17 => {
            let units: Vec<u16> = data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}
