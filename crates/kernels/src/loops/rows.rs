//! Feature maps as a matrix with one long row a channel: where the maps are small, several images side by side.

/// Pixels of a tile of the product. Eight vectors of eight sums stay in registers and keep both multipliers of a core
/// busy; with twelve, the compiler spills some of them in every round.
pub(crate) const PIXELS: usize = 16;

/// Rows this many values long need no company.
const LONG: usize = 256;

/// Pixels a matrix of gathered images is meant to have: enough to fill the tiles, few enough to stay in the cache.
const GATHERED: usize = 1024;

/// Whether the channels of an image can be read as they lie: whole tiles long, and not so many bytes apart that all of
/// them compete for the same few lines of the cache.
pub(crate) fn can_be_read_in_place(plane: usize) -> bool {
    plane.is_multiple_of(PIXELS) && !plane.is_multiple_of(LONG)
}

/// Whether one image alone fills the vectors of a sum over pixels well.
pub(crate) fn are_long(plane: usize) -> bool {
    plane >= LONG
}

/// How many images to put side by side.
pub(crate) fn group(plane: usize) -> usize {
    GATHERED.div_ceil(plane)
}

/// A matrix of one row a channel, rows whole tiles long and zero past the last pixel.
pub(crate) struct Rows {
    pitch: usize,
    values: Vec<f32>,
}

impl Rows {
    /// Room for `pixels` pixels of each channel.
    pub(crate) fn new(channels: usize, pixels: usize) -> Self {
        let tiles = pixels.next_multiple_of(PIXELS);
        let pitch = if tiles.is_multiple_of(LONG) { tiles + PIXELS } else { tiles };
        Self { pitch, values: vec![0.0; channels * pitch] }
    }

    pub(crate) fn pitch(&self) -> usize {
        self.pitch
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Takes images of `plane` pixels a channel. Where a matrix was full before, fewer images leave old values behind
    /// them: they reach only results that are dropped.
    pub(crate) fn gather(&mut self, images: &[f32], plane: usize) {
        let channels = self.values.len() / self.pitch;
        for (index, image) in images.chunks_exact(channels * plane).enumerate() {
            let rows = self.values.chunks_exact_mut(self.pitch).zip(image.chunks_exact(plane));
            rows.for_each(|(row, from)| row[index * plane..][..plane].copy_from_slice(from));
        }
    }

    /// Gives images back.
    pub(crate) fn scatter(&self, images: &mut [f32], plane: usize) {
        let channels = self.values.len() / self.pitch;
        for (index, image) in images.chunks_exact_mut(channels * plane).enumerate() {
            let rows = self.values.chunks_exact(self.pitch).zip(image.chunks_exact_mut(plane));
            rows.for_each(|(row, to)| to.copy_from_slice(&row[index * plane..][..plane]));
        }
    }
}
