//! Compares decoded pictures of fixed requests, as floats in 0…1, with those of f32: `PSNR = −10 ·
//! log₁₀(mean squared difference)`.

use super::args::{EXACT, PrecisionArgs, cells};
use crate::disk::write_in_folder;
use crate::lab::requests;
use darkroom::Result;
use darkroom::gpu::{Gpu, Limits};
use darkroom::image;
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, Observer, Options, Picture, Pipeline, Workload,
};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

/// A picture and its values before they were rounded to bytes.
struct Drawn {
    picture: Picture,
    planes: Vec<f32>,
}

/// An observer that keeps the last decoded picture.
#[derive(Default)]
struct Memory(RefCell<Vec<f32>>);

impl Observer for Memory {
    fn ids(&self, _: &[u32], _: [usize; 2]) -> Result<()> {
        Ok(())
    }

    fn numbers(&self, name: &str, _: &[usize], values: &[f32]) -> Result<()> {
        if name == "image" {
            *self.0.borrow_mut() = values.to_vec();
        }
        Ok(())
    }
}

/// Prints the table.
pub(super) async fn run(args: &PrecisionArgs, gpu: &Gpu) -> Result<()> {
    let exact = draw_all(args, gpu, &EXACT).await?;
    println!(
        "{} requests, ddim, {} steps, guidance {}; PSNR in dB against f32 weights and \
         activations.\n",
        args.requests, args.steps, args.guidance
    );
    println!("| weights | activations | MB of weights | median | 10th percentile | worst |");
    println!("|---|---|---:|---:|---:|---:|");
    println!("{} {:.2} | | | |", cells(&EXACT), megabytes(args, &EXACT).await?);
    for options in args.rows(gpu) {
        let drawn = draw_all(args, gpu, &options).await?;
        let mut all: Vec<(f64, usize)> =
            drawn.iter().zip(&exact).map(|(a, b)| psnr(a, b)).zip(0..).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        // The nearest rank.
        let at = |share: f64| all[((all.len() - 1) as f64 * share).round() as usize].0;
        let (worst, which) = all[0];
        println!(
            "{} {:.2} | {} | {} | {} (seed {which}) |",
            cells(&options),
            megabytes(args, &options).await?,
            decibel(at(0.5)),
            decibel(at(0.1)),
            decibel(worst),
        );
        if let Some(folder) = &args.worst {
            let name = cells(&options).replace([' ', '|'], "-");
            let name = name.trim_matches('-');
            write(folder, &format!("{name}.png"), &drawn[which])?;
            write(folder, &format!("{name}-exact.png"), &exact[which])?;
        }
    }
    Ok(())
}

async fn draw_all(args: &PrecisionArgs, gpu: &Gpu, options: &Options) -> Result<Vec<Drawn>> {
    let control = Control::default();
    let source = Rc::new(args.parts.with(args.model.source()));
    let opened = args.opened(options).await?;
    let pipeline = Pipeline::open(gpu, source, &opened, &control).await?;
    let mut drawn = Vec::new();
    for i in 0..args.requests {
        let memory = Memory::default();
        let extras = Extras { observer: Some(&memory), ..Extras::default() };
        let picture = pipeline
            .generate_with(&requests::request(i, args.steps, args.guidance), &control, &extras)
            .await?;
        drawn.push(Drawn { picture, planes: memory.0.into_inner() });
    }
    eprintln!("{} drawn", cells(options));
    Ok(drawn)
}

fn psnr(a: &Drawn, b: &Drawn) -> f64 {
    let squares = a.planes.iter().zip(&b.planes).map(|(a, b)| f64::from(a - b).powi(2));
    image::psnr(squares.sum::<f64>() / a.planes.len() as f64, 1.0)
}

/// The PSNR of equal pictures is infinite.
fn decibel(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "equal".into() }
}

/// The megabytes of the weights on the GPU.
async fn megabytes(args: &PrecisionArgs, options: &Options) -> Result<f64> {
    let files = Files::open(&args.parts.with(args.model.source())).await?;
    let description = files.describe();
    let size = [description.width, description.height];
    let load =
        Workload { size, prompts: 2, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: false };
    let dry = files.dry_run(options, Limits::default(), load).await?;
    Ok(dry.weight_bytes as f64 / 1e6)
}

fn write(folder: &Path, name: &str, drawn: &Drawn) -> Result<()> {
    write_in_folder(&folder.join(name), &drawn.picture.png()?)
}
