//! Feature maps of one image.

use hnas_compiler::Shape;

use super::Dual;

/// Channels of pixels, row by row.
#[derive(Clone)]
pub(crate) struct Map {
    shape: Shape,
    values: Vec<Dual>,
}

impl Map {
    /// Each value from its channel, row and column.
    pub(crate) fn from_fn(shape: Shape, mut value: impl FnMut(usize, usize, usize) -> Dual) -> Map {
        let mut values = Vec::with_capacity(shape.elements());
        for channel in 0..shape.channels {
            for row in 0..shape.height {
                values.extend((0..shape.width).map(|column| value(channel, row, column)));
            }
        }
        Map { shape, values }
    }

    pub(crate) fn concatenated(maps: &[&Map]) -> Map {
        let shape = Shape { channels: maps.iter().map(|map| map.shape.channels).sum(), ..maps[0].shape };
        Map { shape, values: maps.iter().flat_map(|map| map.values.iter().copied()).collect() }
    }

    pub(crate) fn map(mut self, apply: impl Fn(Dual) -> Dual) -> Map {
        self.values.iter_mut().for_each(|value| *value = apply(*value));
        self
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(crate) fn into_values(self) -> Vec<Dual> {
        self.values
    }

    pub(crate) fn channel(&self, channel: usize) -> &[Dual] {
        &self.values[channel * self.shape.pixels()..][..self.shape.pixels()]
    }

    pub(crate) fn at(&self, channel: usize, row: usize, column: usize) -> Dual {
        self.channel(channel)[row * self.shape.width + column]
    }

    /// The shape left by a window that starts on the first pixel and moves `stride` pixels at a time.
    pub(crate) fn strided(&self, stride: usize, channels: usize) -> Shape {
        let Shape { height, width, .. } = self.shape;
        Shape { channels, height: (height - 1) / stride + 1, width: (width - 1) / stride + 1 }
    }

    /// The real pixels under the 3x3 window around a place.
    pub(crate) fn window(&self, channel: usize, row: usize, column: usize) -> Vec<Dual> {
        let rows = row.saturating_sub(1)..(row + 2).min(self.shape.height);
        let columns = || column.saturating_sub(1)..(column + 2).min(self.shape.width);
        rows.flat_map(|row| columns().map(move |column| (row, column)))
            .map(|(row, column)| self.at(channel, row, column))
            .collect()
    }

    /// The pixels around a place times the weights of a square kernel; beyond the edge they are 0.
    pub(crate) fn correlate(&self, channel: usize, row: usize, column: usize, kernel: usize, weights: &[Dual]) -> Dual {
        let mut sum = Dual::ZERO;
        for (index, &weight) in weights.iter().enumerate() {
            let inside = |place: usize, size: usize| place.checked_sub(kernel / 2).filter(|&place| place < size);
            let row = inside(row + index / kernel, self.shape.height);
            let column = inside(column + index % kernel, self.shape.width);
            if let (Some(row), Some(column)) = (row, column) {
                sum = sum.plus(self.at(channel, row, column).times(weight));
            }
        }
        sum
    }
}
