//! The workload of a batch, and the plan for it.

use super::residency::Residency;
use crate::diffusion::{EvaluationKind, Plan};

/// All that the memory of a batch depends on, for three steps or more. Previews of latents need
/// some more: two readback buffers and the arrays that they are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// The number of prompts of a picture: two with guidance.
    pub prompts: usize,
    /// The number of chunks (of 77 ids) of a prompt: one, or more for a long prompt.
    pub chunks: usize,
    /// The number of pictures that the UNet evaluates together.
    pub pictures: usize,
    /// The kinds of the UNet's evaluations.
    pub kinds: Kinds,
    /// Whether a picture is encoded first: it begins with one, or edits one.
    pub begins: bool,
}

/// The kinds of a run's evaluations, and what they see. Each different pair of (previous kind,
/// kind) has one entry, in order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    pairs: [Option<EvaluationKind>; KINDS_MAX],
    /// The texts of the prompts.
    pub texts: Texts,
}

/// The texts of a run's prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    /// How many of the prompts are not negative: the parts of a prompt with `AND`.
    pub parts: usize,
    /// How many different texts are encoded, where they change from step to step; 0 where each
    /// prompt has one.
    pub encoded: usize,
    /// How many different contexts they make.
    pub contexts: usize,
    /// Chunks that are encoded beside them: the empty prompt, which weights may refer to.
    pub beside: usize,
}

impl Texts {
    /// Of prompts that do not change and have no parts.
    pub const USUAL: Texts = Texts { parts: 1, encoded: 0, contexts: 1, beside: 0 };
}

/// The most different pairs of (previous kind, kind): 1 for the first evaluation; 6 pairs of made,
/// kept and reused deep features in each of 3 stretches (unguided, guided, unguided again); and 2
/// between the stretches.
const KINDS_MAX: usize = 21;

impl Kinds {
    /// All evaluations are exact. There are two entries, because memory has its peak when the
    /// second evaluation is submitted and the first is not read back yet.
    pub const EXACT: Kinds = {
        let mut kinds = [None; KINDS_MAX];
        (kinds[0], kinds[1]) = (Some(EvaluationKind::EXACT), Some(EvaluationKind::EXACT));
        Kinds { pairs: kinds, texts: Texts::USUAL }
    };

    /// The kinds of a plan.
    pub fn of(plan: &Plan) -> Kinds {
        if plan.kinds() == [EvaluationKind::EXACT] {
            return Kinds::EXACT;
        }
        let (mut pairs, mut before) = (Vec::new(), None);
        for evaluation in &plan.evaluations {
            let pair = (before.replace(evaluation.kind), evaluation.kind);
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        let mut kinds = [None; KINDS_MAX];
        for (place, (_, kind)) in kinds.iter_mut().zip(pairs) {
            *place = Some(kind);
        }
        Kinds { pairs: kinds, texts: Texts::USUAL }
    }

    /// The same with other texts.
    #[must_use]
    pub fn seeing(self, texts: Texts) -> Kinds {
        Kinds { texts, ..self }
    }

    /// How many of 1000 tokens are merged, the same in all evaluations.
    pub(in crate::pipeline) fn merged_per_mille(self) -> u32 {
        self.to_vec().first().map_or(0, |kind| kind.merged_per_mille)
    }

    /// Whether a mask keeps latents, in all evaluations alike.
    pub(in crate::pipeline) fn are_masked(self) -> bool {
        self.to_vec().first().is_some_and(|kind| kind.masked)
    }

    /// The kinds in order.
    pub(in crate::pipeline) fn to_vec(self) -> Vec<EvaluationKind> {
        self.pairs.into_iter().flatten().collect()
    }
}

/// The plan of a workload, from dry runs: how many pictures fit at once, and the residency.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct PlannedWorkload {
    pub load: Workload,
    pub pictures: usize,
    pub residency: Residency,
    /// The most bytes that are held at one moment.
    pub peak: u64,
    /// The smallest budget that is used without being asked for.
    pub least: u64,
}
