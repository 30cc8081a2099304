//! The errors of requests, each with its sentence for the user, and which of them may be temporary.

use wasm_bindgen::{JsCast, JsValue};

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FetchErrorKind {
    /// The computer has no connection.
    Offline,
    /// There was no answer; the browser does not say why.
    Unreachable,
    /// The server does not allow pages of this site to read its answers (CORS).
    Cors,
    /// The page's policy blocked the URL or its redirect.
    Blocked,
    /// The connection was lost, or ended too early.
    Broke { got: u64, of: Option<u64> },
    /// Nothing arrived for a while.
    Stalled { seconds: f64 },
    /// The connection was too slow.
    Slow { bytes: u64, seconds: f64 },
    /// The server is busy, with status 429 or 503; `retry_after` in seconds, if it sent that.
    Busy { status: u16, retry_after: Option<f64> },
    /// Any other status that is an error.
    Status(u16),
    /// The answer is a web page instead of the file.
    Page,
    /// The answer has another range than requested.
    WrongRange { told: String },
    /// The answer to a range is compressed.
    Encoded { encoding: String },
    /// The answer has another size than the file.
    Size { detail: String },
    /// The etag has changed, for a file without a known hash.
    Changed,
    /// The answer came from a host that the manifest does not name.
    Foreign { host: String },
    /// The hash of the bytes is wrong.
    WrongBytes,
    /// The model is from local files and has no address.
    Nowhere,
    /// The call was stopped.
    Stopped,
}

/// The most attempts after a refusal or a wrong answer. An attempt uses the publisher's URL again,
/// which may redirect to another server.
const REFUSALS_MAX: u32 = 3;

impl FetchErrorKind {
    /// The number of attempts at one base address, at most `attempts`.
    pub(super) fn tries(&self, attempts: u32) -> u32 {
        match self {
            Self::Status(408 | 425 | 500..=599)
            | Self::Offline
            | Self::Unreachable
            | Self::Broke { .. }
            | Self::Stalled { .. }
            | Self::Slow { .. }
            | Self::Busy { .. } => attempts,
            Self::Status(401 | 403 | 416)
            | Self::Page
            | Self::WrongRange { .. }
            | Self::Encoded { .. }
            | Self::Size { .. }
            | Self::WrongBytes => REFUSALS_MAX.min(attempts),
            _ => 1,
        }
    }

    /// Whether another base address may help.
    pub(super) fn may_move(&self) -> bool {
        !matches!(self, Self::Offline | Self::Nowhere | Self::Stopped)
    }

    /// A sentence that says what happened.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Offline => "This computer is offline.".into(),
            Self::Unreachable => {
                "The server cannot be reached, or its answer cannot be read: it is down, its name \
                 is not known, something on the way blocks it, or length or compression of the \
                 answer are not what it says."
                    .into()
            }
            Self::Cors => {
                "The server answers, but does not allow pages of other sites to read its files \
                 (CORS). Use a mirror, or import the model from local files."
                    .into()
            }
            Self::Blocked => {
                "The server leads to another host, which this page's policy does not allow, and \
                 the browser blocked that. Check for a newer version of this app, use a mirror, or \
                 import the model from local files."
                    .into()
            }
            Self::Broke { got, of: Some(of) } => {
                format!("The connection broke after {got} of {of} bytes.")
            }
            Self::Broke { got, of: None } => format!("The connection broke after {got} bytes."),
            Self::Stalled { seconds } => {
                format!("The server has sent nothing for {seconds} seconds.")
            }
            Self::Slow { bytes, seconds } => {
                format!("The server has sent only {bytes} bytes in {seconds} seconds.")
            }
            Self::Busy { status, .. } => {
                format!("The server is busy and asks for patience ({status}).")
            }
            Self::Status(404 | 410) => {
                "The server does not have it (404). The model may have moved: check for a newer \
                 version of this app, or import the model from local files."
                    .into()
            }
            Self::Status(status @ (401 | 403)) => format!(
                "The server refuses it ({status}). It may want a login: fetch the files with your \
                 account and import them, or use a mirror."
            ),
            Self::Status(416) => {
                "The server says that the file ends before these bytes (416).".into()
            }
            Self::Status(status) => format!("The server failed ({status})."),
            Self::Page => "The server answers with a web page in its place.".into(),
            Self::WrongRange { told } => {
                format!("The server sent another part of the file than was asked for ({told}).")
            }
            Self::Encoded { encoding } => format!(
                "The server sends it compressed ({encoding}), and of a compressed file no part can \
                 be read. The server, or something on the way, must not compress it."
            ),
            Self::Size { detail } => changed(detail),
            Self::Changed => changed("the server calls it another version"),
            Self::Foreign { host } => {
                format!("The answer came from {host}, which this model does not name.")
            }
            Self::WrongBytes => {
                "The bytes that came are not the publisher's: they were damaged on the way, or \
                 replaced."
                    .into()
            }
            Self::Nowhere => {
                "This model came from local files and has no address: import it again.".into()
            }
            Self::Stopped => "It was stopped.".into(),
        }
    }
}

fn changed(detail: &str) -> String {
    format!(
        "It is not the file it was ({detail}). What is stored is kept; if the publisher does not \
         restore the file, delete the model and fetch it anew."
    )
}

/// The error of a request: its kind, the host, and the first line of the answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FetchError {
    pub kind: FetchErrorKind,
    /// The host that answered, or if there was no answer, the host of the URL.
    pub host: Option<String>,
    /// The first line of the answer's body.
    pub first_line: Option<String>,
}

impl FetchError {
    /// A sentence that says what happened, and at which host.
    pub(super) fn sentence(&self) -> String {
        let sentence = self.kind.sentence();
        match (&self.host, &self.first_line) {
            (Some(host), Some(first_line)) => {
                format!("{sentence} {host} says: \u{201c}{first_line}\u{201d}.")
            }
            (Some(host), None) => format!("{sentence} It was {host}."),
            (None, _) => sentence,
        }
    }
}

impl From<FetchErrorKind> for FetchError {
    fn from(kind: FetchErrorKind) -> FetchError {
        FetchError { kind, host: None, first_line: None }
    }
}

/// The text of a JavaScript error.
pub(super) fn text(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}
