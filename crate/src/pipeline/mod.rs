//! Tier 6: from a request to a picture. Here tokenizer, models, schedule and noise meet; nothing
//! below knows more than its own part, and nothing above decides anything.
//!
//! [`Pipeline::open`] reads a model once; [`Pipeline::generate`] is the run. From the bottom up,
//! each imports only those before it:
//!
//! ```text
//! control      progress events out, cancel and pause in
//! checkpoint   what a model's files are
//! picture      the result            device: where a model is held
//! engine       who computes          the adapter or the CPU; options: how a model is held
//! run          one batch of pictures, step by step
//! memory       what will fit         dry runs, planning, the forecast
//! safety       the safety checker
//! model        a model, ready; open, generate, profile: what it does
//! verify       whether its pictures are right
//! ```

mod checkpoint;
mod control;
mod device;
mod engine;
mod generate;
mod memory;
mod model;
mod open;
mod picture;
mod profile;
mod run;
mod safety;
mod verify;

pub use crate::request::{Allowed, COUNT_MAX, Request, SIDE_MAX, STEPS_MAX, Shortcuts};
pub use checkpoint::{
    Configs, Description, Files, LoraRecord, Part, PartMap, PartSet, Provenance, SafetyFiles,
    Weighted,
};
pub use control::{Check, CheckResult, Control, Pause, Previews, Progress};
pub use device::{AdapterKind, Device, DeviceChoice, Host};
pub use engine::{Kinds, Load, Options, Residency, Stage, Turn};
pub use generate::Receive;
pub use memory::{DryRun, Forecast, Phase};
pub use model::Pipeline;
pub use open::{f32_only, tune};
pub use picture::{Picture, Safety};
pub use profile::{KernelTime, Profile};
pub use run::{Extras, Witness};
pub use verify::{PUBLISHED, Published};

pub(crate) use checkpoint::{VOCABULARY_BYTES_MAX, text, weights};
pub(crate) use engine::{Pending, Place};
