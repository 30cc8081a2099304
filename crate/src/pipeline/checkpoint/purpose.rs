//! What a model is for, which the channels of its UNet's input tell.
//!
//! ```text
//! c              latents                                      makes pictures from prompts
//! 2c + 1         latents, a mask, latents of the rest         fills masked parts of a picture
//! 2c             latents, latents of a picture                edits a picture by instructions
//! ```
//!
//! diffusers: `StableDiffusionPipeline`, `StableDiffusionInpaintPipeline`,
//! `StableDiffusionInstructPix2PixPipeline`.

use serde::Serialize;

/// What a model is for. In JSON its name is in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Pictures from prompts; any model can also begin with a picture, and keep a part of it.
    Generate,
    /// It fills the masked part of a picture and sees the rest: v1.5's inpainting checkpoint.
    Inpaint,
    /// It edits a picture by an instruction: InstructPix2Pix.
    Edit,
}

impl Purpose {
    /// Of a UNet with so many channels of its input, for latents of `latent` channels; `None` for
    /// another number.
    pub fn of(in_channels: usize, latent: usize) -> Option<Purpose> {
        match in_channels {
            n if n == latent => Some(Purpose::Generate),
            n if n == 2 * latent + 1 => Some(Purpose::Inpaint),
            n if n == 2 * latent => Some(Purpose::Edit),
            _ => None,
        }
    }
}
