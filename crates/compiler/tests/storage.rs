//! The memory of programs: no two things that are needed at the same time share a slot, and the slots are small.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod candidates;

use std::collections::{BTreeMap, BTreeSet};

use candidates::{candidates, learned, small_graph};
use expect_test::expect;
use hnas_compiler::{Graph, Map, MapId, Program, Shape, SlotId, Step, Storage};
use proptest::prelude::*;

const IMAGE: Shape = Shape { channels: 3, height: 32, width: 32 };

/// A value or a gradient of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Buffer {
    Value(usize),
    Gradient(usize),
}

impl Buffer {
    fn map(self) -> usize {
        match self {
            Buffer::Value(map) | Buffer::Gradient(map) => map,
        }
    }
}

/// Maps that depend on a parameter.
fn trained(program: &Program) -> Vec<bool> {
    let mut trained = vec![false; program.maps().len()];
    for step in program.steps() {
        let owns = !matches!(
            step,
            Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. }
        );
        let depends = owns || step.inputs().iter().any(|map| trained[map.index()]);
        step.outputs().iter().for_each(|map| trained[map.index()] = depends);
    }
    trained
}

/// What is touched at each time: forward steps, loss, backward steps.
fn timeline(program: &Program, training: bool) -> Vec<Vec<Buffer>> {
    let value = |map: &MapId| Buffer::Value(map.index());
    let output = program.output().index();
    let mut times = vec![vec![Buffer::Value(0)]];
    for step in program.steps() {
        times.push(step.inputs().iter().chain(&step.outputs()).map(value).collect());
    }
    times.push(vec![Buffer::Value(output)]);
    if !training {
        return times;
    }
    times.last_mut().unwrap().push(Buffer::Gradient(output));
    let trained = trained(program);
    for step in program.steps().iter().rev() {
        let maps = step.inputs().into_iter().chain(step.outputs()).map(MapId::index);
        let mut touched: Vec<Buffer> = maps.filter(|&map| trained[map]).map(Buffer::Gradient).collect();
        if step.needs_inputs_again() {
            touched.extend(step.inputs().iter().map(value));
        }
        let outputs = step.outputs();
        touched.extend(outputs.iter().filter(|map| program.maps()[map.index()].normalization.is_some()).map(value));
        times.push(touched);
    }
    times
}

/// Checks a storage against the timeline; returns the most values that are needed at one time.
fn check(program: &Program, training: bool, storage: &Storage) -> usize {
    let times = timeline(program, training);
    let mut lives: BTreeMap<Buffer, (usize, usize)> = BTreeMap::new();
    for (time, buffers) in times.iter().enumerate() {
        for &buffer in buffers {
            lives.entry(buffer).or_insert((time, time)).1 = time;
        }
    }
    let ids = ids(program);
    let slot = |buffer: Buffer| match buffer {
        Buffer::Value(map) => storage.value(ids[map]),
        Buffer::Gradient(map) => storage.gradient(ids[map]),
    };
    let mut owners: Vec<Vec<Option<Buffer>>> = vec![vec![None; storage.slots().len()]; times.len()];
    let mut needed = vec![0; times.len()];
    for (&buffer, &(first, last)) in &lives {
        let size = program.maps()[buffer.map()].values();
        let slot = slot(buffer).unwrap_or_else(|| panic!("{buffer:?} has no slot")).index();
        assert!(size <= storage.slots()[slot], "{buffer:?} does not fit");
        for time in first..=last {
            assert_eq!(owners[time][slot].replace(buffer), None, "slot {slot} holds {buffer:?} too at time {time}");
            needed[time] += size;
        }
    }
    let without = (0..program.maps().len()).flat_map(|map| [Buffer::Value(map), Buffer::Gradient(map)]);
    for buffer in without.filter(|buffer| !lives.contains_key(buffer)) {
        assert_eq!(slot(buffer), None, "{buffer:?} is never needed");
    }
    let peak = needed.into_iter().max().unwrap();
    assert!(peak <= storage.values_per_image());
    peak
}

/// The ids of all maps, in order.
fn ids(program: &Program) -> Vec<MapId> {
    let steps = program.steps().iter();
    let ids: BTreeSet<MapId> = steps.flat_map(|step| step.inputs().into_iter().chain(step.outputs())).collect();
    ids.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn a_slot_holds_one_thing_at_a_time(candidate in candidates()) {
        for graph in [candidate.plain(IMAGE), candidate.optimized(IMAGE)] {
            let program = Program::lower(&graph, IMAGE).unwrap();
            check(&program, true, &program.training_storage());
            check(&program, false, &program.evaluation_storage());
        }
    }

    #[test]
    fn the_same_program_has_the_same_storage(candidate in candidates()) {
        let program = || Program::lower(&candidate.optimized(IMAGE), IMAGE).unwrap();
        prop_assert_eq!(program().training_storage(), program().training_storage());
    }
}

#[test]
fn learned_cell_takes_little_more_than_its_peak() {
    let program = Program::lower(&learned().optimized(IMAGE), IMAGE).unwrap();
    let (training, evaluation) = (program.training_storage(), program.evaluation_storage());
    let peaks = [check(&program, true, &training), check(&program, false, &evaluation)];
    let sums = [training.values_per_image(), evaluation.values_per_image()];
    expect!["peaks [3067904, 212992], slots [3203072, 212992], winners 114688"]
        .assert_eq(&format!("peaks {peaks:?}, slots {sums:?}, winners {}", program.winners_per_image()));
}

#[test]
fn storage_of_a_small_graph() {
    let program = Program::lower(&small_graph(), Shape::new(3, 8, 8)).unwrap();
    let storage = program.training_storage();
    check(&program, true, &storage);
    let show = |slot: Option<SlotId>| slot.map_or("-".to_owned(), |slot| slot.index().to_string());
    let line = |(id, map): (MapId, &Map)| {
        format!("{} of {}: {} {}", id.index(), map.values(), show(storage.value(id)), show(storage.gradient(id)))
    };
    let lines: Vec<String> = ids(&program).into_iter().zip(program.maps()).map(line).collect();
    // Each map: its values, the slot of them, the slot of its gradient.
    expect![[r#"
        0 of 1024: 0 -
        1 of 512: 1 8
        2 of 256: 9 14
        3 of 512: 2 6
        4 of 256: 11 15
        5 of 512: 3 7
        6 of 256: 12 11
        7 of 512: 4 3
        8 of 512: 5 8
        9 of 64: 18 20
        10 of 128: 15 16
        11 of 512: 6 7
        12 of 256: 10 13
        13 of 128: 14 17
        14 of 256: 8 7
        15 of 64: 13 19
        16 of 32: 20 7
        17 of 16: 16 23
        18 of 32: 19 17
        19 of 16: 21 24
        20 of 16: 17 22
        [1024, 512, 512, 512, 512, 512, 512, 512, 512, 256, 256, 256, 256, 256, 256, 256, 128, 128, 64, 64, 64, 16, 16, 16, 16]"#]].assert_eq(&format!("{}\n{:?}", lines.join("\n"), storage.slots()));
}

/// A pool of the images, whose gradient would go on to the images alone.
#[test]
fn what_depends_on_no_parameter_has_no_gradient() {
    let text = "%0 = input : 3x4x4\n%1 = max_pool (%0)\n%2 = sum (%0, %1)\n%3 = conv 3x3 stride 1 channels 4 (%2)\n\
                %4 = max_pool (%3)\n%5 = global_avg_pool (%4)\n%6 = linear classes 2 (%5)\noutput %6";
    let program = Program::lower(&Graph::parse(text).unwrap(), Shape::new(3, 4, 4)).unwrap();
    let storage = program.training_storage();
    check(&program, true, &storage);
    let gradients: Vec<bool> = ids(&program).into_iter().map(|map| storage.gradient(map).is_some()).collect();
    assert_eq!(gradients, [false, false, false, true, true, true, true]);
}
