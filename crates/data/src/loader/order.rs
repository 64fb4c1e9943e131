//! Which image is at which position of the sequence that a loader hands out.

use crate::random::{Purpose, shuffle, stream};

/// Positions and the images at them, one after the other.
pub(super) enum Order {
    /// Random permutations of all images, one after the other, without end.
    Shuffled {
        seed: u64,
        /// The next position.
        position: u64,
        /// The order of the pass that the last position was in, or of none.
        pass: Option<u64>,
        permutation: Vec<u32>,
    },
    /// The first images in their own order.
    Ascending { next: usize, count: usize },
}

impl Order {
    /// The order of `images` images from `position` on. Costs one shuffle, wherever it begins.
    pub(super) fn shuffled(images: usize, seed: u64, position: u64) -> Order {
        Order::Shuffled { seed, position, pass: None, permutation: (0..images as u32).collect() }
    }

    pub(super) fn ascending(count: usize) -> Order {
        Order::Ascending { next: 0, count }
    }

    /// Number of images to come; `None` without end.
    pub(super) fn left(&self) -> Option<usize> {
        match self {
            Order::Shuffled { .. } => None,
            Order::Ascending { next, count } => Some(count - next),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left() == Some(0)
    }

    /// The next position and the image there. Not to be called when it is empty.
    pub(super) fn next(&mut self) -> (u64, usize) {
        match self {
            Order::Shuffled { seed, position, pass, permutation } => {
                let images = permutation.len() as u64;
                let now = *position / images;
                if *pass != Some(now) {
                    // From the ascending order each time, so that a pass does not depend on those before it.
                    permutation.iter_mut().zip(0..).for_each(|(index, place)| *index = place);
                    shuffle(permutation, &mut stream(*seed, Purpose::Order, now));
                    *pass = Some(now);
                }
                *position += 1;
                (*position - 1, permutation[((*position - 1) % images) as usize] as usize)
            }
            Order::Ascending { next, .. } => {
                *next += 1;
                (*next as u64 - 1, *next - 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(mut order: Order, count: usize) -> Vec<usize> {
        (0..count).map(|_| order.next().1).collect()
    }

    #[test]
    fn every_pass_holds_every_image_once() {
        let drawn = first(Order::shuffled(10, 1, 0), 30);
        for pass in drawn.chunks(10) {
            let mut pass = pass.to_vec();
            pass.sort_unstable();
            assert_eq!(pass, (0..10).collect::<Vec<_>>());
        }
        assert_ne!(drawn[..10], drawn[10..20]);
        assert_ne!(drawn[..10], first(Order::shuffled(10, 2, 0), 10));
    }

    #[test]
    fn an_order_begun_later_goes_on_as_the_first() {
        let drawn = first(Order::shuffled(7, 3, 0), 50);
        for from in 0..40 {
            assert_eq!(first(Order::shuffled(7, 3, from as u64), 10), drawn[from..from + 10]);
        }
    }
}
