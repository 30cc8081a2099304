//! What is made of a picture before a ControlNet sees it, where no model is needed for it.
//!
//! ```text
//! none     as it is: depth maps, poses, edges that were found before
//! canny    edges in white on black: OpenCV's Canny with thresholds 100 and 200
//! invert   dark lines on white become light lines on black: scribbles, line art
//! ```
//!
//! Thresholds and channels as in lllyasviel/ControlNet (`annotator/canny`,
//! `gradio_canny2image.py`).

use super::canny::canny;
use super::rgba::Rgba;
use std::fmt;
use std::str::FromStr;

/// The thresholds of the edges.
const THRESHOLDS: [i32; 2] = [100, 200];

/// What is made of a picture first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preprocess {
    /// Nothing.
    #[default]
    None,
    /// Its edges.
    Canny,
    /// Its negative.
    Invert,
}

impl Preprocess {
    /// All, in the order of the documentation.
    pub const ALL: [Preprocess; 3] = [Preprocess::None, Preprocess::Canny, Preprocess::Invert];

    /// Its name: `none`, `canny` or `invert`.
    pub const fn name(self) -> &'static str {
        match self {
            Preprocess::None => "none",
            Preprocess::Canny => "canny",
            Preprocess::Invert => "invert",
        }
    }

    /// What it makes of a picture; opacity is ignored.
    pub fn of(self, picture: &Rgba) -> Rgba {
        let size = [picture.width(), picture.height()];
        let pixels = picture.pixels().as_chunks::<4>().0;
        let made: Vec<u8> = match self {
            Preprocess::None => return picture.clone(),
            Preprocess::Invert => {
                pixels.iter().flat_map(|[r, g, b, _]| [255 - r, 255 - g, 255 - b, 255]).collect()
            }
            Preprocess::Canny => {
                let rgb: Vec<u8> = pixels.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
                let edges = canny(&rgb, size.map(|side| side as usize), THRESHOLDS);
                edges.into_iter().flat_map(|edge| [edge, edge, edge, 255]).collect()
            }
        };
        Rgba::new(size[0], size[1], made)
    }
}

impl fmt::Display for Preprocess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preprocess {
    type Err = String;

    fn from_str(name: &str) -> Result<Preprocess, String> {
        let found = Preprocess::ALL.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| format!("must be none, canny or invert, not `{name}`"))
    }
}
