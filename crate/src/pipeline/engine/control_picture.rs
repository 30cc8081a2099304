//! The picture of a ControlNet or T2I-Adapter as the network gets it.
//!
//! ```text
//! ControlNet    resized, preprocessed → planes [3, h, w] in 0…1
//! T2I-Adapter   the same, or one gray plane → [planes · factor², h/factor, w/factor]
//! ```
//!
//! diffusers: `VaeImageProcessor(do_normalize=False)` of its ControlNet pipelines, and
//! `_preprocess_adapter_image`.

use crate::image::{Filter, Preprocess, Rgba};
use crate::models::t2i_adapter::T2iAdapterConfig;
use crate::pipeline::checkpoint::PictureControl;

/// The planes of a picture for a ControlNet, `[3, h, w]`, on wish in the order blue, green, red.
pub(super) fn planes(control: &PictureControl, [width, height]: [u32; 2], bgr: bool) -> Vec<f32> {
    let resized = control.picture.resize(width, height, Filter::Lanczos);
    let picture = control.preprocess.of(&resized);
    let pixels = picture.pixels().as_chunks::<4>().0;
    let order = if bgr { [2, 1, 0] } else { [0, 1, 2] };
    let plane = |c: usize| pixels.iter().map(move |pixel| f32::from(pixel[c]) / 255.0);
    order.into_iter().flat_map(plane).collect()
}

/// The planes of a picture for a T2I-Adapter. torch: `PixelUnshuffle`.
pub(super) fn unshuffled(
    control: &PictureControl,
    [width, height]: [u32; 2],
    config: &T2iAdapterConfig,
) -> Vec<f32> {
    let is_gray = config.in_channels == 1;
    let given = match is_gray && control.preprocess == Preprocess::None {
        true => gray(&control.picture),
        false => control.picture.clone(),
    };
    let made = control.preprocess.of(&given.resize(width, height, Filter::Lanczos));
    let made = if is_gray { gray(&made) } else { made };
    let (width, height) = (width as usize, height as usize);
    let factor = config.factor;
    let at =
        |c: usize, y: usize, x: usize| f32::from(made.pixels()[4 * (y * width + x) + c]) / 255.0;
    let mut planes = Vec::with_capacity(config.in_channels * width * height);
    for c in 0..config.in_channels {
        for (dy, dx) in (0..factor).flat_map(|dy| (0..factor).map(move |dx| (dy, dx))) {
            for y in (dy..height).step_by(factor) {
                planes.extend((dx..width).step_by(factor).map(|x| at(c, y, x)));
            }
        }
    }
    planes
}

/// The further factor of skip `i` of `all` in guess mode: from 0.1 up to the middle's 1. diffusers:
/// `torch.logspace(-1, 0, all + 1)`.
pub(super) fn guess_scale(i: usize, all: usize) -> f64 {
    libm::pow(10.0, i as f64 / all as f64 - 1.0)
}

/// Luminance in all three channels, and the same opacity.
fn gray(picture: &Rgba) -> Rgba {
    let opacities = picture.pixels().as_chunks::<4>().0.iter().map(|pixel| pixel[3]);
    let pixels = picture.luminances().zip(opacities).flat_map(|(y, a)| [y, y, y, a]).collect();
    Rgba::new(picture.width(), picture.height(), pixels)
}
