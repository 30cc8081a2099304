//! The parts of a checkpoint file.

/// A part of a checkpoint: the unit that the diffusers layout has a folder of weights for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePart {
    /// CLIP's text model.
    TextEncoder,
    /// The UNet.
    Unet,
    /// The VAE, decoder and encoder.
    Vae,
}

impl FilePart {
    /// The prefix of its tensors' names in a single file.
    pub const fn prefix(self) -> &'static str {
        match self {
            FilePart::TextEncoder => "cond_stage_model.transformer.",
            FilePart::Unet => "model.diffusion_model.",
            FilePart::Vae => "first_stage_model.",
        }
    }
}
