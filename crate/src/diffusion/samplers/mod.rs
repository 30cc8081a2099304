//! The samplers. Each file turns the formula of one into coefficients.

mod ddim;
mod distilled;
mod dpmpp_2m;
mod dpmpp_2m_sde;
mod euler;
mod euler_ancestral;
mod heun;
mod lcm;
mod lms;
mod pndm;
mod sigmas;
mod tcd;
mod terms;
mod unipc;

use std::fmt;
use std::str::FromStr;

use super::plan::Plan;
use super::schedule::Schedule;
use super::spacing::Spacing;
use crate::error::{Error, Result};
use serde::Serialize;

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
    /// Predictor and corrector of the second order.
    UniPc,
    /// Latent consistency, for models distilled for it.
    Lcm,
    /// Trajectory consistency, for models distilled for it.
    Tcd,
}

/// What a sampler's plan depends on besides the number of steps.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SamplerOptions<'a> {
    /// η of DDIM and TCD: 0 adds no noise; 1 as much as the reverse chain does, or with TCD all of
    /// the next level's. `None`: [`Sampler::default_eta`].
    pub eta: Option<f64>,
    /// Whether to use Karras sigmas; `None`: as the schedule's file says.
    pub karras: Option<bool>,
    /// For DPM++ 2M and UniPC: end at the smallest σ of training and not at 0. diffusers:
    /// `final_sigmas_type="sigma_min"`
    pub ends_at_sigma_min: bool,
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
}

/// Which settings a sampler has. It refuses the others, and the page's form offers only these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// A choice of the noise added in each step, [`SamplerOptions::eta`].
    pub eta: bool,
    /// Karras sigmas, [`SamplerOptions::karras`]; without it the sigmas are those of the timesteps.
    pub karras: bool,
    /// An end at the smallest σ of training, [`SamplerOptions::ends_at_sigma_min`].
    pub sigma_min: bool,
    /// A choice of [`Spacing`]; without it the sampler has its own timesteps.
    pub spacing: bool,
}

impl Sampler {
    /// All of them, in the order of a menu.
    pub const ALL: [Sampler; 11] = [
        Sampler::Ddim,
        Sampler::Pndm,
        Sampler::Lms,
        Sampler::Euler,
        Sampler::EulerAncestral,
        Sampler::Heun,
        Sampler::Dpmpp2m,
        Sampler::Dpmpp2mSde,
        Sampler::UniPc,
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

    /// The sampler that the schedule's file names, where that says that the model was distilled for
    /// it. Scheduler config: `_class_name`.
    pub fn made_for(schedule: &Schedule) -> Option<Sampler> {
        match schedule.class.as_deref() {
            Some("LCMScheduler") => Some(Sampler::Lcm),
            Some("TCDScheduler") => Some(Sampler::Tcd),
            _ => None,
        }
    }

    /// Which settings it has.
    pub const fn abilities(self) -> Abilities {
        let plain = Abilities { eta: false, karras: false, sigma_min: false, spacing: true };
        match self {
            Sampler::Ddim => Abilities { eta: true, ..plain },
            Sampler::Pndm | Sampler::EulerAncestral => plain,
            Sampler::Lms | Sampler::Euler | Sampler::Heun => Abilities { karras: true, ..plain },
            Sampler::Dpmpp2m => Abilities { karras: true, sigma_min: true, ..plain },
            Sampler::Dpmpp2mSde => Abilities { karras: true, ..plain },
            Sampler::UniPc => Abilities { karras: true, sigma_min: true, ..plain },
            Sampler::Lcm => Abilities { spacing: false, ..plain },
            Sampler::Tcd => Abilities { eta: true, spacing: false, ..plain },
        }
    }

    /// Whether it can use Karras sigmas.
    pub const fn knows_karras(self) -> bool {
        self.abilities().karras
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
        let SamplerOptions { karras, spacing, ends_at_sigma_min, left_out, strength, .. } = options;
        let eta = options.eta.unwrap_or(self.default_eta());
        let mut schedule = schedule.clone().with_karras(karras.unwrap_or(schedule.karras));
        schedule.spacing = spacing.or(schedule.spacing);
        let schedule = &schedule;
        let distilled = distilled::Choice { steps, strength, timesteps: options.timesteps };
        let skipped = left_out.unwrap_or(0);
        if skipped > 0 && skipped >= steps {
            return refuse("strength", format!("leaves none of {steps} steps to be taken"));
        }
        let mut plan = match self {
            Sampler::Ddim => ddim::plan(schedule, steps, eta),
            Sampler::Pndm => pndm::plan(schedule, steps, skipped),
            Sampler::Lms => lms::plan(schedule, steps, skipped),
            Sampler::Euler => euler::plan(schedule, steps),
            Sampler::EulerAncestral => euler_ancestral::plan(schedule, steps),
            Sampler::Heun => heun::plan(schedule, steps),
            Sampler::Dpmpp2m => dpmpp_2m::plan(schedule, steps, skipped, ends_at_sigma_min),
            Sampler::Dpmpp2mSde => dpmpp_2m_sde::plan(schedule, steps, skipped),
            Sampler::UniPc => unipc::plan(schedule, steps, skipped, ends_at_sigma_min),
            Sampler::Lcm => lcm::plan(schedule, distilled),
            Sampler::Tcd => tcd::plan(schedule, eta, distilled),
        }?;
        if left_out.is_some() || strength.is_some() {
            // PNDM has left out its steps itself, before it made evaluations of the timesteps.
            let rest = if self == Sampler::Pndm { 0 } else { skipped };
            plan = plan.without_steps(rest).with_picture();
        }
        if plan.is_finite() {
            return Ok(plan);
        }
        let reason = format!(
            "is too large for {self}: of its {steps} noise levels two are equal, and the formula \
             divides by their difference"
        );
        refuse("number of steps", reason)
    }

    /// Refuses options that this sampler does not have.
    fn check(self, schedule: &Schedule, options: &SamplerOptions<'_>) -> Result<()> {
        let SamplerOptions { karras, spacing, ends_at_sigma_min, strength, .. } = *options;
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
        if karras == Some(true) && !can.karras {
            return refuse("karras", format!("is not for {self}, which keeps the training times"));
        }
        if ends_at_sigma_min && !can.sigma_min {
            let those = Sampler::names_of(|can| can.sigma_min);
            return refuse("last sigma", format!("is for {those}; {self} ends at 0"));
        }
        if self == Sampler::UniPc && !schedule.lower_order_final && !ends_at_sigma_min {
            let reason = "cannot be unipc with this model: its scheduler_config.json says no to \
                          lower_order_final, and the last step divides by zero";
            return refuse("sampler", reason.into());
        }
        if options.timesteps.is_some() && !self.is_for_few_steps() {
            return refuse("timesteps", format!("are for lcm and tcd alone; {self} has its own"));
        }
        if spacing.is_some() && !can.spacing {
            return refuse("spacing", format!("is not for {self}, which has times of its own"));
        }
        Ok(())
    }

    /// The names of the samplers with this ability, joined for a sentence.
    fn names_of(ability: fn(Abilities) -> bool) -> String {
        let those = Sampler::ALL.into_iter().filter(|sampler| ability(sampler.abilities()));
        those.map(Sampler::name).collect::<Vec<_>>().join(" and ")
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
