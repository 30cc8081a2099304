//! Whether local files are a model that can be used, told before anything of them is kept.

use super::local_files::Files;
use crate::error::{Result, bad_file};
use crate::pipeline;
use crate::weights::{CHECKPOINTS, Ldm, Manifest, Source};

/// The file that makes a folder one in the diffusers layout.
const INDEX: &str = "model_index.json";
/// What is no model, and comes along with one.
const TEXTS: [&str; 3] = [".json", ".txt", ".md"];

/// Judges a file that was given alone, whatever its name ends in: what is no checkpoint is told by
/// what it is.
///
/// # Errors
/// [`Error::BadFile`](crate::Error::BadFile) for an empty or damaged file, or one of another
/// ending; [`Error::OtherModel`](crate::Error::OtherModel).
pub(super) async fn judge_alone(files: &Files) -> Result<()> {
    let mut paths = files.paths();
    let (Some(path), None) = (paths.next(), paths.next()) else { return Ok(()) };
    if files.size(path).await? == 0 {
        return Err(bad_file(path, "it is empty, with 0 bytes"));
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    if ends(&TEXTS) || ends(&CHECKPOINTS) {
        return Ok(());
    }
    Ldm::judge(files, path).await?;
    let endings = CHECKPOINTS.join(", ");
    Err(bad_file(path, format!("its name must end in one of {endings}")))
}

/// Judges the files of a model that is not a known one: a checkpoint by its tensors, a folder in
/// the diffusers layout as it is opened for a picture. What lies elsewhere is not looked at.
///
/// # Errors
/// Those of [`Ldm::judge`] and of [`pipeline::Files::open`], with its tokenizer's.
pub(super) async fn judge(files: &Files, manifest: &Manifest) -> Result<()> {
    let has = |path: &str| files.paths().any(|own| own == path);
    match manifest.checkpoint() {
        Some(path) if has(path) => Ldm::judge(files, path).await,
        None if has(INDEX) && manifest.files.iter().all(|file| !file.beside) => {
            let model = pipeline::Files::open(files).await?;
            model.tokenizer(files).await.map(drop)
        }
        _ => Ok(()),
    }
}
