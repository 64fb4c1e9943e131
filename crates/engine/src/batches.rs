//! Batches of a training: which images, cut where, mirrored or not.
//!
//! What is drawn is the same wherever the images are: on the host they stay bytes until a batch is cut out of them here, a
//! GPU has them as bytes and cuts by itself. Cutting is on the critical path on purpose: it takes less than a thousandth of
//! a step.

use hnas_data::{Batch as Photographs, View};
use rand::rngs::ChaCha8Rng;

use crate::normalizer::Normalizer;
use crate::random::{Stream, below, shuffle, stream};
use crate::recipe::Recipe;

/// Words of a random stream that the crop of an image takes: two for each of the numbers in [`Draws::draw`].
const WORDS: u128 = 6;

/// Which image becomes the next of a batch, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Its number in its set.
    pub(crate) image: u32,
    /// The first row that is kept.
    pub(crate) top: u32,
    /// The first column that is kept.
    pub(crate) left: u32,
    /// Whether what is kept is mirrored from left to right.
    pub(crate) mirrored: bool,
}

impl Cut {
    /// All of an image, as it is.
    pub(crate) fn whole(image: usize) -> Cut {
        Cut { image: image as u32, top: 0, left: 0, mirrored: false }
    }
}

/// An endless supply of batches of one size.
///
/// The images come in random permutations of the whole set, one after the other without a gap: a batch may hold the end
/// of one and the start of the next. So no image is left out and every batch is full: 5000 steps of 256 are exactly 32
/// passes over 40,000 images.
pub(crate) struct Draws {
    size: usize,
    /// Rows and columns from which on a crop may be cut.
    places: [usize; 2],
    flip: bool,
    permutation: Vec<u32>,
    used: usize,
    order: ChaCha8Rng,
    augmentation: ChaCha8Rng,
}

impl Draws {
    /// Order, crops and flips follow from `seed`. The caller has checked that the crop fits into the images.
    pub(crate) fn new(data: &View, recipe: &Recipe, seed: u64) -> Draws {
        let permutation: Vec<u32> = (0..data.len() as u32).collect();
        let (_, height, width) = data.shape();
        Draws {
            size: recipe.batch(),
            places: [height, width].map(|side| side - recipe.crop() + 1),
            flip: recipe.flip(),
            used: permutation.len(),
            permutation,
            order: stream(seed, Stream::Order),
            augmentation: stream(seed, Stream::Augmentation),
        }
    }

    /// As it is after so many batches. Costs the shuffles of the passes before, and no time for the crops.
    pub(crate) fn after(mut self, batches: usize) -> Draws {
        for _ in 0..batches * self.size {
            self.next_image();
        }
        self.augmentation.set_word_pos(batches as u128 * self.size as u128 * WORDS);
        self
    }

    /// The next batch.
    pub(crate) fn next(&mut self) -> Vec<Cut> {
        (0..self.size).map(|_| self.draw()).collect()
    }

    /// Three numbers are drawn for every image: row, column, mirrored or not.
    fn draw(&mut self) -> Cut {
        let image = self.next_image();
        let [top, left] = self.places.map(|places| below(&mut self.augmentation, places) as u32);
        let mirrored = self.flip & (below(&mut self.augmentation, 2) == 1);
        Cut { image, top, left, mirrored }
    }

    fn next_image(&mut self) -> u32 {
        if self.used == self.permutation.len() {
            shuffle(&mut self.permutation, &mut self.order);
            self.used = 0;
        }
        self.used += 1;
        self.permutation[self.used - 1]
    }
}

/// The images of a step, as numbers.
pub(crate) struct Batch {
    /// `[size, channels, height, width]`
    pub(crate) images: Vec<f32>,
    /// `[size]`
    pub(crate) labels: Vec<u32>,
    /// `[size, channels, height, width]`
    pub(crate) shape: [usize; 4],
}

/// Cuts windows of so many rows and columns out of images.
pub(crate) fn cut(data: &View, normalizer: &Normalizer, cuts: &[Cut], (rows, columns): (usize, usize)) -> Batch {
    let (_, height, width) = data.shape();
    let shape = [cuts.len(), normalizer.channels(), rows, columns];
    let mut images = Vec::with_capacity(shape.iter().product());
    for &Cut { image, top, left, mirrored } in cuts {
        for (channel, plane) in data.image(image as usize).chunks_exact(height * width).enumerate() {
            for row in plane.chunks_exact(width).skip(top as usize).take(rows) {
                let row = row[left as usize..][..columns].iter().copied();
                if mirrored {
                    normalizer.extend(channel, row.rev(), &mut images);
                } else {
                    normalizer.extend(channel, row, &mut images);
                }
            }
        }
    }
    Batch { images, labels: cuts.iter().map(|cut| data.label(cut.image as usize).into()).collect(), shape }
}

/// The photographs of a step, as they are, as numbers.
pub(crate) fn whole(
    batch: &Photographs,
    normalizer: &Normalizer,
    (channels, height, width): (usize, usize, usize),
) -> Batch {
    let mut images = Vec::with_capacity(batch.images.len());
    for (plane, channel) in batch.images.chunks_exact(height * width).zip((0..channels).cycle()) {
        normalizer.extend(channel, plane.iter().copied(), &mut images);
    }
    Batch { images, labels: batch.labels.clone(), shape: [batch.labels.len(), channels, height, width] }
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

    #[test]
    fn draws_go_on_from_any_batch_as_from_the_first() {
        let data = view(10, 4);
        for batch in [1, 4, 7, 25] {
            let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop) = (batch, 3)).unwrap();
            let mut draws = Draws::new(&data, &recipe, 3);
            for batches in 0..12 {
                let mut later = Draws::new(&data, &recipe, 3).after(batches);
                assert_eq!(later.next(), draws.next(), "after {batches} batches of {batch}");
                assert_eq!(later.next(), Draws::new(&data, &recipe, 3).after(batches + 1).next());
            }
        }
    }

    fn byte(number: f32) -> u8 {
        ((number + 1.0) * 127.5).round() as u8
    }

    #[test]
    fn every_pass_holds_every_image_once() {
        let (data, normalizer) = (view(10, 2), Normalizer::minus_one_to_one(2));
        let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop) = (4, 2)).unwrap();
        let mut draws = Draws::new(&data, &recipe, 1);
        let labels: Vec<u32> = (0..5).flat_map(|_| cut(&data, &normalizer, &draws.next(), (2, 2)).labels).collect();
        let passes: Vec<Vec<u32>> = labels.chunks(10).map(|pass| pass.to_vec()).collect();
        for mut pass in passes.clone() {
            pass.sort_unstable();
            assert_eq!(pass, (0..10).collect::<Vec<u32>>());
        }
        assert_ne!(passes[0], passes[1]);
    }

    #[test]
    fn a_crop_is_a_window_of_its_image_and_every_window_occurs() {
        let (data, normalizer) = (view(3, 4), Normalizer::minus_one_to_one(2));
        let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop) = (200, 3)).unwrap();
        let batch = cut(&data, &normalizer, &Draws::new(&data, &recipe, 2).next(), (3, 3));
        let mut seen = std::collections::BTreeSet::new();
        for (image, label) in batch.images.chunks_exact(18).zip(&batch.labels) {
            let bytes: Vec<u8> = image.iter().map(|&number| byte(number)).collect();
            let (top, left) = (bytes[0].min(bytes[2]) / 10, bytes[0].min(bytes[2]) % 10);
            let mirrored = bytes[0] > bytes[2];
            let row = |row: u8| {
                (0..3).map(move |column| 10 * (top + row) + left + if mirrored { 2 - column } else { column })
            };
            assert_eq!(bytes[..9], (0..3).flat_map(row).collect::<Vec<u8>>());
            assert!(bytes[9..].iter().all(|&byte| u32::from(byte) == *label));
            seen.insert((top, left, mirrored));
        }
        assert_eq!(seen.len(), 8, "{seen:?}");
    }

    #[test]
    fn without_flip_nothing_is_mirrored() {
        let (data, normalizer) = (view(3, 4), Normalizer::minus_one_to_one(2));
        let recipe = Recipe::paper_search().with(|raw| (raw.batch, raw.crop, raw.flip) = (50, 3, false)).unwrap();
        let batch = cut(&data, &normalizer, &Draws::new(&data, &recipe, 2).next(), (3, 3));
        assert!(batch.images.chunks_exact(18).all(|image| image[0] < image[2]));
    }
}
