//! Tier 6: from a request to a picture. It combines tokenizer, models, schedule and noise; the
//! tiers above only call it.
//!
//! [`Pipeline::open`] reads a model once; [`Pipeline::generate`] is the run. From the bottom up,
//! each imports only those before it:
//!
//! ```text
//! control      progress events out, cancel and pause in
//! checkpoint   a model's files
//! picture      the result            device: where a model runs
//! engine       who computes          the adapter or the CPU; options: of an opened model
//! upscaler     enlarges a picture
//! run          one batch of pictures, step by step
//! memory       what fits             dry runs, planning, the forecast
//! safety       the safety checker
//! numerics     which types an adapter's numbers allow
//! model        an opened model; embeddings, loras, open, order, hires, generate, profile: its
//!              operations
//! speed_report what was measured on an adapter, as JSON
//! verify       checks that its pictures are right
//! ```

mod checkpoint;
mod control;
mod device;
mod embeddings;
mod engine;
mod generate;
mod hires;
mod loras;
mod memory;
mod model;
mod numerics;
mod open;
mod open_upscaler;
mod order;
mod picture;
mod profile;
mod run;
mod safety;
mod speed_report;
mod upscaler;
mod verify;

pub use crate::request::{Allowed, COUNT_MAX, Request, SIDE_MAX, STEPS_MAX, Shortcuts};
pub use checkpoint::{
    BesideVae, Configs, ControlRecord, DecoderChoice, DecoderRecord, Description, EmbeddingRecord,
    Files, LoraRecord, MadeFor, NamedEmbedding, Part, PartMap, PartRecord, PartSet, PictureControl,
    Provenance, Purpose, SafetyFiles, Weighted,
};
pub use control::{Check, CheckResult, Control, EarlyEnd, Pause, Previews, Progress};
pub use device::{AdapterKind, Device, DeviceChoice, Host};
pub use engine::{DeviceMemory, Kinds, Options, Residency, Stage, Texts, Turn, Workload};
pub use generate::Receive;
pub use memory::{DryRun, Forecast, PartCost, SmallForecast};
pub use model::Pipeline;
pub use open::{f32_only, tune};
pub use picture::{Picture, Safety};
pub use profile::{KernelTime, Profile};
pub use run::{Extras, Observer};
pub use speed_report::{PictureTime, SpeedReport};
pub use upscaler::{Upscaler, UpscalerOptions, UpscalerRecord};
pub use verify::{PUBLISHED, Published};

pub(crate) use checkpoint::{VOCABULARY_BYTES_MAX, text, weights};
pub(crate) use engine::{LoadTarget, Pending};
