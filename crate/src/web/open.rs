//! Tier 8, wasm only: opens a model with options from JavaScript.

use super::beside::{LoraOption, embeddings, loras};
use super::source::HttpSource;
use super::turn::turn;
use crate::error::Error;
use crate::pipeline::{
    AdapterKind, BesideVae, Control, DecoderChoice, DeviceChoice, DeviceMemory, Host,
    NamedEmbedding, Options, Part, Pipeline, Progress, Upscaler, Weighted,
};
use crate::store::{StoreSource, Watch};
use crate::weights::{
    ADDONS, ControlFile, Embedding, Lora, PREDICTIONS, Replacement, Source, Taesd, WithParts,
    WithPrediction,
};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Options for opening a model, as JavaScript passes them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OpenOptions {
    /// The precision of activations: `f32` (the default) or `f16`.
    precision: Option<String>,
    /// The type of weights, a name of [`WeightType`](crate::WeightType); without it as in the
    /// files.
    weights: Option<String>,
    /// `auto` (the default), `webgpu` or `cpu`.
    device: Option<String>,
    /// The kind of adapter that the page found: `hardware`, `software`, `none`, or `unknown` (the
    /// default), which is measured.
    adapter: AdapterKind,
    /// How much graphics memory may be taken: `auto` (the default), what such devices have; or
    /// `less`.
    memory: Option<String>,
    /// Bytes of the device's memory, as the browser rounds them.
    device_memory: Option<f64>,
    /// Whether this is a phone or a tablet.
    mobile: bool,
    /// The peak in bytes of a run that this adapter could not hold, from the event
    /// `memory_refused`.
    memory_refused: Option<f64>,
    /// Whether the model's safety checker checks pictures: `on` (the default) or `off`.
    safety: Option<String>,
    /// What the UNet predicts, `epsilon` or `v_prediction`, where the model's files do not say it.
    prediction: Option<String>,
    /// The address of the folder with the tokenizer's files, for a single file. If missing,
    /// `tokenizer/` beside the file.
    tokenizer: Option<String>,
    /// Addresses of files whose part is used instead of the model's own.
    unet: Option<String>,
    vae: Option<String>,
    text_encoder: Option<String>,
    /// The address of a TAESD, which decodes previews.
    taesd: Option<String>,
    /// Who decodes pictures where there is a TAESD: `auto` (the default), `taesd` or `vae`.
    decoder: Option<String>,
    /// `fetch`: a stored model may be incomplete, and missing chunks are fetched when they are
    /// read. Without it an incomplete model is an error.
    rest: Option<String>,
    /// Stored tunings of this machine's adapters, as `open` returned them earlier; an adapter
    /// without one is measured. Without this option pictures are reproducible.
    tunings: Option<HashMap<String, String>>,
}

impl OpenOptions {
    /// What is known of the device's memory.
    ///
    /// # Errors
    /// [`Error::Request`] for a `memory` that does not fit.
    fn device_memory(&self) -> crate::Result<DeviceMemory> {
        let saved = choose("memory", self.memory.as_deref(), &[("auto", false), ("less", true)])?;
        let bytes = |number: f64| number as u64;
        Ok(DeviceMemory {
            told: self.device_memory.map(bytes),
            mobile: self.mobile,
            saved,
            refused: self.memory_refused.map(bytes),
        })
    }
}

/// An opened model and its source; its device is destroyed with the last handle.
pub(super) struct Opened {
    pub pipeline: Pipeline,
    pub source: Rc<dyn Source>,
    /// Events of reading stored files.
    pub(super) notices: Rc<Watch>,
    /// The LoRAs that requests use now, by their addresses.
    loras: RefCell<HashMap<String, Arc<Lora>>>,
    /// The ControlNets and T2I-Adapters, likewise.
    pub(super) controls: RefCell<HashMap<String, Rc<ControlFile>>>,
    /// The upscaler between two passes, with its address.
    pub(super) upscaler: RefCell<Option<(String, Rc<Upscaler>)>>,
}

impl Opened {
    /// Makes those LoRAs the ones of the next request that JavaScript passes beside it. Only these
    /// are kept in memory.
    ///
    /// # Errors
    /// [`Error::Request`] for values that do not fit; those of the source and of [`Lora::open`].
    pub(super) async fn choose_loras(&self, beside: &JsValue) -> crate::Result<()> {
        let (mut open, mut chosen) = (HashMap::new(), Vec::new());
        for LoraOption { address, weight, text_encoder_weight } in loras(beside)? {
            let known = self.loras.borrow().get(&address).cloned();
            let lora = match known {
                Some(lora) => lora,
                None => self.open_lora(&address).await?,
            };
            open.insert(address, lora.clone());
            let text_encoder_weight = text_encoder_weight.unwrap_or(weight);
            chosen.push(Weighted { lora, weight, text_encoder_weight });
        }
        *self.loras.borrow_mut() = open;
        self.pipeline.set_loras(chosen);
        Ok(())
    }

    /// Makes those textual inversions that JavaScript passes beside a request the ones that its
    /// prompts may call; those for another model are left out, with a notice.
    ///
    /// # Errors
    /// [`Error::Request`] for values that do not fit; those of the source, of [`Embedding::open`]
    /// and of [`Pipeline::set_embeddings`].
    pub(super) async fn choose_embeddings(
        &self,
        beside: &JsValue,
        control: &Control,
    ) -> crate::Result<()> {
        let mut chosen = Vec::new();
        for address in embeddings(beside)? {
            let source = addon_source(&address, &self.notices).await?;
            let path = file_of(&*source, "embeddings", &address)?;
            let embedding = Embedding::open(&*source, &path).await?;
            // A word of the prompt may be that of a file for another model.
            if let Err(error) = embedding.check(self.pipeline.text_width()) {
                control.report(Progress::Notice { text: error.to_string() });
                continue;
            }
            chosen.push(NamedEmbedding { embedding, token: None });
        }
        self.pipeline.set_embeddings(&chosen).await
    }

    async fn open_lora(&self, address: &str) -> crate::Result<Arc<Lora>> {
        let source = addon_source(address, &self.notices).await?;
        let path = file_of(&*source, "loras", address)?;
        Lora::open(&*source, &path).await
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.pipeline.destroy();
    }
}

/// # Errors
/// Those of the source and of the device; [`Error::Request`] for an option
/// that does not fit; [`Error::Cancelled`].
pub(super) async fn open(
    address: &str,
    options: JsValue,
    control: &Control,
    notices: Rc<Watch>,
) -> crate::Result<Opened> {
    let options = if options.is_undefined() || options.is_null() {
        OpenOptions::default()
    } else {
        serde_wasm_bindgen::from_value(options).map_err(|e| Error::Request {
            field: "options",
            reason: format!("cannot be read ({e})"),
        })?
    };
    let device_memory = options.device_memory()?;
    let precision = read_type("precision", options.precision)?.unwrap_or_default();
    let weights = read_type("weights", options.weights)?;
    let choice = choose_device(options.device.as_deref())?;
    let safety = choose("safety", options.safety.as_deref(), &[("on", true), ("off", false)])?;
    let prediction = options.prediction;
    if let Some(kind) = prediction.as_deref().filter(|kind| !PREDICTIONS.contains(kind)) {
        let reason = format!("must be epsilon or v_prediction, not `{kind}`");
        return Err(Error::Request { field: "prediction", reason });
    }
    let reproducible = options.tunings.is_none();
    let host = Host { adapter: options.adapter, turn: Some(turn()), tunings: options.tunings };
    let rest = options.rest.as_deref() == Some("fetch");
    let source = source_of(address, (options.tokenizer.as_deref(), rest), notices.clone()).await?;
    let given = [
        (Part::Unet, options.unet),
        (Part::Vae, options.vae),
        (Part::TextEncoder, options.text_encoder),
    ];
    let mut source = with_parts(source, given, &notices).await?;
    if prediction.is_some() {
        source = Rc::new(WithPrediction { source, prediction });
    }
    let taesd = match options.taesd {
        Some(address) => Some(open_taesd(&address, options.decoder.as_deref(), &notices).await?),
        None => None,
    };
    let how = Options {
        precision,
        weights,
        safety,
        device_memory,
        reproducible,
        taesd,
        ..Options::default()
    };
    let pipeline = Pipeline::open_where(choice, host, source.clone(), &how, control).await?;
    let (loras, controls, upscaler) = Default::default();
    Ok(Opened { pipeline, source, notices, loras, controls, upscaler })
}

/// A model's source with the parts that are taken from other files.
///
/// # Errors
/// Those of the store.
async fn with_parts(
    source: Rc<dyn Source>,
    given: [(Part, Option<String>); 3],
    notices: &Rc<Watch>,
) -> crate::Result<Rc<dyn Source>> {
    let mut parts = Vec::new();
    for (part, address) in given {
        let Some(address) = address else { continue };
        let files = addon_source(&address, notices).await?;
        let shown = files.checkpoint().unwrap_or(&address).to_owned();
        parts.push(Replacement::new(part.name(), files, &shown));
    }
    if parts.is_empty() {
        return Ok(source);
    }
    Ok(Rc::new(WithParts { source, parts }))
}

/// # Errors
/// [`Error::Request`] for a choice that there is not; those of the source and of [`Taesd::open`].
async fn open_taesd(
    address: &str,
    decoder: Option<&str>,
    notices: &Rc<Watch>,
) -> crate::Result<BesideVae> {
    let choices = [
        ("auto", DecoderChoice::Auto),
        ("taesd", DecoderChoice::Taesd),
        ("vae", DecoderChoice::Vae),
    ];
    let decoder = choose("decoder", decoder, &choices)?;
    let source = addon_source(address, notices).await?;
    let path = file_of(&*source, "taesd", address)?;
    Ok(BesideVae { taesd: Taesd::open(&*source, &path).await?, decoder })
}

/// [`source_of`] a file that changes a model, or of a part's folder.
///
/// # Errors
/// Those of the store.
pub(super) async fn addon_source(
    address: &str,
    notices: &Rc<Watch>,
) -> crate::Result<Rc<dyn Source>> {
    let is_file = ADDONS.iter().any(|ending| address.ends_with(ending));
    if is_file && !address.starts_with("stored:") {
        return Ok(Rc::new(HttpSource::of_file(address)));
    }
    source_of(address, (None, false), notices.clone()).await
}

/// The path of the file at an address that is no folder's.
///
/// # Errors
/// [`Error::Request`] that names the `field`.
pub(super) fn file_of(
    source: &dyn Source,
    field: &'static str,
    address: &str,
) -> crate::Result<String> {
    let path = source.checkpoint().map(str::to_owned);
    path.ok_or_else(|| Error::Request {
        field,
        reason: format!("must be the address of a file, which {address} is not"),
    })
}

/// The files at an address: of the store, or over HTTP. `rest`: missing chunks of a stored model
/// may be fetched.
///
/// # Errors
/// Those of the store.
async fn source_of(
    address: &str,
    (tokenizer, rest): (Option<&str>, bool),
    notices: Rc<Watch>,
) -> crate::Result<Rc<dyn Source>> {
    Ok(match address.strip_prefix("stored:") {
        Some(id) => {
            // There is no such file: only the tokenizer, beside it, is read from this source.
            let beside = HttpSource::new("./model.gguf", tokenizer);
            Rc::new(StoreSource::open(id, rest, Rc::new(beside), notices).await?)
        }
        None => Rc::new(HttpSource::new(address, tokenizer)),
    })
}

/// A device by its name.
///
/// # Errors
/// [`Error::Request`] for a device that there is not.
pub(super) fn choose_device(name: Option<&str>) -> crate::Result<DeviceChoice> {
    let devices = [
        ("auto", DeviceChoice::Auto),
        ("webgpu", DeviceChoice::WebGpu),
        ("cpu", DeviceChoice::Cpu),
    ];
    choose("device", name, &devices)
}

/// What an option's text stands for; without a text the first of the choices.
///
/// # Errors
/// [`Error::Request`] that names the choices.
fn choose<T: Copy>(
    field: &'static str,
    text: Option<&str>,
    choices: &[(&str, T)],
) -> crate::Result<T> {
    let text = text.unwrap_or(choices[0].0);
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let (last, others) = names.split_last().expect("an option has choices");
    let reason = format!("must be {} or {last}, not `{text}`", others.join(", "));
    Err(Error::Request { field, reason })
}

/// A type by its name, if there is one.
///
/// # Errors
/// [`Error::Request`] for a name that there is not.
pub(super) fn read_type<T: FromStr<Err: Display>>(
    field: &'static str,
    name: Option<String>,
) -> crate::Result<Option<T>> {
    let parse = |name: String| name.parse();
    let fault = |e: T::Err| Error::Request { field, reason: e.to_string() };
    name.map(parse).transpose().map_err(fault)
}
