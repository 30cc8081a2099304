//! Checks that local files are a usable model, before anything is stored.

use super::local_files::Files;
use crate::error::{Result, bad_file};
use crate::models::upscaler::UpscalerConfig;
use crate::pipeline;
use crate::weights::{
    ADDONS, Archive, CHECKPOINTS, ControlFile, ControlKind, Embedding, FilePart, Kind, Ldm,
    LonePart, Lora, Manifest, Source, Taesd, check_for_zeros, identify_addon, upscaler_names,
};

/// The file that shows that a folder has the diffusers layout.
const INDEX: &str = "model_index.json";
/// The config in a folder of one network.
const CONFIG: &str = "config.json";
/// Extensions of files that may accompany a model.
const TEXTS: [&str; 3] = [".json", ".txt", ".md"];
/// How many words of a header are kept, and the longest of them in bytes.
const WORDS_MAX: usize = 16;
const WORD_BYTES_MAX: usize = 200;
/// The last layer of a ControlNet.
const MIDDLE: &str = "controlnet_mid_block.weight";
/// Of a ControlNet for Stable Diffusion XL: the numbers of a token of its prompts.
const XL_CONTEXT: usize = 2048;
/// Of a T2I-Adapter for Stable Diffusion XL: a picture's channels in squares of 16 pixels a side.
const XL_INPUTS: usize = 3 * 16 * 16;

/// A file that changes a model, or replaces a part of it.
pub(super) struct Addon {
    pub kind: Kind,
    /// Its path.
    path: String,
    /// SHA-256 of the file, where it was read whole.
    pub sha256: Option<String>,
    /// Of a LoRA: the hash by which other programs know it.
    pub model_hash: Option<String>,
    /// The words by which prompts call it, besides its name; of a LoRA, those that it was trained
    /// on.
    pub words: Vec<String>,
}

impl Addon {
    /// Whether a file belongs to it: its own, and its config.
    pub(super) fn has(&self, path: &str) -> bool {
        path == self.path || path == CONFIG
    }
}

/// What a file that was given alone is, if it is one that changes a model or replaces a part of
/// it; so for a ControlNet's folder in the layout of diffusers. `None` for anything else, which
/// other checks look at.
///
/// # Errors
/// [`Error::BadFile`](crate::Error::BadFile) for one that is damaged or for another model.
pub(super) async fn addon_of(files: &Files) -> Result<Option<Addon>> {
    let folder = files.paths().nth(1).is_some();
    let Some(path) = network_in(files).filter(|path| !files.is_empty(path)) else {
        return Ok(None);
    };
    // A file that is none of these gets its error elsewhere.
    let Ok(archive) = Archive::open(files, path).await else { return Ok(None) };
    let found = kind_of(&archive).filter(|kind| !folder || *kind == Kind::Control);
    let Some(kind) = found else { return Ok(None) };
    let (mut words, mut model_hash) = (Vec::new(), None);
    let sha256 = match kind {
        Kind::Lora => {
            let lora = Lora::open(files, path).await?;
            lora.read_all_layers().await?;
            words.extend(trigger_words(&lora));
            model_hash = Some(lora.model_hash().to_owned());
            Some(lora.sha256().to_owned())
        }
        Kind::Embedding => {
            let embedding = Embedding::open(files, path).await?;
            words.extend(embedding.word().map(str::to_owned));
            Some(embedding.sha256().to_owned())
        }
        Kind::Control => {
            check_control(&archive)?;
            check_for_zeros(files, &archive).await?;
            None
        }
        Kind::Upscaler => {
            check_for_zeros(files, &archive).await?;
            None
        }
        Kind::Taesd => {
            Taesd::open(files, path).await?;
            None
        }
        Kind::Unet | Kind::Vae | Kind::TextEncoder => {
            let part = match kind {
                Kind::Unet => FilePart::Unet,
                Kind::Vae => FilePart::Vae,
                _ => FilePart::TextEncoder,
            };
            LonePart::find(&archive, part)?;
            check_for_zeros(files, &archive).await?;
            None
        }
        Kind::Model => return Ok(None),
    };
    Ok(Some(Addon { kind, path: path.to_owned(), sha256, model_hash, words }))
}

/// The path of the file that was given alone, or of the one network of a folder.
fn network_in(files: &Files) -> Option<&str> {
    let has = |wanted: &str| files.paths().any(|path| path == wanted);
    let mut paths = files.paths();
    match (paths.next(), paths.next()) {
        (Some(path), None) => ADDONS.iter().any(|ending| path.ends_with(ending)).then_some(path),
        _ if has(CONFIG) && !has(INDEX) => ControlFile::NAMES.into_iter().find(|name| has(name)),
        _ => None,
    }
}

/// What a file is by its tensors, if it is one that changes a model or replaces a part of it.
fn kind_of(archive: &Archive) -> Option<Kind> {
    if ControlFile::without_numbers(archive).is_some() {
        return Some(Kind::Control);
    }
    if UpscalerConfig::of(&upscaler_names(archive)).is_ok() {
        return Some(Kind::Upscaler);
    }
    // A file of diffusers has nothing but the word as the name of a tensor.
    let word = Embedding::is_in(archive).then_some(Kind::Embedding);
    identify_addon(archive).or(word)
}

/// Refuses a ControlNet or T2I-Adapter for Stable Diffusion XL, which no model here could use, and
/// a ControlNet that ends early.
fn check_control(archive: &Archive) -> Result<()> {
    let Some(file) = ControlFile::without_numbers(archive) else { return Ok(()) };
    let width = |end: &str| {
        let found = file.archive().tensors().iter().find(|info| info.name.ends_with(end))?;
        found.shape.get(1).copied()
    };
    let is_xl = width("attn2.to_k.weight") == Some(XL_CONTEXT)
        || width("adapter.conv_in.weight") == Some(XL_INPUTS);
    if !is_xl {
        let is_net = file.kind() == ControlKind::ControlNet;
        return match file.shape(MIDDLE) {
            None if is_net => {
                Err(bad_file(archive.file(), format!("the ControlNet's {MIDDLE} is missing")))
            }
            _ => Ok(()),
        };
    }
    let kind = file.kind().name();
    let reason = format!(
        "it is a {kind} for Stable Diffusion XL, which this program does not run: get the one for \
         Stable Diffusion 1"
    );
    Err(bad_file(archive.file(), reason))
}

/// The words that a LoRA was trained on, as its header says (the field `trigger_phrase` of
/// ModelSpec, <https://github.com/Stability-AI/ModelSpec>).
fn trigger_words(lora: &Lora) -> Vec<String> {
    let phrase = lora.metadata().get("modelspec.trigger_phrase");
    let words = phrase.iter().flat_map(|phrase| phrase.split(',')).map(str::trim);
    let fits = |word: &&str| !word.is_empty() && word.len() <= WORD_BYTES_MAX;
    words.filter(fits).take(WORDS_MAX).map(str::to_owned).collect()
}

/// Checks a file that was given alone, whatever its extension; the error says what it is if it is
/// no checkpoint.
///
/// # Errors
/// [`Error::BadFile`](crate::Error::BadFile) for an empty or damaged file, or one with another
/// extension; [`Error::OtherModel`](crate::Error::OtherModel).
pub(super) async fn check_single_file(files: &Files) -> Result<()> {
    let mut paths = files.paths();
    let (Some(path), None) = (paths.next(), paths.next()) else { return Ok(()) };
    if files.size(path).await? == 0 {
        return Err(bad_file(path, "it is empty, with 0 bytes"));
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    if ends(&TEXTS) || ends(&CHECKPOINTS) {
        return Ok(());
    }
    Ldm::check(files, path).await?;
    let endings = CHECKPOINTS.join(", ");
    Err(bad_file(path, format!("its name must end in one of {endings}")))
}

/// Checks the files of an unknown model: a checkpoint by its tensors, a folder in the diffusers
/// layout by opening it. Files in other places are not checked.
///
/// # Errors
/// Those of [`Ldm::check`] and of [`pipeline::Files::open`], with its tokenizer's.
pub(super) async fn check_model(files: &Files, manifest: &Manifest) -> Result<()> {
    let has = |path: &str| files.paths().any(|own| own == path);
    match manifest.checkpoint() {
        Some(path) if has(path) => Ldm::check(files, path).await,
        None if has(INDEX) && manifest.files.iter().all(|file| !file.beside) => {
            let model = pipeline::Files::open(files).await?;
            model.tokenizer(files).await.map(drop)
        }
        _ => Ok(()),
    }
}
