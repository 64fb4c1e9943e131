//! The memory of a program on the device: one piece, of which each map and each gradient is a part.

use hnas_compiler::{MapId, Program, Storage};
use hnas_gpu::{BLOCK, Buffer, Machine, Map, PART, Precision};

use super::failure;
use crate::failure::Failure;

/// Images whose maps end at a multiple of [`PART`] bytes, whatever the map: maps are whole blocks of values.
fn aligned(precision: Precision) -> usize {
    PART / (BLOCK * precision.bytes())
}

/// All maps and gradients of a program for batches up to some size, each where its [`Storage`] says.
#[derive(Debug)]
pub(super) struct Memory {
    storage: Storage,
    /// In words, which hold one value or two.
    all: Buffer<u32>,
    precision: Precision,
    /// Pixels of one image, and channels, of each map.
    sizes: Vec<(usize, usize)>,
    /// Whether a map is there once more, for the backward pass.
    again: Vec<bool>,
    /// Images that there is room for.
    room: usize,
    /// Images of the batch at hand.
    images: usize,
}

impl Memory {
    /// Asks the device for it, for batches of so many images and maps of a precision. Fails when it has too little.
    pub(super) fn new(
        machine: &Machine,
        program: &Program,
        storage: Storage,
        (batch, precision): (usize, Precision),
    ) -> Result<Memory, Failure> {
        let room = batch.next_multiple_of(aligned(precision));
        let all: Result<Buffer<u32>, _> = machine.room_of_its_own(words(precision, storage.values_per_image() * room));
        let all = all.map_err(|error| Failure::OutOfMemory { message: error.to_string() })?;
        // Waited for at once, so that nothing else is blamed for it later.
        machine.wait(&all).map_err(|error| failure(&error))?;
        let sizes: Vec<(usize, usize)> =
            program.maps().iter().map(|map| (map.shape.pixels(), map.shape.channels)).collect();
        Ok(Memory { storage, all, precision, again: vec![false; sizes.len()], sizes, room, images: batch })
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

    /// A map, of `[images, height, width]` pixels.
    pub(super) fn value(&self, map: MapId) -> Map {
        let again = self.again[map.index()];
        let place = if again { self.storage.value_again(map) } else { self.storage.value(map) };
        self.part(place.expect("a map that a step gives or reads is planned"), map)
    }

    /// The gradient of a map; `None` if nobody needs it.
    pub(super) fn gradient(&self, map: MapId) -> Option<Map> {
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

    fn part(&self, place: usize, map: MapId) -> Map {
        let (pixels, channels) = self.sizes[map.index()];
        let start = words(self.precision, place * self.room);
        let end = start + Map::words(self.precision, pixels * self.images, channels);
        Map::new(self.all.part(start..end), self.precision, channels)
    }
}

/// Words that so many values lie in, of whole blocks.
fn words(precision: Precision, values: usize) -> usize {
    values * precision.bytes() / size_of::<u32>()
}
