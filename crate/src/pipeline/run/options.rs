//! Extras beside a request: a start picture and its mask, and options that only comparisons need.

use crate::error::Result;
use crate::image::Rgba;
use crate::pipeline::checkpoint::PictureControl;
use crate::pipeline::upscaler::Upscaler;
use crate::weights::npy::Array;

/// What may be passed beside a request: a start picture and its mask, and options that only
/// comparisons with other programs need.
#[derive(Default, Clone, Copy)]
pub struct Extras<'a> {
    /// A start picture of any size; see [`Request::strength`](crate::request::Request::strength).
    pub initial: Option<&'a Rgba>,
    /// A mask of the start picture, of any size: what is white is made anew, what is black stays.
    /// Its grey is that of `Image.convert("L")`.
    pub mask: Option<&'a Rgba>,
    /// ControlNets and T2I-Adapters, with the pictures by which they guide the request.
    pub controls: &'a [PictureControl],
    /// What enlarges the first pass where the request says so: see
    /// [`Request::hires_upscaler`](crate::request::Request::hires_upscaler).
    pub upscaler: Option<&'a Upscaler>,
    /// The first noise N(0, 1) `[1, c, h, w]`, instead of the seed's.
    pub latents: Option<&'a Array>,
    /// Gets the values of every stage.
    pub observer: Option<&'a dyn Observer>,
    /// See [`SamplerOptions`](crate::diffusion::SamplerOptions).
    pub ends_at_sigma_min: bool,
    /// Leave the safety checker out: only values are compared, and the picture is not shown.
    pub unchecked: bool,
}

/// Gets the values of every stage of a run, in diffusers' layout (channels before rows and
/// columns).
pub trait Observer {
    /// Token ids, the negative prompt's first.
    ///
    /// # Errors
    /// Any of its own, which ends the run.
    fn ids(&self, ids: &[u32], shape: [usize; 2]) -> Result<()>;
    /// Called with `context` (and `context_002` and so on for further texts, where prompts change
    /// from step to step), with `latents_000` (the scaled noise), then for each step with `eps_NNN`
    /// (the guided prediction) and `latents_NNN`, and finally with `image` in 0…1. Latents are
    /// those of the whole batch; further batches of the request have the same names again. Those of
    /// a second pass have `hires_` before their names.
    ///
    /// # Errors
    /// Any of its own, which ends the run.
    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()>;
}
