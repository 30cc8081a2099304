//! Runs with a mask, in latents.
//!
//! ```text
//! 4 channels: after each evaluation
//!     latents = mask · latents + (1 − mask) · (signal · picture + noise · ε)
//! 9 channels: the UNet's input is
//!     latents, mask, latents of the picture where it is not masked
//! ```
//!
//! ε is the run's first noise, signal and noise those that the next evaluation expects. diffusers:
//! `StableDiffusionInpaintPipeline`.

use super::initial::Initial;
use crate::diffusion::NoiseLevel;
use crate::image::Mask;
use crate::pipeline::engine::Engine;
use crate::request::MaskedContent;

/// The mask of a run in latents, and what a UNet that sees it is given.
pub(in crate::pipeline) struct Inpainting {
    /// 1 where latents are made anew, otherwise 0, `[h/8, w/8]`.
    pub mask: Vec<f32>,
    /// The picture where it is not masked, for a UNet of 9 channels.
    pub masked: Option<Initial>,
    pub content: MaskedContent,
}

impl Inpainting {
    /// The mask at the size of a run, for latents of `factor` pixels along each side.
    pub(super) fn mask_of(mask: &Mask, factor: usize) -> Vec<f32> {
        mask.cells(factor).into_iter().map(|anew| if anew { 1.0 } else { 0.0 }).collect()
    }

    /// The further channels of the UNet's input, from the sampled latents of the unmasked part
    /// `[pictures, c, h, w]`: `[pictures, 1 + c, h, w]`.
    pub(super) fn channels(&self, masked: &[f32], channels: usize) -> Vec<f32> {
        let pictures = masked.chunks_exact(channels * self.mask.len());
        pictures.flat_map(|picture| [&self.mask, picture].concat()).collect()
    }

    /// Replaces first latents `[pictures, c, h, w]` by noise where they are made anew, if that is
    /// asked for: as strong as the picture's latents are with their noise.
    pub(super) fn fill(&self, latents: &mut [f32], noise: &[f32], level: NoiseLevel) {
        if self.content != MaskedContent::Noise {
            return;
        }
        let deviation = level.signal.hypot(level.noise) as f32;
        let mask = self.mask.iter().cycle();
        for ((latent, noise), anew) in latents.iter_mut().zip(noise).zip(mask) {
            if *anew > 0.0 {
                *latent = deviation * noise;
            }
        }
    }
}

/// What is put back after each evaluation, in arrays of an engine `[pictures, c, h, w]`.
pub(super) struct Kept<A> {
    mask: A,
    picture: A,
    noise: A,
}

impl<A> Kept<A> {
    /// From a mask of one picture and one channel, the pictures' latents, and the first noise.
    pub(super) fn new<E: Engine<Array = A>>(
        engine: &E,
        shape: [usize; 4],
        mask: &[f32],
        [picture, noise]: [&[f32]; 2],
    ) -> Kept<A> {
        let masks = mask.repeat(shape[0] * shape[1]);
        let [mask, picture, noise] =
            [&masks, picture, noise].map(|planes| engine.latents(planes, shape));
        Kept { mask, picture, noise }
    }

    /// The latents with the known ones where the mask keeps them.
    pub(super) fn put_back<E: Engine<Array = A>>(
        &self,
        engine: &E,
        latents: &A,
        level: NoiseLevel,
    ) -> A {
        let NoiseLevel { signal, noise } = level;
        if noise == 0.0 && signal == 1.0 {
            return engine.blend(&self.mask, latents, &self.picture);
        }
        let known = engine.sum(&[(signal, &self.picture), (noise, &self.noise)]);
        engine.blend(&self.mask, latents, &known)
    }
}
