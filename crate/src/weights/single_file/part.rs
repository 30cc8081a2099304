//! The parts of a checkpoint with weights.

/// A part of a checkpoint.
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
    /// What its tensors' names begin with in a single file.
    pub const fn prefix(self) -> &'static str {
        match self {
            FilePart::TextEncoder => "cond_stage_model.transformer.",
            FilePart::Unet => "model.diffusion_model.",
            FilePart::Vae => "first_stage_model.",
        }
    }
}
