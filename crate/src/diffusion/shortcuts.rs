//! What the evaluations of a plan leave out to be faster. Without that every evaluation is
//! [`EvaluationKind::EXACT`].
//!
//! ```text
//! way   = 1 − timestep / (N − 1)                0 is noise alone, 1 the finished picture
//! guided where start ≤ way ≤ end                "Applying Guidance in a Limited Interval"
//!                                               (Kynkäänniemi et al., 2404.07724)
//! cached: of each `interval` evaluations the    "DeepCache" (Ma, Fang, Wang, 2312.00858)
//! first makes the deep features, the others
//! take them from it
//! merged: a share of the tokens attends          "Token Merging" (Bolya, Hoffman, 2303.17604)
//! to nothing of its own
//! ```
//!
//! The interval is one of noise levels: whatever the sampler, its steps, or the picture that a run
//! begins with, it is the same part of the way. What is counted for the cache are evaluations: of
//! a sampler that evaluates twice a step, like heun, each counts. Where guidance begins or ends the
//! features are made anew, since those of another number of prompts do not fit.

use super::kind::{Deep, EvaluationKind};
use super::plan::Plan;

impl Plan {
    /// The run with guidance only between these parts of the way; `trained` is N.
    #[must_use]
    pub fn guided_within(mut self, [start, end]: [f64; 2], trained: usize) -> Plan {
        let last = trained.saturating_sub(1).max(1) as f64;
        for evaluation in &mut self.evaluations {
            let way = (1.0 - evaluation.timestep / last).clamp(0.0, 1.0);
            evaluation.kind.guided = (start..=end).contains(&way);
        }
        self
    }

    /// The run with deep features that serve `interval` evaluations; 1 is none but their own.
    #[must_use]
    pub fn cached(mut self, interval: usize) -> Plan {
        let all = &mut self.evaluations;
        let mut age = 0;
        for i in 0..all.len() {
            let same = i > 0 && all[i - 1].kind.guided == all[i].kind.guided;
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

    /// The run with so many of a thousand tokens merged in every evaluation.
    #[must_use]
    pub fn merging(mut self, merged: u32) -> Plan {
        self.evaluations.iter_mut().for_each(|evaluation| evaluation.kind.merged = merged);
        self
    }

    /// The kinds of its evaluations, in the order in which they first come.
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
