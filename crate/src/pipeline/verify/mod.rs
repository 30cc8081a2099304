//! Verification: compares pictures of v1.4 with the values that diffusers published, and those of
//! any other model between the adapter and the CPU.
//!
//! ```text
//! v1.4 by digest       the published requests
//! of its topology      the first of them; if it agrees this is v1.4, and the others follow
//! all others           the same requests on the adapter and on the CPU: equal within 2/255
//! ```

mod check;
mod identity;
mod published;
mod rounding;
mod start;

pub use published::{PUBLISHED, Published};

use super::control::{Check, Control, Progress};
use super::device::Device;
use super::engine::Options;
use super::engine::Turn;
use super::model::{Machine, Pipeline};
use super::open::open_or_destroy;
use super::run::{Extras, Observer};
use crate::dtype::Precision;
use crate::error::{Error, Result};
use crate::gpu::GpuOptions;
use crate::measure;
use crate::weights::Source;
use identity::Identity;
use rounding::RoundingBound;
use start::StartPictures;
use std::cell::RefCell;
use std::rc::Rc;

/// The largest difference of the two implementations in f32.
const DEVICES_TOLERANCE: f32 = 2.0 / 255.0;

/// The largest difference of a picture of v1.4 itself. Another model of the family is farther away:
/// v1.1's published picture is 0.19 off.
const SAME_MODEL_MAX: f32 = 0.05;

/// How many of the picture's last rows and columns are published.
const CORNER: usize = 3;

/// An observer that keeps the values of the picture.
#[derive(Default)]
struct ImageRecorder(RefCell<(Vec<usize>, Vec<f32>)>);

impl Observer for ImageRecorder {
    fn ids(&self, _ids: &[u32], _shape: [usize; 2]) -> Result<()> {
        Ok(())
    }

    fn numbers(&self, name: &str, shape: &[usize], values: &[f32]) -> Result<()> {
        if name == "image" {
            *self.0.borrow_mut() = (shape.to_vec(), values.to_vec());
        }
        Ok(())
    }
}

/// A picture's values in 0…1, `[3, h, w]`.
struct DecodedImage {
    width: usize,
    planes: Vec<f32>,
}

impl DecodedImage {
    /// The blue of the last three rows and columns.
    fn corner(&self) -> Vec<f32> {
        let rows: Vec<&[f32]> = self.planes.chunks(self.width).collect();
        let last = |row: &&[f32]| row[row.len() - CORNER..].to_vec();
        rows[rows.len() - CORNER..].iter().flat_map(last).collect()
    }
}

fn too_coarse() -> Error {
    let reason = "are rounded to so few bits that a picture tells nothing about the device: \
        verify with weights as in the files, or in f16 or q8_0";
    Error::Request { field: "weights", reason: reason.into() }
}

fn by_taesd() -> Error {
    let reason = "is the TAESD, whose pictures are not compared: open the model without it";
    Error::Request { field: "decoder", reason: reason.into() }
}

impl Pipeline {
    /// Makes the pictures of the published requests and compares them: with the published values if
    /// this is v1.4, otherwise with those of the other device, for which the model is opened from
    /// `source` again. Each comparison is reported as soon as it is made. LoRAs and textual
    /// inversions are taken off.
    ///
    /// # Errors
    /// Those of opening and of [`Pipeline::generate`]. For a model that is not v1.4 also when there
    /// is no other device to compare with, or when its weights have too few bits for a comparison.
    pub async fn verify(
        &self,
        source: Rc<dyn Source>,
        turn: Option<Turn>,
        control: &Control,
    ) -> Result<Vec<Check>> {
        if self.always_decodes_by_taesd() {
            return Err(by_taesd());
        }
        // What is compared is the model itself.
        let chosen = self.chosen.take();
        let checked = self.verify_alone(source, turn, control).await;
        self.set_loras(chosen);
        checked
    }

    /// [`Pipeline::verify`] without LoRAs and textual inversions.
    async fn verify_alone(
        &self,
        source: Rc<dyn Source>,
        turn: Option<Turn>,
        control: &Control,
    ) -> Result<Vec<Check>> {
        self.change_loras(&[], control).await?;
        self.set_embeddings(&[]).await?;
        let say = |text: &str| control.report(Progress::Notice { text: text.into() });
        let identity = match self.parts.is_empty() {
            true => Identity::of(&self.files(), &*source).await?,
            false => Identity::Other,
        };
        let mut checks = Vec::new();
        match identity {
            Identity::V1_4 => say("This is Stable Diffusion v1.4, by the SHA-256 of its first \
                convolution. Its pictures are compared with those that diffusers published."),
            Identity::Likely => say("This has the topology of Stable Diffusion v1.4, but not the \
                published f32 numbers. Whether it is v1.4 in another precision, its pictures \
                tell."),
            Identity::Other => {}
        }
        if identity != Identity::Other {
            for published in &PUBLISHED {
                let check = self.check(published, control).await?;
                let first = identity == Identity::Likely && checks.is_empty();
                let near = check.difference <= check.bound.min(SAME_MODEL_MAX);
                if first && !near {
                    break;
                }
                control.report(Progress::Check(check.clone()));
                checks.push(check);
            }
        }
        if !checks.is_empty() {
            return Ok(checks);
        }
        say("This is not Stable Diffusion v1.4, so there is nothing published to compare with. \
            The pictures of the graphics adapter are compared with those of the CPU.");
        self.verify_by_other(source, turn, control).await
    }

    /// Compares a published request on this pipeline with the published values.
    ///
    /// # Errors
    /// Those of [`Pipeline::generate`].
    pub async fn check(&self, published: &Published, control: &Control) -> Result<Check> {
        let got = self.decoded_image(published, control).await?.corner();
        let (precision, bits) = self.stored_as();
        let rounding = RoundingBound::of(precision, bits.min(self.files().unet_bits()));
        let Published { sampler, expected, tolerance, .. } = published;
        Ok(Check::of_corners(sampler, [expected, &got], *tolerance, rounding))
    }

    async fn verify_by_other(
        &self,
        source: Rc<dyn Source>,
        turn: Option<Turn>,
        control: &Control,
    ) -> Result<Vec<Check>> {
        let rounding = |pipeline: &Pipeline| {
            let (precision, bits) = pipeline.stored_as();
            RoundingBound::of(precision, bits)
        };
        rounding(self).rms_bound().ok_or_else(too_coarse)?;
        let other = match self.device() {
            Device::WebGpu => {
                let why = "There must be a CPU's picture to compare with. ";
                Pipeline::open_cpu(source, turn, why, control).await?
            }
            Device::Cpu => {
                let gpu = measure::open(&GpuOptions::default()).await?;
                let options = Options { safety: false, ..Options::default() };
                open_or_destroy(&gpu, source, &options, control).await?
            }
        };
        let rms_bound = rounding(self).max(rounding(&other)).rms_bound().ok_or_else(too_coarse)?;
        let checks = self.compare(&other, rms_bound, control).await;
        other.destroy();
        checks
    }

    /// Compares the same requests on two devices; the CPU's picture is the expected one.
    async fn compare(
        &self,
        other: &Pipeline,
        rms_bound: f32,
        control: &Control,
    ) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        for published in &PUBLISHED {
            let ours = self.decoded_image(published, control).await?;
            let theirs = other.decoded_image(published, control).await?;
            let (cpu, gpu) =
                if self.device() == Device::Cpu { (ours, theirs) } else { (theirs, ours) };
            let (name, pair) = (published.sampler, [&cpu.planes[..], &gpu.planes]);
            let check = Check::of_pictures(name, pair, DEVICES_TOLERANCE, rms_bound);
            let check = check.with_corners([&cpu.corner(), &gpu.corner()]);
            control.report(Progress::Check(check.clone()));
            checks.push(check);
        }
        Ok(checks)
    }

    /// Makes the picture of a published request and returns its values.
    async fn decoded_image(
        &self,
        published: &Published,
        control: &Control,
    ) -> Result<DecodedImage> {
        let recorder = ImageRecorder::default();
        let ends_at_sigma_min = published.ends_at_sigma_min;
        let start = StartPictures::of(self.files().purpose());
        let extras = Extras {
            initial: start.initial.as_ref(),
            mask: start.mask.as_ref(),
            observer: Some(&recorder),
            ends_at_sigma_min,
            unchecked: true,
            ..Extras::default()
        };
        self.generate_with(&published.request(), control, &extras).await?;
        let (shape, planes) = recorder.0.into_inner();
        Ok(DecodedImage { width: shape.last().copied().unwrap_or(0), planes })
    }

    /// The precision of activations, and the significant bits of weights, if they are rounded when
    /// they are loaded.
    fn stored_as(&self) -> (Precision, u64) {
        let Machine::Gpu(engine) = &self.machine else { return (Precision::F32, 32) };
        let bits = match engine.options.weights {
            Some(weights) => weights.bytes(1024) as u64 * 8 / 1024,
            None if self.files().has_blocks() => 16,
            None => 32,
        };
        (engine.options.precision, bits)
    }
}
