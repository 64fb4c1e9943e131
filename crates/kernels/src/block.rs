//! The unit of memory: 16 channels of one pixel.

/// Channels of a [`Block`].
pub const BLOCK: usize = 16;

/// 16 values that lie together, on a cache line of their own: neighbouring channels of one pixel, of one weight.
///
/// A map of `[batch, height, width, channels]` is a slice of blocks, pixel by pixel; the last block of a pixel is filled
/// up with zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct Block(pub [f32; BLOCK]);

impl Block {
    /// Nothing but zeros.
    pub const ZERO: Block = Block([0.0; BLOCK]);

    /// The same value everywhere.
    pub const fn splat(value: f32) -> Block {
        Block([value; BLOCK])
    }
}

/// The blocks that so many channels take.
pub fn blocks(channels: usize) -> usize {
    channels.div_ceil(BLOCK)
}

/// The values of some blocks in a row.
pub fn values(blocks: &[Block]) -> &[f32] {
    // SAFETY: a block is 16 floats without gaps, so a slice of blocks is 16 times as many floats.
    #[allow(unsafe_code)]
    unsafe {
        std::slice::from_raw_parts(blocks.as_ptr().cast(), blocks.len() * BLOCK)
    }
}

/// The values of some blocks in a row, to be written.
pub fn values_mut(blocks: &mut [Block]) -> &mut [f32] {
    // SAFETY: as in `values`; the borrow is handed on.
    #[allow(unsafe_code)]
    unsafe {
        std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), blocks.len() * BLOCK)
    }
}

/// One value a channel as blocks, zeros past the last.
pub fn pack(channels: &[f32]) -> Vec<Block> {
    let mut packed = vec![Block::ZERO; blocks(channels.len())];
    values_mut(&mut packed)[..channels.len()].copy_from_slice(channels);
    packed
}
