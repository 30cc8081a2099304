//! Tier 8, wasm only: the interface for JavaScript. It only converts values.
//!
//! [`Engine`] lives in a dedicated worker. Requests and progress events are plain objects. An error
//! is a JavaScript `Error` with a `kind` and, for a request, a `field`.

mod bench;
mod beside;
mod controls;
mod judge;
mod open;
mod outpaint;
mod shelf;
mod source;
mod stream;
mod turn;
mod upscale;
mod values;

pub use bench::bench;
pub use judge::{Judge, likeness};
pub use outpaint::outpaint;
pub use shelf::Shelf;

use crate::diffusion::noise::Rng;
use crate::error::Error;
use crate::gpu::GpuOptions;
use crate::measure;
use crate::pipeline::{Control, EarlyEnd, Extras, Forecast, Pause, Picture, Progress, Request};
use crate::store::{Event, Watch};
use crate::text::Prompt;
use beside::{event_object, initial, mask, previews};
use js_sys::{Float32Array, Function, JSON, Object, Uint8Array, Uint8ClampedArray};
use open::{Opened, open};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use turn::turn;
use values::{js_error, set, to_js, to_object};
use wasm_bindgen::prelude::*;

/// A panic is a bug: its text is written to the console before the worker ends.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// The first `length` values of the noise of a seed. `rng` is torch, numpy or philox.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: `request` for an invalid seed or rng.
#[wasm_bindgen]
pub fn noise(rng: &str, seed: &str, length: usize) -> Result<Float32Array, JsValue> {
    let seed = seed.parse::<u64>().map_err(|_| Error::Request {
        field: "seed",
        reason: "must be a whole number from 0 to 18446744073709551615".into(),
    });
    let generator = seed.and_then(|seed| rng.parse::<Rng>()?.seeded(seed)).map_err(to_js);
    Ok(Float32Array::from(&generator?.randn(length)[..]))
}

/// Forecasts what a picture of Stable Diffusion v1.4 would cost on this machine's graphics adapter:
/// memory from a dry run, seconds from kernels that are timed now.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: those of the device.
#[wasm_bindgen]
pub async fn forecast() -> Result<JsValue, JsValue> {
    let gpu = measure::open(&GpuOptions::default()).await.map_err(to_js)?;
    let forecast = Forecast::of(&gpu).await;
    gpu.destroy();
    Ok(to_object(&forecast.map_err(to_js)?))
}

/// How a prompt fits into the text encoder.
#[derive(Serialize)]
struct TokenCount {
    used: usize,
    room: usize,
    chunks: usize,
    cut: Option<String>,
}

/// One model on one device. Only one call may run at a time, except [`Engine::cancel`],
/// [`Engine::end_early`], [`Engine::pause`] and [`Engine::resume`], which act on the running call,
/// and those that say so.
#[wasm_bindgen]
#[derive(Default)]
pub struct Engine {
    opened: RefCell<Option<Rc<Opened>>>,
    cancel: Rc<Cell<bool>>,
    early_end: Rc<Cell<EarlyEnd>>,
    pause: Rc<Pause>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine without a model.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Engine {
        Engine::default()
    }

    /// Opens the model at `address`: the URL of a folder or a single file, or `stored:ID` for a
    /// model in the browser's storage. A model that was open before is closed first.
    ///
    /// Resolves to the model's description with further fields: `device` (`webgpu` or `cpu`),
    /// `adapter_kind` (`hardware`, `software`, `none`, or `unknown` where none was opened),
    /// `tuning` (`[key, text, id]`, where kernels were chosen for the adapter; the text is to be
    /// stored under the key) and `model` (its provenance: name, revision, SHA-256; or null).
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: those of the source and of the device,
    /// `cancelled`.
    pub async fn open(
        &self,
        address: String,
        options: JsValue,
        on_progress: Function,
    ) -> Result<JsValue, JsValue> {
        self.dispose();
        let control = self.control(on_progress.clone());
        let notices = Rc::new(Watch::new(Box::new(move |event| notice(event, &on_progress))));
        let opened = open(&address, options, &control, notices).await.map_err(to_js)?;
        let description = to_object(opened.pipeline.describe());
        set(&description, "device", to_object(&opened.pipeline.device()));
        set(&description, "adapter_kind", to_object(&opened.pipeline.adapter()));
        if let Some((key, tuning)) = opened.pipeline.tuning() {
            set(&description, "tuning", to_object(&[key, tuning.to_string(), tuning.id()]));
        }
        set(&description, "model", to_object(&opened.pipeline.provenance()));
        *self.opened.borrow_mut() = Some(Rc::new(opened));
        Ok(description)
    }

    /// Makes the request's pictures, each `{ width, height, rgba, png, safety, parts }`, and
    /// resolves to the last one; those before it leave as progress, `{ event: "picture", index,
    /// picture }`. `parts` are those of other files than the model's. `beside` is undefined, or has
    /// `initial`, the picture to begin with as `{ width, height, rgba }`; `mask`, a picture that is
    /// white where that picture is to be made anew; `loras`, a list of `{ address, weight,
    /// text_encoder_weight }`; `embeddings`, the addresses of textual inversions that the prompts
    /// may call; `controls`, a list of `{ address, image, weight, start, end, guess, preprocess }`,
    /// the ControlNets and T2I-Adapters, whose image is as `initial`, and preprocess is `none`,
    /// `canny` or `invert`; `upscaler`, the address of the one that enlarges between two passes,
    /// where the request's `hires_upscaler` is `file`; and which previews to send: `latents`,
    /// whether after every step, and `pictures`, after every so many steps.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `closed` where no model is open, `request`
    /// with its `field`, those of the device, `cancelled`.
    pub async fn generate(
        &self,
        request: JsValue,
        on_progress: Function,
        beside: JsValue,
    ) -> Result<JsValue, JsValue> {
        let opened = self.opened()?;
        let json = JSON::stringify(&request)?.as_string().unwrap_or_default();
        let request = Request::from_json(&json).map_err(to_js)?;
        let on_picture = on_progress.clone();
        let mut control = self.control(on_progress);
        control.previews = previews(&beside);
        let initial = initial(&beside).map_err(to_js)?;
        let mask = mask(&beside).map_err(to_js)?;
        opened.choose_loras(&beside).await.map_err(to_js)?;
        opened.choose_embeddings(&beside, &control).await.map_err(to_js)?;
        let controls = &opened.choose_controls(&beside).await.map_err(to_js)?;
        let upscaler = opened.choose_upscaler(&request, &beside, &control).await.map_err(to_js)?;
        let mut last = JsValue::UNDEFINED;
        let mut receive = |index: u32, picture: Picture| {
            let object = picture_object(&picture)?;
            if index + 1 == request.count {
                last = object;
                return Ok(());
            }
            let event = JsValue::from(Object::new());
            set(&event, "event", "picture".into());
            set(&event, "index", index.into());
            set(&event, "picture", object);
            on_picture.call1(&JsValue::NULL, &event).ok();
            Ok(())
        };
        let (initial, mask) = (initial.as_ref(), mask.as_ref());
        let upscaler = upscaler.as_deref();
        let extras = Extras { initial, mask, controls, upscaler, ..Extras::default() };
        let done = opened.pipeline.generate_each(&request, &control, &extras, &mut receive).await;
        done.map_err(to_js)?;
        Ok(last)
    }

    /// Compares the model's pictures with the published values, or with those of the other device,
    /// and resolves to the comparisons; each is also reported as the event `check`.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: those of the source and of the device,
    /// `cancelled`.
    pub async fn verify(&self, on_progress: Function) -> Result<JsValue, JsValue> {
        let opened = self.opened()?;
        let control = self.control(on_progress);
        let source = opened.source.clone();
        let checks = opened.pipeline.verify(source, Some(turn()), &control).await;
        Ok(to_object(&checks.map_err(to_js)?))
    }

    /// How a prompt fits: `{ used, room, chunks, cut }`, the number of its tokens, the most tokens
    /// of so many chunks, the number of chunks, and the end of the prompt that was cut off. Of a
    /// prompt in parts, or one that changes from step to step, that is of its longest text.
    /// `reading` is undefined or has these fields of a request: `long_prompt`, `prompt_syntax`,
    /// `clean`. May be called while another call runs.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `closed` where no model is open, `request`
    /// with its `field`.
    pub fn tokens(&self, prompt: &str, reading: JsValue) -> Result<JsValue, JsValue> {
        let opened = self.opened()?;
        let tokenizer = opened.pipeline.tokenizer();
        let mut request = match JSON::stringify(&reading)?.as_string() {
            Some(json) => Request::from_json(&json).map_err(to_js)?,
            None => Request::default(),
        };
        request.prompt = prompt.into();
        let options = request.prompt_options().map_err(to_js)?;
        let texts = request.texts().map_err(to_js)?;
        let read = |text: &String| Prompt::read(&tokenizer, "prompt", text, &options);
        let all = texts.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(to_js)?;
        let longest = all.into_iter().max_by_key(|read| (read.token_count, read.cut.is_some()));
        let read = longest.expect("a prompt has a text");
        let chunks = read.chunks.len();
        // Each chunk also has a start and an end token.
        let room = chunks * (tokenizer.length() - 2);
        Ok(to_object(&TokenCount { used: read.token_count, room, chunks, cut: read.cut }))
    }

    /// The model's peak of graphics memory in bytes; undefined on the CPU.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `closed` where no model is open.
    pub fn memory(&self) -> Result<JsValue, JsValue> {
        let peak = self.opened()?.pipeline.bytes_peak();
        Ok(peak.map_or(JsValue::UNDEFINED, |bytes| (bytes as f64).into()))
    }

    /// The memory that is used now: `{ gpu_bytes, gpu_buffers, wasm_bytes }`. May be called while
    /// another call runs.
    pub fn held(&self) -> JsValue {
        let opened = self.opened.borrow();
        let on_gpu = opened.as_ref().map(|opened| opened.pipeline.gpu_memory());
        let (gpu_bytes, gpu_buffers) = on_gpu.unwrap_or_default();
        let pages = core::arch::wasm32::memory_size(0);
        let object = JsValue::from(Object::new());
        set(&object, "gpu_bytes", (gpu_bytes as f64).into());
        set(&object, "gpu_buffers", (gpu_buffers as f64).into());
        set(&object, "wasm_bytes", (pages as f64 * 65_536.0).into());
        object
    }

    /// Cancels the running call, within one step.
    pub fn cancel(&self) {
        self.cancel.set(true);
        self.pause.wake();
    }

    /// Ends the pictures in work with the next step: they are decoded from what there is of them.
    pub fn end_early(&self) {
        self.early_end.set(EarlyEnd::Batch);
    }

    /// Pauses the running call between two steps, which it reports as `paused`, until
    /// [`Engine::resume`].
    pub fn pause(&self) {
        self.pause.pause();
    }

    /// Resumes the paused call, which it reports as `resumed`.
    pub fn resume(&self) {
        self.pause.resume();
    }

    /// Closes the model and destroys the graphics device.
    pub fn dispose(&self) {
        self.opened.borrow_mut().take();
    }
}

impl Engine {
    fn opened(&self) -> Result<Rc<Opened>, JsValue> {
        let opened = self.opened.borrow().clone();
        opened.ok_or_else(|| js_error("closed", "No model is open."))
    }

    /// The control of a new call: events go to `on_progress`; an earlier cancel, early end or
    /// pause is cleared.
    fn control(&self, on_progress: Function) -> Control {
        self.cancel.set(false);
        self.early_end.set(EarlyEnd::No);
        self.pause.resume();
        Control {
            on_progress: Box::new(move |progress: &Progress| {
                // Exceptions of the listener are ignored; the picture does not depend on them.
                on_progress.call1(&JsValue::NULL, &event_object(progress)).ok();
            }),
            cancel: self.cancel.clone(),
            early_end: self.early_end.clone(),
            pause: self.pause.clone(),
            ..Control::default()
        }
    }
}

/// Events of reading a stored model, as the engine's progress.
fn notice(event: &Event, on_progress: &Function) {
    let text = match event {
        Event::Waiting { sentence, .. } => sentence.clone(),
        Event::Notice { text } => text.clone(),
        Event::Healed { path, .. } => format!(
            "A part of {path} was damaged or missing in the browser's storage, and was fetched \
             again."
        ),
        Event::Fetching { .. } | Event::Verifying { .. } => return,
    };
    on_progress.call1(&JsValue::NULL, &to_object(&Progress::Notice { text })).ok();
}

/// A picture for the page: its pixels, and its PNG file.
fn picture_object(picture: &Picture) -> crate::Result<JsValue> {
    let png = picture.png()?;
    let object = JsValue::from(Object::new());
    set(&object, "width", picture.width.into());
    set(&object, "height", picture.height.into());
    set(&object, "rgba", Uint8ClampedArray::from(&picture.rgba[..]).into());
    set(&object, "png", Uint8Array::from(&png[..]).into());
    set(&object, "safety", to_object(&picture.safety));
    set(&object, "parts", to_object(&picture.parts));
    Ok(object)
}
