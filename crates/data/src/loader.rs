//! Batches of photographs, decoded by threads ahead of whoever trains on them.
//!
//! Which image is at which position, and how it is cut, follows from the seed and the position alone: not from the number of
//! threads, nor from where a loader was started. So a training that goes on at step `s` sees what it would have seen.

mod order;
#[cfg(test)]
mod panics;
mod report;
mod speed;

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use thiserror::Error;

use self::order::Order;
pub use self::report::Decoded;
use self::speed::Speed;
use crate::folder::ImageSet;
use crate::photo::Photo;
use crate::random::{Purpose, stream};
use crate::transform::{Augmentation, CentreCrop, Transformer};

/// How a loader works; none of it changes what it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Threads that decode.
    pub threads: NonZeroUsize,
    /// Batches that are kept, ready or in the making: they take `ahead * batch * 3 * size * size` bytes, and each thread has
    /// one decoded photograph besides.
    pub ahead: NonZeroUsize,
}

/// A batch of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// `[len, 3, size, size]`: red, green and blue planes.
    pub images: Vec<u8>,
    /// `[len]`: the class of each image, or [`Batch::DAMAGED`].
    pub labels: Vec<u32>,
    /// What was read for it.
    pub decoded: Decoded,
}

impl Batch {
    /// The label of an image that cannot be decoded, in an evaluation: no class, so that no prediction is right. The image is
    /// black.
    pub const DAMAGED: u32 = u32::MAX;
}

/// Why there is no (next) batch.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum LoaderError {
    /// Nothing to do.
    #[error("a batch of 0 images")]
    EmptyBatch,
    /// More images than there are.
    #[error("{asked} images were asked for, but there are {available}: 1 to {available} are possible")]
    Count {
        /// Asked for.
        asked: usize,
        /// There are.
        available: usize,
    },
    /// A number of images that cannot be counted, or a batch that memory cannot hold.
    #[error("step {step} of {batch} images of {size} x {size} is more than can be counted")]
    TooLarge {
        /// The first step.
        step: u64,
        /// Images of a batch.
        batch: usize,
        /// Side of an image.
        size: u32,
    },
    /// No training goes on without an image.
    #[error("none of the {images} images can be decoded; {first}")]
    AllDamaged {
        /// Number of images.
        images: usize,
        /// One of them, and why.
        first: String,
    },
    /// The operating system gives no thread.
    #[error("cannot start a thread to decode images: {0}")]
    Thread(String),
}

/// An iterator over batches: endless for training, over some images in order for evaluation. Dropping it ends its threads, each
/// after the photograph that it has in hand.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What all threads see.
struct Shared {
    set: ImageSet,
    view: View,
    size: u32,
    ahead: usize,
    work: Mutex<Work>,
    /// A batch is ready.
    ready: Condvar,
    /// There is something to decode, or nothing any more.
    room: Condvar,
    speed: Speed,
}

/// What is seen of each photograph.
enum View {
    Training(Augmentation, u64),
    Evaluation(CentreCrop),
}

struct Work {
    order: Order,
    batch: usize,
    /// Batches in the making, in order; the last may have images that nobody has taken yet.
    open: VecDeque<Arc<Making>>,
    /// Images of the last of `open` that were taken.
    taken: usize,
    closed: bool,
}

/// A batch in the making.
struct Making {
    size: usize,
    state: Mutex<State>,
}

struct State {
    batch: Batch,
    left: usize,
    error: Option<LoaderError>,
}

/// One image to decode.
struct Task {
    making: Arc<Making>,
    slot: usize,
    position: u64,
    index: usize,
}

/// One image decoded.
struct Made {
    image: Vec<u8>,
    label: u32,
    decoded: Decoded,
}

impl Loader {
    /// Batches for training, from step `step` on.
    ///
    /// The images come in random permutations of the whole set, one after the other without a gap: a batch may hold the end of
    /// one and the start of the next, and every batch is full. The order of pass `p` follows from `(seed, p)`, what is seen of
    /// the image at position `k` (`step * batch` and on) from `(seed, k)`.
    ///
    /// An image that cannot be decoded is replaced by the next one in the set's order that can, with that one's label; which
    /// were, is in [`Batch::decoded`].
    ///
    /// # Errors
    /// When the batch is empty or the numbers are too large.
    pub fn training(
        set: &ImageSet,
        augmentation: Augmentation,
        batch: usize,
        seed: u64,
        step: u64,
        workers: Workers,
    ) -> Result<Loader, LoaderError> {
        let size = augmentation.size();
        let position = step.checked_mul(batch as u64).filter(|&position| position <= u64::MAX / 2);
        let position = position.ok_or(LoaderError::TooLarge { step, batch, size })?;
        let order = Order::shuffled(set.len(), seed, position);
        Loader::start(set, View::Training(augmentation, seed), size, order, batch, workers)
    }

    /// The first `count` images in the set's order, in batches of `batch`; the last one may be smaller.
    ///
    /// An image that cannot be decoded is black and has the label [`Batch::DAMAGED`]: it counts, and as wrong.
    ///
    /// # Errors
    /// When the batch is empty, or when `count` is 0 or more than there are.
    pub fn evaluation(
        set: &ImageSet,
        crop: CentreCrop,
        count: usize,
        batch: usize,
        workers: Workers,
    ) -> Result<Loader, LoaderError> {
        if count == 0 || count > set.len() {
            return Err(LoaderError::Count { asked: count, available: set.len() });
        }
        Loader::start(set, View::Evaluation(crop), crop.size(), Order::ascending(count), batch, workers)
    }

    fn start(
        set: &ImageSet,
        view: View,
        size: u32,
        order: Order,
        batch: usize,
        workers: Workers,
    ) -> Result<Loader, LoaderError> {
        if batch == 0 {
            return Err(LoaderError::EmptyBatch);
        }
        let bytes = batch.checked_mul(3 * size as usize * size as usize).filter(|&bytes| bytes <= isize::MAX as usize);
        bytes.ok_or(LoaderError::TooLarge { step: 0, batch, size })?;
        let work = Work { order, batch, open: VecDeque::new(), taken: 0, closed: false };
        let shared = Arc::new(Shared {
            set: set.clone(),
            view,
            size,
            ahead: workers.ahead.get(),
            work: Mutex::new(work),
            ready: Condvar::new(),
            room: Condvar::new(),
            speed: Speed::default(),
        });
        let mut loader = Loader { shared, threads: Vec::new() };
        for _ in 0..workers.threads.get() {
            let shared = Arc::clone(&loader.shared);
            let thread = thread::Builder::new().name("photographs".to_string()).spawn(move || shared.decode_all());
            loader.threads.push(thread.map_err(|error| LoaderError::Thread(error.to_string()))?);
        }
        Ok(loader)
    }

    /// How fast a core decodes, cuts and resamples: images a second of the threads' own time on a processor (of all their
    /// time at work where the operating system does not say). `None` before the first.
    pub fn images_per_core_second(&self) -> Option<f64> {
        self.shared.speed.images_per_second()
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, LoaderError>;

    fn next(&mut self) -> Option<Result<Batch, LoaderError>> {
        let mut work = lock(&self.shared.work);
        loop {
            if work.closed || (work.open.is_empty() && work.order.is_empty()) {
                return None;
            }
            if let Some(first) = work.open.front() {
                let mut state = lock(&first.state);
                let error = state.error.take();
                if error.is_some() || state.left == 0 {
                    let batch = std::mem::replace(&mut state.batch, Batch::empty());
                    drop(state);
                    work.open.pop_front();
                    work.closed = error.is_some();
                    self.shared.room.notify_all();
                    return Some(error.map_or(Ok(batch), Err));
                }
            }
            work = self.shared.ready.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        lock(&self.shared.work).closed = true;
        self.shared.room.notify_all();
        for thread in self.threads.drain(..) {
            // Decoding catches its panics; there is nobody to tell of another.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// What a thread does.
    fn decode_all(&self) {
        let mut transformer = Transformer::default();
        while let Some(task) = self.next_task() {
            let made = self.speed.count(|| self.make(&task, &mut transformer));
            let mut state = lock(&task.making.state);
            match made {
                Ok(made) => {
                    let bytes = made.image.len();
                    state.batch.images[task.slot * bytes..][..bytes].copy_from_slice(&made.image);
                    state.batch.labels[task.slot] = made.label;
                    state.batch.decoded.add(made.decoded);
                }
                Err(error) => state.error = Some(error),
            }
            state.left -= 1;
            let done = state.left == 0 || state.error.is_some();
            drop(state);
            if done {
                // Under the lock, so that it is not missed between a look and a wait.
                let _work = lock(&self.work);
                self.ready.notify_all();
            }
        }
    }

    /// The next image to decode; waits until there is room. `None` when there is nothing more to do.
    fn next_task(&self) -> Option<Task> {
        let mut work = lock(&self.work);
        loop {
            if work.closed {
                return None;
            }
            if work.open.back().is_none_or(|last| work.taken == last.size) {
                if work.order.is_empty() {
                    return None;
                }
                if work.open.len() == self.ahead {
                    work = self.room.wait(work).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                let size = work.order.left().map_or(work.batch, |left| left.min(work.batch));
                work.open.push_back(Arc::new(Making::new(size, self.size)));
                work.taken = 0;
            }
            let (position, index) = work.order.next();
            let slot = work.taken;
            work.taken += 1;
            let making = Arc::clone(work.open.back()?);
            return Some(Task { making, slot, position, index });
        }
    }

    fn make(&self, task: &Task, transformer: &mut Transformer) -> Result<Made, LoaderError> {
        let mut decoded = Decoded::default();
        let count = self.set.len();
        match &self.view {
            View::Training(augmentation, seed) => {
                for index in (task.index..count).chain(0..task.index) {
                    let mut rng = stream(*seed, Purpose::Augmentation, task.position);
                    let see = |photo: &Photo| augmentation.apply(photo, transformer, &mut rng);
                    if let Some(image) = self.see(index, &mut decoded, see) {
                        return Ok(Made { image, label: self.set.label(index), decoded });
                    }
                }
                let first = decoded.damaged.first_key_value().map(|(path, why)| format!("{}: {why}", path.display()));
                Err(LoaderError::AllDamaged { images: count, first: first.unwrap_or_default() })
            }
            View::Evaluation(crop) => {
                let image = self.see(task.index, &mut decoded, |photo| crop.apply(photo, transformer));
                let label = if image.is_some() { self.set.label(task.index) } else { Batch::DAMAGED };
                let black = || vec![0; 3 * self.size as usize * self.size as usize];
                Ok(Made { image: image.unwrap_or_else(black), label, decoded })
            }
        }
    }

    /// What `see` makes of image `index`; `None` when it cannot be decoded.
    fn see(&self, index: usize, decoded: &mut Decoded, see: impl FnOnce(&Photo) -> Vec<u8>) -> Option<Vec<u8>> {
        let path = self.set.path(index);
        // The decoders are other people's and the files anybody's: a panic is one file's matter, not the training's.
        let seen = catch_unwind(AssertUnwindSafe(|| Photo::load(&path).map(|photo| (photo.kind, see(&photo)))));
        match seen.unwrap_or_else(|_| Err("its decoder panicked".to_string())) {
            Ok((kind, image)) => {
                decoded.count(kind);
                Some(image)
            }
            Err(why) => {
                decoded.damaged.insert(path, why);
                None
            }
        }
    }
}

impl Batch {
    fn empty() -> Batch {
        Batch { images: Vec::new(), labels: Vec::new(), decoded: Decoded::default() }
    }
}

impl Making {
    fn new(size: usize, side: u32) -> Making {
        let images = vec![0; size * 3 * side as usize * side as usize];
        let batch = Batch { images, labels: vec![0; size], decoded: Decoded::default() };
        Making { size, state: Mutex::new(State { batch, left: size, error: None }) }
    }
}

/// A lock whose holder panicked is as good as any: what it guards is whole between two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
