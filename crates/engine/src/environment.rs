//! What the environment says about how to compute.

use std::env;

use crate::error::EngineError;

/// Set to `plain`, networks are computed by the tensor library.
const KERNELS: &str = "HNAS_KERNELS";

/// Refuses words that mean nothing, before anything is computed in another way than was asked for.
pub(crate) fn check() -> Result<(), EngineError> {
    if let Some(word) = env::var_os(KERNELS).filter(|word| word != "plain" && !word.is_empty()) {
        let message = format!("{KERNELS} is {}, not plain", word.to_string_lossy());
        return Err(EngineError::Environment { message });
    }
    #[cfg(feature = "cpu")]
    hnas_kernels::check_processor().map_err(|error| EngineError::Environment { message: error.to_string() })?;
    Ok(())
}

/// Whether the tensor library is to compute networks that have a program.
pub(crate) fn asks_for_plain() -> bool {
    env::var_os(KERNELS).is_some_and(|word| word == "plain")
}
