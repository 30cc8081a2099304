//! Nearest-neighbour resize; see `kernels/resize.wgsl`.

use crate::ops::image_rows::by_image_rows;
use crate::tensor::Tensor;
use crate::wgsl;

impl Tensor {
    /// `[b, h, w, c] → [b, height, width, c]`, nearest neighbour as torch's `interpolate(size=…)`.
    pub fn resize(&self, height: usize, width: usize) -> Tensor {
        let [_, source_height, ..] = self.shape().image();
        let sources = |row: usize| {
            let first = row / height * source_height + row % height * source_height / height;
            first..first + 1
        };
        // A band reads at most one more source row than its share.
        let most = source_height.div_ceil(height) + 1;
        by_image_rows((self, [height, width]), (wgsl!("resize"), 0), (most, &sources))
    }
}
