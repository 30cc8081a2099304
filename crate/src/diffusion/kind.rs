//! What an evaluation of the UNet computes, and what it leaves out to be faster; see
//! [`super::Plan::cached`] and its like. Without that every evaluation is
//! [`EvaluationKind::EXACT`].

/// Which parts of an evaluation are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EvaluationKind {
    /// Whether the prediction is guided; without it the prompt's half alone is evaluated.
    pub guided: bool,
    /// What becomes of the UNet's deep features.
    pub deep: Deep,
    /// Of a thousand tokens of the highest resolution, those merged into others for self-attention.
    pub merged: u32,
}

/// The features of a UNet below its outermost layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deep {
    /// Made, and used at once.
    Made,
    /// Made, and kept for the next evaluation.
    Kept,
    /// Those that an evaluation before has kept.
    Reused,
}

impl EvaluationKind {
    /// All of it, for this evaluation alone.
    pub const EXACT: EvaluationKind = EvaluationKind { guided: true, deep: Deep::Made, merged: 0 };
}
