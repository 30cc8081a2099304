//! What can go wrong between us and a server, each with its sentence; and which of it may pass.

use wasm_bindgen::{JsCast, JsValue};

/// What is wrong with one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// The computer has no connection.
    Offline,
    /// No answer at all; the browser does not say why.
    Unreachable,
    /// The server is there but does not let pages of this site read it.
    Cors,
    /// The page's policy forbids what was asked, or where that leads.
    Blocked,
    /// The connection broke, or ended too early.
    Broke { got: u64, of: Option<u64> },
    /// Nothing came for a while.
    Stalled { seconds: f64 },
    /// So little came that it would never end.
    Slow { bytes: u64, seconds: f64 },
    /// The server asks for patience: 429 or 503, in seconds where it says.
    Busy { status: u16, retry_after: Option<f64> },
    /// Any other refusal.
    Status(u16),
    /// A web page came instead of the file.
    Page,
    /// Bytes of another range than was asked for.
    WrongRange { told: String },
    /// A compressed piece.
    Encoded { encoding: String },
    /// Another size than that of the file.
    Size { detail: String },
    /// Another version of a file of which no hash is known.
    Changed,
    /// The answer came from a host that the manifest does not name.
    Foreign { host: String },
    /// The bytes are not those of the publisher.
    WrongBytes,
    /// A model from local files has no address.
    Nowhere,
    /// The call was stopped.
    Stopped,
}

/// A refusal, or an answer that is wrong, so often comes from one server of many: the next try goes
/// through the publisher again, which may lead to another.
const REFUSALS_MAX: u32 = 3;

impl Trouble {
    /// How often a base is asked before it is given up, where patience is for `attempts`.
    pub(super) fn tries(&self, attempts: u32) -> u32 {
        match self {
            Trouble::Status(408 | 425 | 500..=599)
            | Trouble::Offline
            | Trouble::Unreachable
            | Trouble::Broke { .. }
            | Trouble::Stalled { .. }
            | Trouble::Slow { .. }
            | Trouble::Busy { .. } => attempts,
            Trouble::Status(401 | 403 | 416)
            | Trouble::Page
            | Trouble::WrongRange { .. }
            | Trouble::Encoded { .. }
            | Trouble::Size { .. }
            | Trouble::WrongBytes => REFUSALS_MAX.min(attempts),
            _ => 1,
        }
    }

    /// Whether another base may help.
    pub(super) fn may_move(&self) -> bool {
        !matches!(self, Trouble::Offline | Trouble::Nowhere | Trouble::Stopped)
    }

    /// What happened.
    pub(super) fn sentence(&self) -> String {
        match self {
            Trouble::Offline => "This computer is offline.".into(),
            Trouble::Unreachable => {
                "The server cannot be reached, or its answer cannot be read: it is down, its name \
                 is not known, something on the way blocks it, or length or compression of the \
                 answer are not what it says."
                    .into()
            }
            Trouble::Cors => {
                "The server answers, but does not allow pages of other sites to read its files \
                 (CORS). Use a mirror, or import the model from local files."
                    .into()
            }
            Trouble::Blocked => {
                "The server leads to another host, which this page's policy does not allow, and \
                 the browser blocked that. Check for a newer version of this app, use a mirror, or \
                 import the model from local files."
                    .into()
            }
            Trouble::Broke { got, of: Some(of) } => {
                format!("The connection broke after {got} of {of} bytes.")
            }
            Trouble::Broke { got, of: None } => format!("The connection broke after {got} bytes."),
            Trouble::Stalled { seconds } => {
                format!("The server has sent nothing for {seconds} seconds.")
            }
            Trouble::Slow { bytes, seconds } => {
                format!("The server has sent only {bytes} bytes in {seconds} seconds.")
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
            Trouble::Status(416) => {
                "The server says that the file ends before these bytes (416).".into()
            }
            Trouble::Status(status) => format!("The server failed ({status})."),
            Trouble::Page => "The server answers with a web page in its place.".into(),
            Trouble::WrongRange { told } => {
                format!("The server sent another part of the file than was asked for ({told}).")
            }
            Trouble::Encoded { encoding } => format!(
                "The server sends it compressed ({encoding}), and of a compressed file no part can \
                 be read. The server, or something on the way, must not compress it."
            ),
            Trouble::Size { detail } => changed(detail),
            Trouble::Changed => changed("the server calls it another version"),
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

fn changed(detail: &str) -> String {
    format!(
        "It is not the file it was ({detail}). What is stored is kept; if the publisher does not \
         restore the file, delete the model and fetch it anew."
    )
}

/// What is wrong, with whom, and in which words of theirs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub trouble: Trouble,
    /// The host that answered, or was asked where none did.
    pub edge: Option<String>,
    /// The first line of its answer.
    pub line: Option<String>,
}

impl Fault {
    /// What happened, and where.
    pub(super) fn sentence(&self) -> String {
        let sentence = self.trouble.sentence();
        match (&self.edge, &self.line) {
            (Some(edge), Some(line)) => format!("{sentence} {edge} says: \u{201c}{line}\u{201d}."),
            (Some(edge), None) => format!("{sentence} It was {edge}."),
            (None, _) => sentence,
        }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Fault {
        Fault { trouble, edge: None, line: None }
    }
}

/// JavaScript's own words for an error.
pub(super) fn text(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    }
}
