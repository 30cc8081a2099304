//! Tier 8, wasm only: the interface for JavaScript. It translates and decides nothing.
//!
//! [`Engine`] lives in a dedicated worker. Requests come as plain objects, progress leaves as plain
//! objects, a fault is a JavaScript `Error` with a `kind` and, for a request, a `field`.

mod bench;
mod beside;
mod judge;
mod open;
mod shelf;
mod source;
mod stream;
mod turn;
mod values;

pub use bench::bench;
pub use judge::{Judge, likeness};
pub use shelf::Shelf;

use crate::diffusion::noise::Rng;
use crate::error::Error;
use crate::gpu::{Gpu, GpuOptions};
use crate::pipeline::{Control, Extras, Forecast, Pause, Picture, Previews, Progress, Request};
use crate::store::{Event, Watch};
use crate::text::Prompt;
use beside::{event_object, initial, previews};
use js_sys::{Float32Array, Function, JSON, Object, Uint8Array, Uint8ClampedArray};
use open::{Opened, open};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use turn::turn;
use values::{js_error, set, to_js, to_object};
use wasm_bindgen::prelude::*;

/// A panic is a bug of ours: its text goes to the console before the worker dies of it.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// The first `length` normals of a seed: what a picture begins with. `rng` is torch, numpy or
/// philox.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: `request` for a seed or an rng that is none.
#[wasm_bindgen]
pub fn noise(rng: &str, seed: &str, length: usize) -> Result<Float32Array, JsValue> {
    let seed = seed.parse::<u64>().map_err(|_| Error::Request {
        field: "seed",
        reason: "must be a whole number from 0 to 18446744073709551615".into(),
    });
    let generator = seed.and_then(|seed| rng.parse::<Rng>()?.seeded(seed)).map_err(to_js);
    Ok(Float32Array::from(&generator?.randn(length)[..]))
}

/// What a picture of Stable Diffusion v1.4 would cost on this machine's graphics adapter: memory by
/// a dry run, seconds by kernels that are timed now.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: those of the device.
#[wasm_bindgen]
pub async fn forecast() -> Result<JsValue, JsValue> {
    let gpu = Gpu::open(&GpuOptions::default()).await.map_err(to_js)?;
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

/// One model on one device. Its calls come one after another, but [`Engine::cancel`] may
/// come while another runs.
#[wasm_bindgen]
#[derive(Default)]
pub struct Engine {
    opened: RefCell<Option<Rc<Opened>>>,
    cancel: Rc<Cell<bool>>,
    pause: Rc<Pause>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine without a model.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Engine {
        Engine::default()
    }

    /// Opens the model at `address`, a folder, a single file or, as `stored:ID`, one of the
    /// browser's storage, and resolves to what it can be asked for, and the device it runs on:
    /// `webgpu` or `cpu`, with its `tuning` where it has one: what the kernels' choice is kept
    /// under, its text, its id. The model that was open before is let go first.
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
        if let Some((key, tuning)) = opened.pipeline.tuning() {
            set(&description, "tuning", to_object(&[key, tuning.to_string(), tuning.id()]));
        }
        set(&description, "model", to_object(&opened.pipeline.provenance()));
        *self.opened.borrow_mut() = Some(Rc::new(opened));
        Ok(description)
    }

    /// Makes the request's pictures, each `{ width, height, rgba, png, safety }`, and resolves to
    /// the last one; those before it leave as progress, `{ event: "picture", index, picture }`.
    /// `beside` is undefined, or has `initial`, the picture to begin with as `{ width, height, rgba
    /// }`, and what to tell of pictures on their way: `latents`, whether after every step, and
    /// `pictures`, after every so many steps.
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
        let on_picture = on_progress.clone();
        let mut control = self.control(on_progress);
        control.previews = previews(&beside);
        let initial = initial(&beside).map_err(to_js)?;
        let json = JSON::stringify(&request)?.as_string().unwrap_or_default();
        let request = Request::from_json(&json).map_err(to_js)?;
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
        let extras = Extras { initial: initial.as_ref(), ..Extras::default() };
        let done = opened.pipeline.generate_each(&request, &control, &extras, &mut receive).await;
        done.map_err(to_js)?;
        Ok(last)
    }

    /// Compares the model's pictures with what was published, or with those of the other device,
    /// and resolves to the comparisons; each is also told as the event `check`.
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

    /// How a prompt fits: `{ used, room, chunks, cut }`, its tokens, the most that so many chunks
    /// have room for, and the end of the prompt that the model does not see. `reading` is undefined
    /// or has the fields of a request that say how prompts are read: `long_prompt`,
    /// `prompt_weights`, `clean`. Answers also while another call runs.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `closed` where no model is open, `request`
    /// with its `field`.
    pub fn tokens(&self, prompt: &str, reading: JsValue) -> Result<JsValue, JsValue> {
        let opened = self.opened()?;
        let tokenizer = opened.pipeline.tokenizer();
        let request = match JSON::stringify(&reading)?.as_string() {
            Some(json) => Request::from_json(&json).map_err(to_js)?,
            None => Request::default(),
        };
        let reading = request.reading().map_err(to_js)?;
        let read = Prompt::read(tokenizer, "prompt", prompt, &reading).map_err(to_js)?;
        let chunks = read.chunks.len();
        // The start and the end of a chunk are tokens too.
        let room = chunks * (tokenizer.length() - 2);
        Ok(to_object(&TokenCount { used: read.used, room, chunks, cut: read.cut }))
    }

    /// The most bytes of graphics memory that the model has held at once; undefined on the CPU.
    ///
    /// # Errors
    /// An `Error` of JavaScript with its `kind`: `closed` where no model is open.
    pub fn memory(&self) -> Result<JsValue, JsValue> {
        let peak = self.opened()?.pipeline.bytes_peak();
        Ok(peak.map_or(JsValue::UNDEFINED, |bytes| (bytes as f64).into()))
    }

    /// What is held now: `{ gpu_bytes, gpu_buffers, wasm_bytes }`. Answers also while another call
    /// runs.
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

    /// Ends the call that runs, within one step.
    pub fn cancel(&self) {
        self.cancel.set(true);
        self.pause.look();
    }

    /// Lets the call that runs rest between two steps, which it tells as `paused`, until
    /// [`Engine::resume`].
    pub fn pause(&self) {
        self.pause.pause();
    }

    /// The call that rests goes on, which it tells as `resumed`.
    pub fn resume(&self) {
        self.pause.resume();
    }

    /// Lets the model and the graphics device go.
    pub fn dispose(&self) {
        self.opened.borrow_mut().take();
    }
}

impl Engine {
    fn opened(&self) -> Result<Rc<Opened>, JsValue> {
        let opened = self.opened.borrow().clone();
        opened.ok_or_else(|| js_error("closed", "No model is open."))
    }

    /// For a new call: events go to `on_progress`, an older wish to stop or to rest is forgotten.
    fn control(&self, on_progress: Function) -> Control {
        self.cancel.set(false);
        self.pause.resume();
        Control {
            on_progress: Box::new(move |progress: &Progress| {
                // What the listener throws is its own affair; the picture does not depend on it.
                on_progress.call1(&JsValue::NULL, &event_object(progress)).ok();
            }),
            cancel: self.cancel.clone(),
            pause: self.pause.clone(),
            previews: Previews::default(),
        }
    }
}

/// What reading a stored model tells, as the engine's own progress.
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

/// A picture for the page: its pixels, and the file to keep.
fn picture_object(picture: &Picture) -> crate::Result<JsValue> {
    let png = picture.png()?;
    let object = JsValue::from(Object::new());
    set(&object, "width", picture.width.into());
    set(&object, "height", picture.height.into());
    set(&object, "rgba", Uint8ClampedArray::from(&picture.rgba[..]).into());
    set(&object, "png", Uint8Array::from(&png[..]).into());
    set(&object, "safety", to_object(&picture.safety));
    Ok(object)
}
