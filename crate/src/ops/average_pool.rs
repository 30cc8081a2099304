//! Averages of blocks of pixels; see `kernels/average_pool.wgsl`.

use crate::ops::image_rows::by_image_rows;
use crate::tensor::Tensor;
use crate::wgsl;

impl Tensor {
    /// `[b, h, w, c] → [b, ⌈h/2⌉, ⌈w/2⌉, c]`: the average of every 2×2 pixels; of an odd last row
    /// or column, of the pixels that there are. torch: `AvgPool2d(2, stride=2, ceil_mode=True)`.
    pub fn average_pool(&self) -> Tensor {
        let [_, source_height, source_width, _] = self.shape().image();
        let (height, width) = (source_height.div_ceil(2), source_width.div_ceil(2));
        let sources = |row: usize| {
            let (picture, first) = (row / height * source_height, 2 * (row % height));
            picture + first..picture + (first + 2).min(source_height)
        };
        by_image_rows((self, [height, width]), (wgsl!("average_pool"), 16), (2, &sources))
    }
}
