//! 3x3 pools with stride 1, forward and backward.

use super::chunks;
use super::padded::Padded;
use super::vectorised::vectorised;

/// Which tap of the window held the largest value, 0 to 8 row by row, for each pixel.
pub(crate) type Taps = Vec<u8>;

/// A tap no window has: the frame around a plane of taps.
const OUTSIDE: u8 = 9;

/// The largest value under each window. `planes` is batch times channels; `images` planes make a chunk.
pub(crate) fn max_forward(x: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let length = chunks::images_per_chunk(batch) * channels * height * width;
    chunks::build(x.len(), length, |chunk, y| {
        let mut padded = Padded::new(height, width, f32::NEG_INFINITY);
        let mut flat = vec![0.0; padded.flat()];
        let x = &x[chunk * length..][..y.len()];
        for (y, x) in y.chunks_exact_mut(height * width).zip(x.chunks_exact(height * width)) {
            padded.copy_from(x);
            largest(&padded, &mut flat);
            padded.unpad(&flat, y);
        }
    })
}

/// The same, and where in each window the largest value was: the first of equal ones.
pub(crate) fn max_forward_taps(x: &[f32], [batch, channels, height, width]: [usize; 4]) -> (Vec<f32>, Taps) {
    let mut taps = vec![0; x.len()];
    let length = chunks::images_per_chunk(batch) * channels * height * width;
    let y = chunks::build_beside(x.len(), length, (&mut taps, length), |chunk, y, taps| {
        let mut padded = Padded::new(height, width, f32::NEG_INFINITY);
        let (mut flat, mut flat_taps) = (vec![0.0; padded.flat()], vec![0; padded.flat()]);
        let x = &x[chunk * length..][..y.len()];
        let plane = height * width;
        for ((y, taps), x) in y.chunks_exact_mut(plane).zip(taps.chunks_exact_mut(plane)).zip(x.chunks_exact(plane)) {
            padded.copy_from(x);
            largest_taps(&padded, &mut flat, &mut flat_taps);
            padded.unpad(&flat, y);
            let rows = flat_taps.chunks_exact(padded.pitch()).zip(taps.chunks_exact_mut(width));
            rows.for_each(|(from, to)| to.iter_mut().zip(from).for_each(|(to, &tap)| *to = tap as u8));
        }
    });
    (y, taps)
}

/// The gradient with respect to the input of [`max_forward_taps`].
pub(crate) fn max_backward(taps: &[u8], dy: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let plane = height * width;
    let length = chunks::images_per_chunk(batch) * channels * plane;
    chunks::build(dy.len(), length, |chunk, dx| {
        let mut padded = Padded::new(height, width, 0.0);
        let mut padded_taps = Padded::new(height, width, i32::from(OUTSIDE));
        let mut flat = vec![0.0; padded.flat()];
        let (dy, taps) = (&dy[chunk * length..][..dx.len()], &taps[chunk * length..][..dx.len()]);
        for ((dx, dy), taps) in dx.chunks_exact_mut(plane).zip(dy.chunks_exact(plane)).zip(taps.chunks_exact(plane)) {
            padded.copy_from(dy);
            padded_taps.set(taps.iter().map(|&tap| i32::from(tap)));
            gather(&padded, &padded_taps, &mut flat);
            padded.unpad(&flat, dx);
        }
    })
}

/// The mean of the pixels of the image under each window.
pub(crate) fn avg_forward(x: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let shares = shares(height, width);
    let plane = height * width;
    let length = chunks::images_per_chunk(batch) * channels * plane;
    chunks::build(x.len(), length, |chunk, y| {
        let mut padded = Padded::new(height, width, 0.0);
        let mut flat = vec![0.0; padded.flat()];
        let x = &x[chunk * length..][..y.len()];
        for (y, x) in y.chunks_exact_mut(plane).zip(x.chunks_exact(plane)) {
            padded.copy_from(x);
            add_windows(&padded, &mut flat);
            padded.unpad(&flat, y);
            y.iter_mut().zip(&shares).for_each(|(y, share)| *y *= share);
        }
    })
}

/// The gradient with respect to the input of [`avg_forward`].
pub(crate) fn avg_backward(dy: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let shares = shares(height, width);
    let plane = height * width;
    let length = chunks::images_per_chunk(batch) * channels * plane;
    chunks::build(dy.len(), length, |chunk, dx| {
        let mut padded = Padded::new(height, width, 0.0);
        let (mut flat, mut shared) = (vec![0.0; padded.flat()], vec![0.0; plane]);
        let dy = &dy[chunk * length..][..dx.len()];
        for (dx, dy) in dx.chunks_exact_mut(plane).zip(dy.chunks_exact(plane)) {
            shared.iter_mut().zip(dy.iter().zip(&shares)).for_each(|(shared, (dy, share))| *shared = dy * share);
            padded.copy_from(&shared);
            add_windows(&padded, &mut flat);
            padded.unpad(&flat, dx);
        }
    })
}

/// One over the number of pixels of the image under each window.
fn shares(height: usize, width: usize) -> Vec<f32> {
    let under = |position: usize, size: usize| 1 + usize::from(position > 0) + usize::from(position + 1 < size);
    let share = |pixel: usize| 1.0 / (under(pixel / width, height) * under(pixel % width, width)) as f32;
    (0..height * width).map(share).collect()
}

vectorised! {
    /// The largest value of each window, for each flat position; not a number if any is.
    pub(crate) fn largest<A>(padded: &Padded<f32>, flat: &mut [f32]) {
        let taps: [&[f32]; 9] = std::array::from_fn(|tap| padded.tap(tap, flat.len()));
        for (i, flat) in flat.iter_mut().enumerate() {
            let mut best = taps[0][i];
            for tap in &taps[1..] {
                best = if beats(tap[i], best) { tap[i] } else { best };
            }
            *flat = best;
        }
    }
}

vectorised! {
    /// The largest value of each window and its tap.
    pub(crate) fn largest_taps<A>(padded: &Padded<f32>, flat: &mut [f32], flat_taps: &mut [i32]) {
        let taps: [&[f32]; 9] = std::array::from_fn(|tap| padded.tap(tap, flat.len()));
        for (i, (flat, flat_tap)) in flat.iter_mut().zip(flat_taps).enumerate() {
            let (mut best, mut best_tap) = (taps[0][i], 0);
            #[expect(clippy::needless_range_loop, reason = "with an iterator the loop is 14 times slower")]
            for tap in 1..9 {
                let wins = beats(taps[tap][i], best);
                (best, best_tap) = if wins { (taps[tap][i], tap as i32) } else { (best, best_tap) };
            }
            (*flat, *flat_tap) = (best, best_tap);
        }
    }
}

/// Whether a value replaces the best so far. What is not a number does and stays: a diverged training must not look sane.
#[inline(always)]
fn beats(value: f32, best: f32) -> bool {
    value > best || value.is_nan()
}

vectorised! {
    /// For each pixel, the sum of the gradients of the windows it was the largest value of. Pixel `p` is tap `t` of the
    /// window around the pixel that is tap `8 - t` of its own.
    pub(crate) fn gather<A>(padded: &Padded<f32>, padded_taps: &Padded<i32>, flat: &mut [f32]) {
        let gradients: [&[f32]; 9] = std::array::from_fn(|tap| padded.tap(tap, flat.len()));
        let winners: [&[i32]; 9] = std::array::from_fn(|tap| padded_taps.tap(tap, flat.len()));
        for (i, flat) in flat.iter_mut().enumerate() {
            let mut sum = 0.0;
            for tap in 0..9 {
                sum += if winners[tap][i] == 8 - tap as i32 { gradients[tap][i] } else { 0.0 };
            }
            *flat = sum;
        }
    }
}

vectorised! {
    /// The sum of each window, for each flat position.
    pub(crate) fn add_windows<A>(padded: &Padded<f32>, flat: &mut [f32]) {
        let taps: [&[f32]; 9] = std::array::from_fn(|tap| padded.tap(tap, flat.len()));
        for (i, flat) in flat.iter_mut().enumerate() {
            let mut sum = taps[0][i];
            for tap in &taps[1..] {
                sum += tap[i];
            }
            *flat = sum;
        }
    }
}
