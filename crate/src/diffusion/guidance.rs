//! Guidance: how predictions for several prompts become one.
//!
//! ```text
//! two prompts    uncond + scale · (cond − uncond)
//! three prompts  uncond + scale · (text − image) + image_scale · (image − uncond)
//! parts          uncond + scale · Σ weightᵢ · (partᵢ − uncond)
//!                part₁ + Σ weightᵢ · (partᵢ − part₁)     where no negative prompt is evaluated
//! ```
//!
//! Three prompts are for a UNet that edits a picture; parts are those of a prompt with `AND`.
//! "Classifier-Free Diffusion Guidance" (Ho, Salimans, 2207.12598); "InstructPix2Pix" (Brooks,
//! Holynski, Efros, 2211.09800), equation 3; "Compositional Visual Generation with Composable
//! Diffusion Models" (Liu, Li, Du, Torralba, Tenenbaum, 2206.01714), equation 11. Without a
//! negative prompt the first part is in its place, as in AUTOMATIC1111's web UI.
//!
//! On wish the guided prediction gets a part of the spread of the prompt's own, of each picture on
//! its own: `guided · (rescale · std(text) / std(guided) + 1 − rescale)`. "Common Diffusion Noise
//! Schedules and Sample Steps are Flawed" (Lin et al., 2305.08891), section 3.4. Of several parts
//! the prompt's own is their sum without a negative prompt.

/// How strongly the prompt and the picture pull.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guidance<'a> {
    /// diffusers: `guidance_scale`.
    pub scale: f64,
    /// diffusers: `image_guidance_scale`; without effect on two prompts.
    pub image_scale: f64,
    /// diffusers: `guidance_rescale`, 0…1.
    pub rescale: f64,
    /// The weights of a prompt's parts; empty for a prompt that is whole.
    pub parts: &'a [f64],
}

impl<'a> Guidance<'a> {
    /// No guidance.
    pub const NONE: Guidance<'static> =
        Guidance { scale: 1.0, image_scale: 1.0, rescale: 0.0, parts: &[] };

    /// Guidance by the prompt alone.
    pub fn of(scale: f64) -> Guidance<'a> {
        Guidance { scale, ..Guidance::NONE }
    }

    /// The number of prompts that are not negative; of several prompts these are the last.
    pub fn positive(self) -> usize {
        self.parts.len().max(1)
    }

    /// The same without a negative prompt.
    #[must_use]
    pub fn without_negative(self) -> Guidance<'a> {
        Guidance { parts: self.parts, ..Guidance::NONE }
    }

    /// The factors of the predictions of one, two or three prompts: the prompt's is the last; of
    /// three the first is without the picture. With parts there is one for each, and before them
    /// one for the negative prompt, unless it is not evaluated.
    ///
    /// # Panics
    /// For another number of prompts.
    pub fn factors(self, prompts: usize) -> Vec<f64> {
        let Guidance { scale, image_scale, parts, .. } = self;
        match (prompts, parts) {
            (_, [_, others @ ..]) if prompts == parts.len() => {
                let first = 1.0 - others.iter().sum::<f64>();
                [&[first], others].concat()
            }
            (_, [_, ..]) if prompts == parts.len() + 1 => {
                let scaled: Vec<f64> = parts.iter().map(|weight| scale * weight).collect();
                [&[1.0 - scaled.iter().sum::<f64>()], &scaled[..]].concat()
            }
            (1, []) => vec![1.0],
            (2, []) => vec![1.0 - scale, scale],
            (3, []) => vec![1.0 - image_scale, image_scale - scale, scale],
            _ => panic!("guidance by {prompts} prompts"),
        }
    }
}
