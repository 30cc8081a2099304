//! `darkroom request` and `darkroom schema`: prints a request as JSON, and the JSON Schema of
//! requests.

use crate::request_args::{All, RequestArgs};
use clap::Args;
use darkroom::image::parameters::Parameters;
use darkroom::image::png;
use darkroom::pipeline::{Files, Request};
use darkroom::request::schema;
use darkroom::weights::FileSource;
use darkroom::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Prints a request as JSON, a line of a list for generate --jobs.
#[derive(Args)]
pub(crate) struct ShowArgs {
    /// Begin with the request of a picture that this program or its page wrote; what else is given
    /// changes it.
    #[arg(long, value_name = "FILE.png")]
    from: Option<PathBuf>,
    #[command(flatten)]
    request: RequestArgs<All>,
}

/// Prints what a request may say, as a JSON Schema.
#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// Only what this model can do: a folder in the diffusers layout, or a checkpoint in one file.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
}

/// Runs `darkroom request`.
pub(crate) fn run(args: &ShowArgs) -> Result<()> {
    let base = args.from.as_deref().map(read).transpose()?.unwrap_or_default();
    println!("{}", serde_json::json!(args.request.over(base)?));
    Ok(())
}

/// Of the infotexts that programs write, this field is in ours alone.
const OURS: &str = "Safety checker";

/// The request in a picture of ours: from the JSON, or else from the infotext. Other programs write
/// such a text too, where the same words can mean something else.
fn read(path: &Path) -> Result<Request> {
    let shown = path.display().to_string();
    let no_request = |reason: &str| Error::Config {
        file: shown.clone(),
        field: png::DARKROOM.into(),
        reason: reason.into(),
    };
    let bytes = fs::read(path)
        .map_err(|e| Error::NotFound { path: shown.clone(), reason: e.to_string() })?;
    let picture = png::decode(&shown, &bytes)?;
    match (picture.text(png::DARKROOM), picture.text(png::PARAMETERS)) {
        (Some(json), _) => Request::from_json(json),
        (None, Some(text)) => {
            let read = Parameters::parse(text);
            read.get(OURS).ok_or_else(|| {
                no_request(
                    "is missing, and the settings in the picture are another program's. The page \
                     reads those of many programs: drop the picture there",
                )
            })?;
            Request::from_infotext(&read)
        }
        (None, None) => Err(no_request(
            "is missing: the picture carries no request of this program or its page. The page \
             reads those of many other programs: drop the picture there",
        )),
    }
}

/// Runs `darkroom schema`.
pub(crate) fn print_schema(args: &SchemaArgs) -> Result<()> {
    let schema = match &args.model {
        None => schema(None),
        Some(model) => {
            pollster::block_on(Files::open(&FileSource::open(model)))?.describe().request
        }
    };
    println!("{schema:#}");
    Ok(())
}
