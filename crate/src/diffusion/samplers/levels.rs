//! Which noise levels a run steps over, where its options leave that to the schedule's file: what
//! a picture's text tells of them.

use super::{Sampler, SamplerOptions};
use crate::diffusion::{AsIn, Schedule, SigmaSchedule, Spacing};

/// The choice of a run's noise levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels {
    /// The schedule of σ; it is `Normal` for samplers that have no other.
    pub sigmas: SigmaSchedule,
    /// The timesteps that a `Normal` one follows.
    pub spacing: Spacing,
    /// By how much `Leading` timesteps are moved up. Scheduler config: `steps_offset`.
    pub offset: usize,
    /// Training timesteps.
    pub trained: usize,
    /// Whether they are rescaled to zero terminal SNR.
    pub zero_snr: bool,
}

impl Sampler {
    /// The levels that [`Sampler::plan_with`] takes with these options.
    pub fn levels(self, schedule: &Schedule, options: &SamplerOptions<'_>) -> Levels {
        let can = self.abilities();
        // As plan_with has it: that class of diffusers and other programs have no other sigmas.
        let is_of_program = options.as_in != AsIn::Diffusers && self.knows_programs();
        let is_plain = self == Sampler::EulerAncestral || !can.sigmas || is_of_program;
        let of_file = if is_plain { SigmaSchedule::Normal } else { schedule.sigma_schedule };
        Levels {
            sigmas: options.sigmas.unwrap_or(of_file),
            spacing: options.spacing.or(schedule.spacing).unwrap_or(Spacing::Linspace),
            offset: schedule.steps_offset,
            trained: schedule.num_train_timesteps(),
            zero_snr: can.rescale_betas_zero_snr
                && options.rescale_betas_zero_snr.unwrap_or(schedule.rescale_betas_zero_snr),
        }
    }
}
