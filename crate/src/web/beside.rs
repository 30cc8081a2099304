//! Converts the object `beside` that JavaScript passes with a request (pictures, files that change
//! the model, and which previews to send), and progress events.

use super::values::{set, to_object};
use crate::error::{Error, Result};
use crate::image::{Preprocess, Rgba};
use crate::pipeline::{Previews, Progress};
use js_sys::{Array, Float32Array, Object, Reflect, Uint8ClampedArray};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// Which previews to send.
pub(super) fn previews(beside: &JsValue) -> Previews {
    Previews {
        latents: property(beside, "latents").is_truthy(),
        pictures: property(beside, "pictures").as_f64().unwrap_or_default() as u32,
    }
}

/// The start picture, if there is one.
///
/// # Errors
/// [`Error::Request`] for an object that is no picture.
pub(super) fn initial(beside: &JsValue) -> Result<Option<Rgba>> {
    picture(&property(beside, "initial"), "initial picture")
}

/// The mask, if there is one.
///
/// # Errors
/// [`Error::Request`] for an object that is no picture.
pub(super) fn mask(beside: &JsValue) -> Result<Option<Rgba>> {
    picture(&property(beside, "mask"), "mask")
}

/// A picture from an object `{ width, height, rgba }`; `None` where there is no object.
///
/// # Errors
/// [`Error::Request`] for an object that is no picture.
pub(super) fn picture(object: &JsValue, field: &'static str) -> Result<Option<Rgba>> {
    if !object.is_truthy() {
        return Ok(None);
    }
    pixels(object, field).map(Some)
}

/// A picture `{ width, height, rgba }`.
///
/// # Errors
/// [`Error::Request`] that names the `field`.
fn pixels(picture: &JsValue, field: &'static str) -> Result<Rgba> {
    let [width, height] =
        ["width", "height"].map(|side| property(picture, side).as_f64().unwrap_or_default());
    let pixels = Uint8ClampedArray::new(&property(picture, "rgba")).to_vec();
    let (width, height) = (width as u32, height as u32);
    if pixels.is_empty() || pixels.len() as u64 != 4 * u64::from(width) * u64::from(height) {
        let reason = format!("has {} bytes, which are not {width}×{height} pixels", pixels.len());
        return Err(Error::Request { field, reason });
    }
    Ok(Rgba::new(width, height, pixels))
}

/// A LoRA of a request.
#[derive(Deserialize)]
pub(super) struct LoraOption {
    /// The address of its file: a URL, or `stored:ID`.
    pub address: String,
    /// Its weight in the UNet; of weight 0 it is used only where the prompt names it.
    pub weight: f32,
    /// Its weight in the text encoder; the same if missing.
    pub text_encoder_weight: Option<f32>,
}

/// The LoRAs of a request.
///
/// # Errors
/// [`Error::Request`] for values that do not fit.
pub(super) fn loras(beside: &JsValue) -> Result<Vec<LoraOption>> {
    let list = property(beside, "loras");
    if !list.is_truthy() {
        return Ok(Vec::new());
    }
    let wrong = |reason: String| Error::Request { field: "loras", reason };
    let loras: Vec<LoraOption> = serde_wasm_bindgen::from_value(list)
        .map_err(|error| wrong(format!("cannot be read ({error})")))?;
    let numbers = |one: &LoraOption| [one.weight, one.text_encoder_weight.unwrap_or_default()];
    match loras.iter().flat_map(numbers).find(|number| !number.is_finite()) {
        Some(number) => Err(wrong(format!("must have numbers as weights, not {number}"))),
        None => Ok(loras),
    }
}

/// The addresses of the textual inversions of a request.
///
/// # Errors
/// [`Error::Request`] for what is no list of texts.
pub(super) fn embeddings(beside: &JsValue) -> Result<Vec<String>> {
    let list = property(beside, "embeddings");
    if !list.is_truthy() {
        return Ok(Vec::new());
    }
    serde_wasm_bindgen::from_value(list).map_err(|error| Error::Request {
        field: "embeddings",
        reason: format!("cannot be read ({error})"),
    })
}

/// A ControlNet or T2I-Adapter of a request.
pub(super) struct ControlOption {
    /// The address of its file: a URL, or `stored:ID`.
    pub address: String,
    /// Its picture.
    pub picture: Rgba,
    /// See [`PictureControl`](crate::pipeline::PictureControl).
    pub weight: f32,
    pub start: f64,
    pub end: f64,
    pub guess: bool,
    pub preprocess: Preprocess,
}

/// The ControlNets and T2I-Adapters of a request.
///
/// # Errors
/// [`Error::Request`] for values that do not fit.
pub(super) fn controls(beside: &JsValue) -> Result<Vec<ControlOption>> {
    let list = property(beside, "controls");
    if !list.is_truthy() {
        return Ok(Vec::new());
    }
    let wrong = |reason: &str| Error::Request { field: "controls", reason: reason.into() };
    if !Array::is_array(&list) {
        return Err(wrong("must be a list"));
    }
    let read = |one: JsValue| -> Result<ControlOption> {
        let number = |name: &str, default: f64| property(&one, name).as_f64().unwrap_or(default);
        let address = property(&one, "address").as_string();
        let preprocess = property(&one, "preprocess").as_string();
        let preprocess = preprocess.as_deref().unwrap_or(Preprocess::None.name()).parse();
        Ok(ControlOption {
            address: address.ok_or_else(|| wrong("must have the address of a file each"))?,
            picture: pixels(&property(&one, "image"), "controls")?,
            weight: number("weight", 1.0) as f32,
            start: number("start", 0.0),
            end: number("end", 1.0),
            guess: property(&one, "guess").is_truthy(),
            preprocess: preprocess.map_err(|why: String| wrong(&format!("`preprocess` {why}")))?,
        })
    };
    Array::from(&list).iter().map(read).collect()
}

/// A property of an object; undefined if it does not exist, or the value is no object.
pub(super) fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// An event as a plain object; pixels and latents are typed arrays.
pub(super) fn event_object(progress: &Progress) -> JsValue {
    let object = JsValue::from(Object::new());
    match progress {
        Progress::Latents { shape, values } => {
            set(&object, "event", "latents".into());
            set(&object, "shape", to_object(shape));
            set(&object, "values", Float32Array::from(&values[..]).into());
        }
        Progress::Preview { width, height, rgba } => {
            set(&object, "event", "preview".into());
            set(&object, "width", (*width).into());
            set(&object, "height", (*height).into());
            set(&object, "rgba", Uint8ClampedArray::from(&rgba[..]).into());
        }
        _ => return to_object(progress),
    }
    object
}
