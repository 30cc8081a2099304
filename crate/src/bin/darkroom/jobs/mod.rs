//! `darkroom generate --jobs`: makes many pictures from a list, with the model loaded once.
//!
//! ```text
//! list.rs job.rs       the lines of the list, each a request
//! shard.rs             which of them are this process' own
//! kept.rs              is its picture there already, from the same request?
//! job.rs               draws it
//! results.rs           a line for each, as it is known
//! limits.rs            ends early: signals, a number of pictures, a time
//! ```
//!
//! An interrupted run can be continued by the same command. A request that fails is reported and
//! the others are still made, unless the disk is full or the device is lost.

mod args;
mod job;
mod kept;
mod limits;
mod list;
mod results;
mod shard;

pub(crate) use args::{JobsArgs, OnChange};
pub(crate) use job::Job;
pub(crate) use limits::{End, Limits};
pub(crate) use list::List;
pub(crate) use results::{About, Results};
pub(crate) use shard::Shard;

use crate::control_args::ControlSpec;
use crate::disk::{check_folder, create, write};
use crate::exit::{self, ExitState};
use crate::progress::Reporter;
use darkroom::pipeline::{Control, Pipeline, Safety, Upscaler};
use darkroom::weights::sha256;
use darkroom::{Error, Result};
use job::Defaults;
use list::Line;
use results::{Entry, Status};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The kind of error after which a request that failed would fail again.
const FOR_GOOD: Option<&str> = Some("request");

/// Reads the list, makes the folder for its pictures and opens the results, so that errors in them
/// are found before a model is loaded.
///
/// # Errors
/// When the list, the folder or the results cannot be used.
pub(crate) fn prepare(args: &JobsArgs, defaults: Defaults<'_>) -> Result<Option<Prepared>> {
    let (Some(list), Some(folder)) = (&args.jobs, &args.out_dir) else { return Ok(None) };
    let shard = args.shard()?;
    let list = List::read(list, defaults)?;
    if args.results.is_none() {
        list.check()?;
    }
    create(folder)?;
    check_folder(folder)?;
    let open = |path: &PathBuf| Results::open(path, shard, &list.sha256);
    let results = args.results.as_ref().map(open).transpose()?;
    Ok(Some(Prepared { list, shard, folder: folder.clone(), results, on_change: args.on_change }))
}

/// A list before its model is loaded.
pub(crate) struct Prepared {
    pub list: List,
    pub shard: Shard,
    folder: PathBuf,
    results: Option<Results>,
    on_change: OnChange,
}

/// What a list is made with.
pub(crate) struct Tools<'a> {
    pub pipeline: &'a Pipeline,
    pub control: &'a Control,
    pub limits: &'a Limits,
    pub reporter: Reporter,
    pub about: About,
}

/// How many requests ended in each way.
#[derive(Debug, Default)]
struct Counts {
    made: usize,
    there: usize,
    failed: usize,
    /// Those of the failed ones that may be made later, or elsewhere.
    retry: usize,
    left: usize,
}

impl Counts {
    /// Prints them, and says how the program ends.
    fn end(self, end: Option<End>, reporter: Reporter) -> ExitState {
        let Counts { made, there, failed, retry, left } = self;
        let why = end.map(|end| format!("{} ", end.text())).unwrap_or_default();
        reporter.say(&format!(
            "{why}{made} made, {there} there already, {failed} failed, {left} left."
        ));
        match end {
            Some(End::Signal(signal)) => ExitState::of_signal(signal),
            _ if left > 0 || retry > 0 => exit::TRY_AGAIN,
            _ if failed > 0 => exit::FAILED,
            _ => exit::DONE,
        }
    }
}

/// What became of one request.
struct Outcome {
    status: Status,
    sha256: Option<String>,
    seconds: Option<f64>,
    /// What the safety checker found, or why it failed.
    said: String,
    kind: Option<&'static str>,
    /// Whether it failed for a cause outside of the request.
    retry: bool,
}

impl Outcome {
    fn of(status: Status) -> Outcome {
        Outcome {
            status,
            sha256: None,
            seconds: None,
            said: String::new(),
            kind: None,
            retry: false,
        }
    }

    fn failed(said: String, kind: &'static str) -> Outcome {
        Outcome { said, kind: Some(kind), ..Outcome::of(Status::Failed) }
    }

    /// For people.
    fn text(&self, file: Option<&str>, line: usize) -> String {
        let name = file.map_or_else(|| format!("line {line}"), str::to_owned);
        let said = &self.said;
        match self.status {
            Status::Made | Status::Flagged => format!("{name} ({said})"),
            Status::There => format!("{name} is there already"),
            Status::Failed => format!("{name} failed. {said}"),
        }
    }
}

impl Prepared {
    /// As [`List::give`].
    ///
    /// # Errors
    /// As [`prepare`] for a line that cannot be used, if there are no results to tell of it.
    pub(crate) fn give(
        &mut self,
        controls: &[ControlSpec],
        upscaler: Option<&Rc<Upscaler>>,
    ) -> Result<()> {
        self.list.give(controls, upscaler);
        if self.results.is_none() { self.list.check() } else { Ok(()) }
    }

    /// Makes the pictures, and prints how many.
    ///
    /// # Errors
    /// When the device is lost or a file cannot be written; errors of single requests are printed,
    /// and are in the results.
    pub(crate) async fn run(&mut self, tools: &Tools<'_>) -> Result<ExitState> {
        let lines = std::mem::take(&mut self.list.lines);
        let own: Vec<_> = lines.iter().enumerate().filter(|(at, _)| self.shard.has(*at)).collect();
        let mut counts = Counts { left: own.len(), ..Counts::default() };
        let mut end = None;
        for (number, (_, line)) in own.iter().enumerate() {
            end = tools.limits.within();
            if end.is_some() {
                break;
            }
            let outcome = match self.one(line, tools).await {
                Err(Error::Cancelled) => {
                    end = tools.limits.before_next();
                    break;
                }
                other => other?,
            };
            counts.left -= 1;
            match outcome.status {
                Status::Made | Status::Flagged => counts.made += 1,
                Status::There => counts.there += 1,
                Status::Failed => {
                    counts.failed += 1;
                    counts.retry += usize::from(outcome.retry);
                }
            }
            let file = line.job.as_ref().ok().map(|job| job.file.as_str());
            let text = outcome.text(file, line.number);
            tools.reporter.request([number + 1, own.len()], file, outcome.status, &text);
            self.record(line, outcome, tools)?;
        }
        Ok(counts.end(end, tools.reporter))
    }

    /// Ends before the first picture.
    pub(crate) fn end(&self, limits: &Limits, reporter: Reporter) -> ExitState {
        let own = (0..self.list.lines.len()).filter(|at| self.shard.has(*at));
        Counts { left: own.count(), ..Counts::default() }.end(limits.within(), reporter)
    }

    /// Makes one picture, if it is not there.
    ///
    /// # Errors
    /// [`Error::Cancelled`] at a limit; errors after which the others would fail too.
    async fn one(&self, line: &Line, tools: &Tools<'_>) -> Result<Outcome> {
        let job = match &line.job {
            Ok(job) => job,
            Err(reason) => return Ok(Outcome::failed(reason.clone(), "request")),
        };
        let out = self.folder.join(&job.file);
        if out.is_dir() {
            let said = format!("{} is a folder, so no picture can be there.", out.display());
            return Ok(Outcome::failed(said, "request"));
        }
        if out.exists() {
            match (kept::compare(&out, job, tools.pipeline), self.on_change) {
                (Err(_), OnChange::Redo) => {}
                (Err(reason), OnChange::Fail) => {
                    let said = format!("The picture that is there {reason}; see --on-change.");
                    return Ok(Outcome::failed(said, "changed"));
                }
                (Ok(()), _) | (_, OnChange::Keep) => return Ok(self.there(line, &out)),
            }
        }
        if tools.limits.before_next().is_some() {
            return Err(Error::Cancelled);
        }
        let start = Instant::now();
        match draw(tools, job, &out).await {
            Ok((safety, sha256)) => {
                tools.limits.count(start.elapsed());
                let status = if safety == Safety::Flagged { Status::Flagged } else { Status::Made };
                let seconds = Some(rounded(start.elapsed()));
                let (sha256, said) = (Some(sha256), safety.text().to_owned());
                Ok(Outcome { sha256, seconds, said, ..Outcome::of(status) })
            }
            // With a lost device or a full disk the other requests would fail too.
            Err(error @ (Error::DeviceLost { .. } | Error::Write { .. } | Error::Cancelled)) => {
                Err(error)
            }
            Err(error) => {
                let retry = ExitState::of(&error) == exit::TRY_AGAIN;
                Ok(Outcome { retry, ..Outcome::failed(error.to_string(), error.kind()) })
            }
        }
    }

    /// A picture that is there already. Its hash is computed where the results do not have it.
    fn there(&self, line: &Line, out: &Path) -> Outcome {
        let known = self.results.as_ref().and_then(|results| results.known(line.number));
        let is_told = known.is_some_and(|known| known.is_made);
        let hash = match self.results.is_some() && !is_told {
            true => fs::read(out).map(|bytes| Some(sha256(&bytes))),
            false => Ok(None),
        };
        match hash {
            Ok(sha256) => Outcome { sha256, ..Outcome::of(Status::There) },
            Err(fault) => {
                let said = format!("The picture that is there cannot be read ({fault}).");
                Outcome::failed(said, "source")
            }
        }
    }

    /// Adds what became of a request to the results, unless they have it.
    fn record(&mut self, line: &Line, outcome: Outcome, tools: &Tools<'_>) -> Result<()> {
        let Some(results) = &mut self.results else { return Ok(()) };
        let known = results.known(line.number);
        let failed = outcome.status == Status::Failed;
        let is_known = known.is_some_and(|known| match outcome.status {
            Status::There => known.is_made,
            Status::Failed => known.kind.as_deref() == FOR_GOOD && outcome.kind == FOR_GOOD,
            Status::Made | Status::Flagged => false,
        });
        if is_known {
            return Ok(());
        }
        let job = line.job.as_ref().ok();
        let entry = Entry {
            line: line.number,
            id: &line.id,
            file: job.map(|job| job.file.as_str()),
            sha256: outcome.sha256,
            seed: job.map(|job| job.request.seed.to_string()),
            seconds: outcome.seconds,
            status: outcome.status,
            error: failed.then_some(outcome.said),
            kind: outcome.kind,
        };
        results.add(&entry, &tools.about)
    }
}

/// Draws a picture and writes its file.
async fn draw(tools: &Tools<'_>, job: &Job, out: &Path) -> Result<(Safety, String)> {
    let picture = job.draw(tools.pipeline, tools.control).await?;
    let file = picture.png()?;
    write(out, &file)?;
    Ok((picture.safety, sha256(&file)))
}

/// Seconds, to the millisecond.
fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}
