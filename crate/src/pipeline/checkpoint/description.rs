//! What a model is and can be asked for.

use super::purpose::Purpose;
use crate::diffusion::{Abilities, Sampler, Schedule};
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
    /// Whether its UNet takes the guidance scale as an input, and evaluates no negative prompt.
    pub embeds_guidance: bool,
    /// What it is for: whether a request must have a start picture, and a mask.
    pub purpose: Purpose,
    /// What to ask a model for that was distilled for few steps.
    pub made_for: Option<MadeFor>,
    /// The fields of a [`Request`](crate::request::Request) with what this model allows, as a JSON
    /// Schema.
    pub request: Value,
}

/// The settings that a model was distilled for. They do not change what a request means: a page
/// offers them in place of the request's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MadeFor {
    /// For [`Request::sampler`](crate::request::Request::sampler).
    pub sampler: &'static str,
    /// For [`Request::steps`](crate::request::Request::steps).
    pub steps: u32,
    /// For [`Request::guidance_scale`](crate::request::Request::guidance_scale).
    pub guidance_scale: f64,
}

impl MadeFor {
    /// For a model whose UNet takes the guidance scale as an input, the defaults of diffusers'
    /// `LatentConsistencyModelPipeline`. For another one whose scheduler is of a class for few
    /// steps, four steps without guidance, as in the examples of these classes: the guidance is
    /// distilled into its weights.
    pub(super) fn of(schedule: &Schedule, embeds_guidance: bool) -> Option<MadeFor> {
        let sampler = Sampler::made_for(schedule);
        let guidance_scale = if embeds_guidance { 8.5 } else { 1.0 };
        let sampler = sampler.or(embeds_guidance.then_some(Sampler::Lcm))?.name();
        Some(MadeFor { sampler, steps: 4, guidance_scale })
    }
}

impl Description {
    /// The description of a model with all samplers, trained on square pictures.
    pub(super) fn new(
        factor: u32,
        side: u32,
        text_layers: u32,
        parameters: u64,
        (embeds_guidance, made_for, purpose): (bool, Option<MadeFor>, Purpose),
    ) -> Description {
        let mut description = Description {
            factor,
            width: side,
            height: side,
            samplers: Sampler::ALL.map(Sampler::name).to_vec(),
            abilities: Sampler::ALL.map(|one| (one.name(), one.abilities())).into(),
            text_layers,
            parameters,
            embeds_guidance,
            purpose,
            made_for,
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
            embeds_guidance: self.embeds_guidance,
        }
    }
}
