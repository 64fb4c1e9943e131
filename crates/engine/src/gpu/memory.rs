//! The memory of a program on the device: one piece, of which each map and each gradient is a part.

use hnas_compiler::{MapId, Program, Storage};
use hnas_gpu::{BLOCK, Buffer, Machine, PART};

use super::failure;
use crate::failure::Failure;

/// Images whose maps end at a multiple of [`PART`] bytes, whatever the map: maps are whole blocks of floats.
const ALIGNED: usize = PART / (BLOCK * size_of::<f32>());

/// All maps and gradients of a program for batches up to some size, each where its [`Storage`] says.
#[derive(Debug)]
pub(super) struct Memory {
    storage: Storage,
    all: Buffer<f32>,
    /// Values of one image of each map.
    sizes: Vec<usize>,
    /// Whether a map is there once more, for the backward pass.
    again: Vec<bool>,
    /// Images that there is room for.
    room: usize,
    /// Images of the batch at hand.
    images: usize,
}

impl Memory {
    /// Asks the device for it. Fails when it has too little.
    pub(super) fn new(machine: &Machine, program: &Program, storage: Storage, batch: usize) -> Result<Memory, Failure> {
        let room = batch.next_multiple_of(ALIGNED);
        let all: Result<Buffer<f32>, _> = machine.room_of_its_own(storage.values_per_image() * room);
        let all = all.map_err(|error| Failure::OutOfMemory { message: error.to_string() })?;
        // Waited for at once, so that nothing else is blamed for it later.
        machine.wait(&all).map_err(|error| failure(&error))?;
        let sizes: Vec<usize> = program.maps().iter().map(|map| map.values()).collect();
        Ok(Memory { storage, all, again: vec![false; sizes.len()], sizes, room, images: batch })
    }

    /// Begins with a batch of so many images, at most as many as there is room for.
    pub(super) fn begin(&mut self, images: usize) {
        assert!(images <= self.room, "there is room for {} images, not for {images}", self.room);
        self.images = images;
        self.again.fill(false);
    }

    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// A map, `[images, height, width, pitch]`.
    pub(super) fn value(&self, map: MapId) -> Buffer<f32> {
        let again = self.again[map.index()];
        let place = if again { self.storage.value_again(map) } else { self.storage.value(map) };
        self.part(place.expect("a map that a step gives or reads is planned"), map)
    }

    /// The gradient of a map; `None` if nobody needs it.
    pub(super) fn gradient(&self, map: MapId) -> Option<Buffer<f32>> {
        self.storage.gradient(map).map(|place| self.part(place, map))
    }

    /// Whether the backward pass needs a map that has to be given once more.
    pub(super) fn is_missing(&self, map: MapId) -> bool {
        self.storage.value_again(map).is_some() && !self.again[map.index()]
    }

    /// From now on a map is where the backward pass reads it.
    pub(super) fn move_to_again(&mut self, map: MapId) {
        self.again[map.index()] = true;
    }

    fn part(&self, place: usize, map: MapId) -> Buffer<f32> {
        let start = place * self.room;
        self.all.part(start..start + self.sizes[map.index()] * self.images)
    }
}
