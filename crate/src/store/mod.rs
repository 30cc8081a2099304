//! Tier 8, wasm only: the store of models. A model is fetched once, verified chunk by chunk, stored
//! in IndexedDB, and read from there; a damaged chunk is fetched again.
//!
//! ```text
//! Manifest → Download → chunks (bytes, length, SHA-256, fast sum) → seal: file hashes, pins
//!                     → complete (the commit marker, last)        → StoreSource → a run
//! ```
//!
//! Neither wasm memory nor the JavaScript heap ever holds a whole model, only a few chunks. For
//! checksums, bytes are copied to wasm memory in pieces of 64 KiB.

mod body;
mod bundle;
mod check;
mod chunks;
mod content;
mod database;
mod download;
mod fetch_error;
mod fetcher;
mod import;
mod known_as;
mod local_files;
mod progress;
mod publisher;
mod record;
mod refusal;
mod remembered;
mod request;
mod seal;
mod source;
mod watch;

pub use bundle::export;
pub use chunks::Store;
pub use download::download;
pub use fetcher::FetchOptions;
pub use import::{fill, plan};
pub use known_as::model_hash;
pub use local_files::Files;
pub use record::{Model, Pin};
pub use seal::verify;
pub use source::StoreSource;
pub use watch::{Event, Watch};
