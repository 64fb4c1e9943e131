//! Memory of the device.

use std::marker::PhantomData;
use std::ops::Range;

use cubecl::prelude::{BufferArg, CubeElement};
use cubecl::server::Handle;

/// Bytes of which the start of a [part](Buffer::part) is a multiple: what graphics drivers ask for.
pub const PART: usize = 256;

/// So many values of one type in a row, on the device. A clone is the same memory.
///
/// Invariant: `handle` is of exactly `len` values of `T`.
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    handle: Handle,
    len: usize,
    values: PhantomData<T>,
}

impl<T: CubeElement> Buffer<T> {
    /// Panics when the memory is not of that length.
    pub(crate) fn new(handle: Handle, len: usize) -> Buffer<T> {
        assert!(handle.size_in_used() == (len * size_of::<T>()) as u64, "a buffer has another size than its memory");
        Buffer { handle, len, values: PhantomData }
    }

    /// How many values it holds.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Some of its values as a buffer of their own, on the same memory. So all parameters of a network can lie in one
    /// buffer, which one call updates.
    ///
    /// Panics when the range is not inside the buffer, or does not start at a multiple of [`PART`] bytes.
    pub fn part(&self, range: Range<usize>) -> Buffer<T> {
        let Range { start, end } = range;
        assert!(start <= end && end <= self.len, "{start}..{end} is not inside a buffer of {}", self.len);
        assert!((start * size_of::<T>()).is_multiple_of(PART), "a part starts at value {start}, not at {PART} bytes");
        let [before, after] = [start, self.len - end].map(|values| (values * size_of::<T>()) as u64);
        Buffer::new(self.handle.clone().offset_start(before).offset_end(after), end - start)
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// As an argument of a kernel, which may see it as vectors.
    pub(crate) fn argument(&self) -> BufferArg {
        // SAFETY: the length is that of the memory, as the type's invariant says.
        #[allow(unsafe_code)]
        unsafe {
            BufferArg::from_raw_parts(self.handle.clone(), self.len)
        }
    }
}
