//! Batches of a training: which images, cut where, mirrored or not.
//!
//! Images stay bytes until their batch is made. Making one is on the critical path on purpose: it takes less than a
//! thousandth of a step on the CPU, and a GPU works on the step before meanwhile.

use hnas_data::View;
use rand::rngs::ChaCha8Rng;

use crate::normalizer::Normalizer;
use crate::random::{Stream, below, shuffle, stream};
use crate::recipe::Recipe;

/// The images of a step.
pub(crate) struct Batch {
    /// `[size, channels, crop, crop]`
    pub(crate) images: Vec<f32>,
    /// `[size]`
    pub(crate) labels: Vec<u8>,
    /// `[size, channels, height, width]`
    pub(crate) shape: [usize; 4],
}

/// An endless supply of batches of one size.
///
/// The images come in random permutations of the whole set, one after the other without a gap: a batch may hold the end
/// of one and the start of the next. So no image is left out and every batch is full: 5000 steps of 256 are exactly 32
/// passes over 40,000 images.
pub(crate) struct Batches<'a> {
    data: &'a View,
    normalizer: &'a Normalizer,
    size: usize,
    crop: usize,
    flip: bool,
    permutation: Vec<u32>,
    used: usize,
    order: ChaCha8Rng,
    augmentation: ChaCha8Rng,
}

impl<'a> Batches<'a> {
    /// Order, crops and flips follow from `seed`. The caller has checked that the crop fits into the images.
    pub(crate) fn new(data: &'a View, normalizer: &'a Normalizer, recipe: &Recipe, seed: u64) -> Batches<'a> {
        let permutation: Vec<u32> = (0..data.len() as u32).collect();
        Batches {
            data,
            normalizer,
            size: recipe.batch(),
            crop: recipe.crop(),
            flip: recipe.flip(),
            used: permutation.len(),
            permutation,
            order: stream(seed, Stream::Order),
            augmentation: stream(seed, Stream::Augmentation),
        }
    }

    /// The next batch.
    pub(crate) fn next(&mut self) -> Batch {
        let shape = [self.size, self.normalizer.channels(), self.crop, self.crop];
        let mut images = Vec::with_capacity(shape.iter().product());
        let mut labels = Vec::with_capacity(self.size);
        for _ in 0..self.size {
            let index = self.next_index();
            self.append(index, &mut images);
            labels.push(self.data.label(index));
        }
        Batch { images, labels, shape }
    }

    fn next_index(&mut self) -> usize {
        if self.used == self.permutation.len() {
            shuffle(&mut self.permutation, &mut self.order);
            self.used = 0;
        }
        self.used += 1;
        self.permutation[self.used - 1] as usize
    }

    /// Cuts a window out of an image. Three numbers are drawn for every image: row, column, mirrored or not.
    fn append(&mut self, index: usize, images: &mut Vec<f32>) {
        let (_, height, width) = self.data.shape();
        let top = below(&mut self.augmentation, height - self.crop + 1);
        let left = below(&mut self.augmentation, width - self.crop + 1);
        let mirrored = self.flip & (below(&mut self.augmentation, 2) == 1);
        for (channel, plane) in self.data.image(index).chunks_exact(height * width).enumerate() {
            for row in plane.chunks_exact(width).skip(top).take(self.crop) {
                let row = row[left..left + self.crop].iter().copied();
                if mirrored {
                    self.normalizer.extend(channel, row.rev(), images);
                } else {
                    self.normalizer.extend(channel, row, images);
                }
            }
        }
    }
}

/// The images `from..to` of `data`, whole and in order.
pub(crate) fn whole(data: &View, normalizer: &Normalizer, from: usize, to: usize) -> Batch {
    let (channels, height, width) = data.shape();
    let shape = [to - from, channels, height, width];
    let mut images = Vec::with_capacity(shape.iter().product());
    for index in from..to {
        for (channel, plane) in data.image(index).chunks_exact(height * width).enumerate() {
            normalizer.extend(channel, plane.iter().copied(), &mut images);
        }
    }
    Batch { images, labels: (from..to).map(|index| data.label(index)).collect(), shape }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;
    use hnas_data::Images;

    /// Image `i` of 2 channels: every pixel of channel 0 is `10 * row + column`, of channel 1 it is `i`.
    fn view(count: u8, side: u8) -> View {
        let first: Vec<u8> = (0..side).flat_map(|row| (0..side).map(move |column| 10 * row + column)).collect();
        let second = |i| vec![i; usize::from(side) * usize::from(side)];
        let pixels = (0..count).flat_map(|i| [first.clone(), second(i)].concat()).collect();
        let shape = (2, usize::from(side), usize::from(side));
        View::whole(Images::new(pixels, (0..count).collect(), shape, usize::from(count)).unwrap())
    }

    fn byte(number: f32) -> u8 {
        ((number + 1.0) * 127.5).round() as u8
    }

    #[test]
    fn every_pass_holds_every_image_once() {
        let (data, normalizer) = (view(10, 2), Normalizer::minus_one_to_one(2));
        let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop) = (4, 2)).unwrap();
        let mut batches = Batches::new(&data, &normalizer, &recipe, 1);
        let labels: Vec<u8> = (0..5).flat_map(|_| batches.next().labels).collect();
        let passes: Vec<Vec<u8>> = labels.chunks(10).map(|pass| pass.to_vec()).collect();
        for mut pass in passes.clone() {
            pass.sort_unstable();
            assert_eq!(pass, (0..10).collect::<Vec<u8>>());
        }
        assert_ne!(passes[0], passes[1]);
    }

    #[test]
    fn a_crop_is_a_window_of_its_image_and_every_window_occurs() {
        let (data, normalizer) = (view(3, 4), Normalizer::minus_one_to_one(2));
        let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop) = (200, 3)).unwrap();
        let batch = Batches::new(&data, &normalizer, &recipe, 2).next();
        let mut seen = std::collections::BTreeSet::new();
        for (image, label) in batch.images.chunks_exact(18).zip(&batch.labels) {
            let bytes: Vec<u8> = image.iter().map(|&number| byte(number)).collect();
            let (top, left) = (bytes[0].min(bytes[2]) / 10, bytes[0].min(bytes[2]) % 10);
            let mirrored = bytes[0] > bytes[2];
            let row = |row: u8| {
                (0..3).map(move |column| 10 * (top + row) + left + if mirrored { 2 - column } else { column })
            };
            assert_eq!(bytes[..9], (0..3).flat_map(row).collect::<Vec<u8>>());
            assert!(bytes[9..].iter().all(|&byte| byte == *label));
            seen.insert((top, left, mirrored));
        }
        assert_eq!(seen.len(), 8, "{seen:?}");
    }

    #[test]
    fn without_flip_nothing_is_mirrored() {
        let (data, normalizer) = (view(3, 4), Normalizer::minus_one_to_one(2));
        let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop, raw.flip) = (50, 3, false)).unwrap();
        let batch = Batches::new(&data, &normalizer, &recipe, 2).next();
        assert!(batch.images.chunks_exact(18).all(|image| image[0] < image[2]));
    }
}
