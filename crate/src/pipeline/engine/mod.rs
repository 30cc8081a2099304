//! Engines: the graphics adapter or the CPU, which do the arithmetic of a run. The run itself is
//! written once, in `run`.
//!
//! ```text
//! residency  device_memory  options    data: which parts stay, what a device can hold, and a
//!                             model's options
//! workload                    what a run needs at once
//! loading                     loads a network, with progress events
//! plans                       how workloads are run;  planes: layouts of values;  encoded: prompts
//! guided                     inputs and predictions of several prompts
//! parts  vae_encoder  taesd   networks on the adapter
//! control_picture            a picture as a ControlNet gets it;  controls  controls_on_cpu: these
//! prediction                 the UNet's, with theirs
//! on_gpu  on_cpu             the two engines;  stages: which parts are loaded when;
//!                             shortage: what follows where memory is short
//! load_again                 some of their weights again, after other LoRAs
//! ```

mod control_picture;
mod controls;
mod controls_on_cpu;
mod cpu_memory;
mod device_memory;
mod encoded;
mod guided;
mod load_again;
mod loading;
mod on_cpu;
mod on_gpu;
mod options;
mod parts;
mod pending_check;
mod planes;
mod plans;
mod prediction;
mod residency;
mod shortage;
mod stages;
mod taesd;
mod vae_encoder;
mod workload;

pub(super) use cpu_memory::{MEMORY_MAX, check_load, work_bytes};
pub use device_memory::DeviceMemory;
pub(super) use load_again::differing;
pub(super) use loading::Counted;
pub(crate) use loading::{LoadTarget, Pending};
pub(super) use on_cpu::OnCpu;
pub use on_cpu::Turn;
pub(super) use on_gpu::OnGpu;
pub use options::Options;
pub(super) use parts::sizes;
pub use residency::{Residency, Stage};
pub(super) use workload::PlannedWorkload;
pub use workload::{Kinds, Texts, Workload};

use super::checkpoint::{BesideVae, Files, FittedControl, PictureControl};
use super::control::Control;
use crate::diffusion::{Evaluation, Guidance};
use crate::error::Result;
use crate::gpu::Rehearsal;
use crate::models::taesd::TaesdConfig;
use crate::models::unet::Context;

/// What an engine needs to load a network: the model's files and the caller's control.
#[derive(Clone, Copy)]
pub(super) struct LoadContext<'a> {
    pub files: &'a Files,
    pub control: &'a Control,
}

/// What an encoder makes of a picture: the distribution of its latents, `[c, h/8, w/8]`.
pub(super) struct Moments {
    pub mean: Vec<f32>,
    /// Empty where the encoder gives latents without a variance.
    pub logvar: Vec<f32>,
    /// From these latents to the sampler's.
    pub scaling_factor: f64,
    /// Whether the encoder is a TAESD's.
    pub by_taesd: bool,
}

impl Moments {
    /// The latents that a TAESD's encoder gives.
    ///
    /// # Errors
    /// Those of its config, which was read before.
    fn of_taesd(mean: Vec<f32>, beside: &BesideVae) -> Result<Moments> {
        let scaling_factor = TaesdConfig::of(&beside.taesd)?.scaling_factor;
        Ok(Moments { mean, logvar: Vec::new(), scaling_factor, by_taesd: true })
    }
}

/// The inputs of a prediction beside the latents.
pub(super) struct Conditioning<'a, E: Engine> {
    /// The context of the prompts, which all pictures share.
    pub context: &'a E::Context,
    /// The ControlNets and T2I-Adapters.
    pub controls: &'a E::Controls,
    /// The number of prompts in the context: two with guidance, the negative one first; three for
    /// a UNet that edits a picture, of which the first two are negative; more for a prompt in
    /// parts.
    pub prompts: usize,
    /// None where the evaluation is not guided.
    pub guidance: Guidance<'a>,
    /// Further channels of the UNet's input, where it has some: for each picture, or for each
    /// prompt and each of its pictures. Of more than are needed the last count.
    pub extra: Option<&'a E::Array>,
    /// The deep features that an earlier evaluation has kept. If there are none to reuse, they are
    /// computed.
    pub deep: &'a mut Option<E::Array>,
}

/// The contexts on the GPU: the UNet's, and those of the ControlNets.
pub(super) struct GpuContext {
    pub unet: Context,
    pub controls: Vec<Context>,
}

/// The backend of a run, which computes with the three networks.
pub(super) trait Engine: Sized {
    /// An array in the engine's memory: text states, latents, a picture.
    type Array: Clone;
    /// A context prepared for the UNet.
    type Context;
    /// The ControlNets and T2I-Adapters of a run, which have seen their pictures.
    type Controls;
    /// A check of latents that is recorded and whose result is not read yet.
    type PendingCheck;
    /// Whether the engine computes asynchronously: then a step is checked only when the next one is
    /// already submitted.
    const RUNS_AHEAD: bool;

    /// The text encoder without its last `skipped` layers: `rows` rows of `ids` → `[rows, 77, c]`.
    async fn encode(
        &self,
        ids: &[u32],
        rows: usize,
        skipped: usize,
        call: LoadContext<'_>,
    ) -> Result<Self::Array>;
    /// Uploads states of `tokens` tokens, in the layout of [`Engine::encode`].
    fn upload_states(&self, values: &[f32], tokens: usize) -> Self::Array;
    /// The states of the last so many of `prompts` prompts of equal length.
    fn last_prompts(&self, text: &Self::Array, prompts: usize, last: usize) -> Self::Array;
    /// Makes these the ControlNets and T2I-Adapters of the runs that follow, before their plan.
    fn use_controls(&self, controls: Vec<FittedControl>);
    /// Shows them the pictures, resized to this width and height.
    async fn begin_controls(
        &self,
        controls: &[PictureControl],
        size: [u32; 2],
        call: LoadContext<'_>,
    ) -> Result<Self::Controls>;
    /// Prepares states as the UNet's context and the controls', as so many prompts of equal
    /// length, of which so many are not negative.
    async fn prepare(
        &self,
        text: &Self::Array,
        prompts: [usize; 2],
        controls: &Self::Controls,
        call: LoadContext<'_>,
    ) -> Result<Self::Context>;
    /// Latents from values `[pictures, c, h, w]`; in a rehearsal there are no values.
    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Self::Array;
    /// The VAE's encoder, or the TAESD's that was chosen: a picture `[3, h, w]` in −1…1 → its
    /// latents, not scaled; `size` is width and height.
    async fn encode_picture(
        &self,
        files: &Files,
        planes: &[f32],
        size: [usize; 2],
        control: &Control,
    ) -> Result<Moments>;
    /// Checks before any work that a picture of this width and height can be encoded.
    async fn check_encoder(&self, files: &Files, size: [usize; 2]) -> Result<()>;
    /// The UNet's guided prediction for the latents: `uncond + guidance_scale·(cond − uncond)`, or
    /// that of three prompts or of a prompt's parts;
    /// depending on the evaluation's [kind](EvaluationKind), without guidance or with cached deep
    /// features.
    fn predict(
        &self,
        latents: &Self::Array,
        evaluation: &Evaluation,
        conditioning: Conditioning<'_, Self>,
    ) -> Self::Array;
    /// `mask · a + (1 − mask) · b`, of latents
    fn blend(&self, mask: &Self::Array, a: &Self::Array, b: &Self::Array) -> Self::Array;
    /// The window of latents of `[height, width]` that begins at this row and column.
    fn window(&self, latents: &Self::Array, at: [usize; 2], size: [usize; 2]) -> Self::Array;
    /// Latents, with those of a window added to what begins at this row and column.
    fn add_at(&self, latents: &Self::Array, part: &Self::Array, at: [usize; 2]) -> Self::Array;
    /// Lets go buffers that nothing uses.
    fn trim(&self);
    /// Σ factor · latents
    fn sum(&self, terms: &[(f64, &Self::Array)]) -> Self::Array;
    /// Waits until all recorded work has run. Errors since the last wait are this call's error, and
    /// so is a cancel, where the work can be interrupted.
    async fn finish(&self, control: &Control) -> Result<()>;
    /// Submits all recorded work, without waiting for the last of it. An error is this call's or
    /// the next one's, and so is a cancel.
    async fn advance(&self, control: &Control) -> Result<()>;
    /// Records a check whether all latents are finite, and a read of `shown`. [`Engine::advance`]
    /// submits both.
    fn start_check(&self, latents: &Self::Array, shown: Option<&Self::Array>)
    -> Self::PendingCheck;
    /// Waits for the check: `None` if a latent is NaN or infinite; otherwise the first `channels`
    /// planes of `shown`, `[pictures, channels, h, w]`, or empty.
    async fn finish_check(
        &self,
        check: Self::PendingCheck,
        channels: usize,
    ) -> Result<Option<Vec<f32>>>;
    /// Begins a rehearsal: nothing runs, but buffers, bind groups and pipelines are made. `None`
    /// for an engine that has none of these.
    fn rehearse(&self) -> Option<Rehearsal>;
    /// The number of buffers made so far.
    fn buffers_made(&self) -> u64;
    /// Chooses the kernels for what follows: those that keep all of f32's range, if `wide`, and
    /// otherwise the fastest.
    fn choose_kernels(&self, wide: bool);
    /// What numbers outgrow first here, as words in a sentence.
    fn narrowest(&self) -> &'static str;
    /// The same networks with f32 activations and kernels that keep all of f32's range, if they
    /// have not both already; the weights are shared.
    fn widened(&self) -> Option<Self>;
    /// The TAESD beside the model, if there is one.
    fn taesd(&self) -> Option<&BesideVae>;
    /// Whether it decodes the pictures by the present plan.
    fn decodes_by_taesd(&self) -> bool;
    /// The first picture of latents that are on their way, by the TAESD if there is one.
    async fn preview(&self, latents: &Self::Array, call: LoadContext<'_>) -> Result<Self::Array>;
    /// The VAE's decoder, or the TAESD's: picture `index` of the latents → a picture in about −1…1.
    async fn decode(
        &self,
        latents: &Self::Array,
        index: usize,
        call: LoadContext<'_>,
    ) -> Result<Self::Array>;
    /// After a preview was decoded: unloads the decoder and loads the UNet again, if they do not
    /// both stay loaded.
    async fn reload_unet(&self, call: LoadContext<'_>) -> Result<()>;
    /// Makes room for so many bytes of other networks: lets parts of the model go where both do not
    /// fit. The next stage loads them again.
    async fn make_room(&self, bytes: u64) -> Result<()>;
    /// Reads states, row-major.
    async fn read_states(&self, text: &Self::Array) -> Result<Vec<f32>>;
    /// Reads the first `channels` planes of latents or of a picture, `[pictures, channels, h, w]`.
    async fn planes(&self, array: &Self::Array, channels: usize) -> Result<Vec<f32>>;
    /// Reads a picture as RGBA8; a pixel with NaN or infinity is transparent.
    async fn rgba(&self, picture: &Self::Array) -> Result<Vec<u8>>;
}

/// An engine that can plan a workload; implemented in `memory`.
pub(super) trait Planned: Engine {
    /// Finds before any work how many of the workload's pictures the engine can compute together.
    /// The planned residency stays in use until another workload is planned.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] or [`Error::Request`] when not even one fits.
    async fn plan(&self, load: Workload, call: LoadContext<'_>) -> Result<usize>;
}
