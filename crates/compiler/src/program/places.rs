//! Where in one piece of memory many things lie that are each needed for a while.
//!
//! To find the smallest memory is hard in general, so two greedy ways are tried and the better one is kept.

use std::cmp::Reverse;

/// Something that is needed from time `first` to time `last`, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    /// Time at which it is written first.
    pub(super) first: usize,
    /// Time at which it is read last.
    pub(super) last: usize,
    /// What it takes.
    pub(super) size: usize,
}

impl Lifetime {
    /// Keeps it at least to `time`.
    pub(super) fn extend(&mut self, time: usize) {
        self.last = self.last.max(time);
    }

    fn meets(self, other: Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Places for a list of lifetimes.
pub(super) struct Places {
    /// Where each of them begins.
    pub(super) starts: Vec<usize>,
    /// Where the last of them ends.
    pub(super) end: usize,
}

/// Gives each lifetime a place that it shares with none that it meets.
pub(super) fn place(lifetimes: &[Lifetime]) -> Places {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|&index| (Reverse(lifetimes[index].size), lifetimes[index].first));
    let by_size = in_order(lifetimes, &order);
    order.sort_by_key(|&index| (lifetimes[index].first, Reverse(lifetimes[index].size)));
    let by_time = in_order(lifetimes, &order);
    if by_time.end <= by_size.end { by_time } else { by_size }
}

/// Places them in the given order, each into the smallest gap that is large enough between those it meets.
fn in_order(lifetimes: &[Lifetime], order: &[usize]) -> Places {
    let mut places = Places { starts: vec![0; lifetimes.len()], end: 0 };
    // By their starts.
    let mut placed: Vec<usize> = Vec::with_capacity(order.len());
    for &index in order {
        let lifetime = lifetimes[index];
        let (mut end, mut best): (usize, Option<(usize, usize)>) = (0, None);
        for &other in placed.iter().filter(|&&other| lifetimes[other].meets(lifetime)) {
            let start = places.starts[other];
            if start >= end + lifetime.size && best.is_none_or(|(gap, _)| start - end < gap) {
                best = Some((start - end, end));
            }
            end = end.max(start + lifetimes[other].size);
        }
        let start = best.map_or(end, |(_, start)| start);
        places.starts[index] = start;
        places.end = places.end.max(start + lifetime.size);
        placed.insert(placed.partition_point(|&other| places.starts[other] < start), index);
    }
    places
}
