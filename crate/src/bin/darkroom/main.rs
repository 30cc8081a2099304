//! The native program: the same run as in the browser, on the command line.
//!
//! It only reads arguments, calls the crate, and prints. Errors are one sentence on standard error;
//! [`exit`] has the exit codes.

mod adapter_args;
mod commands;
mod compute_args;
mod control_args;
mod disk;
mod embedding_args;
mod exit;
mod interrupt;
mod jobs;
mod lab;
mod list_files;
mod lists;
mod lora_args;
mod lora_list;
mod model_args;
mod open_args;
mod part_args;
mod progress;
mod request_args;
mod serve;
mod start_args;
mod taesd_args;
mod tokenizer;
mod tuning_cache;
mod upscaler_args;

use clap::{Parser, Subcommand};
use commands::{
    compare, convert, generate, inspect, manifest, request, upscale, verify, verify_site,
};
use darkroom::Result;
use exit::ExitState;
use lab::{bench, memory, precision, shortcuts, synth};
use std::panic;
use std::process::{self, ExitCode};

/// Stable Diffusion v1.4, whole, on any graphics adapter.
#[derive(Parser)]
#[command(name = "darkroom", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures the kernels beside this adapter's own peaks.
    Bench(bench::BenchArgs),
    /// Runs the same requests through several checkpoints and sets the pictures side by side.
    Compare(compare::CompareArgs),
    /// Makes a picture from a prompt.
    Generate(Box<generate::GenerateArgs>),
    /// Writes a model in another format: a folder, or one file of safetensors or GGUF.
    Convert(convert::ConvertArgs),
    /// Prints what a model is, and what a picture would cost; needs no graphics adapter.
    Inspect(inspect::InspectArgs),
    /// Prints what each type of weights and activations costs, against f32.
    Precision(precision::PrecisionArgs),
    /// Prints the memory that pictures of a model take, as tables; needs no graphics adapter.
    Memory(memory::MemoryArgs),
    /// Prints a request as JSON, a line of a list for generate --jobs; also that of a picture.
    Request(request::ShowArgs),
    /// Prints what a request may say, as a JSON Schema.
    Schema(request::SchemaArgs),
    /// Answers requests over HTTP: as OpenAI's API, AUTOMATIC1111's, and jobs of its own.
    Serve(Box<serve::ServeArgs>),
    /// Prints what each shortcut saves, and how far its pictures are from the exact ones.
    Shortcuts(shortcuts::ShortcutsArgs),
    /// Prints a model's parts list: files, sizes, SHA-256 of every chunk.
    Manifest(manifest::ManifestArgs),
    /// Writes a made-up checkpoint of the true topology.
    Synth(synth::SynthArgs),
    /// Enlarges pictures by an upscaler of the ESRGAN family.
    Upscale(upscale::UpscaleArgs),
    /// Compares a model's pictures with published ones, or the GPU's with the CPU's.
    Verify(verify::VerifyArgs),
    /// Compares what a host serves with the list of hashes of a release.
    VerifySite(verify_site::VerifySiteArgs),
}

/// Failing to write to standard output is not a bug: if the reader has closed the pipe (`| head`),
/// the program ends silently, and with a full disk it prints an error.
fn end_quietly_without_output() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let said = info.payload_as_str().unwrap_or_default();
        let Some(reason) = said.strip_prefix("failed printing to stdout: ") else {
            return usual(info);
        };
        if !reason.starts_with("Broken pipe") {
            eprintln!("The output could not be written ({reason}).");
        }
        process::exit(1);
    }));
}

fn main() -> ExitCode {
    end_quietly_without_output();
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitState::of(&error).into()
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Generate(args) => return generate::run(&args),
        Command::Verify(args) => return verify::run(&args),
        Command::VerifySite(args) => return verify_site::run(&args),
        Command::Serve(args) => return serve::run(*args),
        Command::Convert(args) => convert::run(&args)?,
        Command::Bench(args) => bench::run(&args)?,
        Command::Compare(args) => compare::run(&args)?,
        Command::Inspect(args) => inspect::run(&args)?,
        Command::Precision(args) => precision::run(&args)?,
        Command::Request(args) => request::run(&args)?,
        Command::Schema(args) => request::print_schema(&args)?,
        Command::Shortcuts(args) => shortcuts::run(&args)?,
        Command::Memory(args) => memory::run(&args)?,
        Command::Manifest(args) => manifest::run(&args)?,
        Command::Upscale(args) => upscale::run(&args)?,
        Command::Synth(args) => synth::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}
