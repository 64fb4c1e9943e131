//! Properties of windows, flips, brightness and contrast.

use hnas_data::{Augmentation, CentreCrop, Distortion, Kind, Photo, Transformer, Window};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// A photograph whose values are made from row, column and channel.
fn photo(width: u32, height: u32, value: impl Fn(u32, u32, u32) -> u8) -> Photo {
    let rows = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let pixels = rows.flat_map(|(row, column)| [0, 1, 2].map(|channel| value(row, column, channel))).collect();
    Photo { width, height, pixels, kind: Kind::Rgb }
}

/// No change but the window and the flip.
fn plain(size: u32) -> Distortion {
    Distortion { flip: false, brightness: 0.0, contrast: [1.0, 1.0], ..Distortion::inception(size) }
}

fn augmentation(distortion: Distortion) -> Augmentation {
    Augmentation::try_from(distortion).unwrap()
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn lies_inside(window: Window, width: u32, height: u32) -> bool {
    let (right, bottom) = (window.left + window.width, window.top + window.height);
    let (width, height) = (f64::from(width), f64::from(height));
    window.left >= 0.0 && window.top >= 0.0 && right <= width * (1.0 + 1e-12) && bottom <= height * (1.0 + 1e-12)
}

proptest! {
    #[test]
    fn a_window_lies_in_its_photograph_and_in_its_ranges(
        width in 1u32..5000, height in 1u32..5000, seed: u64,
        area in (0.01f64..1.0, 0.01f64..1.0), aspect in (0.2f64..5.0, 0.2f64..5.0),
    ) {
        let ordered = |(one, other): (f64, f64)| [one.min(other), one.max(other)];
        let (area, aspect) = (ordered(area), ordered(aspect));
        let augmentation = augmentation(Distortion { area, aspect, ..Distortion::inception(8) });
        let window = augmentation.window(width, height, &mut rng(seed));
        prop_assert!(lies_inside(window, width, height), "{window:?}");
        let shape = window.width / window.height;
        prop_assert!((aspect[0] * (1.0 - 1e-9)..=aspect[1] * (1.0 + 1e-9)).contains(&shape), "{window:?}");
        let share = window.width * window.height / (f64::from(width) * f64::from(height));
        // The window that is taken when none fits is the largest there is.
        let largest = (window.width - f64::from(width)).abs() < 1e-9 || (window.height - f64::from(height)).abs() < 1e-9;
        prop_assert!((area[0] * (1.0 - 1e-9)..=area[1] * (1.0 + 1e-9)).contains(&share) || largest, "{share}, {window:?}");
    }

    #[test]
    fn any_photograph_gives_an_image(width in 1u32..70, height in 1u32..70, size in 1u32..40, seed: u64) {
        let photo = photo(width, height, |row, column, channel| (row * 7 + column * 13 + channel * 101) as u8);
        let mut transformer = Transformer::default();
        let image = augmentation(Distortion::inception(size)).apply(&photo, &mut transformer, &mut rng(seed));
        prop_assert_eq!(image.len(), 3 * (size * size) as usize);
        let crop = CentreCrop::new(size, size + size / 8).unwrap();
        prop_assert!(lies_inside(crop.window(width, height), width, height));
        prop_assert_eq!(crop.apply(&photo, &mut transformer).len(), 3 * (size * size) as usize);
    }
}

#[test]
fn area_and_aspect_are_spread_over_their_ranges() {
    let augmentation = augmentation(Distortion::inception(8));
    let mut rng = rng(1);
    let windows: Vec<Window> = (0..20_000).map(|_| augmentation.window(1000, 1000, &mut rng)).collect();
    let shares: Vec<f64> = windows.iter().map(|window| window.width * window.height / 1e6).collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    // A window of more than 3/4 of a square fits if |ln aspect| <= -ln area: that and the uniform rest have the mean 0.478.
    assert!((mean - 0.478).abs() < 0.009, "{mean}");
    let wide = windows.iter().filter(|window| window.width > window.height).count();
    assert!((9_700..10_300).contains(&wide), "{wide} of 20000 are wide");
    for side in [0.0, 1.0] {
        let near = windows.iter().filter(|window| (window.left / (1000.0 - window.width) - side).abs() < 0.1).count();
        assert!((1_800..2_200).contains(&near), "{near} of 20000 are near {side}");
    }
}

#[test]
fn a_window_is_cut_where_it_says() {
    // Each value is its place: the photograph is shown as it is when the output has its size.
    let photo = photo(32, 32, |row, column, channel| [row * 8, column * 8, 5][channel as usize] as u8);
    let whole = Distortion { area: [1.0, 1.0], aspect: [1.0, 1.0], ..plain(32) };
    let image = augmentation(whole).apply(&photo, &mut Transformer::default(), &mut rng(1));
    for (place, pixel) in photo.pixels.chunks_exact(3).enumerate() {
        assert_eq!([image[place], image[1024 + place], image[2048 + place]], *pixel);
    }
    // The middle half, at its own size, to within a step of rounding.
    let image = CentreCrop::new(16, 32).unwrap().apply(&photo, &mut Transformer::default());
    for (place, value) in image[..256].iter().enumerate() {
        assert_eq!(usize::from(*value), (place / 16 + 8) * 8);
    }
    for (place, value) in image[256..512].iter().enumerate() {
        assert_eq!(usize::from(*value), (place % 16 + 8) * 8);
    }
}

#[test]
fn shrinking_takes_means() {
    // A chequered board of single pixels becomes grey, where resampling without antialiasing would keep black and white.
    let photo = photo(256, 256, |row, column, _| ((row + column) % 2 * 255) as u8);
    let image = CentreCrop::new(32, 32).unwrap().apply(&photo, &mut Transformer::default());
    assert!(image.iter().all(|value| (126..=129).contains(value)), "{image:?}");
}

#[test]
fn a_flip_is_its_own_inverse_and_comes_half_of_the_time() {
    let photo = photo(32, 32, |row, column, channel| (row * 3 + column * 5 + channel * 50) as u8);
    let whole = Distortion { area: [1.0, 1.0], aspect: [1.0, 1.0], flip: true, ..plain(32) };
    let straight =
        augmentation(Distortion { flip: false, ..whole }).apply(&photo, &mut Transformer::default(), &mut rng(0));
    let mirrored: Vec<u8> = straight.chunks_exact(32).flat_map(|row| row.iter().rev().copied()).collect();
    assert_ne!(straight, mirrored);
    let mut flips = 0;
    for seed in 0..400 {
        let image = augmentation(whole).apply(&photo, &mut Transformer::default(), &mut rng(seed));
        assert!(image == straight || image == mirrored);
        flips += usize::from(image == mirrored);
    }
    assert!((160..=240).contains(&flips), "{flips} of 400");
    let back = Photo { pixels: interleaved(&mirrored), ..photo.clone() };
    let flipped = (0..).map(|seed| augmentation(whole).apply(&back, &mut Transformer::default(), &mut rng(seed)));
    assert_eq!(flipped.take(20).find(|image| *image != mirrored), Some(straight));
}

fn interleaved(planes: &[u8]) -> Vec<u8> {
    let plane = planes.len() / 3;
    (0..plane).flat_map(|place| [0, 1, 2].map(|channel| planes[channel * plane + place])).collect()
}

#[test]
fn brightness_moves_the_mean_and_contrast_keeps_it() {
    let photo = photo(64, 64, |row, column, channel| (90 + (row * 31 + column * 17) % 50 + 10 * channel) as u8);
    let whole = Distortion { area: [1.0, 1.0], aspect: [1.0, 1.0], ..plain(64) };
    let moments = |image: &[u8]| {
        let mean = image.iter().map(|value| f64::from(*value)).sum::<f64>() / image.len() as f64;
        let variance = image.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / image.len() as f64;
        (mean, variance.sqrt())
    };
    let red = |distortion, seed| {
        moments(&augmentation(distortion).apply(&photo, &mut Transformer::default(), &mut rng(seed))[..4096])
    };
    let before = red(whole, 0);
    let mut moved = Vec::new();
    for seed in 0..200 {
        let brighter = red(Distortion { brightness: 0.1, ..whole }, seed);
        assert!((brighter.0 - before.0).abs() <= 25.5 + 0.5 && (brighter.1 - before.1).abs() < 0.5, "{brighter:?}");
        moved.push(brighter.0 - before.0);
        let stronger = red(Distortion { contrast: [1.4, 1.4], ..whole }, seed);
        assert!((stronger.0 - before.0).abs() < 0.5 && (stronger.1 / before.1 - 1.4).abs() < 0.02, "{stronger:?}");
        assert!(red(Distortion { contrast: [0.0, 0.0], ..whole }, seed).1 == 0.0);
    }
    let mean = moved.iter().sum::<f64>() / 200.0;
    assert!(mean.abs() < 4.2 && moved.iter().any(|by| *by > 15.0) && moved.iter().any(|by| *by < -15.0), "{mean}");
}

#[test]
fn ranges_that_make_no_sense_are_refused() {
    let good = Distortion::inception(299);
    let check = |bad: Distortion, expected: &str| {
        assert_eq!(Augmentation::try_from(bad).unwrap_err().to_string(), expected);
    };
    check(Distortion { size: 0, ..good }, "an output of 0 x 0 pixels: 1 to 4096 are possible");
    check(Distortion { area: [0.0, 1.0], ..good }, "area from 0 to 1: shares of an area are above 0 and at most 1");
    check(Distortion { area: [0.9, 0.5], ..good }, "area from 0.9 to 0.5: shares of an area are above 0 and at most 1");
    check(
        Distortion { area: [f64::NAN, 1.0], ..good },
        "area from NaN to 1: shares of an area are above 0 and at most 1",
    );
    check(Distortion { aspect: [-1.0, 1.0], ..good }, "aspect from -1 to 1: width by height is 0.01 to 100");
    check(Distortion { contrast: [0.5, f64::INFINITY], ..good }, "contrast from 0.5 to inf: factors are 0 to 100");
    check(Distortion { brightness: -0.5, ..good }, "brightness from 0.5 to -0.5: at most 1 is added or taken away");
    let crop = CentreCrop::new(299, 298).unwrap_err().to_string();
    assert_eq!(crop, "a crop of 299 x 299 does not fit where the shorter side is 298");
}
