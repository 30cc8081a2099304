//! `darkroom compare`: makes the pictures of the same requests with several checkpoints, and
//! compares them, also with pictures that were made elsewhere. Models are opened one after another,
//! so that the largest one decides the memory needed.
//!
//! ```text
//! OUT/NAME/FILE.png     every picture, a folder for each model
//! OUT/sheet.html        side by side, a row for each request
//! OUT/compare.csv       a line for each picture: seconds, memory, PSNR, SSIM, CLIP score
//! OUT/compare.json      the same, with the whole requests
//! ```
//!
//! PSNR and SSIM are relative to the first column's picture; a CLIP score needs a CLIP model from
//! the user.

mod args;
mod cell;
mod column;
mod report;

use crate::disk::{create, read_picture, write};
pub(crate) use args::CompareArgs;
use column::{Column, Origin};
use darkroom::Result;
use darkroom::image::{Likeness, Rgba};
use darkroom::judge::ClipScore;
use darkroom::pipeline::Control;
use darkroom::weights::FileSource;
use report::Report;

/// Runs the command.
pub(crate) fn run(args: &CompareArgs) -> Result<()> {
    pollster::block_on(compare(args))
}

async fn compare(args: &CompareArgs) -> Result<()> {
    let (jobs, columns) = (args.jobs()?, columns(args));
    create(&args.out_dir)?;
    let mut report = Report::new(&columns, &jobs);
    for (index, column) in columns.iter().enumerate() {
        eprintln!("{}", column.name);
        report.columns[index].memory = column
            .make(args, &jobs, |row, cell| {
                report.rows[row].cells[index] = cell;
            })
            .await?;
    }
    measure(args, &mut report).await?;
    for (name, text) in [
        ("compare.json", report.json()?),
        ("compare.csv", report.csv()),
        ("sheet.html", report.html()),
    ] {
        write(&args.out_dir.join(name), text.as_bytes())?;
    }
    eprintln!("{} is the sheet", args.out_dir.join("sheet.html").display());
    Ok(())
}

/// The columns in the order of the sheet, each with a unique name.
fn columns(args: &CompareArgs) -> Vec<Column> {
    let models = args.model.iter().map(|path| (path, Origin::Model));
    let folders = args.pictures.iter().map(|path| (path, Origin::Pictures));
    let mut columns: Vec<Column> = Vec::new();
    for (path, origin) in models.chain(folders) {
        let base = path.file_stem().map_or("model".into(), |name| name.to_string_lossy());
        let taken = |name: &str| columns.iter().any(|column| column.name == name);
        let mut name = base.to_string();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        columns.push(Column { name, path: path.clone(), origin });
    }
    columns
}

/// Computes PSNR and SSIM relative to the first column, and CLIP scores if there is a CLIP model.
async fn measure(args: &CompareArgs, report: &mut Report) -> Result<()> {
    let judge = match &args.clip {
        None => None,
        Some(folder) => {
            let (gpu, source) = (args.gpu().await?, FileSource::new(folder));
            Some(ClipScore::open(&gpu, &source, &Control::default()).await?)
        }
    };
    let names: Vec<String> = report.columns.iter().map(|column| column.name.clone()).collect();
    for row in &mut report.rows {
        let mut first: Option<Rgba> = None;
        for (index, (name, cell)) in names.iter().zip(&mut row.cells).enumerate() {
            if cell.fault.is_some() {
                continue;
            }
            let picture = read_picture(&args.out_dir.join(name).join(&row.file))?;
            if let Some(judge) = &judge {
                cell.clip_score = Some(judge.score(&row.request.prompt, &picture).await?);
            }
            match &first {
                Some(first) => cell.likeness = Likeness::of(first, &picture),
                None if index == 0 => first = Some(picture),
                None => {}
            }
        }
    }
    Ok(())
}
