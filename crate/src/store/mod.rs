//! Tier 8, wasm only: the store of models. A model is fetched once, chunk by chunk, verified,
//! kept in IndexedDB, and read from there; what is damaged is fetched again, alone.
//!
//! ```text
//! Manifest → Download → chunks (bytes, length, SHA-256, fast sum) → seal: file hashes, pins
//!                     → complete (the commit marker, last)        → StoreSource → the run
//! ```
//!
//! Neither wasm memory nor the JavaScript heap ever holds a model: a chunk at a time passes, and
//! bytes go through wasm memory only to be summed, 64 KiB at once.

mod body;
mod bundle;
mod chunks;
mod content;
mod database;
mod download;
mod fetcher;
mod import;
mod judge;
mod local_files;
mod progress;
mod publisher;
mod record;
mod refusal;
mod remembered;
mod request;
mod seal;
mod source;
mod trouble;
mod watch;

pub use bundle::export;
pub use chunks::Store;
pub use download::download;
pub use fetcher::FetchOptions;
pub use import::{fill, plan};
pub use local_files::Files;
pub use record::{Model, Pin};
pub use seal::verify;
pub use source::StoreSource;
pub use watch::{Event, Watch};
