//! Copies, and memory of its own.

use hnas_gpu::copy::copy;

use crate::sample::{Random, assert_same, machine, unwritten};

#[test]
fn a_copy_is_equal() {
    let Some(machine) = machine() else { return };
    let numbers = Random::new(15).numbers(4 * 1001);
    let to = unwritten(&machine, numbers.len());
    copy(&machine, &machine.upload(&numbers), &to);
    assert_same(&machine, "copy", &to, &numbers, 0.0);
}

#[test]
fn memory_of_its_own_is_memory_like_any_other() {
    let Some(machine) = machine() else { return };
    let numbers = Random::new(16).numbers(256);
    let large = machine.room_of_its_own(1024).unwrap();
    machine.wait(&large).unwrap();
    copy(&machine, &machine.upload(&numbers), &large.part(512..768));
    assert_same(&machine, "a part", &large.part(512..768), &numbers, 0.0);
    let error = machine.room_of_its_own::<f32>(1 << 50).unwrap_err();
    assert_eq!(error.bytes, 1 << 52);
}

#[test]
fn waits_are_counted_and_nothing_else() {
    let Some(machine) = machine() else { return };
    let buffer = machine.upload(&[1.0f32; 64]);
    copy(&machine, &buffer, &machine.room(64));
    machine.write(&buffer, &[2.0; 64]);
    assert_eq!(machine.waits(), 0);
    machine.clone().download_all(&[buffer.clone(), buffer.clone()]).unwrap();
    machine.wait(&buffer).unwrap();
    assert_eq!(machine.waits(), 2);
}
