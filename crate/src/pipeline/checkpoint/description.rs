//! What a model is and can be asked for.

use crate::diffusion::{Abilities, Sampler};
use crate::request::{Allowed, schema};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a model is and can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// Pixels per latent along each side: width and height are multiples of it.
    pub factor: u32,
    /// The width for which the model was trained, in pixels.
    pub width: u32,
    /// The height for which it was trained, in pixels.
    pub height: u32,
    /// Names for [`Request::sampler`](crate::request::Request::sampler).
    pub samplers: Vec<&'static str>,
    /// What each of them can do, by name.
    pub abilities: BTreeMap<&'static str, Abilities>,
    /// Layers of the text encoder: the most for
    /// [`Request::clip_skip`](crate::request::Request::clip_skip).
    pub text_layers: u32,
    /// Numbers in the files of its weights.
    pub parameters: u64,
    /// The fields of a [`Request`](crate::request::Request) with what this model allows, as a JSON
    /// Schema.
    pub request: Value,
}

impl Description {
    /// Of a model with all samplers, and of square pictures.
    pub(super) fn new(factor: u32, side: u32, text_layers: u32, parameters: u64) -> Description {
        let mut description = Description {
            factor,
            width: side,
            height: side,
            samplers: Sampler::ALL.map(Sampler::name).to_vec(),
            abilities: Sampler::ALL.map(|one| (one.name(), one.abilities())).into(),
            text_layers,
            parameters,
            request: Value::Null,
        };
        description.request = schema(Some(&description.allowed()));
        description
    }

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
