//! One cell of a comparison: a picture's figures.

use darkroom::image::Likeness;
use serde::Serialize;

/// The figures of a picture.
#[derive(Clone, Default, Serialize)]
pub(super) struct Cell {
    /// Seconds from the request to the picture.
    pub seconds: Option<f64>,
    /// Compared with the picture of the first column, if both exist and have one size.
    #[serde(flatten)]
    pub likeness: Option<Likeness>,
    /// The score by the user's CLIP model, if one was given.
    pub clip_score: Option<f64>,
    /// The error, if there is no picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Cell {
    /// The figures as a caption.
    pub(super) fn caption(&self) -> String {
        let parts = [
            self.seconds.map(|s| format!("{s:.1} s")),
            self.likeness.map(|l| match l.psnr {
                None => "the same pixels".to_string(),
                Some(psnr) => format!("{psnr:.1} dB"),
            }),
            self.likeness.and_then(|l| l.ssim).map(|ssim| format!("SSIM {ssim:.3}")),
            self.clip_score.map(|score| format!("CLIP {score:.1}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}
