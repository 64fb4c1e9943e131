//! How a training may end without a result: a closed list. Anything else is a bug and stays loud.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use serde::{Deserialize, Serialize};

use crate::error::EngineError;

/// An outcome of a trial, not an error: the candidate or the machine did not allow a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Failure {
    /// The loss was infinite or not a number (invariant E3). In an evaluation: of the weights after this step.
    NonFinite {
        /// The step, from 1.
        step: usize,
    },
    /// The device has too little memory. On the CPU this is asked before the memory is taken, where the system says how much is
    /// free.
    OutOfMemory {
        /// What the device said.
        message: String,
    },
    /// The recipe's time limit was passed.
    TimeLimit {
        /// The steps done, from 1.
        step: usize,
        /// The time they took.
        seconds: f64,
    },
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NonFinite { step } => write!(f, "non-finite loss at step {step}"),
            Failure::OutOfMemory { message } => write!(f, "out of memory: {message}"),
            Failure::TimeLimit { step, seconds } => write!(f, "time limit passed after {step} steps, {seconds:.1} s"),
        }
    }
}

/// Why a training or an evaluation stops before its end: an outcome, or an error.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(Failure),
    Refused(EngineError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Stop {
        Stop::Refused(error)
    }
}

/// A result, or how it failed; errors apart.
pub(crate) fn outcome<T>(result: Result<T, Stop>) -> Result<Result<T, Failure>, EngineError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Failed(failure)) => Ok(Err(failure)),
        Err(Stop::Refused(error)) => Err(error),
    }
}

/// The boundary of a trial: a failure that unwinds is given back, a panic that says that the device's memory is spent becomes
/// [`Failure::OutOfMemory`], every other panic goes on unwinding.
///
/// The tensor library has no other way of saying so. All that `trial` owns is dropped by the unwinding, so nothing half
/// done is seen afterwards.
pub(crate) fn catching_out_of_memory<T, E: From<Failure>>(trial: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    match catch_unwind(AssertUnwindSafe(trial)) {
        Ok(result) => result,
        Err(panic) => match panic.downcast::<Failure>() {
            Ok(failure) => Err((*failure).into()),
            Err(panic) => match out_of_memory_message(panic.as_ref()) {
                Some(message) => Err(Failure::OutOfMemory { message }.into()),
                None => resume_unwind(panic),
            },
        },
    }
}

fn out_of_memory_message(panic: &(dyn Any + Send)) -> Option<String> {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(message), _) => *message,
        (None, Some(message)) => message.as_str(),
        (None, None) => return None,
    };
    says_out_of_memory(message).then(|| message.lines().next().unwrap_or_default().to_owned())
}

/// Whether a message of a device says that its memory is spent.
pub(crate) fn says_out_of_memory(message: &str) -> bool {
    // Words of the CUDA driver (`CUDA_ERROR_OUT_OF_MEMORY`, "out of memory") and of the allocators of the tensor library
    // and of the GPU kernels (`OutOfMemory`, `BufferTooBig`, "out of device memory", "can't allocate buffer", "memory .. was
    // never allocated: the reservation behind it failed").
    let words = [
        "out of memory",
        "outofmemory",
        "out_of_memory",
        "out of device memory",
        "buffertoobig",
        "can't allocate buffer",
        "the reservation behind it failed",
        "memory allocation of",
    ];
    let lower = message.to_lowercase();
    words.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_memory_is_an_outcome() {
        let result: Result<(), Failure> =
            catching_out_of_memory(|| panic!("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"));
        let Err(Failure::OutOfMemory { message }) = result else { panic!("{result:?}") };
        assert!(message.contains("CUDA_ERROR_OUT_OF_MEMORY"), "{message}");
    }

    #[test]
    fn another_panic_stays_loud() {
        let outer = catch_unwind(|| catching_out_of_memory::<(), Failure>(|| panic!("index out of bounds")));
        let panic = outer.expect_err("the panic was swallowed");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"index out of bounds"));
    }
}
