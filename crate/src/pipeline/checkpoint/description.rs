//! What a model is and can be asked for.

use crate::diffusion::Sampler;
use crate::request::Allowed;
use serde::Serialize;

/// What a model is and can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// Pixels per latent: width and height are multiples of it.
    pub factor: u32,
    /// The width for which the model was trained, in pixels.
    pub width: u32,
    /// The height for which it was trained, in pixels.
    pub height: u32,
    /// Names for [`Request::sampler`](crate::request::Request::sampler).
    pub samplers: Vec<&'static str>,
    /// Layers of the text encoder: the most for
    /// [`Request::clip_skip`](crate::request::Request::clip_skip).
    pub text_layers: u32,
    /// Numbers in the files of its weights.
    pub parameters: u64,
}

impl Description {
    /// What a request may ask for.
    pub fn allowed(&self) -> Allowed<'_> {
        Allowed {
            factor: self.factor,
            size: [self.width, self.height],
            samplers: &self.samplers,
            text_layers: self.text_layers,
        }
    }
}

/// The names of all samplers, in the order of a menu.
pub(super) fn sampler_names() -> Vec<&'static str> {
    Sampler::ALL.map(Sampler::name).to_vec()
}
