//! What was measured on an adapter, as one JSON object: `darkroom bench --json` and the page's view
//! Speed write it, and anyone can send theirs as a row of `docs/measured/cards.md`.

use super::model::{Machine, Pipeline};
use super::profile::Profile;
use crate::dtype::{Precision, WeightType};
use crate::gpu::Gpu;
use crate::measure::{Figure, Peaks, tuner};
use serde::Serialize;

/// The version of the schema; a field that changes its meaning raises it.
const SCHEMA: u32 = 1;

/// Measured figures and what they were measured on. Times are seconds, rates 10⁹ a second, shares 0
/// to 1.
#[derive(Debug, Clone, Serialize)]
pub struct SpeedReport {
    /// The version of this schema.
    pub schema: u32,
    /// Darkroom's version.
    pub version: &'static str,
    /// A hash of the kernels' texts, hexadecimal.
    pub kernels_version: String,
    /// The adapter's name.
    pub adapter: String,
    /// The API underneath.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether the kernels are those for software adapters.
    pub software: bool,
    /// Name and version of the browser; `None` in the native program.
    pub browser: Option<String>,
    /// The tuning, as text.
    pub tuning: String,
    /// How activations were stored.
    pub precision: &'static str,
    /// How weights were stored; `None`: as in the model's files.
    pub weights: Option<&'static str>,
    /// The adapter's peaks.
    pub peaks: Option<Peaks>,
    /// Single ops.
    pub ops: Vec<Figure>,
    /// The model of the evaluations and pictures.
    pub model: Option<String>,
    /// Seconds until the model was ready.
    pub open_seconds: Option<f64>,
    /// Evaluations of its UNet, for one picture with guidance.
    pub evaluations: Vec<Profile>,
    /// Whole pictures.
    pub pictures: Vec<PictureTime>,
}

/// The seconds of one picture. In the page's files its parts and its peak are null.
#[derive(Debug, Clone, Serialize)]
pub struct PictureTime {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Its steps.
    pub steps: u32,
    /// Seconds from the request to the picture's pixels.
    pub seconds: f64,
    /// Those before the first step: plan, prompt, kernels that had to be compiled.
    pub before_seconds: f64,
    /// Those of all steps.
    pub steps_seconds: f64,
    /// Those of the decoder and what comes after it.
    pub decoding_seconds: f64,
    /// Peak of graphics memory in bytes since the model was opened.
    pub bytes_peak: u64,
}

impl SpeedReport {
    /// A report on this device without figures.
    pub fn new(gpu: &Gpu, precision: Precision, weights: Option<WeightType>) -> SpeedReport {
        let info = gpu.info().clone();
        SpeedReport {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            kernels_version: format!("{:08x}", tuner::version()),
            adapter: info.name,
            backend: info.backend,
            driver: info.driver,
            software: info.software,
            browser: None,
            tuning: gpu.tuning().to_string(),
            precision: precision.name(),
            weights: weights.map(WeightType::name),
            peaks: None,
            ops: Vec::new(),
            model: None,
            open_seconds: None,
            evaluations: Vec::new(),
            pictures: Vec::new(),
        }
    }
}

impl Pipeline {
    /// A report with an evaluation of this model; `None` on the CPU.
    pub fn speed_report(&self, evaluation: Profile) -> Option<SpeedReport> {
        let Machine::Gpu(engine) = &self.machine else { return None };
        let of_device =
            SpeedReport::new(&engine.gpu, engine.options.precision, engine.options.weights);
        let peaks = Some(evaluation.peaks);
        Some(SpeedReport { peaks, evaluations: vec![evaluation], ..of_device })
    }
}
