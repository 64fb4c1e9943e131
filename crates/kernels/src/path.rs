//! Which formulation of the operations runs.

use std::sync::OnceLock;

/// Whether the fused operations may run, where they can. They may unless the environment says `HNAS_KERNELS=plain`; the
/// first call decides for the whole process.
pub(crate) fn fused() -> bool {
    static FUSED: OnceLock<bool> = OnceLock::new();
    *FUSED.get_or_init(|| std::env::var_os("HNAS_KERNELS").is_none_or(|value| value != "plain"))
}
