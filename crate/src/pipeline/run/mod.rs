//! A run: pictures of one request that go together, from prompts to pixels, whatever engine
//! computes.
//!
//! ```text
//! options              what comes beside a request
//! prompts  contexts    prompts → ids → states → what the UNet attends to
//! initial              a picture to begin with → its latents
//! state                latents, and what the sampler remembers
//! preview  denoiser    a step, and what is shown of it
//! predicts             whether the first answer is what the schedule says
//! batch                the loop over all steps, and the picture at its end
//! ```

mod batch;
mod contexts;
mod denoiser;
mod initial;
mod options;
mod predicts;
mod preview;
mod prompts;
mod state;

pub use options::{Extras, Witness};

pub(super) use batch::{Job, Order, Run};
pub(super) use contexts::{Contexts, Text};
pub(super) use denoiser::{Denoiser, StepOptions};
pub(super) use initial::{Initial, left_out};
pub(super) use prompts::Prompts;
pub(super) use state::State;
