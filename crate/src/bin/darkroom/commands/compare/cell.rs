//! What is known of one picture of a comparison.

use darkroom::image::Likeness;
use serde::Serialize;

/// What is known of a picture.
#[derive(Clone, Default, Serialize)]
pub(super) struct Cell {
    /// From the request to the picture.
    pub seconds: Option<f64>,
    /// To the picture of the first column, if both are there and of one size.
    #[serde(flatten)]
    pub likeness: Option<Likeness>,
    /// By the user's CLIP model, if one was given.
    pub clip_score: Option<f64>,
    /// Why there is no picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Cell {
    /// The figures under a picture of the sheet.
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
