//! The options of an opened model.

use super::device_memory::DeviceMemory;
use super::residency::Residency;
use crate::dtype::{Precision, WeightType};
use crate::pipeline::checkpoint::{BesideVae, DecoderChoice, NamedEmbedding, Weighted};

/// The options of an opened model.
#[derive(Debug, Clone)]
pub struct Options {
    /// The precision of activations.
    pub precision: Precision,
    /// The type of weights; `None`: as in the files.
    pub weights: Option<WeightType>,
    /// Whether the model's safety checker, if it has one, checks every picture.
    pub safety: bool,
    /// The budget of graphics memory in bytes, for weights and everything else; `None`:
    /// [`DeviceMemory::budget`]. Where nothing fits it, the residency with the lowest peak is used.
    pub memory: Option<u64>,
    /// What is known of the device's memory, for the budget that is used without `memory`.
    pub device_memory: DeviceMemory,
    /// A fixed residency; `None`: chosen by the memory budget.
    pub residency: Option<Residency>,
    /// Whether the same request gives the same bytes each time on the same adapter, as long as this
    /// can hold the same plan: one that takes less memory may change a picture by 1/255. Then the
    /// kernels are the defaults of the adapter's kind, and batch size and bands are planned within
    /// WebGPU's default limits; the device's own limits are used only if nothing fits these.
    /// Otherwise the kernels are those that the tuner chose
    /// ([`tuner::tune`](crate::measure::tuner::tune)), which may change a picture by 1/255.
    pub reproducible: bool,
    /// LoRAs that are added to the weights while these are loaded, one after another.
    pub loras: Vec<Weighted>,
    /// A TAESD, which decodes previews, and on wish pictures.
    pub taesd: Option<BesideVae>,
    /// Textual inversions, which prompts may call.
    pub embeddings: Vec<NamedEmbedding>,
}

impl Default for Options {
    /// f32 activations, weights as in the files, checked and reproducible pictures.
    fn default() -> Self {
        Options {
            precision: Precision::default(),
            weights: None,
            safety: true,
            memory: None,
            device_memory: DeviceMemory::default(),
            residency: None,
            reproducible: true,
            loras: Vec::new(),
            taesd: None,
            embeddings: Vec::new(),
        }
    }
}

impl Options {
    /// Whether activations are f32 and weights as in the files, which is all that the CPU supports;
    /// other options are not checked here.
    pub fn is_plain(&self) -> bool {
        (self.precision, self.weights) == (Precision::F32, None)
    }

    /// Who decodes pictures; the VAE where there is no TAESD.
    pub fn decoder(&self) -> DecoderChoice {
        self.taesd.as_ref().map_or(DecoderChoice::Vae, |beside| beside.decoder)
    }
}
