//! A run of a batch (pictures of one request that are computed together), from prompts to pixels,
//! on either engine.
//!
//! ```text
//! options              what may be passed beside a request
//! texts                which texts the prompts have in which step
//! prompts  contexts    prompts → ids → states → the UNet's contexts
//! start                what a request begins with
//! canvas               a start picture and its mask in pixels, and the result put back
//! windows  tiles       a picture that is too large for the networks, cut
//! initial  inpaint     a picture → its latents; what a mask keeps of them
//! beginning            all that a batch begins with beside noise
//! state                latents, and the sampler's history
//! preview  denoiser    the preview of a step, and the step itself
//! predicts             whether the first prediction is of the kind that the schedule says
//! batch                the loop over all steps
//! develop              previews, and the picture at its end
//! ```

mod batch;
mod beginning;
mod canvas;
mod contexts;
mod denoiser;
mod develop;
mod initial;
mod inpaint;
mod options;
mod predicts;
mod preview;
mod prompts;
mod start;
mod state;
mod texts;
mod tiles;
mod windows;

pub use options::{Extras, Observer};

pub(super) use batch::{Job, Order, Run};
pub(super) use beginning::Beginning;
pub(super) use canvas::Canvas;
pub(super) use contexts::{Contexts, TextStates};
pub(super) use denoiser::{Denoiser, StepOptions};
pub(super) use develop::Image;
pub(super) use initial::Initial;
pub(super) use prompts::Prompts;
pub(super) use start::{Start, fill_in, start};
pub(super) use state::State;
pub(super) use windows::Tiling;
