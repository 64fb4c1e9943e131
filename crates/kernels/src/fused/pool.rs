//! 3x3 pools with stride 1.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::tape::{Array, Operation, apply};
use crate::loops::pool;

/// [`crate::plain::max_pool`].
pub(crate) fn max_pool(x: Tensor<4>) -> Tensor<4> {
    apply(MaxPool, [x.into()])
}

/// [`crate::plain::avg_pool`].
pub(crate) fn avg_pool(x: Tensor<4>) -> Tensor<4> {
    apply(AvgPool, [x.into()])
}

#[derive(Clone, Debug)]
struct MaxPool;

impl Operation<1> for MaxPool {
    /// Where each largest value was: a byte a pixel, so the input need not be kept.
    type Kept = Arc<pool::Taps>;

    fn forward(&self, [x]: &[Array; 1]) -> Array {
        Array::new(pool::max_forward(x.values(), x.dims()), &x.dims::<4>())
    }

    fn forward_keeping(&self, [x]: [Array; 1]) -> (Array, Self::Kept) {
        let (y, taps) = pool::max_forward_taps(x.values(), x.dims());
        (Array::new(y, &x.dims::<4>()), Arc::new(taps))
    }

    fn backward(&self, taps: Self::Kept, dy: Array, _: [bool; 1]) -> [Option<Array>; 1] {
        [Some(Array::new(pool::max_backward(&taps, dy.values(), dy.dims()), &dy.dims::<4>()))]
    }
}

#[derive(Clone, Debug)]
struct AvgPool;

impl Operation<1> for AvgPool {
    type Kept = ();

    fn forward(&self, [x]: &[Array; 1]) -> Array {
        Array::new(pool::avg_forward(x.values(), x.dims()), &x.dims::<4>())
    }

    fn forward_keeping(&self, arguments: [Array; 1]) -> (Array, ()) {
        (self.forward(&arguments), ())
    }

    fn backward(&self, (): (), dy: Array, _: [bool; 1]) -> [Option<Array>; 1] {
        [Some(Array::new(pool::avg_backward(dy.values(), dy.dims()), &dy.dims::<4>()))]
    }
}
