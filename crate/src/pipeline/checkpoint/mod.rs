//! A model's files: paths, configs, headers of weights, and the checks that they agree.

mod configs;
mod controls;
mod description;
mod embeddings;
mod files;
mod layout;
mod loras;
mod other_parts;
mod part;
mod provenance;
mod published;
mod purpose;
mod safety_files;
mod single_file;
mod taesd;
mod tokenizer;
mod weights;

pub use configs::Configs;
pub(super) use controls::{ControlConfig, FittedControl, check_controls, mark_controls};
pub use controls::{ControlRecord, PictureControl};
pub use description::{Description, MadeFor};
pub use embeddings::{EmbeddingRecord, NamedEmbedding};
pub use files::Files;
pub use loras::{LoraRecord, Weighted};
pub(super) use loras::{add_loras, in_use};
pub use other_parts::PartRecord;
pub(super) use other_parts::part_records;
pub use part::{Part, PartMap, PartSet};
pub use provenance::Provenance;
pub(super) use published::published_taesd;
pub use purpose::Purpose;
pub use safety_files::SafetyFiles;
pub(super) use taesd::check_taesd;
pub use taesd::{BesideVae, DecoderChoice, DecoderRecord};

pub(super) use files::weight_type;
pub(crate) use layout::{VOCABULARY_BYTES_MAX, text};
pub(crate) use weights::weights;
