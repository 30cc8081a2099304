//! Where a model computes, and how its numbers are stored: options of several commands.

use clap::{Args, ValueEnum};
use darkroom::{Precision, WeightType};

/// Where a model computes, and how its numbers are stored.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ComputeArgs {
    /// Where to compute: the graphics adapter, or, by an implementation of its own, the CPU.
    #[arg(long, value_enum, default_value = "gpu")]
    pub device: Device,
    /// How activations are stored; f16 needs an adapter with shader-f16.
    #[arg(long, default_value = "f32")]
    pub precision: Precision,
    /// How weights are stored: f32, f16, q8_0, q5_0 or q4_0; as in the files when left out.
    #[arg(long)]
    pub weights: Option<WeightType>,
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Device {
    Gpu,
    Cpu,
}

impl ComputeArgs {
    /// Whether numbers are f32, which is all that the CPU computes with.
    pub(crate) fn is_f32(self) -> bool {
        self.precision == Precision::F32 && self.weights.is_none_or(|w| w == WeightType::F32)
    }
}
