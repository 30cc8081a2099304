//! Progress on standard error: lines for people, where a terminal shows steps and loading in one
//! line; or for programs a line of JSON for each event. Nothing is coloured.

use clap::ValueEnum;
use darkroom::pipeline::Progress;
use serde::Serialize;
use serde_json::json;
use std::io::{IsTerminal, Write};

/// How progress is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reporter {
    /// Lines for people.
    Text,
    /// A line of JSON for each event.
    Json,
}

impl Reporter {
    /// An event of the pipeline.
    pub(crate) fn event(self, progress: &Progress) {
        match (self, progress) {
            (Reporter::Text, _) => report(progress),
            (Reporter::Json, Progress::Latents { .. } | Progress::Preview { .. }) => {}
            (Reporter::Json, _) => print(progress),
        }
    }

    /// A sentence.
    pub(crate) fn say(self, text: &str) {
        match self {
            Reporter::Text => write_line(text),
            Reporter::Json => print(&json!({ "event": "notice", "text": text })),
        }
    }

    /// What became of request `number` of `of`, from 1; `text` is for people.
    pub(crate) fn request(
        self,
        [number, of]: [usize; 2],
        file: Option<&str>,
        status: impl Serialize,
        text: &str,
    ) {
        match self {
            Reporter::Text => write_line(&format!("{number} of {of}: {text}")),
            Reporter::Json => print(&json!({
                "event": "request", "number": number, "of": of, "file": file, "status": status,
                "text": text,
            })),
        }
    }
}

fn print(event: &impl Serialize) {
    write_line(&serde_json::to_string(event).expect("an event is plain data"));
}

/// An error is ignored: whoever read standard error may be gone, and pictures are still made.
fn write_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints an event; on a terminal, steps and loading overwrite one line.
pub(crate) fn report(progress: &Progress) {
    let line = match progress {
        Progress::Loading { part, bytes_done, bytes_total } => {
            format!("Loading {part}: {} of {} MB", bytes_done >> 20, bytes_total >> 20)
        }
        Progress::Tuning { done, total } => format!("Measuring kernels: {done} of {total}"),
        Progress::Compiling { done, total } => format!("Compiling kernels: {done} of {total}"),
        Progress::Notice { text } => {
            end_line();
            write_line(text);
            return;
        }
        Progress::Pass { pass, passes, width, height } => {
            format!("Pass {pass} of {passes}: {width}×{height}")
        }
        Progress::Step { step, steps } => format!("Step {step} of {steps}"),
        Progress::Decoding => "Decoding".to_string(),
        Progress::Enlarging { done, total } => format!("Enlarging: {done} of {total} tiles"),
        Progress::Check(_)
        | Progress::MemoryRefused { .. }
        | Progress::Latents { .. }
        | Progress::Preview { .. }
        | Progress::Paused
        | Progress::Resumed => return,
    };
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // `\x1b[K` clears the rest of a longer line. An error is ignored, since the terminal may be
        // gone.
        let _ = write!(stderr, "\r{line}\x1b[K");
        let _ = stderr.flush();
    }
}

pub(crate) fn end_line() {
    if std::io::stderr().is_terminal() {
        write_line("");
    }
}
