//! The memory of programs: no two things that are needed at the same time overlap, and little is wasted.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod candidates;

use std::collections::{BTreeMap, BTreeSet};

use candidates::{candidates, learned, small_graph};
use expect_test::expect;
use hnas_compiler::{Graph, Map, MapId, Program, Shape, Step, Storage};
use proptest::prelude::*;

const IMAGE: Shape = Shape { channels: 3, height: 32, width: 32 };

/// A value or a gradient of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Buffer {
    Value(usize),
    /// The same, computed once more in the backward pass.
    Again(usize),
    Gradient(usize),
}

impl Buffer {
    fn map(self) -> usize {
        match self {
            Buffer::Value(map) | Buffer::Again(map) | Buffer::Gradient(map) => map,
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
    // Pools of what is kept anyway.
    let mut pools = BTreeMap::new();
    for step in program.steps() {
        if let Step::MaxPool { input, output } | Step::AvgPool { input, output } = step
            && program.maps()[input.index()].normalization.is_some()
        {
            pools.insert(output.index(), input.index());
        }
    }
    for step in program.steps().iter().rev() {
        let maps = step.inputs().into_iter().chain(step.outputs()).map(MapId::index);
        let mut touched: Vec<Buffer> = maps.filter(|&map| trained[map]).map(Buffer::Gradient).collect();
        for map in step.inputs().into_iter().map(MapId::index).filter(|_| step.needs_inputs_again()) {
            match pools.get(&map) {
                // To compute it again, what it is a pool of has to be there.
                Some(&input) => touched.extend([Buffer::Again(map), Buffer::Value(input)]),
                None => touched.push(Buffer::Value(map)),
            }
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
    let start = |buffer: Buffer| match buffer {
        Buffer::Value(map) => storage.value(ids[map]),
        Buffer::Again(map) => storage.value_again(ids[map]),
        Buffer::Gradient(map) => storage.gradient(ids[map]),
    };
    let mut peak = 0;
    for time in 0..times.len() {
        let here = lives.iter().filter(|(_, (first, last))| (first..=last).contains(&&time));
        let mut taken: Vec<(usize, usize, Buffer)> = here
            .map(|(&buffer, _)| {
                let start = start(buffer).unwrap_or_else(|| panic!("{buffer:?} has no place"));
                (start, start + program.maps()[buffer.map()].values(), buffer)
            })
            .collect();
        taken.sort_unstable();
        for pair in taken.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "at time {time}, {:?} and {:?} overlap", pair[0], pair[1]);
        }
        assert!(taken.last().is_none_or(|&(_, end, _)| end <= storage.values_per_image()));
        peak = peak.max(taken.iter().map(|(start, end, _)| end - start).sum());
    }
    let all = |map| [Buffer::Value(map), Buffer::Again(map), Buffer::Gradient(map)];
    for buffer in (0..program.maps().len()).flat_map(all).filter(|buffer| !lives.contains_key(buffer)) {
        assert_eq!(start(buffer), None, "{buffer:?} is never needed");
    }
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
    fn what_is_needed_at_once_does_not_overlap(candidate in candidates()) {
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
    expect!["peaks [2637824, 212992], sizes [2637824, 212992], winners 114688"]
        .assert_eq(&format!("peaks {peaks:?}, sizes {sums:?}, winners {}", program.winners_per_image()));
}

/// Halved are maps and gradients; not what pools remember, nor weights with their gradients and velocities.
#[test]
fn maps_in_half_the_memory_take_half() {
    let program = Program::lower(&learned().optimized(IMAGE), IMAGE).unwrap();
    let [full, half] = [4, 2].map(|value_bytes| program.training_bytes_on_gpu(64, value_bytes));
    assert_eq!(full - half, 2 * 64 * program.training_storage().values_per_image() as u64);
    // Of 535,034 parameters all but those of normalisations and the bias, with 13 channels of padding of the images, and
    // of 6 classes that are none, to the 256 features of the last cell.
    let normalized = program.maps().iter().filter(|map| map.normalization.is_some());
    let normalized: usize = normalized.map(|map| map.shape.channels).sum();
    let weights = 535_034 - 2 * normalized - 10 + 13 * 9 * 16 + 6 * 256;
    assert_eq!(2 * half - full, (64 * program.winners_per_image() + 12 * weights) as u64);
}

#[test]
fn storage_of_a_small_graph() {
    let program = Program::lower(&small_graph(), Shape::new(3, 8, 8)).unwrap();
    let storage = program.training_storage();
    check(&program, true, &storage);
    let show = |start: Option<usize>| start.map_or("-".to_owned(), |start| start.to_string());
    let line = |(id, map): (MapId, &Map)| {
        let places = [storage.value(id), storage.value_again(id), storage.gradient(id)].map(show);
        format!("{} of {}: {}", id.index(), map.values(), places.join(" "))
    };
    let lines: Vec<String> = ids(&program).into_iter().zip(program.maps()).map(line).collect();
    // Each map: its values, the places of them, of them computed again, and of its gradient.
    expect![[r#"
        0 of 1024: 0 - -
        1 of 512: 1024 - 1536
        2 of 256: 4608 - 5632
        3 of 512: 1536 3072 3584
        4 of 256: 3584 2048 5888
        5 of 512: 2048 - 1536
        6 of 256: 5120 - 6144
        7 of 512: 2560 - 2048
        8 of 512: 3072 - 4096
        9 of 64: 6144 - 6208
        10 of 128: 5888 - 6016
        11 of 512: 3584 - 1536
        12 of 256: 4864 - 5376
        13 of 128: 5632 - 5760
        14 of 256: 1536 1536 1792
        15 of 64: 5376 - 5440
        16 of 32: 5760 - 5504
        17 of 16: 5856 - 5536
        18 of 32: 5792 - 5824
        19 of 16: 5872 - 5552
        20 of 16: 5824 - 5440
        6400"#]]
    .assert_eq(&format!("{}\n{}", lines.join("\n"), storage.values_per_image()));
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
