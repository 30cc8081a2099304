//! Bytes to named tensors: the checkpoint as a list of names, types, shapes and byte ranges.
//!
//! Bytes come through a [`Source`], which only knows how to read a range of a named file; so the
//! same code opens a folder on disk, a server that answers ranges, and a browser's database. An
//! [`Archive`] is the same for all formats: it has the tensors' names and byte ranges, and a
//! tensor's bytes are read when its place on the GPU is ready. Nothing here holds a whole
//! checkpoint.
//!
//! ```text
//! each of these imports only those above it
//! publisher    a model's parts list, the hosts it may be fetched from, the answers of servers
//! source       where bytes come from
//! formats      the headers: safetensors · gguf · torch;  quantise    element types to f32 and back
//! change       what changes values while they are read, such as a LoRA
//! archive      a checkpoint, opened;  write    the files, written
//! zeros        finds unfinished downloads
//! single_file  a checkpoint as three parts, under diffusers' names; or what it is instead
//! lora         small files that change a model;  taesd: a small stand-in for the VAE
//! control      ControlNets and T2I-Adapters, which guide a model by a picture
//! embedding    small files with the vectors of a learned word: textual inversions
//! upscaler     the names of an upscaler's tensors
//! ```
//!
//! Everything read here is from outside: a damaged file is an [`Error`](crate::Error), never a
//! panic, and no size that a header claims is used before it is checked against the size of the
//! file.

mod archive;
mod change;
mod control;
mod embedding;
mod formats;
mod lora;
mod publisher;
mod quantise;
mod single_file;
mod source;
mod taesd;
mod upscaler;
mod write;
mod zeros;

pub use archive::Archive;
pub use change::{Change, Product};
pub use control::{ControlFile, ControlKind};
pub use embedding::Embedding;
pub use formats::header::TensorInfo;
pub use formats::zip::read_stored;
pub use formats::{npy, tar};
pub use lora::{Lora, Merge};
pub use publisher::answer;
pub use publisher::digest::{Digest, PIECE_BYTES, Sum64, is_sha256, sha256};
pub use publisher::hosts::{HostPattern, origin};
pub use publisher::manifest::{ADDONS, CHECKPOINTS, Kind, Licence, Manifest, ManifestFile};
pub use publisher::path::is_inside;
pub use publisher::pointer::{POINTER_BYTES_MAX, Pointer};
pub use quantise::blocks::{dequantise, quantise};
pub use quantise::decode::decode;
pub use quantise::encode::encode;
pub use single_file::identify::{identify_addon, instead_of_sd_v1};
pub use single_file::ldm::Ldm;
pub use single_file::lone::LonePart;
pub use single_file::names;
pub use single_file::part::FilePart;
#[cfg(not(target_arch = "wasm32"))]
pub use source::folder::FileSource;
pub use source::memory::MemorySource;
pub use source::with_parts::{Replacement, WithParts};
pub use source::with_prediction::{PREDICTIONS, WithPrediction};
pub use source::{LocalFuture, OtherPart, Source, read_all};
pub use taesd::{Taesd, TaesdHalf};
pub use upscaler::upscaler_names;
pub use write::gguf::GgufWriter;
pub use write::safetensors::SafetensorsWriter;
pub use zeros::{Zeros, check_for_zeros};
