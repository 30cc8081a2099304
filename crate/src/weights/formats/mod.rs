//! The headers of the formats of weights. The format is found from a file's bytes, not from its
//! name.
//!
//! ```text
//! header       what the header of every format becomes: tensors and texts
//! safetensors · gguf · torch (zip, pickle, layout) · legacy_torch
//! container    which of them a file is, from its first bytes;  shards    several files
//! npy · tar    other formats: an array, a model as one file
//! ```

pub(super) mod container;
pub(super) mod gguf;
pub(super) mod header;
mod layout;
pub(super) mod legacy_torch;
pub mod npy;
mod pickle;
pub(super) mod safetensors;
pub(super) mod shards;
pub mod tar;
pub(super) mod torch;
pub(super) mod zip;
