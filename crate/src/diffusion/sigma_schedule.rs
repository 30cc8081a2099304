//! Which noise levels σ a run steps over, between the largest and the smallest. The formulas are in
//! [`super::samplers`].

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How the noise levels of a run are chosen; the names are those that other programs share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SigmaSchedule {
    /// Those of the timesteps, which a [`Spacing`](super::Spacing) chooses.
    #[default]
    Normal,
    /// Evenly in σ^⅐: "Elucidating the Design Space of Diffusion-Based Generative Models" (Karras
    /// et al., 2206.00364). Scheduler config: `use_karras_sigmas`.
    Karras,
    /// Evenly in ln σ. Scheduler config: `use_exponential_sigmas`.
    Exponential,
    /// By the quantiles of a beta distribution: "Beta Sampling is All You Need" (Lee et al.,
    /// 2407.12173), over σ as in diffusers. Scheduler config: `use_beta_sigmas`.
    Beta,
    /// Those of n + 1 timesteps, evenly from the last to the first, without the first.
    SgmUniform,
    /// Those of n whole timesteps, evenly from the last downwards.
    Simple,
    /// "Align Your Steps" (Sabour et al., 2404.14507): a table for Stable Diffusion 1, interpolated
    /// in ln σ. diffusers: `AysSchedules`.
    Ays,
    /// Evenly in arctan σ: the optimum of a bound on the KL divergence, in the same paper.
    KlOptimal,
}

impl SigmaSchedule {
    /// All of them, in the order of a menu.
    pub const ALL: [SigmaSchedule; 8] = [
        SigmaSchedule::Normal,
        SigmaSchedule::Karras,
        SigmaSchedule::Exponential,
        SigmaSchedule::Beta,
        SigmaSchedule::SgmUniform,
        SigmaSchedule::Simple,
        SigmaSchedule::Ays,
        SigmaSchedule::KlOptimal,
    ];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            SigmaSchedule::Normal => "normal",
            SigmaSchedule::Karras => "karras",
            SigmaSchedule::Exponential => "exponential",
            SigmaSchedule::Beta => "beta",
            SigmaSchedule::SgmUniform => "sgm_uniform",
            SigmaSchedule::Simple => "simple",
            SigmaSchedule::Ays => "ays",
            SigmaSchedule::KlOptimal => "kl_optimal",
        }
    }

    /// Whether its levels follow from those of the spaced timesteps; the others have timesteps of
    /// their own, without a choice of [`Spacing`](super::Spacing).
    pub const fn is_spaced(self) -> bool {
        matches!(
            self,
            SigmaSchedule::Normal
                | SigmaSchedule::Karras
                | SigmaSchedule::Exponential
                | SigmaSchedule::Beta
        )
    }
}

impl fmt::Display for SigmaSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SigmaSchedule {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        SigmaSchedule::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
            let names = SigmaSchedule::ALL.map(SigmaSchedule::name).join(", ");
            let reason = format!("must be one of {names}, not `{name}`");
            Error::Request { field: "sigmas", reason }
        })
    }
}
