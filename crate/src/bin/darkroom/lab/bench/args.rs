//! The arguments of `darkroom bench`.

use crate::adapter_args::AdapterArgs;
use clap::Args;
use darkroom::gpu::GpuOptions;
use darkroom::{Precision, WeightType};
use std::path::PathBuf;

/// Measures the kernels.
#[derive(Args)]
pub(crate) struct BenchArgs {
    /// Only prints what the adapters of this machine say of themselves.
    #[arg(long)]
    pub adapters: bool,
    #[command(flatten)]
    pub adapter: AdapterArgs,
    /// Kernels as for a real GPU, also on a software adapter.
    #[arg(long)]
    pub hardware_tiles: bool,
    /// WebGPU's default limits, as the leanest adapter has them: no matrix units, 16 KiB of a
    /// workgroup's memory.
    #[arg(long)]
    pub default_limits: bool,
    /// Kernels by name, such as "matmul=shared conv2d=direct8", or "tuned" for the fastest.
    #[arg(long)]
    pub tuning: Option<String>,
    /// How activations are stored; f16 needs an adapter with shader-f16.
    #[arg(long, default_value = "f32")]
    pub precision: Precision,
    /// How weights are stored: f32, f16, q8_0, q5_0 or q4_0. When left out, f16, and those of
    /// --model as in its files.
    #[arg(long)]
    pub weights: Option<WeightType>,
    /// Instead of single ops, an evaluation of this model's UNet, by kernel: a folder or a
    /// checkpoint file.
    #[arg(long, value_name = "PATH")]
    pub model: Option<PathBuf>,
    /// With --model, width and height of the picture in pixels, or several; the model's own without
    /// it.
    #[arg(long, value_name = "WxH", value_delimiter = ',', value_parser = crate::lab::memory::size)]
    pub size: Vec<[u32; 2]>,
    /// With --model, prints every dispatch.
    #[arg(long)]
    pub each: bool,
    /// With --model, also times two pictures of so many steps of each size; the first one compiles.
    #[arg(long, value_name = "STEPS")]
    pub picture: Option<u32>,
    /// With --model, MB of graphics memory that all of it may take.
    #[arg(long, value_name = "MB")]
    pub memory: Option<u64>,
    /// Only ops whose name contains this.
    #[arg(long, default_value = "")]
    pub only: String,
    /// Runs of each, of which the median counts.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// Rows of the largest shapes are divided by this: a software adapter is a thousand times
    /// slower than a graphics card.
    #[arg(long, default_value_t = 1)]
    pub divide: usize,
    /// Instead of measuring, compiles each kernel of v1.4's networks in a process of its own: a
    /// driver's compiler that crashes or hangs is told by the kernel's name, and stops no other.
    #[arg(long, conflicts_with_all = ["adapters", "tuning", "model", "only"])]
    pub compile: bool,
    /// Compiles one of them, by its place in that list.
    #[arg(long, value_name = "PLACE", hide = true)]
    pub compile_one: Option<usize>,
    /// Also writes all figures here.
    #[arg(long, value_name = "FILE.json")]
    pub json: Option<PathBuf>,
}

impl BenchArgs {
    /// How the device is opened.
    pub(super) fn device(&self) -> GpuOptions {
        let software = self.hardware_tiles.then_some(false);
        GpuOptions { software, default_limits: self.default_limits, ..self.adapter.options() }
    }
}
