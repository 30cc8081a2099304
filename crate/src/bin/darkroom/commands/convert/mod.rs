//! `darkroom convert`: writes a model in another format, tensor by tensor, with a buffer of a few
//! megabytes: neither the model nor a part of it is ever in memory.
//!
//! ```text
//! --to DIR               the diffusers layout; for a type with blocks, model.gguf with its
//!                        tokenizer. In both cases ready to be served: licence, manifest.json
//! --to FILE.safetensors  one file with LDM's names, and the configs in its header
//! --to FILE.gguf         the same as GGUF, which stable-diffusion.cpp reads too
//! ```
//!
//! The model's licence is copied: into a folder, or into the header of a single file. Only GGUF has
//! blocks. They lie along a matrix's last dimension, its inputs, as in ggml. Tensors that are not
//! matrices of whole blocks become f16. So do embeddings, which are looked up and not multiplied,
//! and the time embedding's layers, whose errors would reach all resnets.

mod package;

use crate::disk::{NewFile, create, write_in_folder};
use crate::model_args::ModelArgs;
use clap::{Args, ValueEnum};
use darkroom::dtype::FileType;
use darkroom::pipeline::Files;
use darkroom::weights::names::Names;
use darkroom::weights::{
    FilePart, GgufWriter, SafetensorsWriter, Source, TensorInfo, decode, encode,
};
use darkroom::{Error, Result};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// About how many bytes are read at a time.
const WINDOW: u64 = 4 << 20;

/// Writes a model in another format.
#[derive(Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    model: ModelArgs,
    /// What to write: a folder, or a file whose name ends in .safetensors or .gguf.
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
    /// How the numbers are stored; as in the model when left out (blocks as f32). The types with
    /// blocks are for .gguf, and for a folder, which then has one.
    #[arg(long = "type", value_enum)]
    file_type: Option<Stored>,
    /// The licence's text, for a model that does not carry it.
    #[arg(long, value_name = "PATH")]
    licence_file: Option<PathBuf>,
}

/// A type that numbers can be stored as.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Stored {
    F32,
    F16,
    #[value(name = "q8_0")]
    Q8_0,
    #[value(name = "q5_0")]
    Q5_0,
    #[value(name = "q4_0")]
    Q4_0,
}

impl From<Stored> for FileType {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::F32 => FileType::F32,
            Stored::F16 => FileType::F16,
            Stored::Q8_0 => FileType::Q8_0,
            Stored::Q5_0 => FileType::Q5_0,
            Stored::Q4_0 => FileType::Q4_0,
        }
    }
}

/// A tensor, and its new name and type.
struct Item<'a> {
    info: &'a TensorInfo,
    name: String,
    shape: Vec<usize>,
    file_type: FileType,
}

/// Runs the command.
pub(crate) fn run(args: &ConvertArgs) -> Result<()> {
    pollster::block_on(async {
        let source = args.model.source();
        let files = Files::open(&source).await?;
        let wanted = args.file_type.map(FileType::from);
        let ending = args.to.extension().and_then(|ending| ending.to_str());
        let blocks = wanted.filter(|wanted| wanted.is_block());
        if let Some(blocks) = blocks.filter(|_| ending == Some("safetensors")) {
            let reason = format!("{} is for a .gguf file: no other has blocks", blocks.name());
            return Err(Error::Request { field: "type", reason });
        }
        let licence = package::licence(args.licence_file.as_deref(), &source, &files).await?;
        let licence = licence.as_deref();
        if let Some("safetensors" | "gguf") = ending {
            return one_file(&source, &files, &args.to, wanted, licence).await;
        }
        tokenizer(&source, &files, &args.to).await?;
        if blocks.is_some() {
            let file = args.to.join(package::CHECKPOINT);
            one_file(&source, &files, &file, wanted, licence).await?;
        } else {
            folder(&source, &files, &args.to, wanted).await?;
        }
        package::complete(&source, &args.to, wanted, licence).await
    })
}

async fn folder(
    source: &dyn Source,
    files: &Files,
    to: &Path,
    wanted: Option<FileType>,
) -> Result<()> {
    for (path, text) in files.configs().files() {
        write_in_folder(&to.join(path), text.as_bytes())?;
    }
    for (part, archive) in files.archives() {
        let path = to.join(match part {
            FilePart::TextEncoder => "text_encoder/model.safetensors",
            FilePart::Unet => "unet/diffusion_pytorch_model.safetensors",
            FilePart::Vae => "vae/diffusion_pytorch_model.safetensors",
        });
        let floats = archive.tensors().iter().filter(|info| info.file_type.is_float());
        let items = floats.map(|info| Item {
            info,
            name: info.name.clone(),
            shape: info.shape.clone(),
            file_type: wanted.unwrap_or_else(|| as_it_is(info)),
        });
        write(source, &path, &items.collect::<Vec<_>>(), &[("format", "pt")]).await?;
    }
    Ok(())
}

async fn tokenizer(source: &dyn Source, files: &Files, to: &Path) -> Result<()> {
    // Opened as for the model, so that a tokenizer that does not fit is an error.
    files.tokenizer(source).await?;
    for name in ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"] {
        let path = format!("tokenizer/{name}");
        match source.size(&path).await {
            Ok(size) => write_in_folder(&to.join(&path), &source.read(&path, 0..size).await?)?,
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn one_file(
    source: &dyn Source,
    files: &Files,
    to: &Path,
    wanted: Option<FileType>,
    licence: Option<&str>,
) -> Result<()> {
    let topology = files.topology();
    let (unet, vae) = (topology.unet_names(), Names::vae(topology.vae_levels));
    let mut items = Vec::new();
    for (part, archive) in files.archives() {
        for info in archive.tensors().iter().filter(|info| info.file_type.is_float()) {
            let name = match part {
                FilePart::Unet => unet.to_ldm(&info.name),
                FilePart::Vae => vae.to_ldm(&info.name),
                FilePart::TextEncoder => {
                    let bare = info.name.strip_prefix("text_model.").unwrap_or(&info.name);
                    Some(format!("text_model.{bare}"))
                }
            };
            let Some(name) = name else {
                eprintln!("Left out: `{}`, which has no place in one file", info.name);
                continue;
            };
            // The attention of LDM's VAE has 1×1 convolutions.
            let attends = part == FilePart::Vae && name.contains(".attn_1.");
            let shape = match info.shape[..] {
                [n, k] if attends => vec![n, k, 1, 1],
                _ => info.shape.clone(),
            };
            let file_type = match wanted {
                None => as_it_is(info),
                Some(wanted) if wanted.is_block() && !fits(wanted, &info.name, &shape) => {
                    FileType::F16
                }
                Some(wanted) => wanted,
            };
            items.push(Item { info, name: format!("{}{name}", part.prefix()), shape, file_type });
        }
    }
    let configs = files.configs().metadata();
    let mut metadata: Vec<_> = configs.iter().map(|(key, text)| (key.as_str(), *text)).collect();
    metadata.push(("modelspec.architecture", "stable-diffusion-v1"));
    metadata.extend(licence.map(|text| (package::KEY, text)));
    write(source, to, &items, &metadata).await
}

/// Whether a tensor is stored as blocks: a matrix of whole blocks that is neither an embedding nor
/// of the time embedding.
fn fits(blocks: FileType, name: &str, shape: &[usize]) -> bool {
    let whole = |inputs: &usize| inputs.is_multiple_of(blocks.block().0);
    shape.len() == 2 && shape.last().is_some_and(whole) && !name.contains("embedding")
}

/// The type of a tensor without a given type: 16-bit and 32-bit floats stay; 8-bit floats become
/// f16, which can represent all their values.
fn as_it_is(info: &TensorInfo) -> FileType {
    match info.file_type {
        FileType::BF16 => FileType::BF16,
        narrow if narrow.fits_f16() => FileType::F16,
        _ => FileType::F32,
    }
}

/// A file that is being written, in the format of its name.
enum Writer {
    Safetensors(SafetensorsWriter<BufWriter<File>>),
    Gguf(GgufWriter<BufWriter<File>>),
}

/// Writes a checkpoint file, under a temporary name until it is complete.
async fn write(
    source: &dyn Source,
    path: &Path,
    items: &[Item<'_>],
    metadata: &[(&str, &str)],
) -> Result<()> {
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    let new = NewFile::create(path)?;
    let list: Vec<_> =
        items.iter().map(|item| (&*item.name, item.file_type, item.shape.clone())).collect();
    let shown = path.display().to_string();
    let file = BufWriter::new(new.file()?);
    let mut writer = if path.extension().is_some_and(|ending| ending == "gguf") {
        Writer::Gguf(GgufWriter::new(file, &shown, &list, metadata)?)
    } else {
        Writer::Safetensors(SafetensorsWriter::new(file, &shown, &list, metadata)?)
    };
    let mut numbers_total = 0;
    for item in items {
        numbers_total += item.info.elements();
        copy(source, item, |bytes| match &mut writer {
            Writer::Safetensors(writer) => writer.write(bytes),
            Writer::Gguf(writer) => writer.write(bytes),
        })
        .await?;
    }
    match writer {
        Writer::Safetensors(writer) => writer.finish().map(drop)?,
        Writer::Gguf(writer) => writer.finish().map(drop)?,
    }
    new.keep()?;
    println!("{shown}: {} tensors, {numbers_total} numbers", items.len());
    Ok(())
}

/// Reads a tensor window by window, and writes it in its new type.
async fn copy(
    source: &dyn Source,
    item: &Item<'_>,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let Item { info, file_type, .. } = item;
    let block = info.file_type.block().1 as u64;
    let window = WINDOW / block * block;
    let (mut numbers, mut bytes) = (Vec::new(), Vec::new());
    if info.strides.is_some() {
        let read = source.read(&info.file, info.range.clone()).await?;
        let ordered = info.in_order(info.shape.first().copied().unwrap_or(1), &read);
        decode(info.file_type, &ordered, &mut numbers)?;
        encode(*file_type, &numbers, &mut bytes)?;
        return write(&bytes);
    }
    let mut start = info.range.start;
    while start < info.range.end {
        let end = info.range.end.min(start + window);
        let read = source.read(&info.file, start..end).await?;
        start = end;
        if info.file_type == *file_type {
            write(&read)?;
            continue;
        }
        numbers.clear();
        bytes.clear();
        decode(info.file_type, &read, &mut numbers)?;
        encode(*file_type, &numbers, &mut bytes)?;
        write(&bytes)?;
    }
    Ok(())
}
