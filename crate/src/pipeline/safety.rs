//! The safety checker of a model that has one: it sees every finished picture before anyone else,
//! and a picture that it flags is black when it leaves the crate.
//!
//! ```text
//! model_index.json                              names it
//! safety_checker/config.json                    and model.safetensors
//! feature_extractor/preprocessor_config.json    how a picture is made ready for it
//! ```
//!
//! It is loaded with the rest of the model, not when it is first needed: then whatever is wrong
//! with its files is told before a picture has been waited for. Whoever switches it off pays
//! nothing. It always computes in f32, and its weights are never coarser than f16, so that its
//! verdict does not depend on the precision chosen.

use super::configs::{CONFIG_BYTES_MAX, INDEX, text};
use super::control::{Control, Progress};
use super::dry::{Phase, phase};
use super::model::weight_type;
use super::part_file::weights;
use crate::dtype::{Precision, WeightType};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Limits};
use crate::image::Rgba;
use crate::json::from_python;
use crate::models::clip::ImageProcessor;
use crate::models::safety::{Concepts, SafetyChecker, SafetyConfig};
use crate::nn::{Loader, Scope};
use crate::reference::{SafetyNetwork, Weights};
use crate::tensor::Tensor;
use crate::weights::{Archive, Source, read_all};
use serde::Serialize;
use serde_json::Value;
use std::rc::Rc;

const CONFIG: &str = "safety_checker/config.json";
const PROCESSOR: &str = "feature_extractor/preprocessor_config.json";
const PART: &str = "safety_checker";
const CLASS: &str = "StableDiffusionSafetyChecker";

/// Whether a picture was looked at, and with what result. In JSON the name in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Safety {
    /// The checker found nothing.
    Passed,
    /// The checker found something: the picture is black.
    Flagged,
    /// The checker was switched off.
    Off,
    /// The model has no checker.
    Missing,
}

impl Safety {
    /// The result as a sentence's end.
    pub fn text(self) -> &'static str {
        match self {
            Safety::Passed => "checked, nothing found",
            Safety::Flagged => "checked, replaced by black",
            Safety::Off => "not checked: switched off",
            Safety::Missing => "not checked: this model has none",
        }
    }
}

/// What the user is told of a flagged picture.
pub(super) const FLAGGED: &str = "The model's safety checker holds this picture for one that \
    should not be shown, so it is black. Try another prompt or another seed.";

/// The checker's configs and the header of its weights.
pub struct SafetyFiles {
    config: SafetyConfig,
    processor: ImageProcessor,
    archive: Rc<Archive>,
}

/// A checker, ready to look at pictures.
pub(super) struct Checker {
    processor: ImageProcessor,
    concepts: Concepts,
    network: Network,
    /// The file of its weights, for complaints.
    file: String,
}

/// Where its network is.
enum Network {
    Gpu(Gpu, Box<SafetyChecker>),
    Cpu(Box<SafetyNetwork>),
}

impl SafetyFiles {
    /// Reads configs and header; nothing when the model is a single file, when its index names no
    /// checker, or when the checker's folder is not there: it need not be fetched.
    ///
    /// # Errors
    /// Files that are damaged, not supported, or contradict one another.
    pub async fn open(source: &dyn Source) -> Result<Option<SafetyFiles>> {
        if source.checkpoint().is_some() || !named(source).await? {
            return Ok(None);
        }
        let config = match text(source, CONFIG).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            other => SafetyConfig::parse(CONFIG, &other?)?,
        };
        let processor = ImageProcessor::parse(PROCESSOR, &text(source, PROCESSOR).await?)?;
        let (made, wanted) = (processor.output_size(), config.vision.image_size);
        if made != wanted {
            return Err(Error::Config {
                file: PROCESSOR.into(),
                field: "crop_size".into(),
                reason: format!("is {made}, but the safety checker looks at {wanted} pixels"),
            });
        }
        let archive = weights(source, PART, "model").await?;
        Ok(Some(SafetyFiles { config, processor, archive }))
    }

    /// The same when the checker is wanted; if there is none to come, why.
    pub(super) async fn open_if(
        wanted: bool,
        source: &dyn Source,
    ) -> Result<Result<SafetyFiles, Safety>> {
        if !wanted {
            return Ok(Err(Safety::Off));
        }
        Ok(SafetyFiles::open(source).await?.ok_or(Safety::Missing))
    }

    /// Runs the network once without a GPU, within the limits of an adapter: the bytes of its
    /// weights, and what looking at a picture costs.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] when it does not fit.
    pub async fn dry_run(
        &self,
        weights: Option<WeightType>,
        limits: Limits,
    ) -> Result<(u64, Phase)> {
        let gpu = Gpu::dry_within(limits, false);
        let weights = floats(weights).unwrap_or_else(|| weight_type(&self.archive));
        let network = SafetyChecker::new(&Scope::without_file(&gpu, weights), &self.config)?;
        let weight_bytes = gpu.stats().bytes_alive;
        gpu.reset_stats();
        let side = self.config.vision.image_size;
        drop(network.image_embeds(&Tensor::empty(&gpu, [1, side, side, 4], Precision::F32)));
        Ok((weight_bytes, phase("safety checker", &gpu).await?))
    }

    /// Brings the checker to the GPU.
    ///
    /// # Errors
    /// As [`Files::load`](super::Files::load), and a network that does not fit the adapter.
    pub(super) async fn load(
        self,
        gpu: &Gpu,
        source: &dyn Source,
        weights: Option<WeightType>,
        control: &Control,
    ) -> Result<Checker> {
        self.dry_run(weights, gpu.limits()).await?;
        let scope = Scope::open(gpu, self.archive.clone(), floats(weights));
        let network = SafetyChecker::new(&scope, &self.config)?;
        let mut progress = |bytes_done, bytes_total| {
            control.tell(Progress::Loading { part: PART.into(), bytes_done, bytes_total });
            control.check()
        };
        Loader::new(&scope).run(source, &mut progress).await?;
        let concepts = network.concepts();
        Ok(self.checker(concepts, Network::Gpu(gpu.clone(), Box::new(network))))
    }

    /// Builds the checker on the CPU.
    ///
    /// # Errors
    /// As [`SafetyFiles::load`].
    pub(super) async fn load_on_cpu(
        self,
        source: &dyn Source,
        control: &Control,
    ) -> Result<Checker> {
        let bytes_total = self.archive.tensors().iter().map(|t| t.range.end - t.range.start).sum();
        let mut progress = |bytes_done| {
            control.tell(Progress::Loading { part: PART.into(), bytes_done, bytes_total });
            control.check()
        };
        // It has no table that may leave rows out.
        let weights = Weights::read(source, &self.archive, 0, &mut progress).await?;
        let (network, concepts) = SafetyNetwork::load(weights, &self.config)?;
        Ok(self.checker(concepts, Network::Cpu(Box::new(network))))
    }

    /// Bytes of the weights in f32, as the CPU holds them.
    pub(super) fn bytes_on_cpu(&self) -> u64 {
        self.archive.tensors().iter().map(|tensor| 4 * tensor.elements() as u64).sum()
    }

    fn checker(self, concepts: Concepts, network: Network) -> Checker {
        let file = self.archive.file().to_string();
        Checker { processor: self.processor, concepts, network, file }
    }
}

impl Checker {
    /// Whether a picture may be shown.
    ///
    /// # Errors
    /// [`Error::BadFile`] when the weights give no numbers; the device's.
    pub(super) async fn look_at(&self, picture: &Rgba) -> Result<Safety> {
        let image_embeds = match &self.network {
            Network::Cpu(network) => network.image_embeds(&self.processor.preprocess(picture)),
            Network::Gpu(gpu, network) => {
                let (pixels, side) = (self.processor.pixels(picture), self.processor.output_size());
                let input = Tensor::from_f32(gpu, &pixels, [1, side, side, 4], Precision::F32);
                let image_embeds = network.image_embeds(&input).to_f32().await?;
                gpu.trim();
                image_embeds
            }
        };
        let verdict = self.concepts.verdict(&image_embeds);
        if !verdict.is_finite() {
            let reason = "its weights give values that are not numbers".into();
            return Err(Error::BadFile { file: self.file.clone(), reason });
        }
        Ok(if verdict.flagged() { Safety::Flagged } else { Safety::Passed })
    }
}

/// The type of the checker's weights where the model's are to be of this one.
fn floats(weights: Option<WeightType>) -> Option<WeightType> {
    weights.map(|weights| if weights.is_quantised() { WeightType::F16 } else { weights })
}

/// Whether the model's index names a checker.
async fn named(source: &dyn Source) -> Result<bool> {
    let json = read_all(source, INDEX, CONFIG_BYTES_MAX).await?;
    let index: Value = serde_json::from_slice(&from_python(&json)).unwrap_or_default();
    match index["safety_checker"][1].as_str() {
        None => Ok(false),
        Some(CLASS) => Ok(true),
        Some(other) => Err(Error::Config {
            file: INDEX.into(),
            field: PART.into(),
            reason: format!("names {other}, but only {CLASS} is supported"),
        }),
    }
}
