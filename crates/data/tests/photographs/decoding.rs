//! One picture in every way that a file may hold it, and files that hold none.

use expect_test::{Expect, expect};
use hnas_data::{Kind, Photo};

use crate::tree::photograph;

/// How far apart two images are: the mean over all values, and the largest.
fn distance(one: &[u8], other: &[u8]) -> (f64, u8) {
    assert_eq!(one.len(), other.len());
    let differences = one.iter().zip(other).map(|(one, other)| one.abs_diff(*other));
    let sum: f64 = differences.clone().map(f64::from).sum();
    (sum / one.len() as f64, differences.max().unwrap())
}

/// Luminance of ITU-R BT.601, three times.
fn grey(pixels: &[u8]) -> Vec<u8> {
    let weigh = |pixel: &[u8]| 0.299 * f64::from(pixel[0]) + 0.587 * f64::from(pixel[1]) + 0.114 * f64::from(pixel[2]);
    pixels.chunks_exact(3).flat_map(|pixel| [weigh(pixel).round() as u8; 3]).collect()
}

#[test]
fn every_way_of_storing_a_picture_gives_the_picture() {
    let picture = Photo::decode(&photograph("picture.png")).unwrap();
    assert_eq!((picture.width, picture.height, picture.kind), (56, 40, Kind::Rgb));
    // The first pixel, and one of the red patch: the order of rows, columns and colours is right.
    assert_eq!(picture.pixels[..3], [40, 220, 60]);
    assert_eq!(picture.pixels[3 * (56 * 10 + 20)..][..3], [230, 40, 30]);
    let check = |name: &str, kind: Kind, mean: f64, most: u8| {
        let found = Photo::decode(&photograph(name)).unwrap();
        assert_eq!((found.width, found.height, found.kind), (56, 40, kind), "{name}");
        let expected = if kind == Kind::Grey { grey(&picture.pixels) } else { picture.pixels.clone() };
        let distance = distance(&found.pixels, &expected);
        assert!(distance.0 <= mean && distance.1 <= most, "{name}: {distance:?}");
    };
    // At the patch's edges, colours at half the resolution are off by much.
    check("baseline.jpg", Kind::Rgb, 3.0, 110);
    check("progressive.jpg", Kind::Rgb, 3.0, 110);
    check("turned.jpg", Kind::Rgb, 3.0, 110);
    check("trailing.jpg", Kind::Rgb, 3.0, 110);
    check("extraneous.jpg", Kind::Rgb, 3.0, 110);
    check("restarts.jpg", Kind::Rgb, 1.5, 30);
    check("rgb.jpg", Kind::Rgb, 1.0, 12);
    check("adobe-rgb.jpg", Kind::Rgb, 1.0, 12);
    check("cmyk.jpg", Kind::Cmyk, 2.0, 30);
    check("ycck.jpg", Kind::Cmyk, 3.0, 60);
    check("grey.jpg", Kind::Grey, 1.0, 12);
    check("grey16.png", Kind::Grey, 0.5, 1);
    check("png.JPEG", Kind::Rgb, 0.0, 0);
    check("alpha.png", Kind::Rgb, 0.0, 0);
    check("palette.png", Kind::Rgb, 4.0, 60);
}

#[test]
fn orientation_tags_are_not_applied() {
    let [turned, plain] = ["turned.jpg", "baseline.jpg"].map(|name| Photo::decode(&photograph(name)).unwrap());
    assert_eq!(turned, plain);
}

#[test]
fn a_file_that_is_cut_off_is_damaged() {
    for name in ["baseline.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "cmyk.jpg", "png.JPEG"] {
        let whole = photograph(name);
        // The last bytes of a PNG say that it ends, and nothing else.
        let needed = whole.len() - if name.starts_with("png") { 12 } else { 0 };
        for length in 0..needed {
            let decoded = Photo::decode(&whole[..length]);
            assert!(decoded.is_err(), "{name} cut to {length} of {} bytes: {decoded:?}", whole.len());
        }
    }
}

#[test]
fn any_byte_may_be_any_other() {
    // A decoder's panic is caught in the loader; here it would fail the test, so that it is known.
    let mut state = 1u32;
    let mut random = |bound: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % bound
    };
    let mut decoded = 0;
    for name in ["baseline.jpg", "progressive.jpg", "restarts.jpg", "ycck.jpg", "grey.jpg", "palette.png"] {
        let whole = photograph(name);
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(3) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            decoded += usize::from(Photo::decode(&bytes).is_ok());
        }
    }
    assert!((1..2400).contains(&decoded), "{decoded} of 2400 decoded");
}

#[test]
fn what_is_no_photograph_is_said() {
    let check = |bytes: &[u8], expected: Expect| {
        expected.assert_eq(&Photo::decode(bytes).unwrap_err());
    };
    check(b"", expect!["0 bytes"]);
    check(b"GIF89a..", expect!["8 bytes that are neither JPEG nor PNG"]);
    check(&[0xff], expect!["1 bytes that are neither JPEG nor PNG"]);
    check(&photograph("baseline.jpg")[..300], expect!["cut off after 300 bytes"]);
}

#[test]
fn a_header_alone_takes_no_memory() {
    let check = |width: u16, height: u16, expected: Expect| {
        let mut bytes = photograph("baseline.jpg");
        let start = bytes.windows(4).position(|bytes| bytes == [0xff, 0xc0, 0x00, 0x11]).unwrap();
        bytes[start + 5..start + 7].copy_from_slice(&height.to_be_bytes());
        bytes[start + 7..start + 9].copy_from_slice(&width.to_be_bytes());
        expected.assert_eq(&Photo::decode(&bytes).unwrap_err());
    };
    check(65500, 65500, expect!["65500 x 65500 pixels are none, or more than 67,108,864"]);
    check(8000, 8000, expect!["its header promises 8000 x 8000 pixels, more than its bytes can hold"]);
    check(0, 40, expect!["Image width or height is set to zero, cannot continue"]);
    let mut png = photograph("png.JPEG");
    png[16..24].copy_from_slice(&[0, 0, 0x1f, 0xff, 0, 0, 0x1f, 0xff]);
    let head = png[12..29].to_vec();
    png[29..33].copy_from_slice(&crc32(&head).to_be_bytes());
    expect!["its header promises 8191 x 8191 pixels, more than its bytes can hold"]
        .assert_eq(&Photo::decode(&png).unwrap_err());
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}
