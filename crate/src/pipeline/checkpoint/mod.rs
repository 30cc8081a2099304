//! A model's files: paths, configs, headers of weights, and the checks that they agree.

mod configs;
mod description;
mod files;
mod layout;
mod loras;
mod part;
mod provenance;
mod published;
mod safety_files;
mod single_file;
mod tokenizer;
mod weights;

pub use configs::Configs;
pub use description::{Description, MadeFor};
pub use files::Files;
pub(super) use loras::add_loras;
pub use loras::{LoraRecord, Weighted};
pub use part::{Part, PartMap, PartSet};
pub use provenance::Provenance;
pub use safety_files::SafetyFiles;

pub(super) use files::weight_type;
pub(crate) use layout::{VOCABULARY_BYTES_MAX, text};
pub(crate) use weights::weights;
