//! `darkroom upscale`: enlarges pictures by an upscaler of the ESRGAN family.

use crate::adapter_args::AdapterArgs;
use crate::compute_args::{ComputeArgs, Device};
use crate::disk::{check_folder, check_picture, create, read_png, write};
use crate::progress::{end_line, report};
use clap::Args;
use darkroom::image::png;
use darkroom::pipeline::{Control, Upscaler, UpscalerOptions, f32_only};
use darkroom::weights::{FileSource, Source};
use darkroom::{Error, Result, measure};
use std::path::{Path, PathBuf};

/// Enlarges pictures.
#[derive(Args)]
pub(crate) struct UpscaleArgs {
    /// The upscaler: RRDBNet (ESRGAN, Real-ESRGAN) or SRVGGNetCompact, as .pth or .safetensors.
    #[arg(long, value_name = "FILE")]
    upscaler: PathBuf,
    /// The pictures, PNG files of any size.
    #[arg(required = true, value_name = "FILE.png")]
    pictures: Vec<PathBuf>,
    /// The picture to write, where one is enlarged.
    #[arg(long, value_name = "FILE.png", required_unless_present = "out_dir")]
    out: Option<PathBuf>,
    /// The folder to write to, under the pictures' own names.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    out_dir: Option<PathBuf>,
    #[command(flatten)]
    compute: ComputeArgs,
    /// MB of graphics memory, or on the CPU of memory, that all of it may take, where that is
    /// possible: more is faster.
    #[arg(long, value_name = "MB", default_value = "600")]
    memory: u64,
    #[command(flatten)]
    adapter: AdapterArgs,
}

/// Runs the command.
pub(crate) fn run(args: &UpscaleArgs) -> Result<()> {
    let places = places(args)?;
    // One at a time, but none is enlarged before all were found good.
    args.pictures.iter().try_for_each(|path| read_png(path).map(drop))?;
    pollster::block_on(async {
        let control = Control { on_progress: Box::new(report), ..Control::default() };
        let upscaler = open(args, &control).await?;
        for (path, out) in args.pictures.iter().zip(places) {
            let picture = read_png(path)?;
            let large = upscaler.enlarge(&picture.picture, &control).await?;
            let texts = upscaler.texts(&picture.texts);
            let texts: Vec<_> = texts.iter().map(|(key, text)| (&**key, &**text)).collect();
            write(&out, &png::encode(&large, &texts)?)?;
            end_line();
            println!("{}: {}×{}", out.display(), large.width(), large.height());
        }
        Ok(())
    })
}

async fn open(args: &UpscaleArgs, control: &Control) -> Result<Upscaler> {
    let ComputeArgs { device, precision, weights } = args.compute;
    let folder = args.upscaler.parent().unwrap_or(Path::new(""));
    let (source, file) = (FileSource::new(folder), name(&args.upscaler)?);
    let file = (&source as &dyn Source, &*file);
    let memory = Some(args.memory.saturating_mul(1_000_000));
    if device == Device::Cpu {
        if !args.compute.is_f32() {
            return Err(f32_only());
        }
        let options = UpscalerOptions { memory, ..UpscalerOptions::default() };
        return Upscaler::open_on_cpu(file, (options, None), control).await;
    }
    let gpu = measure::open(&args.adapter.options()).await?;
    eprintln!("Graphics adapter: {}", gpu.info().name);
    let options = UpscalerOptions { precision, weights, memory };
    Upscaler::open(&gpu, file, options, control).await
}

/// Where the pictures go, checked before anything is loaded.
fn places(args: &UpscaleArgs) -> Result<Vec<PathBuf>> {
    if let Some(out) = &args.out {
        if args.pictures.len() > 1 {
            let reason = "names one file for several pictures; give --out-dir instead".into();
            return Err(Error::Request { field: "out", reason });
        }
        check_picture(out)?;
        return Ok(vec![out.clone()]);
    }
    let folder = args.out_dir.as_deref().unwrap_or(Path::new("."));
    create(folder)?;
    check_folder(folder)?;
    let places: Vec<PathBuf> =
        args.pictures.iter().map(|path| Ok(folder.join(name(path)?))).collect::<Result<_>>()?;
    let mut taken: Vec<_> =
        args.pictures.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for place in &places {
        let real = folder.canonicalize().map_or_else(
            |_| place.clone(),
            |real| real.join(place.file_name().unwrap_or_default()),
        );
        if taken.contains(&real) {
            let reason = format!(
                "would overwrite {}, which is one of the pictures or the result of another",
                place.display()
            );
            return Err(Error::Request { field: "out-dir", reason });
        }
        taken.push(real);
    }
    Ok(places)
}

/// The name of a file.
fn name(path: &Path) -> Result<String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| Error::NotFound {
        path: path.display().to_string(),
        reason: "it names no file".into(),
    })
}
