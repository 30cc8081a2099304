//! `darkroom synth`: writes a synthetic checkpoint of v1.4's topology, whose values are computed
//! from the tensors' names. Anyone can make the same file and compare two programs with it, without
//! downloading 4 GB.
//!
//! A value depends only on the tensor's name, its index in the tensor, and the seed:
//!
//! ```text
//! key   = mix(fnv1a(name) ^ mix(seed))
//! bits  = mix(key + index · 0x9e3779b97f4a7c15)         mix: the finaliser of splitmix64
//! u     = (bits >> 40) / 2²³ − 1                        uniform in [−1, 1), exact in f32
//! ```
//!
//! Matrices and convolutions are `u · √(3 / fan-in)`, so that outputs have the variance of inputs;
//! scales of norms are `1 + u/10`, biases `u/20`, embeddings `u/10`.

mod config;

use crate::disk::{NewFile, unwritable, write_in_folder};
use crate::model_args::Float;
use crate::tokenizer;
use clap::Args;
use config::Config;
use darkroom::dtype::FileType;
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::safety::{SafetyChecker, SafetyConfig};
use darkroom::models::unet::{Unet, UnetConfig};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Catalogue, Scope};
use darkroom::weights::SafetensorsWriter;
use darkroom::{Error, Result, WeightType};
use half::f16;
use std::borrow::Cow;
use std::fs;
use std::io::BufWriter;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;

/// How many values a thread computes at a time.
const CHUNK: usize = 1 << 18;

/// Writes a made-up checkpoint in the diffusers layout.
#[derive(Args)]
pub(crate) struct SynthArgs {
    /// Which topology: that of Stable Diffusion v1.4, or a small one of the same kind.
    #[arg(long, value_enum)]
    config: Config,
    /// Channels of the UNet's input, where they are others: 9 for one that fills masked parts, 8
    /// for one that edits pictures.
    #[arg(long)]
    in_channels: Option<usize>,
    /// Another seed gives other numbers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The folder to write; made when it is not there.
    #[arg(long)]
    out: PathBuf,
    /// How the numbers are stored.
    #[arg(long, value_enum, default_value = "f16")]
    weights: Float,
    /// Also make a safety checker. Its thresholds are near one, so that it flags nothing.
    #[arg(long)]
    safety: bool,
    /// Leave the numbers out: files of the true length, all zeros, that take no room on a disk that
    /// knows holes. Enough to see what a model costs.
    #[arg(long)]
    hollow: bool,
    /// Where vocab.json and merges.txt are copied from; CLIP's own, in this program, when left out.
    #[arg(long)]
    tokenizer: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &SynthArgs) -> Result<()> {
    let files = args.config.files(args.in_channels);
    for (path, text) in files.all(args.safety) {
        write_in_folder(&args.out.join(path), text.as_bytes())?;
    }
    for name in ["vocab.json", "merges.txt"] {
        let bytes = tokenizer_file(args.tokenizer.as_deref(), name)?;
        write_in_folder(&args.out.join("tokenizer").join(name), &bytes)?;
    }
    let gpu = Gpu::dry(false);
    let scope = || Scope::without_file(&gpu, WeightType::F16);

    let text = scope();
    TextEncoder::new(&text, &TextConfig::parse("text_encoder/config.json", files.text_encoder)?)?;
    let unet = scope();
    Unet::new(&unet, &UnetConfig::parse("unet/config.json", &files.unet)?)?;
    let vae = scope();
    let vae_config = VaeConfig::parse("vae/config.json", files.vae)?;
    VaeDecoder::new(&vae, &vae_config)?;
    Encoder::new(&vae, &vae_config)?;

    let mut parts = vec![
        ("text_encoder/model.safetensors", text),
        ("unet/diffusion_pytorch_model.safetensors", unet),
        ("vae/diffusion_pytorch_model.safetensors", vae),
    ];
    if args.safety {
        let safety = scope();
        let config = SafetyConfig::parse("safety_checker/config.json", files.safety_checker)?;
        SafetyChecker::new(&safety, &config)?;
        parts.push(("safety_checker/model.safetensors", safety));
    }
    for (path, scope) in parts {
        let catalogue = scope.catalogue();
        write_tensors(&args.out.join(path), &catalogue, args)?;
        println!("{path}: {} tensors, {} numbers", catalogue.tensors.len(), catalogue.parameters());
    }
    Ok(())
}

/// A file from the folder, or the one embedded in the program.
fn tokenizer_file(folder: Option<&Path>, name: &str) -> Result<Cow<'static, [u8]>> {
    let Some(folder) = folder else {
        let (_, bytes) = tokenizer::FILES.iter().find(|(known, _)| *known == name).expect("CLIP's");
        return Ok(Cow::Borrowed(bytes));
    };
    let from = folder.join(name);
    let read = fs::read(&from).map(Cow::Owned);
    read.map_err(|e| Error::NotFound { path: from.display().to_string(), reason: e.to_string() })
}

fn write_tensors(path: &Path, catalogue: &Catalogue, args: &SynthArgs) -> Result<()> {
    let file_type = FileType::from(args.weights);
    let list: Vec<_> = catalogue
        .tensors
        .iter()
        .map(|(name, shape)| (name.as_str(), file_type, shape.clone()))
        .collect();
    let shown = path.display().to_string();
    let new = NewFile::create(path)?;
    let file = new.file()?;
    // Loaders look for the framework's name here.
    let metadata = [("format", "pt")];
    if args.hollow {
        drop(SafetensorsWriter::new(&file, &shown, &list, &metadata)?);
        let bytes = catalogue.parameters() as u64 * file_type.bytes_of(1).unwrap_or(0);
        let grown = file.metadata().and_then(|header| file.set_len(header.len() + bytes));
        return grown.map_err(|e| unwritable(path, &e)).and_then(|()| new.keep());
    }
    let mut writer = SafetensorsWriter::new(BufWriter::new(file), &shown, &list, &metadata)?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    for (name, _, shape) in &list {
        let numbers = Numbers::new(name, shape, args.seed);
        let elements: usize = shape.iter().product();
        let chunks: Vec<_> =
            (0..elements).step_by(CHUNK).map(|at| at..elements.min(at + CHUNK)).collect();
        for chunks in chunks.chunks(threads) {
            for bytes in at_once(chunks, &|chunk| numbers.bytes(chunk, args.weights)) {
                writer.write(&bytes)?;
            }
        }
    }
    writer.finish().map(drop)?;
    new.keep()
}

/// The bytes of some chunks, each computed by a thread of its own.
fn at_once(
    chunks: &[Range<usize>],
    bytes_of: &(dyn Fn(Range<usize>) -> Vec<u8> + Sync),
) -> Vec<Vec<u8>> {
    let [first, others @ ..] = chunks else { return Vec::new() };
    thread::scope(|scope| {
        let others: Vec<_> =
            others.iter().map(|chunk| scope.spawn(|| bytes_of(chunk.clone()))).collect();
        let mut all = vec![bytes_of(first.clone())];
        all.extend(others.into_iter().map(|other| other.join().expect("it only computes")));
        all
    })
}

/// Computes the values of one tensor.
struct Numbers {
    key: u64,
    centre: f32,
    scale: f32,
}

impl Numbers {
    fn new(name: &str, shape: &[usize], seed: u64) -> Numbers {
        let key = mix(fnv1a(name) ^ mix(seed));
        let (centre, scale) = match (shape, name.ends_with(".bias")) {
            (_, true) => (0.0, 0.05),
            ([_], false) => (1.0, 0.1),
            _ if name.contains("embeddings.") => (0.0, 0.1),
            ([_, inputs @ ..], false) => {
                let fan_in: usize = inputs.iter().product();
                (0.0, (3.0 / fan_in as f64).sqrt() as f32)
            }
            ([], false) => (0.0, 1.0),
        };
        Numbers { key, centre, scale }
    }

    /// The values with these indices, as in a file.
    fn bytes(&self, indices: Range<usize>, float: Float) -> Vec<u8> {
        let numbers = indices.map(|index| self.at(index as u64));
        match float {
            Float::F32 => numbers.flat_map(f32::to_le_bytes).collect(),
            Float::F16 => numbers.flat_map(|number| f16::from_f32(number).to_le_bytes()).collect(),
        }
    }

    fn at(&self, index: u64) -> f32 {
        let bits = mix(self.key.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let unit = (bits >> 40) as f32 / (1 << 23) as f32 - 1.0;
        self.centre + self.scale * unit
    }
}

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit depends on every other.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
