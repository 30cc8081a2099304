//! Enlarging for JavaScript: a picture by an upscaler of the ESRGAN family, with or without a
//! model.

use super::beside::{picture, property};
use super::open::{Opened, addon_source, choose_device, file_of, read_type};
use super::turn::turn;
use super::values::{pixels_object, set, to_js};
use super::{Engine, notice};
use crate::error::{Error, Result};
use crate::image::{Rgba, png};
use crate::pipeline::{AdapterKind, Control, Host, Request, Upscaler, UpscalerOptions};
use crate::store::Watch;
use js_sys::{Function, Uint8Array};
use serde::Deserialize;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// How an upscaler is opened, as JavaScript passes it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct UpscaleOptions {
    precision: Option<String>,
    device: Option<String>,
    adapter: AdapterKind,
}

#[wasm_bindgen]
impl Engine {
    /// Enlarges a picture `{ width, height, rgba }` by the upscaler at `address`; no model need be
    /// open. Resolves to `{ width, height, rgba, png }`.
    ///
    /// `options` is undefined, or has `png`, the picture's own file, of which the texts are kept,
    /// such as its request; and, as those of [`Engine::open`], `precision`, and `device` and
    /// `adapter`, which count where no model is open.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `bad_file` for a file that is no upscaler,
    /// `request` with its `field`, those of the source and of the device, `cancelled`.
    pub async fn upscale(
        &self,
        address: String,
        image: JsValue,
        options: JsValue,
        on_progress: Function,
    ) -> std::result::Result<JsValue, JsValue> {
        let control = self.control(on_progress.clone());
        let notices = Rc::new(Watch::new(Box::new(move |event| notice(event, &on_progress))));
        let opened = self.opened.borrow().clone();
        let file = (&*address, &notices);
        let made = upscale(opened.as_deref(), file, (&image, &options), &control).await;
        let (large, png) = made.map_err(to_js)?;
        let object = pixels_object(&large);
        set(&object, "png", Uint8Array::from(&png[..]).into());
        Ok(object)
    }
}

impl Opened {
    /// The upscaler that JavaScript passes beside a request, if the request uses it. Only the
    /// latest one is kept in memory.
    ///
    /// # Errors
    /// [`Error::Request`] for what is no address; those of the source and of
    /// [`Pipeline::open_upscaler`](crate::pipeline::Pipeline::open_upscaler).
    pub(super) async fn choose_upscaler(
        &self,
        request: &Request,
        beside: &JsValue,
        control: &Control,
    ) -> Result<Option<Rc<Upscaler>>> {
        let address = property(beside, "upscaler");
        let is_used = request.hires_scale.is_some() && request.hires_upscaler == "file";
        if !is_used || !address.is_truthy() {
            return Ok(None);
        }
        let before = self.upscaler.borrow().clone();
        let address = address.as_string().ok_or_else(|| Error::Request {
            field: "upscaler",
            reason: "must be the address of a file".into(),
        })?;
        let upscaler = match before {
            Some((known, upscaler)) if known == address => upscaler,
            _ => {
                let file = (&*address, &self.notices);
                Rc::new(open_upscaler(Some(self), file, &JsValue::UNDEFINED, control).await?)
            }
        };
        *self.upscaler.borrow_mut() = Some((address, upscaler.clone()));
        Ok(Some(upscaler))
    }
}

/// The enlarged picture, and its PNG file.
async fn upscale(
    opened: Option<&Opened>,
    file: (&str, &Rc<Watch>),
    (image, options): (&JsValue, &JsValue),
    control: &Control,
) -> Result<(Rgba, Vec<u8>)> {
    let wrong = |reason: String| Error::Request { field: "picture", reason };
    let picture =
        picture(image, "picture")?.ok_or_else(|| wrong("is needed to be enlarged".into()))?;
    let texts = match property(options, "png") {
        file if file.is_truthy() => {
            png::decode("The picture", &Uint8Array::new(&file).to_vec())?.texts
        }
        _ => Vec::new(),
    };
    let upscaler = open_upscaler(opened, file, options, control).await?;
    let large = upscaler.enlarge(&picture, control).await?;
    let texts = upscaler.texts(&texts);
    let texts: Vec<_> = texts.iter().map(|(key, text)| (&**key, &**text)).collect();
    let file = png::encode(&large, &texts)?;
    Ok((large, file))
}

/// On the open model's device, if there is one.
async fn open_upscaler(
    opened: Option<&Opened>,
    (address, notices): (&str, &Rc<Watch>),
    options: &JsValue,
    control: &Control,
) -> Result<Upscaler> {
    let UpscaleOptions { precision, device, adapter } = match options.is_truthy() {
        true => serde_wasm_bindgen::from_value(options.clone()).map_err(|error| {
            Error::Request { field: "options", reason: format!("cannot be read ({error})") }
        })?,
        false => UpscaleOptions::default(),
    };
    let how = UpscalerOptions {
        precision: read_type("precision", precision)?.unwrap_or_default(),
        ..UpscalerOptions::default()
    };
    let source = addon_source(address, notices).await?;
    let path = file_of(&*source, "upscaler", address)?;
    let file = (&*source, &*path);
    match opened {
        Some(opened) => opened.pipeline.open_upscaler(file, how, Some(turn()), control).await,
        None => {
            let choice = choose_device(device.as_deref())?;
            let host = Host { adapter, turn: Some(turn()), tunings: None };
            Upscaler::open_where((choice, host), file, how, control).await
        }
    }
}
