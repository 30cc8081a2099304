//! Which settings a sampler has.

use serde::Serialize;

/// Which of the [options](super::SamplerOptions) a sampler has. It refuses the others, and the
/// page's form offers only these. The names are those of a request's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// A choice of the noise added in each step.
    pub eta: bool,
    /// A choice of [noise levels](crate::diffusion::SigmaSchedule); without it they are those of
    /// the timesteps.
    pub sigmas: bool,
    /// An end at the smallest σ of training.
    pub final_sigmas: bool,
    /// A last noise level of training that is noise alone.
    pub rescale_betas_zero_snr: bool,
    /// A choice of [timesteps](crate::diffusion::Spacing); without it the sampler has its own.
    pub spacing: bool,
}
