//! `darkroom verify`: checks that a model makes the right pictures.

use crate::adapter_args::AdapterArgs;
use crate::compute_args::{ComputeArgs, Device};
use crate::model_args::ModelArgs;
use crate::progress::{self, end_line};
use clap::Args;
use darkroom::Result;
use darkroom::measure;
use darkroom::pipeline::{Check, CheckResult, Control, Options, Pipeline, Progress, f32_only};
use darkroom::weights::Source;
use std::process::ExitCode;
use std::rc::Rc;

/// Makes the pictures of diffusers' own tests and compares them with the published numbers; of a
/// model that is not v1.4, those of the graphics adapter with those of the CPU.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    compute: ComputeArgs,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// Runs the command; the exit code is 1 when a comparison fails.
pub(crate) fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let control = Control { on_progress: Box::new(report), ..Control::default() };
    let checks = pollster::block_on(async {
        let source = Rc::new(args.model.source());
        let pipeline = open(args, source.clone(), &control).await?;
        pipeline.verify(source, None, &control).await
    })?;
    let failed = checks.iter().filter(|check| check.verdict == CheckResult::Fail).count();
    match failed {
        0 => println!("All {} comparisons passed.", checks.len()),
        _ => println!("{failed} of {} comparisons failed.", checks.len()),
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(args: &VerifyArgs, source: Rc<dyn Source>, control: &Control) -> Result<Pipeline> {
    let ComputeArgs { device, precision, weights } = args.compute;
    // No picture is shown, so the safety checker is not needed.
    let options = Options { safety: false, ..Options::default() };
    if device == Device::Cpu {
        if !args.compute.is_f32() {
            return Err(f32_only());
        }
        return Pipeline::open_on_cpu(source, &options, control).await;
    }
    let gpu = measure::open(&args.adapter.options()).await?;
    eprintln!("Graphics adapter: {}", gpu.info().name);
    let options = Options { precision, weights, ..options };
    Pipeline::open(&gpu, source, &options, control).await
}

/// Prints comparisons and notices as results, and everything else as progress.
fn report(progress: &Progress) {
    match progress {
        Progress::Check(check) => {
            end_line();
            print(check);
        }
        Progress::Notice { text } => {
            end_line();
            println!("{text}");
        }
        other => progress::report(other),
    }
}

fn print(check: &Check) {
    let list = |numbers: &[f32]| {
        numbers.iter().map(|number| format!("{number:.5}")).collect::<Vec<_>>().join(" ")
    };
    println!("{}", check.name);
    println!("  expected    {}", list(&check.expected));
    println!("  got         {}", list(&check.got));
    let Check { difference, tolerance, bound, .. } = check;
    let verdict = match check.verdict {
        CheckResult::Pass => format!("pass (at most {tolerance:.5})"),
        CheckResult::Precision => {
            format!("pass for this precision (at most {bound:.5}; in f32 {tolerance:.5})")
        }
        CheckResult::Fail if bound > tolerance => {
            format!("FAIL (at most {bound:.5}, which this precision may cost)")
        }
        CheckResult::Fail => format!("FAIL (at most {bound:.5})"),
    };
    println!("  difference  {difference:.5}: {verdict}");
}
