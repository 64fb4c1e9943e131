//! Runs a loop with the widest vectors of the machine at hand.

/// How a loop multiplies and adds. On machines without a fused instruction, asking for one would call a library routine
/// per element.
pub(crate) trait Arithmetic {
    /// `a b + c`, rounded once or twice.
    fn multiply_add(a: f32, b: f32, c: f32) -> f32;
}

/// One rounding: for machines with a fused instruction.
pub(crate) struct Once;

/// Two roundings: for all others.
pub(crate) struct Twice;

impl Arithmetic for Once {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Twice {
    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// Defines a function whose body is compiled once for AVX2 with fused multiply-add and once for the machine the build is
/// for, and which runs the first where the processor has both. `A` names the [`Arithmetic`] in the body; whatever the
/// body calls in its hot loops must be `#[inline(always)]`, or it is compiled without the wide vectors.
macro_rules! vectorised {
    ($(#[$attribute:meta])* pub(crate) fn $name:ident<$arithmetic:ident>($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$attribute])*
        pub(crate) fn $name($($argument: $kind),*) $(-> $result)? {
            #[inline(always)]
            fn body<$arithmetic: $crate::loops::vectorised::Arithmetic>($($argument: $kind),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($argument: $kind),*) $(-> $result)? {
                    body::<$crate::loops::vectorised::Once>($($argument),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has both features `wide` is compiled for.
                    #[allow(unsafe_code)]
                    return unsafe { wide($($argument),*) };
                }
            }
            #[cfg(target_arch = "aarch64")]
            return body::<$crate::loops::vectorised::Once>($($argument),*);
            #[cfg(not(target_arch = "aarch64"))]
            body::<$crate::loops::vectorised::Twice>($($argument),*)
        }
    };
}
pub(crate) use vectorised;
