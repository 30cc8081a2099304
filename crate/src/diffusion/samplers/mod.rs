//! The samplers: each one file, a formula turned into coefficients.

mod ddim;
mod euler;

use std::fmt;
use std::str::FromStr;

use super::plan::Plan;
use super::schedule::Schedule;
use crate::error::{Error, Result};

/// A rule for stepping from noise to a picture. Names are those of k-diffusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sampler {
    /// Denoising diffusion implicit models, without added noise (η = 0).
    #[default]
    Ddim,
    /// Euler's method on the probability-flow equation in σ.
    Euler,
}

impl Sampler {
    /// All of them, in the order of a menu.
    pub const ALL: [Sampler; 2] = [Sampler::Ddim, Sampler::Euler];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Sampler::Ddim => "ddim",
            Sampler::Euler => "euler",
        }
    }

    /// The coefficients of a run of `steps` steps, as the class of diffusers gives them when it is
    /// made `from_config` of this schedule's file.
    ///
    /// # Errors
    /// [`Error::Request`] for a number of steps that the schedule does not have.
    pub fn plan(self, schedule: &Schedule, steps: usize) -> Result<Plan> {
        match self {
            Sampler::Ddim => ddim::plan(schedule, steps),
            Sampler::Euler => euler::plan(schedule, steps),
        }
    }
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
