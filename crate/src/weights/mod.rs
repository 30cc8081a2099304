//! Bytes to named tensors: the checkpoint as a list of names, types, shapes and byte ranges.
//!
//! Bytes come through a [`Source`], which only knows how to read a range of a named file; so the
//! same code opens a folder on disk, a server that answers ranges, and a browser's database. An
//! [`Archive`] is the header of one safetensors file: it names the tensors and where they lie, and
//! a tensor's bytes are read when its place on the GPU is ready. Nothing here holds a whole file.
//!
//! Everything read here is from outside: a damaged file is an [`Error`](crate::Error), never a
//! panic, and no size that a file claims is believed before it is checked against the file's own.

mod archive;
mod decode;
#[cfg(not(target_arch = "wasm32"))]
mod file_source;
pub mod npy;
mod safetensors;
mod source;
mod writer;

pub use archive::{Archive, TensorInfo};
pub use decode::decode;
#[cfg(not(target_arch = "wasm32"))]
pub use file_source::FileSource;
pub use source::{LocalFuture, Source, read_all};
pub use writer::SafetensorsWriter;
