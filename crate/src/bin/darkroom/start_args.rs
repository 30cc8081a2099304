//! The pictures that a run begins with: `--init`, `--mask`, `--outpaint`.

use crate::list_files::PictureFile;
use clap::Args;
use darkroom::image::{Outpaint, Rgba};
use darkroom::pipeline::{Extras, Request, SIDE_MAX};
use darkroom::{Error, Result};
use std::path::PathBuf;

/// The pictures that a run begins with.
#[derive(Args)]
pub(crate) struct StartArgs {
    /// Begin with this picture, of any size, instead of noise alone; or edit it, with a model that
    /// edits pictures.
    #[arg(long, value_name = "FILE.png")]
    pub init: Option<PathBuf>,
    /// Make only that part of the picture anew where this one is white, and keep the rest, pixel by
    /// pixel; of any size.
    #[arg(long, value_name = "FILE.png")]
    pub mask: Option<PathBuf>,
    /// Let the picture grow by so many pixels at its sides, and fill what is new.
    #[arg(long, value_name = "LEFT,TOP,RIGHT,BOTTOM", value_parser = margins)]
    #[arg(requires = "init", conflicts_with_all = ["mask", "jobs"])]
    outpaint: Option<Margins>,
}

/// Pixels at the left, the top, the right and the bottom.
#[derive(Debug, Clone, Copy)]
struct Margins([u32; 4]);

/// The pictures, read.
#[derive(Default)]
pub(crate) struct StartPictures {
    initial: Option<Rgba>,
    mask: Option<Rgba>,
}

impl StartArgs {
    /// The files of the start picture and of its mask.
    pub(crate) fn files(&self) -> [Option<PictureFile>; 2] {
        [&self.init, &self.mask].map(|path| path.as_deref().map(PictureFile::new))
    }

    /// Reads the files. A picture that grows makes the request as large, if that has no size.
    ///
    /// # Errors
    /// Files that are missing or no pictures; [`Error::Request`] for a canvas that is too large.
    pub(crate) fn read(&self, request: &mut Request) -> Result<StartPictures> {
        let [init, mask] = self.files();
        let read = StartPictures::read(init.as_ref(), mask.as_ref())?;
        let (Some(Margins(more)), Some(initial)) = (self.outpaint, &read.initial) else {
            return Ok(read);
        };
        let grown = Outpaint::new(initial, more, request.seed, SIDE_MAX).ok_or_else(|| {
            Error::Request { field: "canvas", reason: Outpaint::refused(SIDE_MAX) }
        })?;
        request.width.get_or_insert(grown.picture.width());
        request.height.get_or_insert(grown.picture.height());
        Ok(StartPictures { initial: Some(grown.picture), mask: Some(grown.mask.picture()) })
    }
}

impl StartPictures {
    /// From the files of a picture and its mask.
    ///
    /// # Errors
    /// Files that are missing or no pictures.
    pub(crate) fn read(
        init: Option<&PictureFile>,
        mask: Option<&PictureFile>,
    ) -> Result<StartPictures> {
        let read = |file: Option<&PictureFile>| file.map(PictureFile::read).transpose();
        Ok(StartPictures { initial: read(init)?, mask: read(mask)? })
    }

    /// What a run is given of them.
    pub(crate) fn extras(&self) -> Extras<'_> {
        let (initial, mask) = (self.initial.as_ref(), self.mask.as_ref());
        Extras { initial, mask, ..Extras::default() }
    }
}

fn margins(text: &str) -> Result<Margins, String> {
    let numbers: Result<Vec<u32>, _> = text.split(',').map(|side| side.trim().parse()).collect();
    let four = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    four.map(Margins).ok_or_else(|| "must be four whole numbers, as in 0,0,128,64".into())
}
