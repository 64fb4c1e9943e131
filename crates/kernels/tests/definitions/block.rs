//! Blocks, and values as blocks.

use hnas_kernels::{BLOCK, Block, blocks, keep_freed_memory, pack, values, values_mut};

use crate::naive::{CHANNELS, random, rng};

#[test]
fn a_block_fills_a_cache_line() {
    assert_eq!((size_of::<Block>(), align_of::<Block>()), (64, 64));
    assert_eq!([0, 1, 16, 17, 32, 33].map(blocks), [0, 1, 1, 2, 2, 3]);
    assert_eq!((Block::splat(0.0), Block::splat(2.5).0), (Block::ZERO, [2.5; BLOCK]));
}

#[test]
fn packed_values_are_followed_by_zeros() {
    for channels in CHANNELS {
        let given = random(channels, &mut rng(1));
        let mut packed = pack(&given);
        assert_eq!(packed.len(), blocks(channels));
        assert_eq!(values(&packed)[..channels], given);
        assert!(values(&packed)[channels..].iter().all(|&value| value == 0.0));
        values_mut(&mut packed).fill(1.0);
        assert!(packed.iter().all(|&block| block == Block::splat(1.0)));
    }
    assert!(pack(&[]).is_empty());
}

#[test]
fn memory_works_after_it_is_kept() {
    keep_freed_memory();
    for length in [1, 1 << 12, 1 << 20] {
        assert!(vec![Block::splat(1.0); length].iter().all(|block| block.0 == [1.0; BLOCK]));
    }
}
