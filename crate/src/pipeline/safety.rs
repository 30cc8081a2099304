//! A model's safety checker, if it has one: it checks every finished picture, and a flagged picture
//! leaves the crate black.
//!
//! It is loaded when the model is opened, so that errors in its files are found before a picture is
//! made. If it is switched off, it is not loaded. It always computes in f32, with weights of f16 or
//! better, so that its result does not depend on the chosen precision.

use super::checkpoint::{Part, SafetyFiles, weight_type};
use super::control::Control;
use super::engine::{Counted, LoadTarget, Pending};
use super::memory::{PartCost, count_part};
use super::picture::Safety;
use crate::dtype::{Precision, WeightType};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Limits};
use crate::image::Rgba;
use crate::models::clip::ImageProcessor;
use crate::models::safety::{Concepts, SafetyChecker};
use crate::nn::Scope;
use crate::reference::{SafetyNetwork, Weights};
use crate::tensor::Tensor;
use crate::weights::Source;

/// The notice about a flagged picture.
pub(super) const FLAGGED: &str = "The model's safety checker holds this picture for one that \
    should not be shown, so it is black. Try another prompt or another seed.";

/// A loaded checker.
pub(super) struct Checker {
    processor: ImageProcessor,
    concepts: Concepts,
    network: Network,
    /// The file of its weights, for error messages.
    file: String,
}

/// Its network, on either device.
enum Network {
    Gpu(Gpu, Box<SafetyChecker>),
    Cpu(Box<SafetyNetwork>),
}

/// The files of the checker if it is wanted; if there is none, the reason.
///
/// # Errors
/// As [`SafetyFiles::open`].
pub(super) async fn open_if(
    wanted: bool,
    source: &dyn Source,
) -> Result<Result<SafetyFiles, Safety>> {
    if !wanted {
        return Ok(Err(Safety::Off));
    }
    Ok(SafetyFiles::open(source).await?.ok_or(Safety::Missing))
}

impl SafetyFiles {
    /// Runs the network once without a GPU, within the limits of an adapter: returns the bytes of
    /// its weights, and the cost of checking a picture.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] when it does not fit.
    pub async fn dry_run(
        &self,
        weights: Option<WeightType>,
        limits: Limits,
    ) -> Result<(u64, PartCost)> {
        let gpu = Gpu::dry_within(limits, false);
        let weights = checker_weight_type(weights).unwrap_or_else(|| weight_type(&self.archive));
        let network = SafetyChecker::new(&Scope::without_file(&gpu, weights), &self.config)?;
        let weight_bytes = gpu.stats().bytes_alive;
        gpu.reset_stats();
        let side = self.config.vision.image_size;
        drop(network.image_embeds(&Tensor::empty(&gpu, [1, side, side, 4], Precision::F32)));
        Ok((weight_bytes, count_part("safety checker", &gpu).await?))
    }

    /// Loads the checker to the GPU.
    ///
    /// # Errors
    /// As [`Pending::load`], and a network that does not fit the adapter.
    pub(super) async fn load(
        self,
        gpu: &Gpu,
        source: &dyn Source,
        weights: Option<WeightType>,
        control: &Control,
    ) -> Result<Checker> {
        self.dry_run(weights, gpu.limits()).await?;
        let build = |scope: &Scope| SafetyChecker::new(scope, &self.config);
        let (part, weights) = (Part::SafetyChecker.name(), checker_weight_type(weights));
        let pending = Pending::new(gpu, part, &self.archive, weights, build)?;
        let network = pending.load_alone(&LoadTarget { gpu, source, control }).await?;
        let concepts = network.concepts();
        Ok(self.checker(concepts, Network::Gpu(gpu.clone(), Box::new(network))))
    }

    /// Loads the checker to the CPU.
    ///
    /// # Errors
    /// As [`SafetyFiles::load`].
    pub(super) async fn load_on_cpu(
        self,
        source: &dyn Source,
        control: &Control,
    ) -> Result<Checker> {
        let tensors = self.archive.tensors().iter();
        let counted = Counted::of(tensors.map(|t| t.range.end - t.range.start).sum());
        let mut progress = |done| counted.report(control, Part::SafetyChecker.name(), done);
        // 0, because it has no table with a row list.
        let weights = Weights::read(source, &self.archive, 0, &mut progress).await?;
        let (network, concepts) = SafetyNetwork::load(weights, &self.config)?;
        Ok(self.checker(concepts, Network::Cpu(Box::new(network))))
    }

    fn checker(self, concepts: Concepts, network: Network) -> Checker {
        let file = self.archive.file().to_string();
        Checker { processor: self.processor, concepts, network, file }
    }
}

impl Checker {
    /// Checks a picture.
    ///
    /// # Errors
    /// [`Error::BadFile`] when the weights give NaN or infinity; those of the device.
    pub(super) async fn look_at(&self, picture: &Rgba) -> Result<Safety> {
        let image_embeds = match &self.network {
            Network::Cpu(network) => network.image_embeds(&self.processor.preprocess(picture)),
            Network::Gpu(gpu, network) => {
                let (pixels, side) =
                    (self.processor.preprocess_nhwc(picture), self.processor.output_size());
                let input = Tensor::from_f32(gpu, &pixels, [1, side, side, 4], Precision::F32);
                let image_embeds = network.image_embeds(&input).to_f32().await?;
                gpu.trim();
                image_embeds
            }
        };
        let scores = self.concepts.scores(&image_embeds);
        if !scores.is_finite() {
            let reason = "its weights give values that are not numbers".into();
            return Err(Error::BadFile { file: self.file.clone(), reason });
        }
        Ok(if scores.flagged() { Safety::Flagged } else { Safety::Passed })
    }
}

/// The type of the checker's weights, from that of the model's: quantised types become f16.
fn checker_weight_type(weights: Option<WeightType>) -> Option<WeightType> {
    weights.map(|weights| if weights.is_quantised() { WeightType::F16 } else { weights })
}
