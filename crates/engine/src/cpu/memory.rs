//! The memory of a program: one piece, allocated once, of which steps are lent what they read and write.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use hnas_compiler::{MapId, Program, Storage};
use hnas_kernels::{BLOCK, Block, zeroed};

/// All maps and gradients of a program for batches up to some size, each where its [`Storage`] says.
///
/// A step that writes takes what it writes out and puts it back, so what it reads can be borrowed meanwhile.
/// Invariant, held whatever the storage says: nothing that is lent overlaps with anything that is taken.
#[derive(Debug)]
pub(crate) struct Memory {
    storage: Storage,
    arena: Arc<Arena>,
    /// What is taken at the moment.
    taken: Vec<Range<usize>>,
    /// Blocks of one image of each map.
    sizes: Vec<usize>,
    /// Whether a map is there once more, for the backward pass.
    again: Vec<bool>,
    /// Images that there is room for.
    batch: usize,
    /// Images of the batch at hand.
    images: usize,
}

impl Memory {
    pub(crate) fn new(program: &Program, storage: Storage, batch: usize) -> Memory {
        let arena = Arc::new(Arena::new(storage.values_per_image() / BLOCK * batch));
        let sizes: Vec<usize> = program.maps().iter().map(|map| map.values() / BLOCK).collect();
        Memory { storage, arena, taken: Vec::new(), again: vec![false; sizes.len()], sizes, batch, images: batch }
    }

    /// Begins with a batch of so many images, at most as many as there is room for.
    pub(crate) fn begin(&mut self, images: usize) {
        assert!(images <= self.batch, "there is room for {} images, not for {images}", self.batch);
        self.images = images;
        self.again.fill(false);
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
        self.arena.lend(self.value_range(map), &self.taken)
    }

    /// The gradient of a map.
    pub(crate) fn gradient(&self, map: MapId) -> &[Block] {
        self.arena.lend(self.gradient_range(map), &self.taken)
    }

    pub(crate) fn has_gradient(&self, map: MapId) -> bool {
        self.storage.gradient(map).is_some()
    }

    /// Whether the backward pass needs a map that has to be given once more.
    pub(crate) fn is_missing(&self, map: MapId) -> bool {
        self.storage.value_again(map).is_some() && !self.again[map.index()]
    }

    /// Takes a map out to be written.
    pub(crate) fn take_value(&mut self, map: MapId) -> Taken {
        self.take(self.value_range(map), map)
    }

    /// Takes a missing map out to be written once more; from now on it is where the backward pass reads it.
    pub(crate) fn take_value_again(&mut self, map: MapId) -> Taken {
        self.again[map.index()] = true;
        self.take(self.value_range(map), map)
    }

    /// Takes the gradient of a map out to be written.
    pub(crate) fn take_gradient(&mut self, map: MapId) -> Taken {
        self.take(self.gradient_range(map), map)
    }

    pub(crate) fn put(&mut self, taken: Taken) {
        self.taken.retain(|range| *range != taken.range);
    }

    fn value_range(&self, map: MapId) -> Range<usize> {
        let again = self.again[map.index()];
        let place = if again { self.storage.value_again(map) } else { self.storage.value(map) };
        self.range(place.expect("a map that a step gives or reads is planned"), map)
    }

    fn gradient_range(&self, map: MapId) -> Range<usize> {
        let place = self.storage.gradient(map).expect("the gradient of a map that depends on parameters is planned");
        self.range(place, map)
    }

    fn range(&self, place: usize, map: MapId) -> Range<usize> {
        let start = place / BLOCK * self.batch;
        start..start + self.sizes[map.index()] * self.images
    }

    fn take(&mut self, range: Range<usize>, map: MapId) -> Taken {
        self.arena.check(&range, &self.taken);
        self.taken.push(range.clone());
        Taken { arena: Arc::clone(&self.arena), range, size: self.sizes[map.index()] }
    }
}

/// Blocks that are lent out in ranges.
#[derive(Debug)]
struct Arena {
    start: NonNull<Block>,
    blocks: usize,
}

// SAFETY: an arena owns its blocks as a vector does, and who may touch which of them is decided by its only user.
#[allow(unsafe_code)]
unsafe impl Send for Arena {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Arena {}

impl Arena {
    fn new(blocks: usize) -> Arena {
        let memory = Box::leak(zeroed(blocks).into_boxed_slice());
        Arena { start: NonNull::from(&mut *memory).cast(), blocks }
    }

    /// A range for reading; nothing that is taken may be in it.
    fn lend(&self, range: Range<usize>, taken: &[Range<usize>]) -> &[Block] {
        self.check(&range, taken);
        // SAFETY: the range is inside, and nobody writes to it: what is taken lies elsewhere, and taking needs the owner
        // of the arena for itself, so it cannot happen while this is borrowed.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.start.add(range.start).as_ptr(), range.len())
        }
    }

    fn check(&self, range: &Range<usize>, taken: &[Range<usize>]) {
        assert!(range.start <= range.end && range.end <= self.blocks, "{range:?} of {} blocks", self.blocks);
        let free = |taken: &Range<usize>| range.end <= taken.start || taken.end <= range.start;
        assert!(taken.iter().all(free), "{range:?} overlaps with what is written");
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let memory = std::ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.blocks);
        // SAFETY: it is the slice that `new` leaked.
        #[allow(unsafe_code)]
        drop(unsafe { Box::from_raw(memory) });
    }
}

/// A map or a gradient that is being written.
#[derive(Debug)]
pub(crate) struct Taken {
    arena: Arc<Arena>,
    range: Range<usize>,
    /// Blocks of one image.
    size: usize,
}

impl Taken {
    pub(crate) fn all(&mut self) -> &mut [Block] {
        // SAFETY: the range was found inside the arena. It was taken while nothing was lent, and until it is put back
        // nothing that overlaps is lent or taken.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.arena.start.add(self.range.start).as_ptr(), self.range.len())
        }
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
