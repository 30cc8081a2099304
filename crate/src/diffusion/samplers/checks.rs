//! Which options a sampler refuses, in sentences that name what has them.

use super::{Abilities, Sampler, SamplerOptions, refuse};
use crate::diffusion::{AsIn, Schedule, SigmaSchedule};
use crate::error::Result;

impl Sampler {
    /// Refuses options that this sampler does not have.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) with the option as its field.
    pub(super) fn check(self, schedule: &Schedule, options: &SamplerOptions<'_>) -> Result<()> {
        let SamplerOptions { sigmas, spacing, ends_at_sigma_min, strength, .. } = *options;
        let (can, eta) = (self.abilities(), options.eta.unwrap_or(0.0));
        if !(0.0..=1.0).contains(&eta) {
            return refuse("eta", format!("must be a number from 0 to 1, not {eta}"));
        }
        if eta > 0.0 && !can.eta {
            let those = Sampler::names_of(|can| can.eta);
            return refuse("eta", format!("is for {those} alone; {self} knows none"));
        }
        if let Some(strength) = strength
            && !(self.is_for_few_steps()
                && options.timesteps.is_none()
                && (0.0..=1.0).contains(&strength))
        {
            let reason = format!("of {strength} is not for the timesteps of {self}");
            return refuse("strength", reason);
        }
        let sigmas = sigmas.unwrap_or_default();
        if sigmas != SigmaSchedule::Normal && !can.sigmas {
            let reason = format!("are not for {self}, which keeps the training times");
            return refuse("sigmas", reason);
        }
        if ends_at_sigma_min && !(can.final_sigmas && sigmas.is_spaced()) {
            let those = Sampler::names_of(|can| can.final_sigmas);
            return refuse("final sigmas", format!("is for {those}; {self} ends at 0"));
        }
        if options.rescale_betas_zero_snr == Some(true) && !can.rescale_betas_zero_snr {
            let those = Sampler::names_of(|can| can.rescale_betas_zero_snr);
            let reason = format!("is for {those}; {self} has no such levels");
            return refuse("rescale betas zero snr", reason);
        }
        if options.as_in != AsIn::Diffusers && self.knows_programs() {
            return self.check_program(options);
        }
        if self == Sampler::UniPc && !schedule.lower_order_final && !ends_at_sigma_min {
            let reason = "cannot be unipc with this model: its scheduler_config.json says no to \
                          lower_order_final, and the last step divides by zero";
            return refuse("sampler", reason.into());
        }
        if options.timesteps.is_some() && !self.is_for_few_steps() {
            return refuse("timesteps", format!("are for lcm and tcd alone; {self} has its own"));
        }
        if spacing.is_some() && !sigmas.is_spaced() {
            return refuse("spacing", format!("is not for {sigmas}, which has times of its own"));
        }
        if spacing.is_some() && !can.spacing {
            return refuse("spacing", format!("is not for {self}, which has times of its own"));
        }
        Ok(())
    }

    /// Refuses what another program than diffusers does not have.
    ///
    /// # Errors
    /// As [`Sampler::check`].
    fn check_program(self, options: &SamplerOptions<'_>) -> Result<()> {
        let as_in = options.as_in;
        if options.ends_at_sigma_min {
            return refuse("final sigmas", format!("are not chosen in {as_in}"));
        }
        if options.spacing.is_some() {
            return refuse("spacing", format!("is not chosen in {as_in}, which has its own times"));
        }
        if options.timesteps.is_some() {
            return refuse("timesteps", format!("are for lcm and tcd alone; {self} has its own"));
        }
        Ok(())
    }

    /// The names of the samplers with this ability, joined for a sentence.
    fn names_of(ability: fn(Abilities) -> bool) -> String {
        let those = Sampler::ALL.into_iter().filter(|sampler| ability(sampler.abilities()));
        those.map(Sampler::name).collect::<Vec<_>>().join(" and ")
    }
}
