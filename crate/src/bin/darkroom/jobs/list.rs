//! A list of requests: its lines, each with its request or what is wrong with it.

use super::job::{self, Defaults, Job};
use crate::control_args::{ControlFiles, ControlSpec};
use crate::list_files::ListFile;
use crate::lists;
use darkroom::pipeline::Upscaler;
use darkroom::weights::sha256;
use darkroom::{Error, Result};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A line of a list.
pub(crate) struct Line {
    /// In the list's file, from 1.
    pub number: usize,
    /// `id` or `custom_id`, under its name.
    pub id: Map<String, Value>,
    /// Its request, or what is wrong with it.
    pub job: Result<Job, String>,
}

/// A list that was read.
pub(crate) struct List {
    pub path: PathBuf,
    /// In the order of the file.
    pub lines: Vec<Line>,
    /// Of the list's text, in hexadecimal digits.
    pub sha256: String,
}

impl List {
    /// Reads the list. A line that cannot be used does not keep the others from it.
    ///
    /// # Errors
    /// [`Error::Request`] that says that the list was not found, or is no text; [`Error::Source`];
    /// [`Error::BadFile`] for a zip file without a list.
    pub(crate) fn read(path: &Path, defaults: Defaults<'_>) -> Result<List> {
        let unreadable = |fault| lists::unreadable(path, &fault);
        let place = ListFile::open(path).map_err(unreadable)?;
        let bytes = place.text(unreadable)?;
        let (mut files, mut ids) = (HashSet::new(), HashSet::new());
        let control_files = Rc::new(ControlFiles::default());
        let rows = lists::read(&bytes).map_err(|reason| wrong(path, 1, &reason))?;
        let line = |(index, (number, row)): (usize, (usize, Result<Map<_, _>, String>))| {
            let mut id = Map::new();
            let read = row.and_then(|mut row| {
                id = take_id(&mut row)?;
                for (name, value) in &id {
                    if !ids.insert((name.clone(), value.to_string())) {
                        return Err(format!("the {name} {value} appears twice"));
                    }
                }
                let mut job = job::read(row, index, defaults, &place)?;
                job.control_files = control_files.clone();
                if !files.insert(job.file.clone()) {
                    return Err(format!("the file `{}` appears twice", job.file));
                }
                Ok(job)
            });
            Line { number, id, job: read }
        };
        let lines = rows.into_iter().enumerate().map(line).collect();
        let sha256 = sha256(&bytes);
        Ok(List { path: path.to_owned(), lines, sha256 })
    }

    /// Gives every line what the command line has for all. A line that names another upscaler
    /// cannot be used.
    pub(crate) fn give(&mut self, controls: &[ControlSpec], upscaler: Option<&Rc<Upscaler>>) {
        for line in &mut self.lines {
            let Ok(job) = &mut line.job else { continue };
            if let Err(error) = job.take(controls, upscaler) {
                line.job = Err(error.to_string());
            }
        }
    }

    /// Its requests, if every line can be used.
    ///
    /// # Errors
    /// [`Error::Request`] that names the first line that cannot.
    pub(crate) fn all(self) -> Result<Vec<Job>> {
        let path = self.path;
        self.lines
            .into_iter()
            .map(|line| line.job.map_err(|reason| wrong(&path, line.number, &reason)))
            .collect()
    }

    /// # Errors
    /// As [`List::all`].
    pub(crate) fn check(&self) -> Result<()> {
        let first = |line: &Line| Some((line.number, line.job.as_ref().err()?.clone()));
        match self.lines.iter().find_map(first) {
            Some((number, reason)) => Err(wrong(&self.path, number, &reason)),
            None => Ok(()),
        }
    }
}

fn wrong(path: &Path, line: usize, reason: &str) -> Error {
    let reason = reason.trim_end_matches('.');
    let reason = format!("{} cannot be used: line {line}: {reason}", path.display());
    Error::Request { field: "list", reason }
}

/// Takes the name that the results have for a request.
fn take_id(row: &mut Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut id = Map::new();
    for name in ["id", "custom_id"] {
        match row.remove(name) {
            None | Some(Value::Null) => {}
            Some(value @ (Value::String(_) | Value::Number(_))) => {
                id.insert(name.to_owned(), value);
            }
            Some(_) => return Err(format!("`{name}` must be a text or a number")),
        }
    }
    Ok(id)
}
