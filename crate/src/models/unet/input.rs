//! What a UNet is given and what it gives back, for the network on the GPU ([`super::Unet`]) and
//! for the reference on the CPU alike: `A` is an array there, `C` what cross-attentions see.

use crate::diffusion::Deep;

/// The arguments of an evaluation. diffusers: those of `UNet2DConditionModel.forward`.
pub struct UnetInput<'a, A, C> {
    /// Latents `[b, h, w, c]` (on the CPU `[b, c, h, w]`), scaled as the sampler wants them.
    pub latents: &'a A,
    /// Further channels of the input, after those of the latents, which together are the config's
    /// `in_channels`: a mask and masked latents (9 channels in all), or an image to edit (8).
    pub extra_channels: Option<&'a A>,
    /// In 0..1000, not always whole.
    pub timestep: f64,
    /// The prompts of b pictures; fewer are shared, each by pictures one after the other.
    pub context: &'a C,
    /// Which layers are evaluated.
    pub cache: Cache<'a, A>,
    /// What other networks add.
    pub residuals: Option<&'a Residuals<A>>,
}

impl<'a, A, C> UnetInput<'a, A, C> {
    /// Latents, a timestep and a context, and nothing else.
    pub fn new(latents: &'a A, timestep: f64, context: &'a C) -> UnetInput<'a, A, C> {
        let (extra_channels, cache, residuals) = (None, Cache::Off, None);
        UnetInput { latents, extra_channels, timestep, context, cache, residuals }
    }
}

/// What becomes of the deep features: what the outermost layers on the way up begin with. They
/// change little from step to step. "DeepCache" (Ma, Fang, Wang, 2312.00858).
#[derive(Debug)]
pub enum Cache<'a, A> {
    /// All layers are evaluated.
    Off,
    /// All layers are evaluated, and the deep features given back, `[b, h, w, c]`.
    Keep,
    /// The deep features of another evaluation are taken, and only the outermost layers evaluated.
    Reuse(&'a A),
}

impl<'a, A> Cache<'a, A> {
    /// As an evaluation says. Deep features that are to be reused and were not kept are made.
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
    /// Of a ControlNet: one for each skip, from the first convolution on; or none. They are added
    /// to the skips alone. diffusers: `down_block_additional_residuals`.
    pub skips: Vec<A>,
    /// Of a ControlNet: added to what the middle gives.
    /// diffusers: `mid_block_additional_residual`.
    pub mid: Option<A>,
    /// Of a T2I-Adapter: one for each level on the way down; or none. Added after the level's last
    /// transformer, before the level is halved; where the level has no transformers, after that.
    /// diffusers: `down_intrablock_additional_residuals`.
    pub down: Vec<A>,
}

impl<A> Default for Residuals<A> {
    /// Nothing is added.
    fn default() -> Self {
        Residuals { skips: Vec::new(), mid: None, down: Vec::new() }
    }
}

/// What an evaluation gives.
pub struct UnetOutput<A> {
    /// The prediction, `[b, h, w, out_channels]` (on the CPU `[b, out_channels, h, w]`): of the
    /// noise, or of what else the model was trained for.
    pub sample: A,
    /// The deep features, where they were to be kept, or were reused.
    pub deep: Option<A>,
}
