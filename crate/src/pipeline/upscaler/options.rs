//! How an upscaler is opened, and what is the same on both devices.

use crate::dtype::{Precision, WeightType};

/// Bytes that all of it may take, unless told otherwise.
pub(super) const MEMORY: u64 = 600_000_000;
/// Sides of tiles, in pixels of the small picture; multiples of every `unshuffle`.
pub(super) const TILES: [u32; 8] = [512, 384, 256, 192, 160, 128, 96, 64];
/// Its name in progress events.
pub(super) const PART: &str = "upscaler";

/// How an upscaler is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpscalerOptions {
    /// How activations are stored.
    pub precision: Precision,
    /// How weights are stored; as in the file where `None`.
    pub weights: Option<WeightType>,
    /// Bytes of the GPU that all of it may take; 600 MB where `None`.
    pub memory: Option<u64>,
}
