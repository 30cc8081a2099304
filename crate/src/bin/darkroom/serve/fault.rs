//! Why a request was not answered with a picture, before an API gives it its own shape.

use axum::http::StatusCode;
use darkroom::Error;
use darkroom::request::fields;

/// The largest `Retry-After`, in seconds.
const RETRY_SECONDS: u64 = 2;

/// What went wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub status: StatusCode,
    /// A stable name for programs.
    pub kind: &'static str,
    /// The field of the request, by the crate's name or the API's own.
    pub field: Option<String>,
    /// A sentence.
    pub message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: &str) -> Fault {
        Fault { status, kind, field: None, message: message.to_owned() }
    }

    /// A field with a wrong value; `reason` is the end of a sentence that begins with its name.
    pub(super) fn field(name: &str, reason: &str) -> Fault {
        let message = format!("`{name}` {reason}.");
        Fault {
            field: Some(name.to_owned()),
            ..Fault::new(StatusCode::BAD_REQUEST, "request", &message)
        }
    }

    pub(super) fn full() -> Fault {
        let text = "The queue is full. Try again when a picture is finished.";
        Fault::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", text)
    }

    pub(super) fn ending() -> Fault {
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "The service is ending.")
    }

    pub(super) fn cancelled() -> Fault {
        Fault::new(StatusCode::CONFLICT, "cancelled", "The picture was cancelled.")
    }

    pub(super) fn not_found(message: &str) -> Fault {
        Fault::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// After how many seconds to try again, where that may help.
    pub(super) fn retry_after(&self) -> Option<u64> {
        let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
        busy.contains(&self.status).then_some(RETRY_SECONDS)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let status = match &error {
            Error::Request { .. } | Error::GpuLimit { .. } => StatusCode::BAD_REQUEST,
            Error::Cancelled => return Fault::cancelled(),
            Error::DeviceLost { .. }
            | Error::Gpu { .. }
            | Error::OutOfMemory { .. }
            | Error::NoGpu { .. }
            | Error::NoAdapter { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let field = match &error {
            Error::Request { field, .. } => {
                let words = field.strip_prefix("number of ").unwrap_or(field);
                let row = fields().find(|row| row.words == words);
                Some(row.map_or(*field, |row| row.name).to_owned())
            }
            _ => None,
        };
        Fault { status, kind: error.kind(), field, message: error.to_string() }
    }
}
