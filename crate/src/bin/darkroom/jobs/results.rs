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
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
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
    /// `id` or `custom_id` of the request, under its name there.
    #[serde(flatten)]
    pub(crate) id: Option<&'a Map<String, Value>>,
    /// The line of the list, from 1.
    pub(crate) line: usize,
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
        let mut known = HashMap::new();
        for (number, line) in BufReader::new(&file).lines().enumerate() {
            // The last line may be cut off: the machine stopped, or the disk was full.
            let line = line.map_err(fault)?;
            let Ok(Value::Object(entry)) = serde_json::from_str(&line) else { continue };
            check(path, number + 1, &entry, shard, list)?;
            let at = entry.get("line").and_then(Value::as_u64).unwrap_or_default() as usize;
            let is_made = entry.get("status").is_some_and(|status| status != "failed");
            let kind = entry.get("kind").and_then(Value::as_str).map(str::to_owned);
            known.insert(at, Known { is_made, kind });
        }
        trim(&mut file).map_err(fault)?;
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

/// Refuses results of another list, and those of another number of parts.
fn check(
    path: &Path,
    number: usize,
    entry: &Map<String, Value>,
    shard: Shard,
    list: &str,
) -> Result<()> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let of = |text: &str| text.parse::<Shard>().ok().map(|shard| shard.count);
    let refused = |what: &str| {
        let reason = format!(
            "{} cannot be added to: line {number} is of {what}. Choose another file, or delete it",
            path.display()
        );
        Err(Error::Request { field: "results", reason })
    };
    if text("list") != list {
        return refused("another list");
    }
    match of(text("shard")) {
        Some(count) if count == shard.count => Ok(()),
        _ => refused(&format!("{}, and this run of {shard}", text("shard"))),
    }
}

/// Takes off a last line that was cut off.
fn trim(file: &mut File) -> std::io::Result<()> {
    let mut whole = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut whole)?;
    let end = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if end < whole.len() { file.set_len(end as u64) } else { Ok(()) }
}
