//! `darkroom manifest`: makes the manifest of a model's folder, with the SHA-256 of every chunk.

use crate::disk::write;
use clap::Args;
use darkroom::weights::{Digest, Kind, Licence, Manifest, ManifestFile, PIECE_BYTES};
use darkroom::{Error, Result};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Extensions of files that belong to a model; other files, such as pictures, are left out.
const KINDS: [&str; 6] = ["json", "txt", "safetensors", "bin", "ckpt", "gguf"];
/// The default chunk size.
pub(crate) const CHUNK_BYTES: u64 = 16 << 20;

/// Prints a model's manifest, or writes it beside the model.
#[derive(Args)]
pub(crate) struct ManifestArgs {
    /// The model's folder.
    #[arg(long)]
    model: PathBuf,
    /// Its name in storage: a-z, 0-9, `.` and `-`; the folder's when left out.
    #[arg(long)]
    id: Option<String>,
    /// Its name for people; the id when left out.
    #[arg(long)]
    title: Option<String>,
    /// What it is: model, lora, embedding, control, upscaler, taesd, unet, vae or text_encoder.
    #[arg(long, default_value = "model", value_parser = kind)]
    kind: Kind,
    /// A word by which prompts call a textual inversion, or that a LoRA was trained on. May be
    /// repeated.
    #[arg(long = "word")]
    words: Vec<String>,
    /// The model that a LoRA or a part was made for, by its name for people.
    #[arg(long)]
    base_model: Option<String>,
    /// Where it is from, such as CompVis/stable-diffusion-v1-4.
    #[arg(long)]
    repository: Option<String>,
    /// The commit it was taken at.
    #[arg(long)]
    revision: Option<String>,
    /// What most of its numbers are, for people: f32, f16, q8_0, …
    #[arg(long)]
    precision: Option<String>,
    /// The licence's name.
    #[arg(long)]
    licence: String,
    /// The licence's text in the model's folder: it must be accepted before anything is fetched.
    #[arg(long, value_name = "PATH")]
    licence_file: Option<String>,
    /// The address that paths continue; the manifest's own folder when left out.
    #[arg(long, default_value = "")]
    base: String,
    /// Origins that may be asked, those that the base redirects to among them; https://*.NAME for
    /// all below a name.
    #[arg(long = "host")]
    hosts: Vec<String>,
    /// A further base, asked when the one before keeps failing. May be repeated.
    #[arg(long = "mirror")]
    mirrors: Vec<String>,
    /// The unit of fetching and verifying.
    #[arg(long, default_value_t = CHUNK_BYTES)]
    chunk_bytes: u64,
    /// Write manifest.json into the model's folder instead of printing it.
    #[arg(long)]
    write: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ManifestArgs) -> Result<()> {
    // Zero would be a divisor below. Other sizes are checked with the manifest.
    if args.chunk_bytes == 0 {
        let reason = "must be at least 4096".to_owned();
        return Err(Error::Request { field: "chunk_bytes", reason });
    }
    let id = args.id.clone().unwrap_or_else(|| id_of(&args.model));
    let files = list_files(&args.model, args.chunk_bytes)?;
    let sha256 = args.licence_file.as_ref().map(|licence| {
        let listed = files.iter().find(|file| file.path == *licence);
        listed.and_then(|file| file.sha256.clone()).ok_or_else(|| Error::NotFound {
            path: licence.clone(),
            reason: "the licence's text must be a file of the model's folder".into(),
        })
    });
    let manifest = Manifest {
        kind: args.kind,
        words: args.words.clone(),
        base_model: args.base_model.clone(),
        format: 1,
        title: args.title.clone().unwrap_or_else(|| id.clone()),
        id,
        repository: args.repository.clone(),
        revision: args.revision.clone(),
        precision: args.precision.clone(),
        licence: Licence {
            name: args.licence.clone(),
            file: args.licence_file.clone(),
            sha256: sha256.transpose()?,
        },
        base: args.base.clone(),
        mirrors: args.mirrors.clone(),
        pointers: None,
        hosts: args.hosts.clone(),
        chunk_bytes: args.chunk_bytes,
        files,
    };
    let json = manifest.to_json();
    // The written manifest must be valid.
    Manifest::parse(Manifest::FILE, json.as_bytes())?;
    if args.write {
        let out = args.model.join(Manifest::FILE);
        write(&out, json.as_bytes())
    } else {
        print!("{json}");
        Ok(())
    }
}

/// A kind by its name.
fn kind(name: &str) -> Result<Kind, String> {
    serde_json::from_value(name.into()).map_err(|error| error.to_string())
}

/// An id from a folder's name.
pub(crate) fn id_of(folder: &Path) -> String {
    let name = folder.file_name().map_or("model".into(), |name| name.to_string_lossy());
    let of_id = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let id: String = name.to_ascii_lowercase().chars().map(of_id).take(80).collect();
    let id = id.trim_matches(['-', '.']);
    if id.is_empty() { "model".to_owned() } else { id.to_owned() }
}

/// A folder's files with their sizes and SHA-256.
pub(crate) fn list_files(root: &Path, chunk_bytes: u64) -> Result<Vec<ManifestFile>> {
    let mut files = Vec::new();
    for path in list(root)? {
        eprintln!("{path}");
        files.push(read(root, path, chunk_bytes)?);
    }
    Ok(files)
}

/// The paths of the model's files, small files first, so that the configs are fetched before the
/// weights.
fn list(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(root.join(&folder)).map_err(|e| fault(root, &folder, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| fault(root, &folder, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            // `metadata` follows links: download caches have a model as a folder of links.
            let info = fs::metadata(entry.path()).map_err(|e| fault(root, &path, &e))?;
            let kind = name.rsplit('.').next().unwrap_or_default();
            if name.starts_with('.') || path == Manifest::FILE {
                continue;
            } else if info.is_dir() {
                folders.push(path);
            } else if KINDS.contains(&kind) && info.len() > 0 {
                let weights = !["json", "txt"].contains(&kind);
                found.push((weights, path));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn read(root: &Path, path: String, chunk_bytes: u64) -> Result<ManifestFile> {
    let mut file = File::open(root.join(&path)).map_err(|e| fault(root, &path, &e))?;
    let (mut whole, mut chunk) = (Digest::default(), Digest::default());
    let (mut bytes, mut chunks) = (0, Vec::new());
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let left = (chunk_bytes - bytes % chunk_bytes).min(PIECE_BYTES as u64) as usize;
        let read = file.read(&mut buffer[..left]).map_err(|e| fault(root, &path, &e))?;
        if read == 0 {
            break;
        }
        whole.update(&buffer[..read]);
        chunk.update(&buffer[..read]);
        bytes += read as u64;
        if bytes % chunk_bytes == 0 {
            chunks.push(std::mem::take(&mut chunk).finish().0);
        }
    }
    if bytes % chunk_bytes != 0 {
        chunks.push(chunk.finish().0);
    }
    // A single chunk is the whole file, whose hash is listed already.
    if chunks.len() == 1 {
        chunks.clear();
    }
    let sha256 = Some(whole.finish().0);
    Ok(ManifestFile { path, bytes: Some(bytes), sha256, chunks, ..ManifestFile::default() })
}

fn fault(root: &Path, path: &str, error: &std::io::Error) -> Error {
    Error::Source { path: root.join(path).display().to_string(), reason: error.to_string() }
}
