//! Memory for the time of one call: kept by each thread for the next.

use std::cell::RefCell;

use crate::block::Block;

thread_local! {
    static FREE: RefCell<Vec<Vec<Block>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers that a thread keeps at most.
const KEPT: usize = 8;

/// At least so many blocks, whatever they hold. To be given back by [`give`].
pub fn take(blocks: usize) -> Vec<Block> {
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
    memory
}

/// Keeps a buffer for the next call of [`take`] on this thread.
pub fn give(memory: Vec<Block>) {
    FREE.with_borrow_mut(|free| {
        if free.len() < KEPT {
            free.push(memory);
        }
    });
}
