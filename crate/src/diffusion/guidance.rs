//! Guidance: how predictions for several prompts become one.
//!
//! ```text
//! two prompts    uncond + scale · (cond − uncond)
//! three prompts  uncond + scale · (text − image) + image_scale · (image − uncond)
//! ```
//!
//! Three prompts are for a UNet that edits a picture. "Classifier-Free Diffusion Guidance" (Ho,
//! Salimans, 2207.12598); "InstructPix2Pix" (Brooks, Holynski, Efros, 2211.09800), equation 3.

/// How strongly the prompt and the picture pull.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guidance {
    /// diffusers: `guidance_scale`.
    pub scale: f64,
    /// diffusers: `image_guidance_scale`; without effect on two prompts.
    pub image_scale: f64,
}

impl Guidance {
    /// No guidance.
    pub const NONE: Guidance = Guidance { scale: 1.0, image_scale: 1.0 };

    /// Guidance by the prompt alone.
    pub fn of(scale: f64) -> Guidance {
        Guidance { scale, ..Guidance::NONE }
    }

    /// The factors of the predictions of one, two or three prompts: the prompt's is the last; of
    /// three the first is without the picture.
    ///
    /// # Panics
    /// For another number of prompts.
    pub fn factors(self, prompts: usize) -> Vec<f64> {
        let Guidance { scale, image_scale } = self;
        match prompts {
            1 => vec![1.0],
            2 => vec![1.0 - scale, scale],
            3 => vec![1.0 - image_scale, image_scale - scale, scale],
            _ => panic!("guidance by {prompts} prompts"),
        }
    }
}
