//! The images of a training or an evaluation, on the device as bytes.

use hnas_data::{Batch, View};
use hnas_gpu::augmentation::{self, Cuts};
use hnas_gpu::{Buffer, Machine, Map};

use crate::batches::Cut;
use crate::normalizer::Normalizer;

/// Images with how their bytes become numbers.
#[derive(Debug)]
pub(crate) struct Images {
    images: augmentation::Images,
    normalizer: Buffer<f32>,
    labels: Vec<u32>,
}

impl Images {
    pub(crate) fn upload(machine: &Machine, data: &View, normalizer: &Normalizer) -> Images {
        let (channels, height, width) = data.shape();
        let mut bytes = Vec::with_capacity(data.len() * channels * height * width);
        (0..data.len()).for_each(|index| bytes.extend_from_slice(data.image(index)));
        Images {
            images: augmentation::Images::upload(machine, &bytes, channels, height, width),
            normalizer: machine.upload(&normalizer.numbers()),
            labels: (0..data.len()).map(|index| data.label(index).into()).collect(),
        }
    }

    /// The photographs of one step.
    pub(crate) fn of_batch(
        machine: &Machine,
        batch: &Batch,
        shape: (usize, usize, usize),
        normalizer: &Normalizer,
    ) -> Images {
        let (channels, height, width) = shape;
        Images {
            images: augmentation::Images::upload(machine, &batch.images, channels, height, width),
            normalizer: machine.upload(&normalizer.numbers()),
            labels: batch.labels.clone(),
        }
    }

    /// Writes a batch of cuts of so many rows and columns into a map.
    pub(super) fn cut(&self, machine: &Machine, cuts: &[Cut], (height, width): (usize, usize), map: &Map) {
        let own = |&Cut { image, top, left, mirrored }: &Cut| augmentation::Cut { image, top, left, mirrored };
        let on_device = Cuts::room(machine, cuts.len());
        on_device.write(machine, &self.images, height, width, &cuts.iter().map(own).collect::<Vec<_>>());
        augmentation::cut(machine, &self.images, &on_device, &self.normalizer, height, width, map);
    }

    /// The label of each cut.
    pub(super) fn labels(&self, cuts: &[Cut]) -> Vec<u32> {
        cuts.iter().map(|cut| self.labels[cut.image as usize]).collect()
    }
}
