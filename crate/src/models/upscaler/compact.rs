//! SRVGGNetCompact: convolutions at the picture's own size. The last gives the pixels that each
//! pixel becomes; the picture itself, enlarged by nearest neighbour, is added to them.

use crate::error::Result;
use crate::nn::{Conv2d, Scope};
use crate::tensor::Tensor;

const PICTURE: usize = 3;

/// BasicSR: `SRVGGNetCompact`.
pub(super) struct Compact {
    /// Each with the slopes below zero of what follows it.
    layers: Vec<(Conv2d, Tensor)>,
    last: Conv2d,
}

impl Compact {
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(root: &Scope, c: usize, [convs, factor]: [usize; 2]) -> Result<Compact> {
        let body = root.at("body");
        let layer = |i: usize| {
            let takes = if i == 0 { PICTURE } else { c };
            let slopes = body.at(2 * i + 1).vector("weight", c)?;
            Ok((Conv2d::new(&body.at(2 * i), takes, c, 3)?, slopes))
        };
        let layers = (0..=convs).map(layer).collect::<Result<_>>()?;
        let gives = PICTURE * factor * factor;
        Ok(Compact { layers, last: Conv2d::new(&body.at(2 * convs + 2), c, gives, 3)? })
    }

    /// `[1, h, w, 4]` in 0…1 → `[1, h, w, 3·factor²]`, padded to four: for each colour the pixels
    /// of a square, row by row, less the pixel itself.
    pub(super) fn forward(&self, picture: &Tensor) -> Tensor {
        let mut x = picture.clone();
        for (conv, slopes) in &self.layers {
            x = conv.forward(&x).prelu(slopes);
        }
        self.last.forward(&x)
    }
}
