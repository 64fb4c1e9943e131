//! The memory of a program: allocated once, then lent to the steps.

use hnas_compiler::{MapId, Program, SlotId, Storage};
use hnas_kernels::{BLOCK, Block, zeroed};

/// All maps and gradients of a program for batches up to some size, in the slots that its [`Storage`] planned.
///
/// A step that writes takes the slots it writes to out and puts them back, so what it reads can be borrowed meanwhile.
#[derive(Debug)]
pub(crate) struct Memory {
    storage: Storage,
    slots: Vec<Vec<Block>>,
    /// Blocks of one image of each map.
    sizes: Vec<usize>,
    /// Images of the batch at hand.
    images: usize,
}

impl Memory {
    pub(crate) fn new(program: &Program, storage: Storage, batch: usize) -> Memory {
        let slots = storage.slots().iter().map(|&values| zeroed(values / BLOCK * batch)).collect();
        let sizes = program.maps().iter().map(|map| map.values() / BLOCK).collect();
        Memory { storage, slots, sizes, images: batch }
    }

    /// Says how many images the next maps have, at most as many as there is room for.
    pub(crate) fn set_images(&mut self, images: usize) {
        self.images = images;
    }

    pub(crate) fn images(&self) -> usize {
        self.images
    }

    /// Blocks of one image of a map.
    pub(crate) fn size(&self, map: MapId) -> usize {
        self.sizes[map.index()]
    }

    /// A map, `[images, height, width, blocks]`.
    pub(crate) fn value(&self, map: MapId) -> &[Block] {
        &self.slots[self.value_slot(map).index()][..self.sizes[map.index()] * self.images]
    }

    /// The gradient of a map.
    pub(crate) fn gradient(&self, map: MapId) -> &[Block] {
        let slot = self.storage.gradient(map).expect("the gradient of a map that depends on parameters is planned");
        &self.slots[slot.index()][..self.sizes[map.index()] * self.images]
    }

    pub(crate) fn has_gradient(&self, map: MapId) -> bool {
        self.storage.gradient(map).is_some()
    }

    /// Takes a map out to be written.
    pub(crate) fn take_value(&mut self, map: MapId) -> Taken {
        self.take(self.value_slot(map), map)
    }

    /// Takes the gradient of a map out to be written.
    pub(crate) fn take_gradient(&mut self, map: MapId) -> Taken {
        let slot = self.storage.gradient(map).expect("the gradient of a map that depends on parameters is planned");
        self.take(slot, map)
    }

    pub(crate) fn put(&mut self, taken: Taken) {
        self.slots[taken.slot.index()] = taken.blocks;
    }

    fn value_slot(&self, map: MapId) -> SlotId {
        self.storage.value(map).expect("a map that a step gives is planned")
    }

    fn take(&mut self, slot: SlotId, map: MapId) -> Taken {
        let blocks = std::mem::take(&mut self.slots[slot.index()]);
        Taken { slot, blocks, size: self.sizes[map.index()], images: self.images }
    }
}

/// A map or a gradient that is being written.
#[derive(Debug)]
pub(crate) struct Taken {
    slot: SlotId,
    blocks: Vec<Block>,
    /// Blocks of one image.
    size: usize,
    images: usize,
}

impl Taken {
    pub(crate) fn all(&mut self) -> &mut [Block] {
        &mut self.blocks[..self.size * self.images]
    }

    /// Pieces of so many images each; the last may have fewer.
    pub(crate) fn pieces(&mut self, images: usize) -> impl Iterator<Item = &mut [Block]> {
        let size = self.size;
        self.all().chunks_mut(size * images)
    }
}

/// For each piece of a batch, that piece of all that is being written.
pub(crate) fn pieces(taken: &mut [Taken], images: usize, count: usize) -> Vec<Vec<&mut [Block]>> {
    let mut pieces: Vec<Vec<&mut [Block]>> = (0..count).map(|_| Vec::with_capacity(taken.len())).collect();
    for taken in taken {
        pieces.iter_mut().zip(taken.pieces(images)).for_each(|(pieces, piece)| pieces.push(piece));
    }
    pieces
}
