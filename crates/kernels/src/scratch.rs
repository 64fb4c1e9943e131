//! Memory for the time of one call: kept by each thread for the next.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::block::Block;

thread_local! {
    static FREE: RefCell<Vec<Vec<Block>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers that a thread keeps at most.
const KEPT: usize = 8;

/// Some blocks that hold anything at first. Dropped, they are kept for the next call of [`take`] on this thread.
#[derive(Debug)]
pub struct Scratch {
    memory: Vec<Block>,
    blocks: usize,
}

/// So many blocks, whatever they hold.
pub fn take(blocks: usize) -> Scratch {
    let mut memory = FREE.with_borrow_mut(|free| {
        let sizes = free.iter().enumerate().map(|(index, buffer)| (index, buffer.len()));
        // The smallest that is large enough, else the largest.
        let large = sizes.clone().filter(|&(_, size)| size >= blocks).min_by_key(|&(_, size)| size);
        let found = large.or_else(|| sizes.max_by_key(|&(_, size)| size));
        found.map(|(index, _)| free.swap_remove(index)).unwrap_or_default()
    });
    if memory.len() < blocks {
        memory.resize(blocks, Block::ZERO);
    }
    Scratch { memory, blocks }
}

impl Deref for Scratch {
    type Target = [Block];

    fn deref(&self) -> &[Block] {
        &self.memory[..self.blocks]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [Block] {
        &mut self.memory[..self.blocks]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        // Where the thread is ending there is nobody to keep it for.
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                free.push(memory);
            }
        });
    }
}
