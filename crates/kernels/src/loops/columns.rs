//! 3x3 convolution over all channels, forward and backward: each window becomes a column, and the convolution a product
//! of matrices. Only the stems have such layers, at a few channels.

use super::chunks;
use super::padded::Padded;
use super::pointwise::{self, Packed};
use super::rows::Rows;

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) batch: usize,
    pub(crate) input: usize,
    pub(crate) output: usize,
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

/// The convolution of `x` with `weight` `[output, input * 9]`.
pub(crate) fn forward(x: &[f32], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let packed = Packed::new(sizes.output, sizes.input * 9, |o, i| weight[o * sizes.input * 9 + i]);
    let (image, out_image) = (sizes.input * sizes.plane(), sizes.output * sizes.out_plane());
    let images = chunks::images_per_chunk(sizes.batch);
    chunks::build(sizes.batch * out_image, images * out_image, |chunk, y| {
        let mut columns = Columns::new(sizes);
        for (y, x) in y.chunks_exact_mut(out_image).zip(x[chunk * images * image..].chunks_exact(image)) {
            columns.set(x);
            pointwise::product(&packed, &[columns.rows.values()], columns.rows.pitch(), y, sizes.out_plane());
        }
    })
}

/// The gradient with respect to `weight`.
pub(crate) fn weight_gradient(x: &[f32], dy: &[f32], sizes: Sizes) -> Vec<f32> {
    let length = sizes.output * sizes.input * 9;
    let (image, out_image) = (sizes.input * sizes.plane(), sizes.output * sizes.out_plane());
    let images = chunks::images_per_chunk(sizes.batch);
    let partial = chunks::build(chunks::count(sizes.batch) * length, length, |chunk, sums| {
        let mut columns = Columns::new(sizes);
        let mut dy_rows = Rows::new(sizes.output, sizes.out_plane());
        let x = x[chunk * images * image..].chunks_exact(image).take(images);
        for (x, dy) in x.zip(dy[chunk * images * out_image..].chunks_exact(out_image)) {
            columns.set(x);
            dy_rows.gather(dy, sizes.out_plane());
            let (x, dy) = ((columns.rows.values(), sizes.input * 9), (dy_rows.values(), sizes.output));
            pointwise::add_outer_products(x, dy, dy_rows.pitch(), sums);
        }
    });
    chunks::total(&partial, length)
}

/// The gradient with respect to `x`.
pub(crate) fn input_gradient(dy: &[f32], weight: &[f32], sizes: Sizes) -> Vec<f32> {
    let packed = Packed::new(sizes.input * 9, sizes.output, |i, o| weight[o * sizes.input * 9 + i]);
    let (image, out_image) = (sizes.input * sizes.plane(), sizes.output * sizes.out_plane());
    let images = chunks::images_per_chunk(sizes.batch);
    chunks::build(sizes.batch * image, images * image, |chunk, dx| {
        let mut columns = Columns::new(sizes);
        let mut dy_rows = Rows::new(sizes.output, sizes.out_plane());
        let dy = dy[chunk * images * out_image..].chunks_exact(out_image);
        for (dx, dy) in dx.chunks_exact_mut(image).zip(dy) {
            dy_rows.gather(dy, sizes.out_plane());
            let pitch = columns.rows.pitch();
            pointwise::product(&packed, &[dy_rows.values()], dy_rows.pitch(), columns.rows.values_mut(), pitch);
            columns.add_to(dx);
        }
    })
}

/// The windows of one image: row `channel * 9 + tap` holds, for each output pixel, the pixel under that tap.
struct Columns {
    sizes: Sizes,
    padded: Padded<f32>,
    rows: Rows,
}

impl Columns {
    fn new(sizes: Sizes) -> Self {
        let padded = Padded::new(sizes.height, sizes.width, 0.0);
        Self { sizes, padded, rows: Rows::new(sizes.input * 9, sizes.out_plane()) }
    }

    fn set(&mut self, image: &[f32]) {
        let flat = self.padded.flat();
        let (pitch, out_plane) = (self.rows.pitch(), self.sizes.out_plane());
        let channels = self.rows.values_mut().chunks_exact_mut(9 * pitch);
        for (rows, plane) in channels.zip(image.chunks_exact(self.sizes.plane())) {
            self.padded.copy_from(plane);
            for (tap, row) in rows.chunks_exact_mut(pitch).enumerate() {
                let (values, row) = (self.padded.tap(tap, flat), &mut row[..out_plane]);
                if self.sizes.stride == 1 {
                    self.padded.unpad(values, row)
                } else {
                    self.padded.unpad_even(values, row)
                }
            }
        }
    }

    /// Adds each value to the pixel it was taken from, if that lies in the image.
    fn add_to(&self, image: &mut [f32]) {
        let Sizes { height, width, stride, .. } = self.sizes;
        let out_width = width.div_ceil(stride);
        let (pitch, out_plane) = (self.rows.pitch(), self.sizes.out_plane());
        let channels = self.rows.values().chunks_exact(9 * pitch);
        for (rows, plane) in channels.zip(image.chunks_exact_mut(self.sizes.plane())) {
            for (tap, values) in rows.chunks_exact(pitch).enumerate() {
                for (out_y, values) in values[..out_plane].chunks_exact(out_width).enumerate() {
                    let y = (out_y * stride + tap / 3).wrapping_sub(1);
                    if y >= height {
                        continue;
                    }
                    let row = &mut plane[y * width..][..width];
                    // The first output pixel whose tap lies in the image, and the pixel under it.
                    let (skip, x) = if tap % 3 == 0 { (1, stride - 1) } else { (0, tap % 3 - 1) };
                    if x < width {
                        let pixels = row[x..].iter_mut().step_by(stride);
                        pixels.zip(values.iter().skip(skip)).for_each(|(pixel, &value)| *pixel += value);
                    }
                }
            }
        }
    }
}
