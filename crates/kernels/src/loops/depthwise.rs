//! Depthwise 3x3 convolution, forward and backward, stride 1 or 2.
//!
//! Stride 2 is stride 1 with three quarters of the results dropped (forward) or of the gradients zero (backward): the
//! arithmetic is cheap beside the memory traffic, and a network has two or three such layers.

use super::chunks;
use super::padded::Padded;
use super::vectorised::vectorised;

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// 1 or 2.
    pub(crate) stride: usize,
}

impl Sizes {
    fn plane(&self) -> usize {
        self.height * self.width
    }

    fn out_plane(&self) -> usize {
        self.height.div_ceil(self.stride) * self.width.div_ceil(self.stride)
    }
}

/// The convolution of `x` with `weight` `[channels, 9]`.
pub(crate) fn forward(x: &[f32], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { batch, channels, height, width, stride } = sizes;
    let (plane, out_plane) = (sizes.plane(), sizes.out_plane());
    let images = chunks::images_per_chunk(batch);
    chunks::build(batch * channels * out_plane, images * channels * out_plane, |chunk, y| {
        let mut padded = Padded::new(height, width, 0.0);
        let mut flat = vec![0.0; padded.flat()];
        let x = &x[chunk * images * channels * plane..];
        for (index, (y, x)) in y.chunks_exact_mut(out_plane).zip(x.chunks_exact(plane)).enumerate() {
            padded.copy_from(x);
            correlate(&padded, kernel(weight, index % channels), &mut flat);
            if stride == 1 { padded.unpad(&flat, y) } else { padded.unpad_even(&flat, y) }
        }
    })
}

/// The gradients with respect to `x` and `weight`, from that with respect to the result.
pub(crate) fn backward(x: &[f32], weight: &[f32], dy: &[f32], sizes: Sizes) -> (Vec<f32>, Vec<f32>) {
    let Sizes { batch, channels, height, width, stride } = sizes;
    let (plane, out_plane) = (sizes.plane(), sizes.out_plane());
    let images = chunks::images_per_chunk(batch);
    let mut partial = vec![0.0; chunks::count(batch) * channels * 9];
    let (length, piece) = (batch * channels * plane, images * channels * plane);
    let dx = chunks::build_beside(length, piece, (&mut partial, channels * 9), |chunk, dx, dweight| {
        let mut padded = Padded::new(height, width, 0.0);
        let mut padded_dy = Padded::new(height, width, 0.0);
        let mut flat = vec![0.0; padded.flat()];
        let x = &x[chunk * images * channels * plane..];
        let dy = &dy[chunk * images * channels * out_plane..];
        let planes = dx.chunks_exact_mut(plane).zip(x.chunks_exact(plane)).zip(dy.chunks_exact(out_plane));
        for (index, ((dx, x), dy)) in planes.enumerate() {
            let channel = index % channels;
            padded.copy_from(x);
            if stride == 1 {
                padded_dy.copy_from(dy)
            } else {
                padded_dy.spread_from(dy)
            }
            let mut mirrored = *kernel(weight, channel);
            mirrored.reverse();
            correlate(&padded_dy, &mirrored, &mut flat);
            padded.unpad(&flat, dx);
            accumulate_products(&padded, &padded_dy, &mut dweight[channel * 9..][..9]);
        }
    });
    (dx, chunks::total(&partial, channels * 9))
}

fn kernel(weight: &[f32], channel: usize) -> &[f32; 9] {
    weight[channel * 9..].first_chunk().expect("nine weights a channel")
}

vectorised! {
    /// The weighted sum of each window of a framed plane, for each flat position.
    pub(crate) fn correlate<A>(padded: &Padded<f32>, kernel: &[f32; 9], flat: &mut [f32]) {
        let taps: [&[f32]; 9] = std::array::from_fn(|tap| padded.tap(tap, flat.len()));
        for (i, flat) in flat.iter_mut().enumerate() {
            let mut sum = kernel[0] * taps[0][i];
            for tap in 1..9 {
                sum = A::multiply_add(kernel[tap], taps[tap][i], sum);
            }
            *flat = sum;
        }
    }
}

vectorised! {
    /// Adds to each of nine sums the product of the result's gradient with the pixel under that tap, over all positions.
    pub(crate) fn accumulate_products<A>(padded: &Padded<f32>, padded_dy: &Padded<f32>, sums: &mut [f32]) {
        let length = padded.flat_vectors();
        // Tap 4 is the pixel itself. The useless positions of each row, and those past the last, lie in the frame of the
        // gradients and add zero.
        let (dy, _) = padded_dy.tap(4, length).as_chunks::<8>();
        let taps: [&[[f32; 8]]; 9] = std::array::from_fn(|tap| &padded.tap(tap, length).as_chunks::<8>().0[..dy.len()]);
        let mut lanes = [[0.0; 8]; 9];
        for (i, dy) in dy.iter().enumerate() {
            for (lanes, tap) in lanes.iter_mut().zip(&taps) {
                for lane in 0..8 {
                    lanes[lane] = A::multiply_add(dy[lane], tap[i][lane], lanes[lane]);
                }
            }
        }
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            *sum += lanes.iter().sum::<f32>();
        }
    }
}
