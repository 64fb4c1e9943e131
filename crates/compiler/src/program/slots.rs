//! Which of many things that are needed for a while share a slot.
//!
//! To find the smallest slots is hard in general, so two greedy ways are tried and the better one is kept.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

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

    fn length(self) -> usize {
        self.last - self.first
    }

    fn meets(self, other: Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Slots for a list of lifetimes.
pub(super) struct Assignment {
    /// The size of each slot.
    pub(super) sizes: Vec<usize>,
    /// The slot of each lifetime.
    pub(super) slots: Vec<usize>,
}

/// Gives each lifetime a slot such that the slots are small in sum.
pub(super) fn assign(lifetimes: &[Lifetime]) -> Assignment {
    let (by_time, by_size) = (by_time(lifetimes), by_size(lifetimes));
    let sum = |assignment: &Assignment| assignment.sizes.iter().sum::<usize>();
    if sum(&by_time) <= sum(&by_size) { by_time } else { by_size }
}

/// In the order of time, each into the smallest slot that is large enough, else into the largest, which grows.
fn by_time(lifetimes: &[Lifetime]) -> Assignment {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|&index| (lifetimes[index].first, Reverse(lifetimes[index].size)));
    let mut assignment = Assignment { sizes: Vec::new(), slots: vec![0; lifetimes.len()] };
    // Slots by size, and those that are taken by the time at which they become free.
    let mut free: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut taken: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    for index in order {
        let Lifetime { first, last, size } = lifetimes[index];
        while let Some(&Reverse((until, slot))) = taken.peek()
            && until < first
        {
            taken.pop();
            free.insert((assignment.sizes[slot], slot));
        }
        let chosen = free.range((size, 0)..).next().or(free.last()).copied();
        let slot = match chosen {
            Some(chosen) => {
                free.remove(&chosen);
                chosen.1
            }
            None => {
                assignment.sizes.push(0);
                assignment.sizes.len() - 1
            }
        };
        assignment.sizes[slot] = assignment.sizes[slot].max(size);
        assignment.slots[index] = slot;
        taken.push(Reverse((last, slot)));
    }
    assignment
}

/// In the order of decreasing size, each into the smallest slot that is free all the time.
fn by_size(lifetimes: &[Lifetime]) -> Assignment {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|&index| (Reverse(lifetimes[index].size), lifetimes[index].first));
    let mut assignment = Assignment { sizes: Vec::new(), slots: vec![0; lifetimes.len()] };
    // For each slot, what it holds: the last time of each lifetime by its first.
    let mut taken: Vec<BTreeMap<usize, usize>> = Vec::new();
    // The longest of them settles nearly all questions, without a look at the map.
    let mut longest: Vec<Lifetime> = Vec::new();
    for index in order {
        let lifetime = lifetimes[index];
        let is_free = |slot: usize| {
            let before = taken[slot].range(..=lifetime.last).next_back();
            before.is_none_or(|(_, &last)| last < lifetime.first)
        };
        // Slots are made in the order of decreasing size, so the last one that fits is the smallest.
        let slots = longest.iter().enumerate().rev();
        let slot =
            slots.filter(|(_, longest)| !longest.meets(lifetime)).map(|(slot, _)| slot).find(|&slot| is_free(slot));
        let slot = slot.unwrap_or_else(|| {
            assignment.sizes.push(lifetime.size);
            taken.push(BTreeMap::new());
            longest.push(lifetime);
            taken.len() - 1
        });
        taken[slot].insert(lifetime.first, lifetime.last);
        if longest[slot].length() < lifetime.length() {
            longest[slot] = lifetime;
        }
        assignment.slots[index] = slot;
    }
    assignment
}
