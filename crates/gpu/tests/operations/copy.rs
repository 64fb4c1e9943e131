//! Copies from one precision to another, and memory of its own.

use hnas_gpu::copy::copy;
use hnas_gpu::{Map, Precision};

use crate::sample::{PRECISIONS, Random, assert_panics, assert_same, download, download_map, machine, unwritten_map};

/// The values that a map of a precision has after numbers were put into it, as bits.
fn stored(precision: Precision, numbers: &[f32]) -> Option<Vec<u32>> {
    let machine = machine()?;
    let map = Map::upload(&machine, precision, 16, numbers);
    Some(download_map(&machine, &map).iter().map(|number| number.to_bits()).collect())
}

/// The upper half of a number that is nearest to it, by its definition: of the two around it, in double precision.
fn nearest(number: f32) -> u32 {
    let down = number.to_bits() & 0xFFFF_0000;
    if !number.is_finite() || number.to_bits() == down {
        return down;
    }
    let up = down + 0x1_0000;
    // Beyond the largest number lies what would be the next one.
    let value = |bits: u32| match f32::from_bits(bits) {
        infinite if infinite.is_infinite() => 2f64.powi(128).copysign(f64::from(infinite)),
        finite => f64::from(finite),
    };
    let [below, above] = [down, up].map(|bits| (value(bits) - f64::from(number)).abs());
    if below < above || (below == above && (down >> 16).is_multiple_of(2)) { down } else { up }
}

#[test]
fn a_copy_is_equal() {
    let Some(machine) = machine() else { return };
    for from in PRECISIONS {
        for to in PRECISIONS {
            let map = Random::with_maps(Precision::Bf16, 15).map(1001, 21);
            let device = Map::upload(&machine, from, 21, hnas_kernels::values(&map.map));
            let copied = unwritten_map(&machine, to, 1001, 21);
            copy(&machine, &device, &copied);
            assert_eq!(download_map(&machine, &copied), hnas_kernels::values(&map.map), "{from:?} to {to:?}");
        }
    }
}

#[test]
fn every_number_of_16_bits_is_kept() {
    let numbers: Vec<f32> = (0..1u32 << 16).map(|upper| f32::from_bits(upper << 16)).collect();
    let Some(found) = stored(Precision::Bf16, &numbers) else { return };
    for (upper, bits) in found.into_iter().enumerate() {
        let number = f32::from_bits((upper as u32) << 16);
        let same = if number.is_nan() { f32::from_bits(bits).is_nan() } else { bits == number.to_bits() };
        assert!(same, "{upper:#06x} became {bits:#010x}");
    }
}

/// Halfway cases go to the even neighbour, numbers beside them to the nearer one: among the smallest numbers, normal
/// ones, at powers of two and before infinity.
#[test]
fn what_is_written_is_rounded_to_the_nearest() {
    let lower = [0u32, 1, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0x8002, 0xFFFF];
    let upper = (0..1u32 << 16).step_by(37).chain([0, 1, 0x7F, 0x80, 0x3F7F, 0x3F80, 0x7F7E, 0x7F7F, 0xFF7F, 0x8000]);
    let mut numbers: Vec<f32> = upper
        .flat_map(|upper| lower.map(|lower| f32::from_bits(upper << 16 | lower)))
        .filter(|number| !number.is_nan())
        .collect();
    numbers.resize(numbers.len().next_multiple_of(16), 0.0);
    let Some(found) = stored(Precision::Bf16, &numbers) else { return };
    for (number, found) in numbers.into_iter().zip(found) {
        let (bits, expected) = (number.to_bits(), nearest(number));
        assert!(found == expected, "{number:e} ({bits:#010x}) became {found:#010x}, not {expected:#010x}");
    }
}

/// Whatever the bits that are cut off, even where they are all there is of it.
#[test]
fn what_is_not_a_number_stays_none() {
    let bits =
        [0x7F80_0001u32, 0x7F80_8000, 0x7FBF_FFFF, 0x7FC0_0000, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_8000, 0xFFFF_FFFF];
    let numbers = [bits, bits].concat().into_iter().map(f32::from_bits).collect::<Vec<f32>>();
    for precision in PRECISIONS {
        let Some(found) = stored(precision, &numbers) else { return };
        for (number, found) in numbers.iter().zip(found) {
            assert!(f32::from_bits(found).is_nan(), "{:#010x} became {found:#010x}", number.to_bits());
        }
    }
}

#[test]
fn maps_of_a_call_are_of_one_precision_and_of_whole_pixels() {
    let Some(machine) = machine() else { return };
    let [full, half] = PRECISIONS.map(|precision| Map::upload(&machine, precision, 3, &[1.0; 32]));
    let reading = hnas_gpu::Reading { map: &full, activation: None };
    assert_panics("a map of F32 among those of Bf16", || {
        hnas_gpu::pool::avg_forward(&machine, reading, 1, 1, &half);
    });
    assert_panics("a map of 12 words has no pixels of 3 channels in 8 words", || {
        Map::new(machine.room(12), Precision::Bf16, 3);
    });
    assert_panics("a map of 2 pixels and 3 channels belongs to one of 2 and 4", || {
        copy(&machine, &Map::room(&machine, Precision::F32, 2, 4), &full);
    });
}

#[test]
fn memory_of_its_own_is_memory_like_any_other() {
    let Some(machine) = machine() else { return };
    let numbers = Random::new(16).numbers(256);
    let large = machine.room_of_its_own(1024).unwrap();
    machine.wait(&large).unwrap();
    machine.write(&large.part(512..768), &numbers);
    assert_same(&machine, "a part", &large.part(512..768), &numbers, 0.0);
    let error = machine.room_of_its_own::<f32>(1 << 50).unwrap_err();
    assert_eq!(error.bytes, 1 << 52);
}

#[test]
fn waits_are_counted_and_nothing_else() {
    let Some(machine) = machine() else { return };
    let map = Map::upload(&machine, Precision::Bf16, 1, &[1.0f32; 64]);
    copy(&machine, &map, &Map::room(&machine, Precision::F32, 4, 1));
    map.write(&machine, &[2.0; 64]);
    assert_eq!(machine.waits(), 0);
    Map::download_all(&machine.clone(), &[map.clone(), map]).unwrap();
    let buffer = machine.upload(&[1.0f32; 64]);
    machine.wait(&buffer).unwrap();
    assert_eq!(machine.waits(), 2);
    assert_eq!(download(&machine, &buffer), [1.0; 64]);
}
