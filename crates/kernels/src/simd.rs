//! Registers of several values: the widest of the processor at hand, chosen when the program runs.
//!
//! A hot loop is written once, generic over [`Simd`], and compiled for each kind of processor by [`dispatched`].

use std::sync::OnceLock;

use crate::block::{BLOCK, Block};

/// Kinds of processors, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Processor {
    /// Any.
    Portable,
    /// x86 with AVX2 and fused multiply-add.
    Avx2,
    /// x86 with AVX-512.
    Avx512,
}

impl Processor {
    /// The one at hand, or the lesser one that `HNAS_SIMD` asks for.
    #[inline]
    pub(crate) fn chosen() -> Processor {
        static CHOSEN: OnceLock<Processor> = OnceLock::new();
        *CHOSEN.get_or_init(|| Processor::at_hand().min(Processor::allowed()))
    }

    fn at_hand() -> Processor {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Processor::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                return Processor::Avx2;
            }
        }
        Processor::Portable
    }

    fn allowed() -> Processor {
        Processor::read().unwrap_or_else(|error| panic!("{error}"))
    }

    fn read() -> Result<Processor, UnknownProcessor> {
        match std::env::var("HNAS_SIMD").as_deref() {
            Err(_) | Ok("" | "avx512") => Ok(Processor::Avx512),
            Ok("avx2") => Ok(Processor::Avx2),
            Ok("portable") => Ok(Processor::Portable),
            Ok(other) => Err(UnknownProcessor(other.to_owned())),
        }
    }
}

/// `HNAS_SIMD` holds a word that names no registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProcessor(pub String);

impl std::fmt::Display for UnknownProcessor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HNAS_SIMD is {}, not portable, avx2 or avx512", self.0)
    }
}

impl std::error::Error for UnknownProcessor {}

/// Whether `HNAS_SIMD` is unset or names registers. Every operation panics if it does not, so programs ask first.
///
/// # Errors
/// With the word that is no name.
pub fn check_processor() -> Result<(), UnknownProcessor> {
    Processor::read().map(|_| ())
}

/// What a loop needs from a processor. A register holds one of the parts of a [`Block`]: half of it, or all.
pub(crate) trait Simd {
    type Register: Copy;

    fn splat(value: f32) -> Self::Register;
    fn load(block: &Block, part: usize) -> Self::Register;
    fn store(register: Self::Register, block: &mut Block, part: usize);
    fn add(a: Self::Register, b: Self::Register) -> Self::Register;
    fn sub(a: Self::Register, b: Self::Register) -> Self::Register;
    fn mul(a: Self::Register, b: Self::Register) -> Self::Register;
    /// `a b + c`, rounded once where the processor can.
    fn mul_add(a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
    /// The larger of both; `b` if one is not a number.
    fn max(a: Self::Register, b: Self::Register) -> Self::Register;
    /// `then` where `a > b`, else `otherwise`.
    fn if_greater(
        a: Self::Register,
        b: Self::Register,
        then: Self::Register,
        otherwise: Self::Register,
    ) -> Self::Register;
    /// `then` where `a = b`, else zero.
    fn if_equal(a: Self::Register, b: Self::Register, then: Self::Register) -> Self::Register;
    /// Writes whole numbers from 0 to 127 as bytes.
    fn store_bytes(register: Self::Register, bytes: &mut [u8; BLOCK], part: usize);
    /// Asks for a block that will be needed soon, if it is anywhere.
    fn prefetch(_block: *const Block) {}
    /// Asks for a block that will be needed later than that, into a larger cache.
    fn prefetch_far(_block: *const Block) {}
}

/// Eight values by plain loops, which the compiler turns into whatever the build's processor has.
pub(crate) struct Portable;

impl Simd for Portable {
    type Register = [f32; 8];

    #[inline(always)]
    fn splat(value: f32) -> [f32; 8] {
        [value; 8]
    }
    #[inline(always)]
    fn load(block: &Block, part: usize) -> [f32; 8] {
        std::array::from_fn(|lane| block.0[part * 8 + lane])
    }
    #[inline(always)]
    fn store(register: [f32; 8], block: &mut Block, part: usize) {
        block.0[part * 8..part * 8 + 8].copy_from_slice(&register);
    }
    #[inline(always)]
    fn add(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    fn sub(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }
    #[inline(always)]
    fn mul(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    fn mul_add(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        // Where the build's processor has no fused instruction, asking for one would call a routine for each value.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            std::array::from_fn(|lane| a[lane].mul_add(b[lane], c[lane]))
        } else {
            std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
        }
    }
    #[inline(always)]
    fn max(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn if_greater(a: [f32; 8], b: [f32; 8], then: [f32; 8], otherwise: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| if a[lane] > b[lane] { then[lane] } else { otherwise[lane] })
    }
    #[inline(always)]
    fn if_equal(a: [f32; 8], b: [f32; 8], then: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| if a[lane] == b[lane] { then[lane] } else { 0.0 })
    }
    #[inline(always)]
    fn store_bytes(register: [f32; 8], bytes: &mut [u8; BLOCK], part: usize) {
        bytes[part * 8..part * 8 + 8].copy_from_slice(&register.map(|value| value as i32 as u8));
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86 {
    //! SAFETY of all of it: the functions are called by nothing but a body that [`dispatched`](super::dispatched) runs
    //! after it has asked the processor; a block is aligned to 64 bytes and `part` is below the number of parts.

    use std::arch::x86_64::*;

    use super::Simd;
    use crate::block::{BLOCK, Block};

    /// Eight values: AVX2 with fused multiply-add.
    pub(crate) struct Avx2;

    impl Simd for Avx2 {
        type Register = __m256;

        #[inline(always)]
        fn splat(value: f32) -> __m256 {
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        fn load(block: &Block, part: usize) -> __m256 {
            debug_assert!(part < 2);
            unsafe { _mm256_load_ps(block.0.as_ptr().add(part * 8)) }
        }
        #[inline(always)]
        fn store(register: __m256, block: &mut Block, part: usize) {
            debug_assert!(part < 2);
            unsafe { _mm256_store_ps(block.0.as_mut_ptr().add(part * 8), register) }
        }
        #[inline(always)]
        fn add(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        fn sub(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_sub_ps(a, b) }
        }
        #[inline(always)]
        fn mul(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_mul_ps(a, b) }
        }
        #[inline(always)]
        fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn max(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_max_ps(a, b) }
        }
        #[inline(always)]
        fn if_greater(a: __m256, b: __m256, then: __m256, otherwise: __m256) -> __m256 {
            unsafe { _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)) }
        }
        #[inline(always)]
        fn if_equal(a: __m256, b: __m256, then: __m256) -> __m256 {
            unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b), then) }
        }
        #[inline(always)]
        fn store_bytes(register: __m256, bytes: &mut [u8; BLOCK], part: usize) {
            debug_assert!(part < 2);
            unsafe {
                let numbers = _mm256_cvtps_epi32(register);
                let halves = (_mm256_castsi256_si128(numbers), _mm256_extracti128_si256::<1>(numbers));
                let words = _mm_packs_epi32(halves.0, halves.1);
                _mm_storel_epi64(bytes.as_mut_ptr().add(part * 8).cast(), _mm_packus_epi16(words, words));
            }
        }
        #[inline(always)]
        fn prefetch(block: *const Block) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(block.cast()) }
        }
        #[inline(always)]
        fn prefetch_far(block: *const Block) {
            unsafe { _mm_prefetch::<_MM_HINT_T1>(block.cast()) }
        }
    }

    /// Sixteen values: AVX-512.
    pub(crate) struct Avx512;

    impl Simd for Avx512 {
        type Register = __m512;

        #[inline(always)]
        fn splat(value: f32) -> __m512 {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        fn load(block: &Block, part: usize) -> __m512 {
            debug_assert!(part == 0);
            unsafe { _mm512_load_ps(block.0.as_ptr()) }
        }
        #[inline(always)]
        fn store(register: __m512, block: &mut Block, part: usize) {
            debug_assert!(part == 0);
            unsafe { _mm512_store_ps(block.0.as_mut_ptr(), register) }
        }
        #[inline(always)]
        fn add(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        fn sub(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_sub_ps(a, b) }
        }
        #[inline(always)]
        fn mul(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn max(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_max_ps(a, b) }
        }
        #[inline(always)]
        fn if_greater(a: __m512, b: __m512, then: __m512, otherwise: __m512) -> __m512 {
            unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), otherwise, then) }
        }
        #[inline(always)]
        fn if_equal(a: __m512, b: __m512, then: __m512) -> __m512 {
            unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), then) }
        }
        #[inline(always)]
        fn store_bytes(register: __m512, bytes: &mut [u8; BLOCK], part: usize) {
            debug_assert!(part == 0);
            unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(register))) }
        }
        #[inline(always)]
        fn prefetch(block: *const Block) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(block.cast()) }
        }
        #[inline(always)]
        fn prefetch_far(block: *const Block) {
            unsafe { _mm_prefetch::<_MM_HINT_T1>(block.cast()) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Defines a function whose body is compiled for each kind of processor and run for the one at hand. In the body `S` is
/// the [`Simd`], `P` the parts of a block, `X` the pixels that fit into the registers of a product at once, 12 being a
/// multiple of it. What the body calls in its hot loops must be `#[inline(always)]`, or it is compiled for the least
/// processor; so are closures.
macro_rules! dispatched {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident<$s:ident, $p:ident, $x:ident>($($argument:ident: $kind:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        $visibility fn $name($($argument: $kind),*) {
            #[inline(always)]
            #[allow(unused, reason = "not every body needs every constant")]
            fn body<$s: $crate::simd::Simd, const $p: usize, const $x: usize>($($argument: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f")]
                fn avx512($($argument: $kind),*) {
                    body::<$crate::simd::Avx512, 1, 12>($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($argument: $kind),*) {
                    body::<$crate::simd::Avx2, 2, 6>($($argument),*)
                }
                match $crate::simd::Processor::chosen() {
                    // SAFETY: the processor has what `avx512` is compiled for.
                    #[allow(unsafe_code)]
                    $crate::simd::Processor::Avx512 => return unsafe { avx512($($argument),*) },
                    // SAFETY: the processor has what `avx2` is compiled for.
                    #[allow(unsafe_code)]
                    $crate::simd::Processor::Avx2 => return unsafe { avx2($($argument),*) },
                    $crate::simd::Processor::Portable => {}
                }
            }
            body::<$crate::simd::Portable, 2, 4>($($argument),*)
        }
    };
}
pub(crate) use dispatched;
