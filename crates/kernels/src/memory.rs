//! What the system does with the buffers of a training.

use crate::block::Block;

/// Blocks, all zero, on pages as large as the system gives: a training reads through hundreds of megabytes, and looking
/// up a page of 4 KB for every 64 blocks takes a tenth of its time.
pub fn zeroed(blocks: usize) -> Vec<Block> {
    let mut memory: Vec<Block> = Vec::with_capacity(blocks);
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let (start, end) = (memory.as_mut_ptr() as usize, memory.as_mut_ptr() as usize + blocks * size_of::<Block>());
        let start = start.next_multiple_of(PAGE);
        if end > start + PAGE {
            // SAFETY: whole pages within the allocation. The call changes how they are backed, not what they hold; where
            // it is refused, they stay small.
            #[allow(unsafe_code)]
            unsafe {
                libc::madvise(start as *mut libc::c_void, (end - start) / PAGE * PAGE, libc::MADV_HUGEPAGE);
            }
        }
    }
    memory.resize(blocks, Block::ZERO);
    memory
}

/// Asks the allocator to keep freed memory for the next request instead of giving it back to the system.
///
/// Each training step asks for the same buffers as the one before. The GNU allocator gives large ones back at once, and
/// the system clears every page of the next ones: a third of the time of a step. To be called once, before the first
/// training; where the allocator is another one, nothing happens.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // Above any buffer of these networks; the largest value older versions accept is 32 MiB.
        let large = [1 << 30, 32 << 20];
        // SAFETY: `mallopt` only sets parameters of the allocator and may be called at any time.
        #[allow(unsafe_code)]
        unsafe {
            large.iter().any(|&bytes| libc::mallopt(libc::M_MMAP_THRESHOLD, bytes) == 1);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_TOP_PAD, 256 << 20);
        }
    }
}

/// Gives back to the system what the allocator keeps for the next request.
pub fn give_freed_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time; only memory that nobody has is given back.
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}
