//! What a model is opened with: its files, what is added to them, and where it computes.

use crate::adapter_args::AdapterArgs;
use crate::compute_args::{ComputeArgs, Device};
use crate::embedding_args::EmbeddingArgs;
use crate::lora_args::LoraArgs;
use crate::model_args::ModelArgs;
use crate::part_args::PartArgs;
use crate::progress::Reporter;
use crate::taesd_args::TaesdArgs;
use crate::tuning_cache;
use crate::upscaler_args::UpscalerArgs;
use clap::Args;
use darkroom::measure;
use darkroom::pipeline::{Control, Options, Pipeline, Upscaler, UpscalerOptions, f32_only};
use darkroom::{Error, Result};
use std::rc::Rc;

/// What a model is opened with.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    parts: PartArgs,
    #[command(flatten)]
    loras: LoraArgs,
    #[command(flatten)]
    embeddings: EmbeddingArgs,
    #[command(flatten)]
    taesd: TaesdArgs,
    #[command(flatten)]
    pub upscaler: UpscalerArgs,
    #[command(flatten)]
    compute: ComputeArgs,
    /// MB of graphics memory that all of it may take, where that is possible: parts of the model
    /// are then read again for each picture, and the picture is decoded in bands.
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
    /// Show pictures without asking the model's safety checker.
    #[arg(long)]
    no_safety: bool,
    #[command(flatten)]
    adapter: AdapterArgs,
    /// Run the kernels that are fastest on this adapter: it is measured the first time, for about
    /// three seconds. Without it a run is reproducible, byte for byte.
    #[arg(long)]
    tune: bool,
}

/// What a picture is made with.
pub(crate) struct Opened {
    pub pipeline: Rc<Pipeline>,
    pub upscaler: Option<Rc<Upscaler>>,
    /// The graphics adapter, or `cpu`.
    pub adapter: String,
}

impl OpenArgs {
    /// Opens the model, and the upscaler beside it.
    ///
    /// # Errors
    /// As [`Pipeline::open`]; files that are added to it and cannot be used.
    pub(crate) async fn open(&self, reporter: Reporter, control: &Control) -> Result<Opened> {
        let source = Rc::new(self.parts.with(self.model.source()));
        let loras = self.loras.open().await?;
        let taesd = self.taesd.open().await?;
        let embeddings = self.embeddings.open().await?;
        let safety = !self.no_safety;
        let ComputeArgs { device, precision, weights } = self.compute;
        if device == Device::Cpu {
            if !self.compute.is_f32() {
                return Err(f32_only());
            }
            let options = Options { safety, loras, embeddings, taesd, ..Options::default() };
            let pipeline = Pipeline::open_on_cpu(source, &options, control).await?;
            let upscaler =
                self.upscaler.open(&pipeline, UpscalerOptions::default(), control).await?;
            return Ok(Opened { pipeline: Rc::new(pipeline), upscaler, adapter: "cpu".to_owned() });
        }
        let gpu = measure::open(&self.adapter.options()).await.map_err(|error| match error {
            Error::NoAdapter { reason } => Error::NoAdapter {
                reason: format!("{reason}; with --device cpu the CPU computes, slowly"),
            },
            other => other,
        })?;
        let adapter = gpu.info().name.clone();
        reporter.say(&format!("Graphics adapter: {adapter}"));
        if self.tune {
            tuning_cache::tune(&gpu, control).await?;
        }
        let tune = self.tune;
        let memory = self.memory.map(|megabytes| megabytes * 1_000_000);
        let options = Options {
            precision,
            weights,
            safety,
            memory,
            reproducible: !tune,
            loras,
            taesd,
            embeddings,
            ..Options::default()
        };
        let pipeline = Pipeline::open(&gpu, source, &options, control).await?;
        // Its weights stay as in its file: it is small, and a record names the file alone.
        let options = UpscalerOptions { precision, weights: None, memory };
        let upscaler = self.upscaler.open(&pipeline, options, control).await?;
        Ok(Opened { pipeline: Rc::new(pipeline), upscaler, adapter })
    }
}
