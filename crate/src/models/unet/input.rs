//! Input and output of a UNet, both for the network on the GPU ([`super::Unet`]) and for the
//! reference on the CPU. `A` is the type of an array, `C` that of the context.

use crate::diffusion::{Deep, FreeU};

/// The arguments of an evaluation. diffusers: those of `UNet2DConditionModel.forward`.
pub struct UnetInput<'a, A, C> {
    /// Latents `[b, h, w, c]` (on the CPU `[b, c, h, w]`), times the sampler's input scale.
    pub latents: &'a A,
    /// Further channels of the input, after those of the latents, which together are the config's
    /// `in_channels`: a mask and masked latents (9 channels in all), or an image to edit (8).
    pub extra_channels: Option<&'a A>,
    /// In 0..1000, not always a whole number.
    pub timestep: f64,
    /// The guidance scale, for a UNet that has it as an input (`time_cond_proj_dim`); others ignore
    /// it. diffusers: `timestep_cond`, which is made of it.
    pub guidance_scale: Option<f64>,
    /// The context of the b elements of the batch. If it has n < b elements, b / n consecutive
    /// elements of the batch share one.
    pub context: &'a C,
    /// What is done with the deep features.
    pub cache: Cache<'a, A>,
    /// What a ControlNet or T2I-Adapter adds.
    pub residuals: Option<&'a Residuals<A>>,
    /// What the up path scales.
    pub freeu: Option<FreeU>,
}

impl<'a, A, C> UnetInput<'a, A, C> {
    /// Latents, a timestep and a context, and nothing else.
    pub fn new(latents: &'a A, timestep: f64, context: &'a C) -> UnetInput<'a, A, C> {
        UnetInput {
            latents,
            extra_channels: None,
            timestep,
            guidance_scale: None,
            context,
            cache: Cache::Off,
            residuals: None,
            freeu: None,
        }
    }
}

/// What an evaluation does with the deep features, the input of the outermost layers of the up
/// path. They change little from step to step. "DeepCache" (Ma, Fang, Wang, 2312.00858).
#[derive(Debug)]
pub enum Cache<'a, A> {
    /// All layers are evaluated.
    Off,
    /// All layers are evaluated, and the deep features are returned, `[b, h, w, c]`.
    Keep,
    /// The deep features of an earlier evaluation are used, and only the outermost layers
    /// evaluated.
    Reuse(&'a A),
}

impl<'a, A> Cache<'a, A> {
    /// For the `deep` of an evaluation's kind. If deep features are to be reused but none were
    /// kept, they are computed.
    pub fn of(deep: Deep, kept: Option<&'a A>) -> Cache<'a, A> {
        match (deep, kept) {
            (Deep::Made, _) => Cache::Off,
            (Deep::Reused, Some(kept)) => Cache::Reuse(kept),
            (Deep::Kept | Deep::Reused, _) => Cache::Keep,
        }
    }
}

impl<A> Clone for Cache<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Cache<'_, A> {}

/// What other networks add inside a UNet. All have the batch of the latents.
#[derive(Debug, Clone)]
pub struct Residuals<A> {
    /// Of a ControlNet: one for each skip, from the first convolution on; or empty. They are added
    /// only to the skips, not to the output of the down path. diffusers:
    /// `down_block_additional_residuals`.
    pub skips: Vec<A>,
    /// Of a ControlNet: added to the middle's output, or where there is no middle, to that of the
    /// down path. diffusers: `mid_block_additional_residual`.
    pub mid: Option<A>,
    /// Of a T2I-Adapter: one for each level of the down path; or empty. It is added after the
    /// level's last transformer, before the downsampling; if the level has no transformers, after
    /// the downsampling. diffusers: `down_intrablock_additional_residuals`.
    pub down: Vec<A>,
}

impl<A> Default for Residuals<A> {
    /// No residuals.
    fn default() -> Self {
        Residuals { skips: Vec::new(), mid: None, down: Vec::new() }
    }
}

/// The output of an evaluation.
pub struct UnetOutput<A> {
    /// The prediction, `[b, h, w, out_channels]` (on the CPU `[b, out_channels, h, w]`): of the
    /// noise, or of v.
    pub sample: A,
    /// The deep features, if they were to be kept or were reused.
    pub deep: Option<A>,
}
