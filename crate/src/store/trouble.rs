//! What can go wrong between us and a server, each with its sentence; and which of it may pass.

use wasm_bindgen::{JsCast, JsValue};

/// A fault of one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The computer has no connection.
    Offline,
    /// No answer at all; the browser does not say why.
    Unreachable,
    /// The server is there but does not let pages of this site read it.
    Cors,
    /// The connection broke, or ended too early.
    Broke { got: u64, of: Option<u64> },
    /// Nothing came for a while.
    Stalled { seconds: f64 },
    /// The server asks for patience: 429 or 503, in seconds where it says.
    Busy { status: u16, retry_after: Option<f64> },
    /// Any other refusal.
    Status(u16),
    /// A web page came instead of the file.
    Page,
    /// Another range, or another size, than that of the file.
    Changed { detail: String },
    /// The answer came from a host that the manifest does not name.
    Foreign { host: String },
    /// The bytes are not those of the publisher.
    WrongBytes,
    /// A model from local files has no address.
    Nowhere,
    /// The call was stopped.
    Stopped,
}

impl Trouble {
    /// Whether another try may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Trouble::Status(status) => matches!(status, 408 | 425 | 500..=599),
            Trouble::Offline
            | Trouble::Unreachable
            | Trouble::Broke { .. }
            | Trouble::Stalled { .. }
            | Trouble::Busy { .. }
            | Trouble::WrongBytes => true,
            _ => false,
        }
    }

    /// What happened.
    pub fn sentence(&self) -> String {
        match self {
            Trouble::Offline => "This computer is offline.".into(),
            Trouble::Unreachable => {
                "The server cannot be reached: it is down, its name is not known, or something on \
                 the way or in this page's policy blocks it."
                    .into()
            }
            Trouble::Cors => {
                "The server answers, but does not allow pages of other sites to read its files \
                 (CORS). Use a mirror, or import the model from local files."
                    .into()
            }
            Trouble::Broke { got, of: Some(of) } => {
                format!("The connection broke after {got} of {of} bytes.")
            }
            Trouble::Broke { got, of: None } => format!("The connection broke after {got} bytes."),
            Trouble::Stalled { seconds } => {
                format!("The server has sent nothing for {seconds} seconds.")
            }
            Trouble::Busy { status, .. } => {
                format!("The server is busy and asks for patience ({status}).")
            }
            Trouble::Status(404 | 410) => {
                "The server does not have it (404). The model may have moved: check for a newer \
                 version of this app, or import the model from local files."
                    .into()
            }
            Trouble::Status(status @ (401 | 403)) => format!(
                "The server refuses it ({status}). It may want a login: fetch the files with your \
                 account and import them, or use a mirror."
            ),
            Trouble::Status(status) => format!("The server failed ({status})."),
            Trouble::Page => "The server answers with a web page in its place.".into(),
            Trouble::Changed { detail } => format!(
                "It is not the file it was ({detail}). What is stored is kept; if the publisher \
                 does not restore the file, delete the model and fetch it anew."
            ),
            Trouble::Foreign { host } => {
                format!("The answer came from {host}, which this model does not name.")
            }
            Trouble::WrongBytes => {
                "The bytes that came are not the publisher's: they were damaged on the way, or \
                 replaced."
                    .into()
            }
            Trouble::Nowhere => {
                "This model came from local files and has no address: import it again.".into()
            }
            Trouble::Stopped => "It was stopped.".into(),
        }
    }
}

/// JavaScript's own words for an error.
pub fn text(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}
