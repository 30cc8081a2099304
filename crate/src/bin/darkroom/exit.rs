//! Exit codes: whoever started the program learns from them whether to try again, and where.
//!
//! | code | what it means |
//! |---|---|
//! | 0 | everything was made |
//! | 1 | some requests failed, and would fail again |
//! | 2 | wrong usage: an option, the list or the request |
//! | 3 | the model, or another file that is needed, cannot be used |
//! | 75 | not done for a cause outside of the request: try again, or on another machine |
//! | 128 + n | ended by signal n, such as 130 and 143 |

use darkroom::Error;
use std::process::ExitCode;

/// Everything was made.
pub(crate) const DONE: ExitState = ExitState(0);
/// Some requests failed.
pub(crate) const FAILED: ExitState = ExitState(1);
/// There is more to do: `EX_TEMPFAIL` of `sysexits.h`.
pub(crate) const TRY_AGAIN: ExitState = ExitState(75);

/// How the program ends, as the number that its caller sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitState(u8);

impl ExitState {
    /// For an error that ended the program.
    pub(crate) fn of(error: &Error) -> ExitState {
        match error {
            Error::Request { .. } => ExitState(2),
            Error::NotFound { .. }
            | Error::Source { .. }
            | Error::Fetch { .. }
            | Error::Licence { .. }
            | Error::BadFile { .. }
            | Error::Unfit { .. }
            | Error::OtherModel { .. }
            | Error::MissingTensor { .. }
            | Error::TensorShape { .. }
            | Error::Config { .. } => ExitState(3),
            Error::NoGpu { .. }
            | Error::NoAdapter { .. }
            | Error::NoDevice { .. }
            | Error::GpuLimit { .. }
            | Error::DeviceLost { .. }
            | Error::OutOfMemory { .. }
            | Error::Gpu { .. }
            | Error::StorageFull
            | Error::Storage { .. }
            | Error::NewerStorage
            | Error::Write { .. } => TRY_AGAIN,
            Error::NotFinite { .. } | Error::Cancelled => FAILED,
        }
    }

    /// After a signal.
    pub(crate) fn of_signal(signal: u8) -> ExitState {
        ExitState(128 + signal)
    }
}

impl From<ExitState> for ExitCode {
    fn from(ExitState(code): ExitState) -> ExitCode {
        ExitCode::from(code)
    }
}
