//! The results of a list: a line of JSON for each request, written when it is known what became of
//! it. Lines are appended, each in one write, so several processes may share a file, and one that
//! was killed leaves whole lines.

use super::shard::Shard;
use crate::disk::unwritable;
use darkroom::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// A picture.
    Made,
    /// The picture was there already.
    There,
    /// A black picture: the safety checker found something.
    Flagged,
    /// No picture.
    Failed,
}

/// A line of the results. Where it is unknown, a value is left out.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// The line of the list, from 1.
    pub(crate) line: usize,
    /// `id` or `custom_id` of the request, under its name there.
    #[serde(flatten)]
    pub(crate) id: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<&'a str>,
    /// Of the picture's file, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
    /// As text: it may have 64 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<String>,
    /// That it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    pub(crate) status: Status,
    /// Why it failed: a sentence, and [`Error::kind`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
}

/// What every line of a run has.
#[derive(Debug, Serialize)]
pub(crate) struct About {
    /// Name, revision and SHA-256 of the model, where its manifest has them.
    pub(crate) model: Value,
    /// The graphics adapter, or `cpu`.
    pub(crate) adapter: String,
    /// Of this program.
    pub(crate) version: &'static str,
    /// Which part of the list, such as `2/8`.
    pub(crate) shard: String,
    /// SHA-256 of the list.
    pub(crate) list: String,
}

/// A file of results that lines are added to.
pub(crate) struct Results {
    path: PathBuf,
    /// `None` for standard output.
    file: Option<File>,
    /// What earlier runs found out, by line of the list.
    known: HashMap<usize, Known>,
}

/// The last that is known of a request.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Whether there is a picture.
    pub(crate) is_made: bool,
    /// The kind of its error.
    pub(crate) kind: Option<String>,
}

impl Results {
    /// Opens or makes the file; `-` is standard output.
    ///
    /// # Errors
    /// [`Error::Request`] for results of another list, or of another number of parts;
    /// [`Error::Write`].
    pub(crate) fn open(path: &Path, shard: Shard, list: &str) -> Result<Results> {
        if path == Path::new("-") {
            return Ok(Results { path: path.into(), file: None, known: HashMap::new() });
        }
        let fault = |e: std::io::Error| unwritable(path, &e);
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(fault)?;
        let mut whole = Vec::new();
        file.read_to_end(&mut whole).map_err(fault)?;
        let known = read(path, &whole, shard, list)?;
        // A last line that was cut off stays by itself: another process may be adding lines.
        if whole.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n").map_err(fault)?;
        }
        Ok(Results { path: path.into(), file: Some(file), known })
    }

    /// What an earlier run found out about the request of a line.
    pub(crate) fn known(&self, line: usize) -> Option<&Known> {
        self.known.get(&line)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub(crate) fn add(&mut self, entry: &Entry<'_>, about: &About) -> Result<()> {
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            entry: &'a Entry<'a>,
            #[serde(flatten)]
            about: &'a About,
        }
        let whole = Whole { entry, about };
        let mut line = serde_json::to_vec(&whole).expect("an entry is plain data");
        line.push(b'\n');
        let done = match &mut self.file {
            Some(file) => file.write_all(&line).and_then(|()| file.flush()),
            None => std::io::stdout().write_all(&line).and_then(|()| std::io::stdout().flush()),
        };
        done.map_err(|error| unwritable(&self.path, &error))
    }
}

/// What the lines of a file say of requests; the last one of a request counts.
///
/// # Errors
/// [`Error::Request`] for another kind of file, results of another list, and those of another
/// number of parts.
fn read(path: &Path, whole: &[u8], shard: Shard, list: &str) -> Result<HashMap<usize, Known>> {
    let mut known = HashMap::new();
    for (number, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        // A line that was cut off begins as one: the machine stopped, or the disk was full.
        let entry = match serde_json::from_slice(line) {
            Ok(Value::Object(entry)) => entry,
            Ok(_) => return Err(refused(path, number, "no line of results")),
            Err(_) if line.starts_with(BEGINNING) || BEGINNING.starts_with(line) => continue,
            Err(_) => return Err(refused(path, number, "no line of results")),
        };
        check(path, number, &entry, shard, list)?;
        let at = entry.get("line").and_then(Value::as_u64).unwrap_or_default() as usize;
        let is_made = entry.get("status").is_some_and(|status| status != "failed");
        let kind = entry.get("kind").and_then(Value::as_str).map(str::to_owned);
        known.insert(at, Known { is_made, kind });
    }
    Ok(known)
}

/// How every line begins.
const BEGINNING: &[u8] = b"{\"line\":";

fn refused(path: &Path, number: usize, what: &str) -> Error {
    let reason = format!(
        "{} cannot be added to: line {} is {what}. Choose another file, or delete it",
        path.display(),
        number + 1
    );
    Error::Request { field: "results", reason }
}

/// Refuses results of another list, and those of another number of parts.
fn check(
    path: &Path,
    number: usize,
    entry: &Map<String, Value>,
    shard: Shard,
    list: &str,
) -> Result<()> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("list") != list {
        return Err(refused(path, number, "of another list"));
    }
    let own = text("shard");
    match own.parse::<Shard>() {
        Ok(of) if of.count == shard.count => Ok(()),
        _ => Err(refused(path, number, &format!("of {own}, and this run of {shard}"))),
    }
}
