//! The VAE in tiles, for pictures that are larger than the model's own size: what a tile takes of
//! memory is all that is taken. diffusers: `AutoencoderKL.enable_vae_tiling`, whose tiles have the
//! size that the VAE was trained for.

use super::windows::Tiling;
use crate::error::Result;
use crate::image::{Mosaic, Rgba, Seams, cut};
use crate::pipeline::checkpoint::Files;
use crate::pipeline::control::Control;
use crate::pipeline::engine::{Engine, LoadContext, Moments};

/// Decodes picture `index` of latents: planes `[3, h, w]` in about −1…1. A preview is decoded as
/// previews are, and of the first picture.
///
/// # Errors
/// Those of the engine; a cancel.
pub(super) async fn decode<E: Engine>(
    engine: &E,
    (latents, index): (&E::Array, usize),
    (tiling, preview): (&Tiling, bool),
    call: LoadContext<'_>,
) -> Result<Vec<f32>> {
    let (channels, factor) = (call.files.vae.latent_channels, call.files.vae.factor());
    let [width, height] = tiling.whole;
    let all = engine.planes(latents, channels).await?;
    let planes = &all[index * channels * width * height..][..channels * width * height];
    let seams = Seams { side: tiling.tile, scale: (factor, 1) };
    let mut mosaic = Mosaic::new(seams, tiling.whole, 3);
    for rows in seams.cuts(height) {
        for columns in seams.cuts(width) {
            call.control.check()?;
            let part = cut(planes, tiling.whole, [&columns, &rows]);
            let part = engine.latents(&part, [1, channels, rows.len(), columns.len()]);
            let picture = match preview {
                true => engine.preview(&part, call).await?,
                false => engine.decode(&part, 0, call).await?,
            };
            let made = engine.planes(&picture, 3).await?;
            drop((part, picture));
            // The tiles at the ends have other sizes, whose buffers these cannot use.
            engine.trim();
            mosaic.push(made, [columns.len() * factor, rows.len() * factor]);
        }
    }
    Ok(mosaic.finish())
}

/// Encodes a picture, planes `[3, h, w]` in −1…1 of this width and height.
///
/// # Errors
/// Those of the engine; a cancel.
pub(super) async fn encode<E: Engine>(
    engine: &E,
    files: &Files,
    (planes, size): (&[f32], [usize; 2]),
    tiling: &Tiling,
    control: &Control,
) -> Result<Moments> {
    let (channels, factor) = (files.vae.latent_channels, files.vae.factor());
    let seams = Seams { side: tiling.tile * factor, scale: (1, factor) };
    let mut mosaic = None::<(Mosaic, Moments)>;
    for rows in seams.cuts(size[1]) {
        for columns in seams.cuts(size[0]) {
            control.check()?;
            let part = cut(planes, size, [&columns, &rows]);
            let of_part = [columns.len(), rows.len()];
            let mut moments = engine.encode_picture(files, &part, of_part, control).await?;
            engine.trim();
            let mut both = std::mem::take(&mut moments.mean);
            both.append(&mut moments.logvar);
            let count = both.len() / (of_part[0] / factor * (of_part[1] / factor));
            let (mosaic, _) =
                mosaic.get_or_insert_with(|| (Mosaic::new(seams, size, count), moments));
            mosaic.push(both, of_part.map(|side| side / factor));
        }
    }
    let (mosaic, moments) = mosaic.expect("a picture has a tile");
    let mut mean = mosaic.finish();
    let logvar = mean.split_off(channels * (size[0] / factor) * (size[1] / factor));
    Ok(Moments { mean, logvar, ..moments })
}

/// Planes `[3, h, w]` in about −1…1 as RGBA bytes; a pixel without numbers is transparent.
pub(super) fn rgba(planes: &[f32], [width, height]: [u32; 2]) -> Vec<u8> {
    let count = width as usize * height as usize;
    let unit = |i: usize| planes[i] * 0.5 + 0.5;
    let rgb: Vec<f32> = (0..count).flat_map(|i| [0, 1, 2].map(|c| unit(c * count + i))).collect();
    let mut rgba = Rgba::from_rgb(width, height, &rgb).into_pixels();
    for (pixel, rgb) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
        if !rgb.iter().all(|x| x.is_finite()) {
            pixel[3] = 0;
        }
    }
    rgba
}
