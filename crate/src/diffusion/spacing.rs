//! Which of the training times a run visits: table 2 of "Common Diffusion Noise Schedules and
//! Sample Steps are Flawed" (Lin et al., 2305.08891), computed as numpy does in diffusers.

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
    /// The timesteps of `steps` steps out of `trained`, the noisiest first. Only `Linspace` goes
    /// between the integers; `offset` counts for `Leading` alone.
    pub(super) fn timesteps(self, trained: usize, steps: usize, offset: usize) -> Vec<f64> {
        let n = trained as f64;
        match self {
            Spacing::Leading => {
                let ratio = trained / steps;
                (0..steps).rev().map(|step| (step * ratio + offset) as f64).collect()
            }
            Spacing::Linspace => {
                let step = (n - 1.0) / (steps.max(2) - 1) as f64;
                // numpy sets the end itself, instead of trusting the product.
                let at = |i| if i > 0 && i == steps - 1 { n - 1.0 } else { i as f64 * step };
                (0..steps).rev().map(at).collect()
            }
            Spacing::Trailing => {
                // numpy.arange(n, 0, -ratio), with the difference as it rounds it. For a few
                // numbers of steps that function gives one time too many, -1; not so here.
                let ratio = n / steps as f64;
                let difference = (n - ratio) - n;
                let at = |i| (n + i as f64 * difference).round_ties_even() - 1.0;
                (0..steps).map(at).collect()
            }
        }
    }
}
