//! Which of the training timesteps a run uses: table 2 of "Common Diffusion Noise Schedules and
//! Sample Steps are Flawed" (Lin et al., 2305.08891), computed as numpy does in diffusers.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How timesteps are chosen. Scheduler config: `timestep_spacing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spacing {
    /// Multiples of ⌊N / steps⌋ from 0, moved up by `steps_offset`.
    Leading,
    /// Evenly from 0 to N − 1, both included.
    Linspace,
    /// Multiples of N / steps downwards from N, minus 1.
    Trailing,
}

impl Spacing {
    /// All of them, in the order of a menu.
    pub const ALL: [Spacing; 3] = [Spacing::Leading, Spacing::Linspace, Spacing::Trailing];

    /// The name in requests and in scheduler configs.
    pub const fn name(self) -> &'static str {
        match self {
            Spacing::Leading => "leading",
            Spacing::Linspace => "linspace",
            Spacing::Trailing => "trailing",
        }
    }

    /// The timesteps of `steps` steps, out of `num_train_timesteps`, the noisiest first. Only those
    /// of `Linspace` may lie between the integers; `offset` is for `Leading` alone.
    pub(super) fn timesteps(
        self,
        num_train_timesteps: usize,
        steps: usize,
        offset: usize,
    ) -> Vec<f64> {
        let n = num_train_timesteps as f64;
        match self {
            Spacing::Leading => {
                let ratio = num_train_timesteps / steps;
                (0..steps).rev().map(|step| (step * ratio + offset) as f64).collect()
            }
            Spacing::Linspace => {
                let step = (n - 1.0) / (steps.max(2) - 1) as f64;
                // numpy sets the last value to the exact end, instead of the product.
                let at = |i| if i > 0 && i == steps - 1 { n - 1.0 } else { i as f64 * step };
                (0..steps).rev().map(at).collect()
            }
            Spacing::Trailing => {
                // numpy.arange(n, 0, -ratio), with differences rounded as in numpy. For some
                // numbers of steps numpy returns one timestep too many, -1; this code does not.
                let ratio = n / steps as f64;
                let difference = (n - ratio) - n;
                let at = |i| (n + i as f64 * difference).round_ties_even() - 1.0;
                (0..steps).map(at).collect()
            }
        }
    }
}

impl fmt::Display for Spacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Spacing {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Spacing::ALL.into_iter().find(|spacing| spacing.name() == name).ok_or_else(|| {
            let names = Spacing::ALL.map(Spacing::name).join(", ");
            let reason = format!("must be one of {names}, not `{name}`");
            Error::Request { field: "spacing", reason }
        })
    }
}
