//! `darkroom precision`: prints how much precision each type of weights and activations costs,
//! compared with f32, as Markdown.
//!
//! There are two measures: the PSNR of decoded pictures of fixed requests against those of f32, or,
//! for a model that is too large for many pictures, the error of one evaluation of the UNet.

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
