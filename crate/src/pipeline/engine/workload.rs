//! What a run asks of an engine at once, and what was planned for it.

use super::residency::Residency;
use crate::diffusion::{EvaluationKind, Plan};

/// What a run of three steps or more is to hold at once; previews of latents come on top, with two
/// read-backs of them and what they are computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Prompts of a picture: two with guidance.
    pub prompts: usize,
    /// Chunks of 77 ids of a prompt: one, or more for a long prompt.
    pub chunks: usize,
    /// Pictures that the UNet works on together.
    pub pictures: usize,
    /// What the UNet's evaluations are.
    pub kinds: Kinds,
}

/// The kinds of a run's evaluations, in order; a pair of kinds that has followed one another before
/// is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds([Option<EvaluationKind>; KINDS_MAX]);

/// The most changes from one kind to the next that a run has: the first evaluation; four between
/// deep features made, kept and reused, in each of three stretches (unguided, guided, unguided
/// again); and two between the stretches.
const KINDS_MAX: usize = 15;

impl Kinds {
    /// All evaluations are exact. Two of them: the second is submitted before the first is read
    /// back, which is the peak of memory.
    pub const EXACT: Kinds = {
        let mut kinds = [None; KINDS_MAX];
        (kinds[0], kinds[1]) = (Some(EvaluationKind::EXACT), Some(EvaluationKind::EXACT));
        Kinds(kinds)
    };

    /// Those of a plan.
    pub fn of(plan: &Plan) -> Kinds {
        if plan.kinds() == [EvaluationKind::EXACT] {
            return Kinds::EXACT;
        }
        let (mut turns, mut before) = (Vec::new(), None);
        for evaluation in &plan.evaluations {
            let turn = (before.replace(evaluation.kind), evaluation.kind);
            if !turns.contains(&turn) {
                turns.push(turn);
            }
        }
        let mut kinds = [None; KINDS_MAX];
        for (place, (_, kind)) in kinds.iter_mut().zip(turns) {
            *place = Some(kind);
        }
        Kinds(kinds)
    }

    /// Of a thousand tokens, those merged.
    pub(in crate::pipeline) fn merged(self) -> u32 {
        self.to_vec().first().map_or(0, |kind| kind.merged)
    }

    /// In their order.
    pub(in crate::pipeline) fn to_vec(self) -> Vec<EvaluationKind> {
        self.0.into_iter().flatten().collect()
    }
}

/// What dry runs have found out of a load: how many pictures fit at once, and in which way.
#[derive(Clone, Copy)]
pub(in crate::pipeline) struct Fit {
    pub load: Load,
    pub pictures: usize,
    pub residency: Residency,
}
