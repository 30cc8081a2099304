//! What a sampler can be asked for besides a number of steps.

use crate::diffusion::as_in::AsIn;
use crate::diffusion::sigma_schedule::SigmaSchedule;
use crate::diffusion::spacing::Spacing;

/// What a sampler's plan depends on besides the number of steps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SamplerOptions<'a> {
    /// η of DDIM and TCD: 0 adds no noise; 1 as much as the reverse chain does, or with TCD all of
    /// the next level's. `None`: [`Sampler::default_eta`](super::Sampler::default_eta).
    pub eta: Option<f64>,
    /// The noise levels of the run; `None`: as the schedule's file says.
    pub sigmas: Option<SigmaSchedule>,
    /// For DPM++ 2M and UniPC: end at the smallest σ of training and not at 0. diffusers:
    /// `final_sigmas_type="sigma_min"`
    pub ends_at_sigma_min: bool,
    /// Whether the last noise level of training becomes noise alone; `None`: as the schedule's file
    /// says, for the samplers that know it.
    pub rescale_betas_zero_snr: Option<bool>,
    /// The number of first steps that are left out because the run begins with a picture; `None`
    /// for a run that begins with noise. diffusers: `t_start` of its img2img pipeline.
    pub left_out: Option<usize>,
    /// For LCM and TCD in a run that begins with a picture: the share of the timesteps of
    /// distillation that steps are chosen from, instead of leaving out steps. diffusers: `strength`
    /// of `set_timesteps`, which its `LatentConsistencyModelImg2ImgPipeline` gives.
    pub strength: Option<f64>,
    /// Which of the training timesteps to use; `None`: as the schedule's file says, or else as the
    /// sampler's class in diffusers does.
    pub spacing: Option<Spacing>,
    /// For LCM and TCD: the timesteps of the steps, in place of those of distillation. diffusers:
    /// `timesteps` of `set_timesteps`.
    pub timesteps: Option<&'a [usize]>,
    /// Whose numbers the samplers in σ have.
    pub as_in: AsIn,
}
