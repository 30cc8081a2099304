//! The parts of a checkpoint with weights.

/// A part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// CLIP's text model.
    TextEncoder,
    /// The UNet.
    Unet,
    /// The VAE, decoder and encoder.
    Vae,
}

impl Part {
    /// What its tensors' names begin with in a single file.
    pub const fn prefix(self) -> &'static str {
        match self {
            Part::TextEncoder => "cond_stage_model.transformer.",
            Part::Unet => "model.diffusion_model.",
            Part::Vae => "first_stage_model.",
        }
    }
}
