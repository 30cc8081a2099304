//! Textual inversion (arXiv:2208.01618): a small file with the vectors of a learned word, which
//! stand in a prompt in the place of token embeddings. AUTOMATIC1111's web UI calls it an
//! embedding.
//!
//! ```text
//! layout → which tensor holds the vectors, and the word that the file itself has for them
//! file   → the vectors [n, c] in f32
//! ```

mod file;
mod layout;

pub use file::Embedding;
