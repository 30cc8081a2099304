//! An upscaler between two passes, on the command line and in a line of a list.

use clap::Args;
use darkroom::pipeline::{Control, Pipeline, Request, Upscaler, UpscalerOptions, UpscalerRecord};
use darkroom::weights::{FileSource, Source};
use darkroom::{Error, Result};
use std::path::PathBuf;
use std::rc::Rc;

/// An upscaler that enlarges the first of two passes.
#[derive(Debug, Args)]
pub(crate) struct UpscalerArgs {
    /// With --hires: this upscaler enlarges the first image (RRDBNet or SRVGGNetCompact, as .pth or
    /// .safetensors), unless --hires-upscaler names another way than latent.
    #[arg(long, value_name = "FILE")]
    upscaler: Option<PathBuf>,
}

impl UpscalerArgs {
    /// Makes it what enlarges in a request of two passes, if nothing else was chosen.
    pub(crate) fn choose(&self, request: &mut Request) {
        if self.upscaler.is_some() {
            choose_file(request);
        }
    }

    /// Refuses it in a request that has one pass, or enlarges in another way.
    ///
    /// # Errors
    /// [`Error::Request`].
    pub(crate) fn check(&self, request: &Request) -> Result<()> {
        let refused = |reason: String| Err(Error::Request { field: "upscaler", reason });
        let way = &request.hires_upscaler;
        match (&self.upscaler, request.hires_scale) {
            (None, _) => Ok(()),
            (Some(_), Some(_)) if way == "file" => Ok(()),
            (Some(_), Some(_)) => refused(format!(
                "has no use where --hires-upscaler is {way}: leave out one of the two"
            )),
            (Some(_), None) => refused(
                "enlarges the first of two passes: ask for the second one with --hires, or \
                 enlarge finished pictures with `darkroom upscale`"
                    .into(),
            ),
        }
    }

    /// Opens it on the model's device.
    ///
    /// # Errors
    /// A file that is missing, damaged, or no upscaler; those of the device.
    pub(crate) async fn open(
        &self,
        pipeline: &Pipeline,
        options: UpscalerOptions,
        control: &Control,
    ) -> Result<Option<Rc<Upscaler>>> {
        let Some(path) = &self.upscaler else { return Ok(None) };
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::NotFound {
            path: path.display().to_string(),
            reason: "it names no file".into(),
        })?;
        let source = FileSource::new(path.parent().unwrap_or(path));
        let file = (&source as &dyn Source, name);
        pipeline.open_upscaler(file, options, None, control).await.map(Rc::new).map(Some)
    }
}

/// An upscaler that a line of a list names: `NAME`, its file's without the extension, or
/// `NAME#HASH` with the first digits of its file's SHA-256.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedUpscaler(pub String);

impl NamedUpscaler {
    /// Makes it what enlarges in a request of two passes, if nothing else was chosen.
    pub(crate) fn choose(&self, request: &mut Request) {
        choose_file(request);
    }

    /// Refuses it in a request that has no use for it, and if it is not the given one.
    ///
    /// # Errors
    /// [`Error::Request`].
    pub(crate) fn check(&self, request: &Request, given: Option<&UpscalerRecord>) -> Result<()> {
        let NamedUpscaler(named) = self;
        let reason = match given {
            _ if !request.takes_upscaler() => format!(
                "{named} has no use here: ask for a second pass with `hires_scale`, and leave \
                 `hires_upscaler` out or make it `file`"
            ),
            None => format!("{named} is missing: give its file with --upscaler"),
            Some(given) => match named.rsplit_once('#') {
                Some((_, hash)) if is_begin(hash, &given.sha256) => return Ok(()),
                None if given.name == *named => return Ok(()),
                _ => format!("to be used is {named}; the given {} is another file", given.name),
            },
        };
        Err(Error::Request { field: "upscaler", reason })
    }
}

/// Whether digits are the first of a hash; none are not.
fn is_begin(digits: &str, sha256: &str) -> bool {
    !digits.is_empty() && sha256.starts_with(&digits.to_ascii_lowercase())
}

/// A file's upscaler enlarges in a request of two passes, if nothing else was chosen.
fn choose_file(request: &mut Request) {
    let is_default = request.hires_upscaler == Request::default().hires_upscaler;
    if request.hires_scale.is_some() && is_default {
        request.hires_upscaler = "file".into();
    }
}
