//! What an evaluation of the UNet computes, and what it leaves out to be faster.
//! [`super::Plan::guided_within`], [`super::Plan::cached`] and [`super::Plan::merging`] set it;
//! without them every evaluation is [`EvaluationKind::EXACT`].

use super::freeu::FreeU;

/// Which parts of an evaluation are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EvaluationKind {
    /// Whether the prediction is guided; without guidance only the prompt is evaluated, not the
    /// negative prompt.
    pub guided: bool,
    /// What is done with the UNet's deep features.
    pub deep: Deep,
    /// How many of 1000 tokens of the highest resolution are merged into others for self-attention.
    pub merged_per_mille: u32,
    /// Whether what a mask keeps is put back after it; see [`super::Plan::with_mask`].
    pub masked: bool,
    /// What the up path scales, in all evaluations alike.
    pub freeu: Option<FreeU>,
}

/// The features of a UNet below its outermost layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deep {
    /// Computed for this evaluation alone.
    Made,
    /// Computed, and kept for the next evaluations.
    Kept,
    /// Those that an earlier evaluation has kept.
    Reused,
}

impl EvaluationKind {
    /// The whole UNet, with guidance and without any shortcut.
    pub const EXACT: EvaluationKind = EvaluationKind {
        guided: true,
        deep: Deep::Made,
        merged_per_mille: 0,
        masked: false,
        freeu: None,
    };
}
