//! Between the layout of requests and files, channels before rows, and the GPU's, channels last and
//! padded with zeros to a multiple of four.

use crate::diffusion::noise::{nchw_to_nhwc, nhwc_to_nchw};
use crate::tensor::Tensor;

/// Values `[pictures, c, h, w]` → `[pictures, h, w, c padded]`.
pub(super) fn channels_last(planes: &[f32], [_, c, h, w]: [usize; 4]) -> Vec<f32> {
    let padded = c.next_multiple_of(4);
    let zeros = vec![0.0; (padded - c) * h * w];
    let of_picture = planes.chunks_exact(c * h * w);
    let planes: Vec<f32> = of_picture.flat_map(|planes| [planes, &zeros].concat()).collect();
    nchw_to_nhwc(&planes, padded, h, w)
}

/// The first `channels` planes of each picture of an array, from its values.
pub(super) fn planes_of(array: &Tensor, numbers: &[f32], channels: usize) -> Vec<f32> {
    let [_, h, w, c] = array.shape().image();
    let planes = nhwc_to_nchw(numbers, c, h, w);
    let pictures = planes.chunks_exact(c * h * w);
    pictures.flat_map(|planes| &planes[..channels * h * w]).copied().collect()
}
