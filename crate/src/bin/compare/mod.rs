//! `darkroom compare`: the same requests through several checkpoints, and beside pictures that were
//! made elsewhere. Models are opened one after the other, so the largest decides the memory needed.
//!
//! ```text
//! OUT/NAME/FILE.png     every picture, a folder for each model
//! OUT/sheet.html        side by side, a row for each request
//! OUT/compare.csv       a line for each picture: seconds, memory, PSNR, SSIM, CLIP score
//! OUT/compare.json      the same, with the requests whole
//! ```
//!
//! Likeness is to the first column's picture; a CLIP score needs a CLIP model, which the user
//! brings.

mod column;
mod report;

use super::disk::{create, read_picture, write};
use super::jobs::{self, Job};
use clap::Args;
use column::{Column, Origin};
use darkroom::gpu::{Gpu, GpuOptions};
use darkroom::image::{Likeness, Rgba};
use darkroom::judge::ClipScore;
use darkroom::pipeline::{Control, Request};
use darkroom::weights::FileSource;
use darkroom::{Precision, Result, WeightType};
use report::Report;
use std::path::PathBuf;

/// Runs the same requests through several checkpoints and sets the pictures side by side.
#[derive(Args)]
pub struct CompareArgs {
    /// A checkpoint: a folder in the diffusers layout, or a single file. Give several.
    #[arg(long, value_name = "PATH", required_unless_present = "pictures")]
    model: Vec<PathBuf>,
    /// A folder of pictures made elsewhere, under the names of the requests' files.
    #[arg(long, value_name = "DIR")]
    pictures: Vec<PathBuf>,
    /// The requests: a line each as JSON, as for generate --jobs.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "prompt")]
    jobs: Option<PathBuf>,
    /// A prompt, instead of a list; may be given several times.
    #[arg(long, required_unless_present = "jobs")]
    prompt: Vec<String>,
    /// The seeds of each prompt.
    #[arg(long, value_name = "SEEDS", value_delimiter = ',', default_value = "0")]
    #[arg(conflicts_with = "jobs")]
    seeds: Vec<u64>,
    /// Steps of the sampler, where a request does not say.
    #[arg(long, default_value_t = 20)]
    steps: u32,
    /// The guidance scale, where a request does not say.
    #[arg(long, default_value_t = 7.5)]
    guidance: f64,
    /// The sampler, where a request does not say.
    #[arg(long, default_value = "ddim")]
    sampler: String,
    /// How activations are stored; f16 needs an adapter with shader-f16.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// How weights are stored; as in the files when left out.
    #[arg(long)]
    weights: Option<WeightType>,
    /// Where vocab.json and merges.txt are, for checkpoints that have none.
    #[arg(long, value_name = "DIR")]
    tokenizer: Option<PathBuf>,
    /// A CLIP model as transformers writes it, to say how well pictures fit their prompts.
    #[arg(long, value_name = "DIR")]
    clip: Option<PathBuf>,
    /// Part of the name of the graphics adapter to use, if there are several.
    #[arg(long)]
    adapter: Option<String>,
    /// Where pictures and tables go.
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,
}

impl CompareArgs {
    fn jobs(&self) -> Result<Vec<Job>> {
        let defaults = Request {
            steps: self.steps,
            guidance_scale: self.guidance,
            sampler: self.sampler.clone(),
            ..Request::default()
        };
        if let Some(list) = &self.jobs {
            return jobs::read(list, (&defaults, None));
        }
        let pairs =
            self.prompt.iter().flat_map(|prompt| self.seeds.iter().map(move |s| (prompt, s)));
        let job = |(index, (prompt, seed)): (usize, (&String, &u64))| Job {
            file: format!("{index:05}.png"),
            init: None,
            request: Request { prompt: prompt.clone(), seed: *seed, ..defaults.clone() },
        };
        Ok(pairs.enumerate().map(job).collect())
    }

    async fn gpu(&self) -> Result<Gpu> {
        let options = GpuOptions { adapter: self.adapter.clone(), ..GpuOptions::default() };
        Gpu::open(&options).await
    }

    /// The columns, in the order of the sheet, each with a name of its own.
    fn columns(&self) -> Vec<Column> {
        let models = self.model.iter().map(|path| (path, Origin::Model));
        let folders = self.pictures.iter().map(|path| (path, Origin::Pictures));
        let mut columns: Vec<Column> = Vec::new();
        for (path, origin) in models.chain(folders) {
            let base = path.file_stem().map_or("model".into(), |name| name.to_string_lossy());
            let taken = |name: &str| columns.iter().any(|column| column.name == name);
            let mut name = base.to_string();
            let mut number = 2;
            while taken(&name) {
                name = format!("{base}-{number}");
                number += 1;
            }
            columns.push(Column { name, path: path.clone(), origin });
        }
        columns
    }
}

/// Runs the command.
pub fn run(args: &CompareArgs) -> Result<()> {
    pollster::block_on(compare(args))
}

async fn compare(args: &CompareArgs) -> Result<()> {
    let (jobs, columns) = (args.jobs()?, args.columns());
    create(&args.out_dir)?;
    let mut report = Report::new(&columns, &jobs);
    for (index, column) in columns.iter().enumerate() {
        eprintln!("{}", column.name);
        report.columns[index].memory = column
            .make(args, &jobs, |row, cell| {
                report.rows[row].cells[index] = cell;
            })
            .await?;
    }
    measure(args, &mut report).await?;
    for (name, text) in [
        ("compare.json", report.json()?),
        ("compare.csv", report.csv()),
        ("sheet.html", report.html()),
    ] {
        write(&args.out_dir.join(name), text.as_bytes())?;
    }
    eprintln!("{} is the sheet", args.out_dir.join("sheet.html").display());
    Ok(())
}

/// Likenesses to the first column, and the scores of a CLIP model if there is one.
async fn measure(args: &CompareArgs, report: &mut Report) -> Result<()> {
    let judge = match &args.clip {
        None => None,
        Some(folder) => {
            let (gpu, source) = (args.gpu().await?, FileSource::new(folder));
            Some(ClipScore::open(&gpu, &source, &Control::default()).await?)
        }
    };
    let names: Vec<String> = report.columns.iter().map(|column| column.name.clone()).collect();
    for row in &mut report.rows {
        let mut first: Option<Rgba> = None;
        for (index, (name, cell)) in names.iter().zip(&mut row.cells).enumerate() {
            if cell.fault.is_some() {
                continue;
            }
            let picture = read_picture(&args.out_dir.join(name).join(&row.file))?;
            if let Some(judge) = &judge {
                cell.clip_score = Some(judge.score(&row.request.prompt, &picture).await?);
            }
            match &first {
                Some(first) => cell.likeness = Likeness::of(first, &picture),
                None if index == 0 => first = Some(picture),
                None => {}
            }
        }
    }
    Ok(())
}
