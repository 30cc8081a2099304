//! What a picture that is already in the folder was made from: the texts in its file say it, so a
//! list that was changed is not taken for done.

use super::job::Job;
use darkroom::image::png;
use darkroom::pipeline::{Pipeline, Request};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Whether a picture's file was made from this job's request, with the open model, its LoRAs, parts
/// and upscaler. Start pictures, masks, what the pictures of controls show, and textual inversions
/// are not compared.
///
/// # Errors
/// The end of a sentence about what differs.
pub(super) fn compare(out: &Path, job: &Job, pipeline: &Pipeline) -> Result<(), String> {
    let unreadable = |reason: String| format!("cannot be read ({})", reason.trim_end_matches('.'));
    let file = File::open(out).map_err(|error| unreadable(error.to_string()))?;
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let texts =
        png::leading_texts(&name, BufReader::new(file)).map_err(|_| "is no PNG file".to_owned())?;
    let text = |keyword: &str| texts.iter().find(|(key, _)| key == keyword).map(|(_, text)| text);
    let there = text(png::DARKROOM).and_then(|json| Request::from_json(json).ok());
    let Some(there) = there else {
        return Err("was not made by this program".to_owned());
    };
    if there != pipeline.recorded(&job.request, [job.init.is_some(), job.mask.is_some()]) {
        return Err("was made from another request".to_owned());
    }
    let recorded = |keyword| text(keyword).and_then(|json| serde_json::from_str(json).ok());
    let upscaler = job.upscaler.as_ref().filter(|_| job.request.takes_upscaler());
    for (keyword, now, what) in [
        (png::DARKROOM_MODEL, value(pipeline.provenance()), "by another model"),
        (png::DARKROOM_LORAS, listed(&loras(job, pipeline)?), "with other LoRAs"),
        (png::DARKROOM_PARTS, listed(pipeline.other_parts()), "with other parts"),
        (png::DARKROOM_UPSCALER, value(upscaler.map(|one| one.record())), "by another upscaler"),
    ] {
        if recorded(keyword) != now {
            return Err(format!("was made {what}"));
        }
    }
    Ok(())
}

/// The LoRAs that the file would record.
fn loras(job: &Job, pipeline: &Pipeline) -> Result<Vec<impl Serialize + use<>>, String> {
    let given = job.choose_loras(pipeline).map_err(|error| error.to_string())?;
    let records = pipeline.loras_for(&job.request);
    pipeline.set_loras(given);
    Ok(records)
}

/// As it is read from a file: numbers have passed through text.
fn value(record: Option<impl Serialize>) -> Option<Value> {
    let json = serde_json::to_string(&record?).expect("a record is plain data");
    serde_json::from_str(&json).ok()
}

/// The same of a list: an empty one is left out.
fn listed(records: &[impl Serialize]) -> Option<Value> {
    value(Some(records).filter(|records| !records.is_empty()))
}
