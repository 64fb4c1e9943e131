//! A feature map in pieces: what a concatenation is made of, left where it is.
//!
//! Concatenating copies every value, forward and backward, and keeps both copies for the backward pass. Almost nothing
//! needs the copy: what treats each channel on its own (depthwise convolutions, normalisation, pools) can do so piece by
//! piece, and a 1x1 convolution sums over pieces as well as over channels.

use burn::tensor::Tensor;
use hnas_kernels as kernels;

/// A feature map `[batch, channels, height, width]` as pieces along the channels, in order; at least one.
#[derive(Clone, Debug)]
pub(crate) struct Parts(Vec<Tensor<4>>);

impl Parts {
    /// All of it in one piece.
    pub(crate) fn one(map: Tensor<4>) -> Parts {
        Parts(vec![map])
    }

    /// One behind another, nothing copied.
    pub(crate) fn join(maps: Vec<Parts>) -> Parts {
        Parts(maps.into_iter().flat_map(|Parts(pieces)| pieces).collect())
    }

    /// The same in one piece: copies unless it is one already.
    pub(crate) fn whole(mut self) -> Tensor<4> {
        if self.0.len() == 1 { self.0.swap_remove(0) } else { kernels::concat(self.0) }
    }

    /// The pieces.
    pub(crate) fn into_pieces(self) -> Vec<Tensor<4>> {
        self.0
    }

    /// Each piece mapped by what treats each channel on its own.
    pub(crate) fn map(self, each: impl Fn(Tensor<4>) -> Tensor<4>) -> Parts {
        Parts(self.0.into_iter().map(each).collect())
    }

    /// Each piece mapped; `each` also gets the piece's channels as first channel and number of channels.
    pub(crate) fn map_channels(self, mut each: impl FnMut(Tensor<4>, Channels) -> Tensor<4>) -> Parts {
        let all = self.0.len() == 1;
        let mut first = 0;
        let pieces = self.0.into_iter().map(|piece| {
            let channels = Channels { first, count: piece.dims()[1], all };
            first += channels.count;
            each(piece, channels)
        });
        Parts(pieces.collect())
    }
}

/// The channels of a piece within its feature map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channels {
    first: usize,
    count: usize,
    /// Whether there are no others.
    all: bool,
}

impl Channels {
    /// What belongs to these channels in a parameter that has the channels first.
    pub(crate) fn of<const D: usize>(self, parameter: Tensor<D>) -> Tensor<D> {
        if self.all { parameter } else { parameter.narrow(0, self.first, self.count) }
    }
}
