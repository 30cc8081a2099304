//! The arguments of `darkroom compare`.

use crate::adapter_args::AdapterArgs;
use crate::jobs::{Job, List};
use crate::lora_args::LoraArgs;
use crate::part_args::PartArgs;
use crate::request_args::{RequestArgs, Settings};
use crate::taesd_args::TaesdArgs;
use clap::Args;
use darkroom::gpu::Gpu;
use darkroom::measure;
use darkroom::pipeline::Request;
use darkroom::{Precision, Result, WeightType};
use std::path::PathBuf;

/// Runs the same requests through several checkpoints and sets the pictures side by side.
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// A checkpoint: a folder in the diffusers layout, or a single file. Give several.
    #[arg(long, value_name = "PATH", required_unless_present = "pictures")]
    pub model: Vec<PathBuf>,
    /// A folder of pictures made elsewhere, under the names of the requests' files.
    #[arg(long, value_name = "DIR")]
    pub pictures: Vec<PathBuf>,
    /// The requests: a line each as JSON, as for generate --jobs.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "prompt")]
    pub jobs: Option<PathBuf>,
    /// A prompt, instead of a list; may be given several times.
    #[arg(long, required_unless_present = "jobs")]
    pub prompt: Vec<String>,
    /// The seeds of each prompt.
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', default_value = "0")]
    #[arg(conflicts_with = "jobs")]
    pub seeds: Vec<u64>,
    #[command(flatten)]
    pub(crate) settings: RequestArgs<Settings>,
    /// How activations are stored; f16 needs an adapter with shader-f16.
    #[arg(long, default_value = "f32")]
    pub precision: Precision,
    /// How weights are stored; as in the files when left out.
    #[arg(long)]
    pub weights: Option<WeightType>,
    /// Where vocab.json and merges.txt are, for checkpoints that have none.
    #[arg(long, value_name = "DIR")]
    pub tokenizer: Option<PathBuf>,
    /// Parts that all checkpoints take from elsewhere.
    #[command(flatten)]
    pub parts: PartArgs,
    /// LoRAs that change all checkpoints.
    #[command(flatten)]
    pub loras: LoraArgs,
    #[command(flatten)]
    pub taesd: TaesdArgs,
    /// A CLIP model as transformers writes it, to say how well pictures fit their prompts.
    #[arg(long, value_name = "DIR")]
    pub clip: Option<PathBuf>,
    #[command(flatten)]
    pub adapter: AdapterArgs,
    /// Where pictures and tables go.
    #[arg(long, value_name = "DIR")]
    pub out_dir: PathBuf,
}

impl CompareArgs {
    /// The requests, from the list or from prompts and seeds.
    pub(crate) fn jobs(&self) -> Result<Vec<Job>> {
        let defaults = self.settings.request()?;
        if let Some(list) = &self.jobs {
            let mut list = List::read(list, (&defaults, &[None, None]))?;
            list.give(&[], None);
            return list.all();
        }
        let pairs =
            self.prompt.iter().flat_map(|prompt| self.seeds.iter().map(move |s| (prompt, s)));
        let job = |(index, (prompt, seed)): (usize, (&String, &u64))| Job {
            file: format!("{index:05}.png"),
            init: None,
            mask: None,
            loras: None,
            controls: None,
            control_files: Default::default(),
            upscaler: None,
            named_upscaler: None,
            request: Request { prompt: prompt.clone(), seed: *seed, ..defaults.clone() },
        };
        Ok(pairs.enumerate().map(job).collect())
    }

    /// Opens the adapter of the arguments.
    pub(crate) async fn gpu(&self) -> Result<Gpu> {
        measure::open(&self.adapter.options()).await
    }
}
