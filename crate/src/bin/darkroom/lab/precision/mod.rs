//! `darkroom precision`: what each type of weights and activations costs, against f32, as Markdown.
//!
//! Two measures, of one model folder: how far the decoded pictures of fixed requests are from those
//! of f32, or, for a model too large to draw with many times, one evaluation of the UNet.

mod args;
mod evaluation;
mod pictures;

pub(crate) use args::PrecisionArgs;
use darkroom::Result;
use darkroom::gpu::{Gpu, GpuOptions};

/// Runs the command.
pub(crate) fn run(args: &PrecisionArgs) -> Result<()> {
    pollster::block_on(async {
        let gpu = Gpu::open(&GpuOptions::default()).await?;
        match args.evaluation {
            Some(side) => evaluation::run(args, &gpu, side).await,
            None => pictures::run(args, &gpu).await,
        }
    })
}
