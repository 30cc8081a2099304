//! Finds the file with the weights of a part: Hugging Face's libraries use several names.

use crate::error::{Error, Result};
use crate::weights::{Archive, Source};
use std::rc::Rc;

/// Extensions of unfinished downloads.
const UNFINISHED: [&str; 5] = [".incomplete", ".part", ".crdownload", ".aria2", ".download"];

/// The header of the weights in the folder `part` (empty for the root), from the first existing
/// file of the names that Hugging Face's libraries use: full before half precision, safetensors
/// before torch's files. A damaged file is an error only if there is no intact one.
///
/// # Errors
/// Those of the source, for the first name if there is no file; [`Error::BadFile`] for a damaged
/// file.
pub(crate) async fn weights(source: &dyn Source, part: &str, stem: &str) -> Result<Rc<Archive>> {
    // transformers has another stem for torch files.
    let torch = if stem == "model" { "pytorch_model" } else { stem };
    let folder = if part.is_empty() { String::new() } else { format!("{part}/") };
    let (mut missing, mut damaged) = (None, None);
    for (stem, ending) in [
        (stem, "safetensors"),
        (stem, "fp16.safetensors"),
        (stem, "bf16.safetensors"),
        (stem, "safetensors.index.json"),
        (stem, "safetensors.index.fp16.json"),
        (torch, "bin"),
        (torch, "fp16.bin"),
        (torch, "bf16.bin"),
        (torch, "bin.index.json"),
        (torch, "bin.index.fp16.json"),
    ] {
        let path = format!("{folder}{stem}.{ending}");
        let opened = match ending.ends_with("json") {
            true => Archive::open_shards(source, &path).await,
            false => Archive::open(source, &path).await,
        };
        match opened {
            Err(Error::NotFound { path: absent, reason }) if absent == path => {
                missing.get_or_insert((path, reason));
            }
            Err(fault @ (Error::BadFile { .. } | Error::NotFound { .. })) => {
                damaged.get_or_insert(fault);
            }
            other => return other.map(Rc::new),
        }
    }
    if let Some(fault) = damaged {
        return Err(fault);
    }
    let (path, reason) = missing.expect("there are several names");
    let names = source.names_in(part);
    let reason = instead(&names, stem, torch).unwrap_or(reason);
    Err(Error::NotFound { path, reason })
}

/// Describes the files that are there instead of a missing one.
fn instead(names: &[String], stem: &str, torch: &str) -> Option<String> {
    let named = |fits: &dyn Fn(&str) -> bool| names.iter().find(|name| fits(name));
    let ours = |name: &str| name.starts_with(stem) || name.starts_with(torch);
    let weights = |name: &str| name.ends_with(".safetensors") || name.ends_with(".bin");
    if let Some(name) = named(&|name| UNFINISHED.iter().any(|end| name.ends_with(end))) {
        return Some(format!("its download was not finished: there is {name}"));
    }
    if let Some(name) = named(&|name| ours(name) && weights(name) && name.contains("-of-")) {
        return Some(format!("there is {name}, but no index of the parts, a file .index.json"));
    }
    // A file with one of the tried names is a broken link, which has its own error.
    let tried = |name: &str| {
        [stem, torch].iter().any(|stem| {
            let rest = name.strip_prefix(stem).unwrap_or(name);
            [".safetensors", ".fp16.safetensors", ".bf16.safetensors", ".bin"].contains(&rest)
        })
    };
    if named(&tried).is_some() {
        return None;
    }
    let name = named(&|name| ours(name) && weights(name))?;
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let stem = if ending == "bin" { torch } else { stem };
    Some(format!("there is another variant, {name}; rename it to {stem}.{ending} to use it"))
}
