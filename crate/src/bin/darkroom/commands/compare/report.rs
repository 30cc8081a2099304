//! The comparison as JSON, CSV and HTML.

use super::cell::Cell;
use super::column::Column;
use crate::jobs::Job;
use darkroom::image::Likeness;
use darkroom::pipeline::Request;
use darkroom::{Error, Result};
use serde::Serialize;
use std::fmt::Write;

/// The whole comparison.
#[derive(Serialize)]
pub(super) struct Report {
    pub columns: Vec<Heading>,
    pub rows: Vec<Row>,
}

/// The heading of a column.
#[derive(Serialize)]
pub(super) struct Heading {
    pub name: String,
    /// The path of the checkpoint or of the pictures' folder.
    pub path: String,
    /// The peak of GPU memory in bytes; `None` for pictures that were made elsewhere.
    #[serde(rename = "memory_bytes")]
    pub memory: Option<u64>,
}

/// A request and its pictures, in the order of the columns.
#[derive(Serialize)]
pub(super) struct Row {
    pub file: String,
    pub request: Request,
    pub cells: Vec<Cell>,
}

impl Report {
    /// Without any picture yet.
    pub(super) fn new(columns: &[Column], jobs: &[Job]) -> Report {
        let heading = |column: &Column| Heading {
            name: column.name.clone(),
            path: column.path.display().to_string(),
            memory: None,
        };
        let row = |job: &Job| Row {
            file: job.file.clone(),
            request: job.request.clone(),
            cells: vec![Cell::default(); columns.len()],
        };
        Report {
            columns: columns.iter().map(heading).collect(),
            rows: jobs.iter().map(row).collect(),
        }
    }

    pub(super) fn json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|fault| Error::Write {
            path: "compare.json".into(),
            reason: fault.to_string(),
        })
    }

    /// A line for each picture.
    pub(super) fn csv(&self) -> String {
        let mut text = String::from(
            "file,prompt,seed,column,seconds,memory_mb,psnr_db,ssim,largest_difference,\
             clip_score,fault\n",
        );
        for row in &self.rows {
            for (heading, cell) in self.columns.iter().zip(&row.cells) {
                let likeness = cell.likeness;
                let fields = [
                    quoted(&row.file),
                    quoted(&row.request.prompt),
                    row.request.seed.to_string(),
                    quoted(&heading.name),
                    shown(cell.seconds, 2),
                    shown(heading.memory.map(|bytes| bytes as f64 / 1e6), 1),
                    psnr(likeness),
                    shown(likeness.and_then(|l| l.ssim), 4),
                    likeness.map_or(String::new(), |l| l.most.to_string()),
                    shown(cell.clip_score, 2),
                    quoted(cell.fault.as_deref().unwrap_or_default()),
                ];
                text.push_str(&fields.join(","));
                text.push('\n');
            }
        }
        text
    }

    /// A page with the pictures side by side; it refers to the files beside it.
    pub(super) fn html(&self) -> String {
        let mut page = String::from(HEAD);
        page.push_str("<table><thead><tr><th scope=\"col\">request</th>");
        for Heading { name, memory, .. } in &self.columns {
            let memory = memory.map_or(String::new(), |bytes| {
                format!("<br><small>{:.0} MB</small>", bytes as f64 / 1e6)
            });
            let _ = write!(page, "<th scope=\"col\">{}{memory}</th>", escaped(name));
        }
        page.push_str("</tr></thead><tbody>\n");
        for row in &self.rows {
            let Request { prompt, seed, .. } = &row.request;
            let (prompt, file) = (escaped(prompt), escaped(&row.file));
            let _ =
                write!(page, "<tr><th scope=\"row\">{prompt}<br><small>seed {seed}</small></th>");
            for (heading, cell) in self.columns.iter().zip(&row.cells) {
                let name = escaped(&heading.name);
                let _ = match &cell.fault {
                    Some(fault) => write!(page, "<td>{}</td>", escaped(fault)),
                    None => write!(
                        page,
                        "<td><img src=\"{name}/{file}\" alt=\"{prompt}, by {name}\">\
                         <br><small>{}</small></td>",
                        cell.caption()
                    ),
                };
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody></table>\n</html>\n");
        page
    }
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <title>Comparison</title>\n<style>\n\
    body { font: 15px/1.4 system-ui; margin: 2rem; color-scheme: light dark }\n\
    th, td { padding: 0.5rem; text-align: left; vertical-align: top }\n\
    th[scope=row] { max-width: 16rem; font-weight: normal }\n\
    img { max-width: 320px; min-width: 128px; image-rendering: auto }\n</style>\n";

fn psnr(likeness: Option<Likeness>) -> String {
    likeness.map_or(String::new(), |l| l.psnr.map_or("inf".into(), |psnr| format!("{psnr:.2}")))
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}

/// A field of a CSV table (RFC 4180). Text that a spreadsheet would run as a formula gets an
/// apostrophe before it; numbers stay numbers.
fn quoted(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { &format!("'{text}") } else { text };
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_string()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
