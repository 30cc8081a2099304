//! How a model is held and run.

use super::residency::Residency;
use crate::dtype::{Precision, WeightType};
use crate::pipeline::checkpoint::Weighted;

/// How a model is held and run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Of activations.
    pub precision: Precision,
    /// Of weights; without it as the files have them.
    pub weights: Option<WeightType>,
    /// Whether the model's safety checker, if it has one, looks at every picture.
    pub safety: bool,
    /// Bytes of graphics memory that weights and work may take, all in all, where that is possible;
    /// without it, what [`Residency::budget`] says.
    pub memory: Option<u64>,
    /// This way to keep parts and to decode, and no other; without it, what fits the memory.
    pub residency: Option<Residency>,
    /// Whether a picture depends on nothing that differs between openings: kernels are the fixed
    /// ones of the adapter's kind, and how many pictures go together, and bands, are planned
    /// within WebGPU's default limits; the device's own only where nothing fits these. The same
    /// request then gives the same bytes on the same adapter. Otherwise kernels are those that were
    /// chosen for it ([`tuner::tune`](crate::measure::tuner::tune)), which may differ by 1/255.
    pub reproducible: bool,
    /// LoRAs that change the weights while they are loaded, one after the other.
    pub loras: Vec<Weighted>,
}

impl Default for Options {
    /// f32 activations, weights as in the files, checked and reproducible pictures.
    fn default() -> Self {
        Options {
            precision: Precision::default(),
            weights: None,
            safety: true,
            memory: None,
            residency: None,
            reproducible: true,
            loras: Vec::new(),
        }
    }
}

impl Options {
    /// Whether all is stored as it comes, the only way of the CPU; the other options do not matter
    /// here.
    pub fn is_plain(&self) -> bool {
        (self.precision, self.weights) == (Precision::F32, None)
    }
}
