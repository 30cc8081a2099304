//! What carries out a run's arithmetic: the graphics adapter, or the CPU. The run itself is written
//! once, in `run`.
//!
//! ```text
//! residency  options          data: which parts stay, how a model is held
//! workload                    how much at once
//! loading                     a network's weights, told as they come
//! parts  vae_encoder          networks on the adapter
//! on_gpu  on_cpu             the two engines
//! ```

mod cpu_memory;
mod loading;
mod on_cpu;
mod on_gpu;
mod options;
mod parts;
mod residency;
mod vae_encoder;
mod workload;

pub(super) use cpu_memory::{MEMORY_MAX, check_load, work_bytes};
pub(super) use loading::Counted;
pub(crate) use loading::{Pending, Place};
pub(super) use on_cpu::OnCpu;
pub use on_cpu::Turn;
pub(super) use on_gpu::OnGpu;
pub use options::Options;
pub(super) use parts::sizes;
pub use residency::{Residency, Stage};
pub(super) use workload::Fit;
pub use workload::{Kinds, Load};

use super::checkpoint::Files;
use super::control::Control;
use crate::diffusion::Evaluation;
use crate::error::Result;
use crate::gpu::Rehearsal;

/// What an engine needs to load the network that works next.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub files: &'a Files,
    pub control: &'a Control,
}

/// What a prediction depends on beside the latents.
pub(super) struct Conditioning<'a, E: Engine> {
    /// The prompts that the evaluation attends to, which all pictures share.
    pub context: &'a E::Context,
    /// Prompts of a picture in the context: two with guidance, the negative one first.
    pub prompts: usize,
    pub guidance_scale: f64,
    /// Deep features that an evaluation has kept. Those that are to be reused and are not there are
    /// made.
    pub deep: &'a mut Option<E::Array>,
}

/// Computes with the three networks: the backend of a run.
pub(super) trait Engine: Sized {
    /// An array where the engine computes: a context, latents, a picture.
    type Array: Clone;
    /// A context that the UNet is ready to attend to.
    type Context;
    /// A check of latents that was submitted and not yet read.
    type Watch;
    /// Whether the engine works while the next work is recorded: then a step is checked when the
    /// next one is already submitted.
    const RUNS_AHEAD: bool;

    /// The text encoder without its last `skipped` layers: `rows` rows of `ids` → `[rows, 77, c]`.
    async fn encode(
        &self,
        ids: &[u32],
        rows: usize,
        skipped: usize,
        call: Call<'_>,
    ) -> Result<Self::Array>;
    /// States of so many tokens from their numbers, as [`Engine::encode`] gives them.
    fn text(&self, values: &[f32], tokens: usize) -> Self::Array;
    /// The states of the last of `prompts` prompts of equal length.
    fn last_prompt(&self, text: &Self::Array, prompts: usize) -> Self::Array;
    /// The UNet's view of them, as `prompts` prompts of equal length.
    async fn prepare(
        &self,
        text: &Self::Array,
        prompts: usize,
        call: Call<'_>,
    ) -> Result<Self::Context>;
    /// Latents from their numbers `[pictures, c, h, w]`; in a rehearsal there are none.
    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Self::Array;
    /// The VAE's encoder: a picture's planes `[3, h, w]` in −1…1 → mean and logvar of its latents,
    /// `[c, h/8, w/8]` each, not scaled; `size` is width and height.
    async fn encode_picture(
        &self,
        files: &Files,
        planes: &[f32],
        size: [usize; 2],
        control: &Control,
    ) -> Result<[Vec<f32>; 2]>;
    /// The UNet's guided prediction for the latents: `uncond + guidance_scale·(cond − uncond)`;
    /// without guidance, or with deep features of before, where the evaluation's kind says so.
    fn predict(
        &self,
        latents: &Self::Array,
        evaluation: &Evaluation,
        conditioning: Conditioning<'_, Self>,
    ) -> Self::Array;
    /// Σ factor · latents
    fn sum(&self, terms: &[(f64, &Self::Array)]) -> Self::Array;
    /// Waits until all of it has run; a fault since the last wait is this call's error, and so is
    /// a cancel where the work can be broken off.
    async fn finish(&self, control: &Control) -> Result<()>;
    /// Sees to it that all of it runs, without waiting for the last of it; a fault so far is this
    /// call's error, or the next one's, and so is a cancel.
    async fn advance(&self, control: &Control) -> Result<()>;
    /// Checks whether all latents are finite, and reads what is shown, as a part of the work that
    /// [`Engine::advance`] starts.
    fn watch(&self, latents: &Self::Array, shown: Option<&Self::Array>) -> Self::Watch;
    /// The result, when that work has run: none where a latent is NaN or infinite; else the first
    /// `channels` planes of what is shown, `[pictures, channels, h, w]`, or no values.
    async fn seen(&self, watch: Self::Watch, channels: usize) -> Result<Option<Vec<f32>>>;
    /// Begins a rehearsal, in which nothing runs, and what will be needed is made; none where
    /// nothing is made.
    fn rehearse(&self) -> Option<Rehearsal>;
    /// Buffers made so far.
    fn buffers_made(&self) -> u64;
    /// The same networks with activations of a wider range, if there is one: weights do not depend
    /// on it.
    fn widened(&self) -> Option<Self>;
    /// The VAE's decoder: picture `index` of the latents → a picture in about −1…1.
    async fn decode(
        &self,
        latents: &Self::Array,
        index: usize,
        call: Call<'_>,
    ) -> Result<Self::Array>;
    /// Goes on with the steps after a preview was decoded: brings the UNet back.
    async fn resume(&self, call: Call<'_>) -> Result<()>;
    /// The numbers of a context, row-major.
    async fn numbers(&self, text: &Self::Array) -> Result<Vec<f32>>;
    /// The first `channels` planes of latents or of a picture, `[pictures, channels, h, w]`.
    async fn planes(&self, array: &Self::Array, channels: usize) -> Result<Vec<f32>>;
    /// A picture's bytes; a pixel with NaN is transparent.
    async fn rgba(&self, picture: &Self::Array) -> Result<Vec<u8>>;
}

/// An engine whose loads can be planned; how, is in `memory`.
pub(super) trait Planned: Engine {
    /// How many of the load's pictures the engine can work on at once, found before any work.
    /// Until the next load it keeps in memory what was planned for this one.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] or [`Error::Request`] when not even one fits.
    async fn plan(&self, load: Load, call: Call<'_>) -> Result<usize>;
}
