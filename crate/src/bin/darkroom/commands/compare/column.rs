//! A column of the sheet: a checkpoint, or a folder of pictures.

use super::args::CompareArgs;
use super::cell::Cell;
use crate::disk::{create, read_picture, write};
use crate::jobs::Job;
use crate::model_args::ModelArgs;
use darkroom::image::png;
use darkroom::pipeline::{Control, Options, Pipeline};
use darkroom::{Error, Result};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// Where the pictures of a column come from.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Origin {
    /// A checkpoint, with which they are made now.
    Model,
    /// A folder of pictures that were made earlier, by this or another program.
    Pictures,
}

/// A column.
pub(super) struct Column {
    /// Its heading, which is also the name of its folder.
    pub name: String,
    /// The checkpoint, or the folder of pictures.
    pub path: PathBuf,
    pub origin: Origin,
}

impl Column {
    /// Makes or copies the pictures of all requests in the column's folder, and prints a line for
    /// each. Returns the peak of GPU memory in bytes.
    ///
    /// # Errors
    /// When the model cannot be opened, the device is lost or the folder cannot be written. An
    /// error of a single picture is recorded in its cell.
    pub(super) async fn make(
        &self,
        args: &CompareArgs,
        jobs: &[Job],
        mut tell: impl FnMut(usize, Cell),
    ) -> Result<Option<u64>> {
        let folder = args.out_dir.join(&self.name);
        create(&folder)?;
        if self.origin == Origin::Pictures {
            for (row, job) in jobs.iter().enumerate() {
                let (from, to) = (self.path.join(&job.file), folder.join(&job.file));
                let copied = read_picture(&from)
                    .and_then(|picture| write(&to, &png::encode(&picture, &[])?));
                tell(row, Cell { fault: copied.err().map(|e| e.to_string()), ..Cell::default() });
            }
            return Ok(None);
        }
        let gpu = args.gpu().await?;
        let model = ModelArgs {
            model: self.path.clone(),
            tokenizer: args.tokenizer.clone(),
            prediction: None,
        };
        let options = Options {
            precision: args.precision,
            weights: args.weights,
            loras: args.loras.open().await?,
            taesd: args.taesd.open().await?,
            ..Options::default()
        };
        let control = Control::default();
        let source = Rc::new(args.parts.with(model.source()));
        let pipeline = Pipeline::open(&gpu, source, &options, &control).await?;
        for (row, job) in jobs.iter().enumerate() {
            let begun = Instant::now();
            let made = job.draw(&pipeline, &control).await;
            let seconds = Some(begun.elapsed().as_secs_f64());
            let kept = match made {
                Ok(picture) => picture.png().and_then(|p| write(&folder.join(&job.file), &p)),
                Err(error @ Error::DeviceLost { .. }) => return Err(error),
                Err(error) => Err(error),
            };
            let fault = kept.err().map(|error| error.to_string());
            eprintln!("  {}: {}", job.file, fault.as_deref().unwrap_or("made"));
            tell(row, Cell { seconds, fault, ..Cell::default() });
        }
        Ok(Some(gpu.stats().bytes_peak))
    }
}
