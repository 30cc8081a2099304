//! What a picture that is already in the folder was made from: the texts in its file say it, so a
//! list that was changed is not taken for done.

use darkroom::image::png;
use darkroom::pipeline::{Pipeline, Request};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Whether a picture's file was made from this request, with the open model. Start pictures, masks
/// and controls are not compared, since the file does not have them.
///
/// # Errors
/// A sentence about what differs.
pub(super) fn compare(out: &Path, request: &Request, pipeline: &Pipeline) -> Result<(), String> {
    let name = out.display().to_string();
    let file = File::open(out).map_err(|error| error.to_string())?;
    let texts = png::leading_texts(&name, BufReader::new(file)).map_err(|e| e.to_string())?;
    let text = |keyword: &str| texts.iter().find(|(key, _)| key == keyword).map(|(_, text)| text);
    let there = text(png::DARKROOM).and_then(|json| Request::from_json(json).ok());
    let Some(there) = there else {
        return Err("was not made by this program".to_owned());
    };
    // Its size was filled in where the request had none, and it is one picture of `count`.
    let wanted = Request {
        width: request.width.or(there.width),
        height: request.height.or(there.height),
        count: there.count,
        ..request.clone()
    };
    if there != wanted {
        return Err("was made from another request".to_owned());
    }
    let model = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
    let open = pipeline.provenance().and_then(|model| serde_json::to_value(model).ok());
    match text(png::DARKROOM_MODEL).and_then(|json| model(json)) == open {
        true => Ok(()),
        false => Err("was made by another model".to_owned()),
    }
}
