//! The samplers. Each file turns the formula of one into coefficients.

mod abilities;
mod beta;
mod checks;
mod ddim;
mod ddpm;
mod deis;
mod distilled;
mod dpm_2;
mod dpm_2_ancestral;
mod dpmpp_2m;
mod dpmpp_2m_sde;
mod dpmpp_2s_ancestral;
mod dpmpp_3m_sde;
mod dpmpp_sde;
mod euler;
mod euler_ancestral;
mod heun;
mod ipndm;
mod lcm;
mod levels;
mod lms;
mod options;
mod pndm;
mod programs;
mod ramps;
mod sigmas;
mod tcd;
mod terms;
mod unipc;
mod unipc_of_programs;

use std::fmt;
use std::str::FromStr;

use super::as_in::AsIn;
use super::plan::Plan;
use super::schedule::{Prediction, Schedule};
use super::sigma_schedule::SigmaSchedule;
use crate::error::{Error, Result};

pub use abilities::Abilities;
pub use levels::Levels;
pub use options::SamplerOptions;

/// ᾱ of the last timestep where it is noise alone, for formulas in σ: diffusers' 2⁻²⁴.
const NEARLY_ZERO: f32 = 1.0 / 16_777_216.0;

/// A sampler: a method that turns noise into a picture in steps. The names are k-diffusion's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sampler {
    /// Denoising diffusion implicit models, with added noise if `eta` is above 0.
    #[default]
    Ddim,
    /// Pseudo linear multistep; v1.4's default.
    Pndm,
    /// A linear multistep method in σ.
    Lms,
    /// Euler's method on the probability-flow equation in σ.
    Euler,
    /// Euler's method with ancestral noise.
    EulerAncestral,
    /// Heun's method: two evaluations a step.
    Heun,
    /// DPM-Solver++ of the second order.
    Dpmpp2m,
    /// The same for the stochastic differential equation.
    Dpmpp2mSde,
    /// DPM-Solver++ of the second order in one step of two evaluations, with ancestral noise.
    Dpmpp2sAncestral,
    /// DPM-Solver++ for the stochastic differential equation: two evaluations a step.
    DpmppSde,
    /// The same of the third order, from three steps.
    Dpmpp3mSde,
    /// DPM-Solver of the second order: two evaluations a step.
    Dpm2,
    /// The same with ancestral noise.
    Dpm2Ancestral,
    /// An exponential integrator of the second order.
    Deis,
    /// A linear multistep method with the weights of equal steps.
    Ipndm,
    /// Denoising diffusion probabilistic models: the reverse chain over a part of its timesteps.
    Ddpm,
    /// Predictor and corrector of the second order.
    UniPc,
    /// Latent consistency, for models distilled for it.
    Lcm,
    /// Trajectory consistency, for models distilled for it.
    Tcd,
}

impl Sampler {
    /// All of them, in the order of a menu.
    pub const ALL: [Sampler; 19] = [
        Sampler::Ddim,
        Sampler::Pndm,
        Sampler::Lms,
        Sampler::Euler,
        Sampler::EulerAncestral,
        Sampler::Heun,
        Sampler::Dpmpp2m,
        Sampler::Dpmpp2mSde,
        Sampler::Dpmpp2sAncestral,
        Sampler::DpmppSde,
        Sampler::Dpmpp3mSde,
        Sampler::Dpm2,
        Sampler::Dpm2Ancestral,
        Sampler::UniPc,
        Sampler::Deis,
        Sampler::Ipndm,
        Sampler::Ddpm,
        Sampler::Lcm,
        Sampler::Tcd,
    ];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Sampler::Ddim => "ddim",
            Sampler::Pndm => "pndm",
            Sampler::Lms => "lms",
            Sampler::Euler => "euler",
            Sampler::EulerAncestral => "euler_ancestral",
            Sampler::Heun => "heun",
            Sampler::Dpmpp2m => "dpmpp_2m",
            Sampler::Dpmpp2mSde => "dpmpp_2m_sde",
            Sampler::Dpmpp2sAncestral => "dpmpp_2s_ancestral",
            Sampler::DpmppSde => "dpmpp_sde",
            Sampler::Dpmpp3mSde => "dpmpp_3m_sde",
            Sampler::Dpm2 => "dpm_2",
            Sampler::Dpm2Ancestral => "dpm_2_ancestral",
            Sampler::Deis => "deis",
            Sampler::Ipndm => "ipndm",
            Sampler::Ddpm => "ddpm",
            Sampler::UniPc => "unipc",
            Sampler::Lcm => "lcm",
            Sampler::Tcd => "tcd",
        }
    }

    /// η where a request does not say: that of `step` of the class in diffusers.
    pub const fn default_eta(self) -> f64 {
        if matches!(self, Sampler::Tcd) { 0.3 } else { 0.0 }
    }

    /// Whether it is for models distilled for few steps, whose timesteps it uses.
    pub const fn is_for_few_steps(self) -> bool {
        matches!(self, Sampler::Lcm | Sampler::Tcd)
    }

    /// Whether within a step the latents that a mask keeps become as noisy as at its end, and not
    /// as the second evaluation expects them: so does `add_noise` of these classes in diffusers,
    /// whose list of levels has the end of each step twice and not its middle.
    pub const fn masks_by_step(self) -> bool {
        matches!(self, Sampler::Dpm2 | Sampler::Dpm2Ancestral)
    }

    /// The sampler that the schedule's file names, where that says that the model was distilled for
    /// it. Scheduler config: `_class_name`.
    pub fn made_for(schedule: &Schedule) -> Option<Sampler> {
        match schedule.class.as_deref() {
            Some("LCMScheduler") => Some(Sampler::Lcm),
            Some("TCDScheduler") => Some(Sampler::Tcd),
            _ => None,
        }
    }

    /// Whether its numbers may be those of another program than diffusers: it is one of
    /// k-diffusion's, or UniPC.
    pub const fn knows_programs(self) -> bool {
        self.abilities().sigmas && !matches!(self, Sampler::Deis)
    }

    /// Which settings it has.
    pub const fn abilities(self) -> Abilities {
        let plain = Abilities {
            eta: false,
            sigmas: false,
            final_sigmas: false,
            rescale_betas_zero_snr: false,
            spacing: true,
        };
        let in_sigma = Abilities { sigmas: true, ..plain };
        let zero_snr = Abilities { rescale_betas_zero_snr: true, ..plain };
        match self {
            Sampler::Ddim => Abilities { eta: true, ..zero_snr },
            Sampler::Pndm => plain,
            Sampler::Ddpm => zero_snr,
            Sampler::Euler | Sampler::EulerAncestral | Sampler::Dpmpp2mSde => {
                Abilities { sigmas: true, ..zero_snr }
            }
            Sampler::Dpmpp2m | Sampler::UniPc => {
                Abilities { sigmas: true, final_sigmas: true, ..zero_snr }
            }
            Sampler::Lcm => Abilities { spacing: false, ..zero_snr },
            Sampler::Tcd => Abilities { eta: true, spacing: false, ..zero_snr },
            _ => in_sigma,
        }
    }

    /// [`Sampler::plan_with`] with default options.
    ///
    /// # Errors
    /// As [`Sampler::plan_with`].
    pub fn plan(self, schedule: &Schedule, steps: usize) -> Result<Plan> {
        self.plan_with(schedule, steps, SamplerOptions::default())
    }

    /// The coefficients of a run of `steps` steps, as the class of diffusers gives them when it is
    /// made `from_config` of this schedule's file.
    ///
    /// # Errors
    /// [`Error::Request`] for numbers of steps that the schedule or the sampler does not have, for
    /// options that the sampler does not have, and where diffusers itself refuses or gets NaN or
    /// infinity.
    pub fn plan_with(
        self,
        schedule: &Schedule,
        steps: usize,
        options: SamplerOptions<'_>,
    ) -> Result<Plan> {
        self.check(schedule, &options)?;
        let SamplerOptions { spacing, left_out, strength, .. } = options;
        let as_in = if self.knows_programs() { options.as_in } else { AsIn::Diffusers };
        // This class of diffusers and other programs have no other sigmas, whatever the file says.
        let is_plain = self == Sampler::EulerAncestral || as_in != AsIn::Diffusers;
        let of_file = if is_plain { SigmaSchedule::Normal } else { schedule.sigma_schedule };
        let mut schedule = schedule.clone().with_sigmas(options.sigmas.unwrap_or(of_file));
        schedule.spacing = spacing.or(schedule.spacing);
        schedule.as_in = as_in;
        let is_rescaled = self.abilities().rescale_betas_zero_snr
            && options.rescale_betas_zero_snr.unwrap_or(schedule.rescale_betas_zero_snr);
        if is_rescaled {
            let last = if self.abilities().sigmas { NEARLY_ZERO } else { 0.0 };
            schedule = schedule.with_zero_snr(last);
        }
        let schedule = &schedule;
        let skipped = left_out.unwrap_or(0);
        if skipped > 0 && skipped >= steps {
            return refuse("strength", format!("leaves none of {steps} steps to be taken"));
        }
        let mut plan = self.formula(schedule, steps, &options)?;
        if (left_out.is_some() || strength.is_some()) && plan.init_signal == 0.0 {
            // PNDM has left out its steps itself, before it made evaluations of the timesteps.
            let rest = if self == Sampler::Pndm { 0 } else { skipped };
            let of_noise = plan.init_noise_sigma;
            plan = plan.without_steps(rest).with_picture();
            if as_in != AsIn::Diffusers && skipped == 0 {
                plan.init_noise_sigma = of_noise;
            }
        }
        if plan.is_finite() {
            return Ok(plan);
        }
        if is_rescaled && schedule.prediction() == Prediction::Epsilon {
            let reason = "needs a model that predicts v: from noise alone ε says nothing of x₀";
            return refuse("rescale betas zero snr", reason.into());
        }
        let reason = format!(
            "is too large for {self}: of its {steps} noise levels two are equal, and the formula \
             divides by their difference"
        );
        refuse("number of steps", reason)
    }

    /// The coefficients of all steps by its formula.
    ///
    /// # Errors
    /// [`Error::Request`] for numbers of steps that the schedule or the sampler does not have.
    fn formula(
        self,
        schedule: &Schedule,
        steps: usize,
        options: &SamplerOptions<'_>,
    ) -> Result<Plan> {
        let SamplerOptions { ends_at_sigma_min, strength, timesteps, .. } = *options;
        let eta = options.eta.unwrap_or(self.default_eta());
        let skipped = options.left_out.unwrap_or(0);
        let distilled = distilled::Choice { steps, strength, timesteps };
        match self {
            Sampler::Ddim => ddim::plan(schedule, steps, eta),
            Sampler::Pndm => pndm::plan(schedule, steps, skipped),
            Sampler::Lms => lms::plan(schedule, steps, skipped),
            Sampler::Euler => euler::plan(schedule, steps),
            Sampler::EulerAncestral => euler_ancestral::plan(schedule, steps),
            Sampler::Heun => heun::plan(schedule, steps),
            Sampler::Dpmpp2m => dpmpp_2m::plan(schedule, steps, skipped, ends_at_sigma_min),
            Sampler::Dpmpp2mSde => dpmpp_2m_sde::plan(schedule, steps, skipped),
            Sampler::Dpmpp2sAncestral => dpmpp_2s_ancestral::plan(schedule, steps),
            Sampler::DpmppSde => dpmpp_sde::plan(schedule, steps),
            Sampler::Dpmpp3mSde => dpmpp_3m_sde::plan(schedule, steps, skipped),
            Sampler::Dpm2 => dpm_2::plan(schedule, steps),
            Sampler::Dpm2Ancestral => dpm_2_ancestral::plan(schedule, steps),
            Sampler::Deis => deis::plan(schedule, steps, skipped),
            Sampler::Ipndm => ipndm::plan(schedule, steps, skipped),
            Sampler::Ddpm => ddpm::plan(schedule, steps),
            Sampler::UniPc if schedule.as_in != AsIn::Diffusers => {
                unipc_of_programs::plan(schedule, steps, skipped)
            }
            Sampler::UniPc => unipc::plan(schedule, steps, skipped, ends_at_sigma_min),
            Sampler::Lcm => lcm::plan(schedule, distilled),
            Sampler::Tcd => tcd::plan(schedule, eta, distilled),
        }
    }
}

fn refuse<T>(field: &'static str, reason: String) -> Result<T> {
    Err(Error::Request { field, reason })
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Sampler {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Sampler::ALL.into_iter().find(|sampler| sampler.name() == name).ok_or_else(|| {
            let names = Sampler::ALL.map(Sampler::name).join(", ");
            let reason = format!("`{name}` is not available; choose one of: {names}");
            Error::Request { field: "sampler", reason }
        })
    }
}
