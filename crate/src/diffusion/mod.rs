//! Turns a scheduler's config and a seed into numbers: the first noise, and the coefficients of
//! each step of the sampler. Nothing here uses tensors or the GPU.
//!
//! A [`Schedule`] holds the noise levels that the model was trained with. A [`Sampler`] turns it
//! and a number of steps into a [`Plan`]: for each evaluation of the UNet a timestep, a scale for
//! its input, and the linear combination that gives the next latents. [`noise`] makes the first
//! latents, the same bits everywhere.

mod as_in;
mod config;
mod freeu;
mod guidance;
mod kind;
pub mod noise;
mod plan;
mod samplers;
mod schedule;
mod shortcuts;
mod sigma_schedule;
mod spacing;

pub use as_in::AsIn;
pub use freeu::FreeU;
pub use guidance::Guidance;
pub use kind::{Deep, EvaluationKind};
pub use plan::{Combination, Evaluation, MAX_TERMS, NoiseLevel, Plan, Slot};
pub use samplers::{Abilities, Levels, Sampler, SamplerOptions};
pub use schedule::{Prediction, Schedule};
pub use sigma_schedule::SigmaSchedule;
pub use spacing::Spacing;
