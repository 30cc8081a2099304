//! Floor 7, wasm only: the face shown to JavaScript. It translates and decides nothing.
//!
//! [`Engine`] lives in a dedicated worker. Requests come as plain objects, progress leaves as plain
//! objects, a fault is a JavaScript `Error` with a `kind` and, for a request, a `field`.

mod source;
mod stream;

use crate::dtype::{Precision, WeightType};
use crate::error::Error;
use crate::gpu::{Gpu, GpuOptions};
use crate::pipeline::{Control, Options, Pipeline, Progress, Request};
use js_sys::{Function, JSON, Object, Reflect, Uint8Array, Uint8ClampedArray};
use serde::{Deserialize, Serialize};
use serde_wasm_bindgen::Serializer;
use source::HttpSource;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A panic is a bug of ours: its text goes to the console before the worker dies of it.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// How to open a model, as JavaScript says it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OpenOptions {
    /// `f32` (the default) or `f16`: of activations.
    precision: Option<String>,
    /// `f32` or `f16`: of weights; without it as the files have them.
    weights: Option<String>,
}

/// A model and the device that holds it, which is given back with the last handle.
struct Opened {
    gpu: Gpu,
    pipeline: Pipeline,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.gpu.destroy();
    }
}

/// One model on one graphics device. Its calls come one after another, but [`Engine::cancel`] may
/// come while another runs.
#[wasm_bindgen]
#[derive(Default)]
pub struct Engine {
    opened: RefCell<Option<Rc<Opened>>>,
    cancel: Rc<Cell<bool>>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine without a model.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Engine {
        Engine::default()
    }

    /// Opens the model in the folder at `base_url` and resolves to what it can be asked for. The
    /// model that was open before is let go first.
    pub async fn open(
        &self,
        base_url: String,
        options: JsValue,
        on_progress: Function,
    ) -> Result<JsValue, JsValue> {
        self.dispose();
        let control = self.control(on_progress);
        let opened = open(&base_url, options, &control).await.map_err(to_js)?;
        let description = to_object(opened.pipeline.describe());
        *self.opened.borrow_mut() = Some(Rc::new(opened));
        Ok(description)
    }

    /// Makes a picture: `{ width, height, rgba, png }`.
    pub async fn generate(
        &self,
        request: JsValue,
        on_progress: Function,
    ) -> Result<JsValue, JsValue> {
        let opened = self.opened.borrow().clone();
        let opened = opened.ok_or_else(|| js_error("closed", "No model is open."))?;
        let control = self.control(on_progress);
        let json = JSON::stringify(&request)?.as_string().unwrap_or_default();
        let request = Request::from_json(&json).map_err(to_js)?;
        let picture = opened.pipeline.generate(&request, &control).await.map_err(to_js)?;
        let png = picture.png().map_err(to_js)?;
        let result = Object::new();
        set(&result, "width", picture.width.into());
        set(&result, "height", picture.height.into());
        set(&result, "rgba", Uint8ClampedArray::from(&picture.rgba[..]).into());
        set(&result, "png", Uint8Array::from(&png[..]).into());
        Ok(result.into())
    }

    /// Ends the call that runs, within one step.
    pub fn cancel(&self) {
        self.cancel.set(true);
    }

    /// Lets the model and the graphics device go.
    pub fn dispose(&self) {
        self.opened.borrow_mut().take();
    }
}

impl Engine {
    /// For a new call: events go to `on_progress`, an older wish to stop is forgotten.
    fn control(&self, on_progress: Function) -> Control {
        self.cancel.set(false);
        Control {
            on_progress: Box::new(move |progress: &Progress| {
                // What the listener throws is its own affair; the picture does not depend on it.
                on_progress.call1(&JsValue::NULL, &to_object(progress)).ok();
            }),
            cancel: self.cancel.clone(),
        }
    }
}

async fn open(base_url: &str, options: JsValue, control: &Control) -> crate::Result<Opened> {
    let options = if options.is_undefined() || options.is_null() {
        OpenOptions::default()
    } else {
        serde_wasm_bindgen::from_value(options).map_err(|e| Error::Request {
            field: "options",
            reason: format!("cannot be read ({e})"),
        })?
    };
    let precision = match options.precision.as_deref() {
        None | Some("f32") => Precision::F32,
        Some("f16") => Precision::F16,
        Some(other) => return Err(unknown_type("precision", other)),
    };
    let weights = match options.weights.as_deref() {
        None => None,
        Some("f32") => Some(WeightType::F32),
        Some("f16") => Some(WeightType::F16),
        Some(other) => return Err(unknown_type("weights", other)),
    };
    let gpu = Gpu::open(&GpuOptions::default()).await?;
    let source = Rc::new(HttpSource::new(base_url));
    match Pipeline::open(&gpu, source, &Options { precision, weights }, control).await {
        Ok(pipeline) => Ok(Opened { gpu, pipeline }),
        Err(error) => {
            gpu.destroy();
            Err(error)
        }
    }
}

fn unknown_type(field: &'static str, found: &str) -> Error {
    Error::Request { field, reason: format!("must be f32 or f16, not `{found}`") }
}

/// A plain object, with plain numbers.
fn to_object(value: &impl Serialize) -> JsValue {
    value.serialize(&Serializer::json_compatible()).unwrap_or(JsValue::UNDEFINED)
}

fn to_js(error: Error) -> JsValue {
    let object = js_error(error.kind(), &error.to_string());
    if let Error::Request { field, .. } = error {
        set(&object, "field", field.into());
    }
    object
}

fn js_error(kind: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message).into();
    set(&error, "kind", kind.into());
    error
}

/// Sets a property of an object that we have just made.
fn set(object: &JsValue, name: &str, value: JsValue) {
    Reflect::set(object, &name.into(), &value).expect("a new object takes any property");
}
