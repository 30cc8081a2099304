//! The arguments of `darkroom precision`, and the rows of its table.

use crate::lora_args::LoraArgs;
use crate::model_args::ModelArgs;
use crate::part_args::PartArgs;
use crate::taesd_args::TaesdArgs;
use clap::Args;
use darkroom::gpu::Gpu;
use darkroom::pipeline::{DeviceMemory, Options};
use darkroom::{Precision, Result, WeightType};
use std::path::PathBuf;

/// Prints what each type of weights and activations costs, against f32.
#[derive(Args)]
pub(crate) struct PrecisionArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub parts: PartArgs,
    #[command(flatten)]
    pub loras: LoraArgs,
    #[command(flatten)]
    pub taesd: TaesdArgs,
    /// How many of the fixed requests to draw.
    #[arg(long, default_value_t = 64)]
    pub requests: usize,
    /// Steps of each picture, by ddim.
    #[arg(long, default_value_t = 20)]
    pub steps: u32,
    /// How strongly the prompt pulls.
    #[arg(long, default_value_t = 5.0)]
    pub guidance: f64,
    /// Instead of pictures, one evaluation of the UNet with latents of this height and width.
    #[arg(long, value_name = "SIDE")]
    #[arg(conflicts_with_all = ["loras", "unet", "vae", "text_encoder", "taesd"])]
    pub evaluation: Option<usize>,
    /// Only these types of weights.
    #[arg(long, value_delimiter = ',')]
    pub weights: Vec<WeightType>,
    /// Only with f32 activations.
    #[arg(long)]
    pub only_f32: bool,
    /// Write the worst picture of each row, and f32's of the same request, here.
    #[arg(long, value_name = "DIR")]
    pub worst: Option<PathBuf>,
}

impl PrecisionArgs {
    /// A row's options with the files that change the model.
    ///
    /// # Errors
    /// Those of the files.
    pub(super) async fn opened(&self, row: &Options) -> Result<Options> {
        let (loras, taesd) = (self.loras.open().await?, self.taesd.open().await?);
        Ok(Options { loras, taesd, ..row.clone() })
    }

    /// The rows of the table, without f32 itself.
    pub(crate) fn rows(&self, gpu: &Gpu) -> Vec<Options> {
        let wanted = |w: &WeightType| self.weights.is_empty() || self.weights.contains(w);
        let activations = |p: &Precision| *p == Precision::F32 || gpu.has_f16() && !self.only_f32;
        let row = |weights| {
            let precisions = Precision::ALL.into_iter().filter(activations);
            precisions.map(move |precision| with(precision, weights))
        };
        let rows = WeightType::ALL.into_iter().filter(wanted).flat_map(row);
        let is_exact =
            |row: &Options| (row.precision, row.weights) == (EXACT.precision, EXACT.weights);
        rows.filter(|row| !is_exact(row)).collect()
    }
}

/// The options of the reference.
pub(super) const EXACT: Options = with(Precision::F32, WeightType::F32);

/// No picture is shown, so the safety checker is not needed.
const fn with(precision: Precision, weights: WeightType) -> Options {
    Options {
        precision,
        weights: Some(weights),
        safety: false,
        memory: None,
        device_memory: DeviceMemory::UNKNOWN,
        residency: None,
        reproducible: true,
        loras: Vec::new(),
        taesd: None,
        embeddings: Vec::new(),
    }
}

/// The names of weights and activations, as two cells of a table.
pub(super) fn cells(options: &Options) -> String {
    let weights = options.weights.map_or("as in the files", WeightType::name);
    format!("| {weights} | {} |", options.precision)
}
