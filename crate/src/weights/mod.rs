//! Bytes to named tensors: the checkpoint as a list of names, types, shapes and byte ranges.
//!
//! Bytes come through a [`Source`], which only knows how to read a range of a named file; so the
//! same code opens a folder on disk, a server that answers ranges, and a browser's database. An
//! [`Archive`] is the one face of all formats: it names the tensors and where they lie, and a
//! tensor's bytes are read when its place on the GPU is ready. Nothing here holds a whole file.
//!
//! ```text
//! container    which format, from the first bytes
//! safetensors · gguf · torch (zip, pickle) · legacy_torch    the headers;  shards    several files
//! layout       numbers that do not lie row by row
//! ldm          a single-file checkpoint as three parts, under diffusers' names (names), from what
//!              other programs call them (canonical)
//! identify     what a file is that is no Stable Diffusion 1;  zeros    what did not arrive
//! ```
//!
//! Everything read here is from outside: a damaged file is an [`Error`](crate::Error), never a
//! panic, and no size that a file claims is believed before it is checked against the file's own.

pub mod answer;
mod archive;
mod canonical;
mod container;
mod decode;
mod digest;
mod encode;
#[cfg(not(target_arch = "wasm32"))]
mod file_source;
mod gguf;
mod gguf_writer;
mod header;
mod hosts;
mod identify;
mod layout;
mod ldm;
mod legacy_torch;
mod manifest;
pub mod names;
pub mod npy;
mod part;
mod path;
mod pickle;
mod pointer;
mod quantise;
mod safetensors;
mod shards;
mod source;
pub mod tar;
mod told;
mod torch;
mod writer;
mod zeros;
mod zip;

pub use archive::Archive;
pub use decode::decode;
pub use digest::{Digest, PIECE_BYTES, Sum64, is_sha256};
pub use encode::encode;
#[cfg(not(target_arch = "wasm32"))]
pub use file_source::FileSource;
pub use gguf_writer::GgufWriter;
pub use header::TensorInfo;
pub use hosts::{HostPattern, origin};
pub use identify::instead_of_sd_v1;
pub use ldm::Ldm;
pub use manifest::{CHECKPOINTS, Licence, Manifest, ManifestFile};
pub use part::Part;
pub use path::is_inside;
pub use pointer::{POINTER_BYTES_MAX, Pointer};
pub use quantise::{dequantise, quantise};
pub use source::{LocalFuture, Source, read_all};
pub use told::{PREDICTIONS, Told};
pub use writer::SafetensorsWriter;
pub use zeros::{Zeros, check_for_zeros};
pub use zip::read_stored;
