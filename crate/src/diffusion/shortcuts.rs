//! Shortcuts: what the evaluations of a plan leave out to be faster. Without them every evaluation
//! is [`EvaluationKind::EXACT`].
//!
//! ```text
//! progress = 1 − timestep / (N − 1)             0 is noise alone, 1 the finished picture
//! guided where start ≤ progress ≤ end           "Applying Guidance in a Limited Interval"
//!                                               (Kynkäänniemi et al., 2404.07724)
//! cached: of each `interval` evaluations the    "DeepCache" (Ma, Fang, Wang, 2312.00858)
//! first computes the deep features, the others
//! reuse them
//! merged: a share of the tokens is averaged     "Token Merging" (Bolya, Hoffman, 2303.17604)
//! with others before self-attention
//! ```
//!
//! Progress depends on the timestep alone, so the guided interval has the same noise levels with
//! every sampler, every number of steps, and every start picture. The cache counts evaluations, not
//! steps: heun has two in a step. Where guidance begins or ends the features are computed again,
//! because their batch has another number of prompts.

use super::kind::{Deep, EvaluationKind};
use super::plan::Plan;

impl Plan {
    /// The plan with guidance only where the progress is in this interval; `num_train_timesteps` is
    /// N.
    #[must_use]
    pub fn guided_within(mut self, [start, end]: [f64; 2], num_train_timesteps: usize) -> Plan {
        let last = num_train_timesteps.saturating_sub(1).max(1) as f64;
        for evaluation in &mut self.evaluations {
            let progress = (1.0 - evaluation.timestep / last).clamp(0.0, 1.0);
            evaluation.kind.guided = (start..=end).contains(&progress);
        }
        self
    }

    /// The plan in which deep features are used for `interval` evaluations; with 1 every evaluation
    /// computes its own.
    #[must_use]
    pub fn cached(mut self, interval: usize) -> Plan {
        let all = &mut self.evaluations;
        let mut age = 0;
        for i in 0..all.len() {
            let of = |i: usize| (all[i].kind.guided, all[i].controls, all[i].texts);
            let same = i > 0 && of(i - 1) == of(i);
            age = if same && age + 1 < interval { age + 1 } else { 0 };
            if age > 0 {
                all[i].kind.deep = Deep::Reused;
            }
            if age == 1 {
                all[i - 1].kind.deep = Deep::Kept;
            }
        }
        self
    }

    /// The plan with so many of 1000 tokens merged in every evaluation.
    #[must_use]
    pub fn merging(mut self, merged_per_mille: u32) -> Plan {
        self.evaluations
            .iter_mut()
            .for_each(|evaluation| evaluation.kind.merged_per_mille = merged_per_mille);
        self
    }

    /// The kinds of its evaluations, each once, in order of first appearance.
    pub fn kinds(&self) -> Vec<EvaluationKind> {
        let mut kinds = Vec::new();
        for evaluation in &self.evaluations {
            if !kinds.contains(&evaluation.kind) {
                kinds.push(evaluation.kind);
            }
        }
        kinds
    }
}
