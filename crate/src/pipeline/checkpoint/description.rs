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
    /// The width that the model was trained for, in pixels.
    pub width: u32,
    /// The height that the model was trained for, in pixels.
    pub height: u32,
    /// Names for [`Request::sampler`](crate::request::Request::sampler).
    pub samplers: Vec<&'static str>,
    /// The settings that each of them has, by name.
    pub abilities: BTreeMap<&'static str, Abilities>,
    /// Layers of the text encoder: the most for
    /// [`Request::clip_skip`](crate::request::Request::clip_skip).
    pub text_layers: u32,
    /// The number of values in its files of weights.
    pub parameters: u64,
    /// The fields of a [`Request`](crate::request::Request) with what this model allows, as a JSON
    /// Schema.
    pub request: Value,
}

impl Description {
    /// The description of a model with all samplers, trained on square pictures.
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

    /// The values that a request may have.
    pub fn allowed(&self) -> Allowed<'_> {
        Allowed {
            factor: self.factor,
            size: [self.width, self.height],
            samplers: &self.samplers,
            text_layers: self.text_layers,
        }
    }
}
