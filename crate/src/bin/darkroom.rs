//! The native program: the same walk as in the browser, for a terminal.
//!
//! A shell: it reads arguments, calls the crate, prints. Errors are one sentence on standard error;
//! the exit code is 1, or 2 when the arguments themselves do not fit.

mod generate;
mod inspect;
mod jobs;
mod synth;
mod verify;

use clap::{Parser, Subcommand, ValueEnum};
use darkroom::dtype::FileType;
use darkroom::{Precision, Result, WeightType};
use std::process::ExitCode;

/// Stable Diffusion v1.4, whole, on any graphics adapter.
#[derive(Parser)]
#[command(name = "darkroom", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a picture from a prompt.
    Generate(generate::GenerateArgs),
    /// Prints what a model is, and what a picture would cost; needs no graphics adapter.
    Inspect(inspect::InspectArgs),
    /// Writes a made-up checkpoint of the true topology.
    Synth(synth::SynthArgs),
    /// Compares a model's pictures with published ones, or the GPU's with the CPU's.
    Verify(verify::VerifyArgs),
}

/// A float type on the command line.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Float {
    F32,
    F16,
}

impl From<Float> for Precision {
    fn from(float: Float) -> Self {
        match float {
            Float::F32 => Precision::F32,
            Float::F16 => Precision::F16,
        }
    }
}

impl From<Float> for WeightType {
    fn from(float: Float) -> Self {
        match float {
            Float::F32 => WeightType::F32,
            Float::F16 => WeightType::F16,
        }
    }
}

impl From<Float> for FileType {
    fn from(float: Float) -> Self {
        match float {
            Float::F32 => FileType::F32,
            Float::F16 => FileType::F16,
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Generate(args) => return generate::run(&args),
        Command::Verify(args) => return verify::run(&args),
        Command::Inspect(args) => inspect::run(&args)?,
        Command::Synth(args) => synth::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}
