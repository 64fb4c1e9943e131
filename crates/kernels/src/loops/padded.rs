//! One channel of one image with a frame of one pixel around it, laid out so that a 3x3 window is nine shifted copies of
//! one long row.
//!
//! With a pitch of `width + 2`, the window of the pixel at flat position `i = y pitch + x` covers the framed positions
//! `i + ky pitch + kx`. So a loop over `i` runs over the whole plane without row ends, in full vectors even where the
//! rows are shorter than one; the two positions at the end of each row are computed for nothing and dropped by
//! [`Padded::unpad`].

/// The values a vector loop may read past the last window.
const SLACK: usize = 8;

/// A framed plane. The frame holds the value it was made with and is never written again.
pub(crate) struct Padded<T> {
    height: usize,
    width: usize,
    values: Vec<T>,
}

impl<T: Copy> Padded<T> {
    /// A plane of `height` x `width` pixels whose pixels and frame are `frame`.
    pub(crate) fn new(height: usize, width: usize, frame: T) -> Self {
        Self { height, width, values: vec![frame; (height + 2) * (width + 2) + 2 + SLACK] }
    }

    /// Positions from a pixel to the one below it.
    pub(crate) fn pitch(&self) -> usize {
        self.width + 2
    }

    /// Positions a loop over all pixels runs over, the two useless ones of each row counted.
    pub(crate) fn flat(&self) -> usize {
        self.height * self.pitch()
    }

    /// The same, up to the next multiple of a vector of eight: positions past the last row lie in the frame or behind.
    pub(crate) fn flat_vectors(&self) -> usize {
        self.flat().next_multiple_of(SLACK)
    }

    /// Sets the pixels, row by row.
    pub(crate) fn set(&mut self, plane: impl IntoIterator<Item = T>) {
        let (pitch, width) = (self.pitch(), self.width);
        let mut plane = plane.into_iter();
        for row in self.values.chunks_exact_mut(pitch).skip(1).take(self.height) {
            row[1..=width].iter_mut().zip(&mut plane).for_each(|(pixel, value)| *pixel = value);
        }
    }

    /// Sets the pixels from a plane without gaps.
    pub(crate) fn copy_from(&mut self, plane: &[T]) {
        let (pitch, width) = (self.pitch(), self.width);
        let rows = self.values.chunks_exact_mut(pitch).skip(1);
        rows.zip(plane.chunks_exact(width)).for_each(|(row, from)| row[1..=width].copy_from_slice(from));
    }

    /// Sets the pixels in even rows and columns from a plane of half the height and width (rounded up) without gaps, and
    /// leaves the others as they were made.
    pub(crate) fn spread_from(&mut self, plane: &[T]) {
        let (pitch, width) = (self.pitch(), self.width);
        let rows = self.values.chunks_exact_mut(pitch).skip(1).step_by(2);
        for (row, from) in rows.zip(plane.chunks_exact(width.div_ceil(2))) {
            row[1..=width].iter_mut().step_by(2).zip(from).for_each(|(pixel, &value)| *pixel = value);
        }
    }

    /// The framed values from the one under tap `tap` (0 to 8, row by row) of the first pixel's window.
    pub(crate) fn tap(&self, tap: usize, length: usize) -> &[T] {
        &self.values[tap / 3 * self.pitch() + tap % 3..][..length]
    }

    /// Copies flat results (one for each flat position) to a plane without gaps.
    pub(crate) fn unpad(&self, flat: &[T], plane: &mut [T]) {
        let rows = flat.chunks_exact(self.pitch());
        rows.zip(plane.chunks_exact_mut(self.width)).for_each(|(row, to)| to.copy_from_slice(&row[..self.width]));
    }

    /// Copies the flat results of even rows and columns to a plane of half the height and width (rounded up).
    pub(crate) fn unpad_even(&self, flat: &[T], plane: &mut [T]) {
        let rows = flat.chunks_exact(self.pitch()).step_by(2);
        for (row, to) in rows.zip(plane.chunks_exact_mut(self.width.div_ceil(2))) {
            to.iter_mut().zip(row.iter().step_by(2)).for_each(|(to, &value)| *to = value);
        }
    }
}
