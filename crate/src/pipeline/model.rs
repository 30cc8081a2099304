//! A model's files: the configs, what they must agree on, and the networks that they describe.
//!
//! ```text
//! model_index.json                   which classes the parts are
//! scheduler/scheduler_config.json    the noise schedule
//! tokenizer/vocab.json, merges.txt   or tokenizer.json
//! text_encoder/config.json           and model.safetensors
//! unet/config.json                   and diffusion_pytorch_model.safetensors
//! vae/config.json                    and diffusion_pytorch_model.safetensors
//! ```

use super::control::{Control, Progress};
use super::{Description, sampler_names};
use crate::diffusion::Schedule;
use crate::dtype::{FileType, WeightType};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::clip::{TextConfig, TextEncoder};
use crate::models::unet::{Unet, UnetConfig};
use crate::models::vae::{Autoencoder, VaeConfig};
use crate::nn::{Loader, Scope};
use crate::reference::{Networks, Weights};
use crate::text::Tokenizer;
use crate::weights::{Archive, Source, read_all};
use serde_json::Value;
use std::rc::Rc;

/// No config is longer.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Nor a vocabulary.
const VOCABULARY_BYTES_MAX: u64 = 16 << 20;

const INDEX: &str = "model_index.json";
const SCHEDULER: &str = "scheduler/scheduler_config.json";
const TEXT_ENCODER: &str = "text_encoder/config.json";
const UNET: &str = "unet/config.json";
const VAE: &str = "vae/config.json";

/// The parts that must be there, and the classes that this program is an equal of.
const PARTS: [(&str, &[&str]); 4] = [
    ("text_encoder", &["CLIPTextModel"]),
    ("tokenizer", &["CLIPTokenizer", "CLIPTokenizerFast"]),
    ("unet", &["UNet2DConditionModel"]),
    ("vae", &["AutoencoderKL"]),
];

/// The parts with weights, in the order in which they are used.
const PART_NAMES: [&str; 3] = ["text_encoder", "unet", "vae"];

/// A model's configs and the headers of its weights.
pub struct Files {
    pub text_encoder: TextConfig,
    pub unet: UnetConfig,
    pub vae: VaeConfig,
    pub schedule: Schedule,
    archives: [Rc<Archive>; 3],
}

/// The three networks.
pub struct Model {
    pub text_encoder: TextEncoder,
    pub unet: Unet,
    pub vae: Autoencoder,
}

impl Model {
    /// From the roots of the three checkpoints, in the order text encoder, UNet, VAE.
    pub(super) fn new([text_encoder, unet, vae]: &[Scope; 3], files: &Files) -> Result<Model> {
        Ok(Model {
            text_encoder: TextEncoder::new(text_encoder, &files.text_encoder)?,
            unet: Unet::new(unet, &files.unet)?,
            vae: Autoencoder::new(vae, &files.vae)?,
        })
    }
}

impl Files {
    /// Reads the configs and the headers.
    ///
    /// # Errors
    /// Files that are missing, damaged, not supported, or contradict one another.
    pub async fn open(source: &dyn Source) -> Result<Files> {
        check_index(&text(source, INDEX).await?)?;
        let files = Files {
            schedule: Schedule::from_json(SCHEDULER, text(source, SCHEDULER).await?.as_bytes())?,
            text_encoder: TextConfig::parse(TEXT_ENCODER, &text(source, TEXT_ENCODER).await?)?,
            unet: UnetConfig::parse(UNET, &text(source, UNET).await?)?,
            vae: VaeConfig::parse(VAE, &text(source, VAE).await?)?,
            archives: [
                weights(source, "text_encoder/model").await?,
                weights(source, "unet/diffusion_pytorch_model").await?,
                weights(source, "vae/diffusion_pytorch_model").await?,
            ],
        };
        files.check()?;
        Ok(files)
    }

    /// What the parts must agree on.
    fn check(&self) -> Result<()> {
        let width = self.text_encoder.hidden_size;
        let latents = self.vae.latent_channels;
        for (file, field, value, other, expected) in [
            (UNET, "cross_attention_dim", self.unet.cross_attention_dim, "text encoder", width),
            (UNET, "in_channels", self.unet.in_channels, "VAE", latents),
            (UNET, "out_channels", self.unet.out_channels, "VAE", latents),
        ] {
            if value != expected {
                return Err(Error::Config {
                    file: file.into(),
                    field: field.into(),
                    reason: format!("is {value}, but the {other} has {expected}"),
                });
            }
        }
        Ok(())
    }

    /// Reads the tokenizer.
    ///
    /// # Errors
    /// [`Error::BadFile`], or [`Error::Config`] when the text encoder knows fewer tokens.
    pub async fn tokenizer(&self, source: &dyn Source) -> Result<Tokenizer> {
        let read = |path| read_all(source, path, VOCABULARY_BYTES_MAX);
        let tokenizer = match read("tokenizer/vocab.json").await {
            Ok(vocab) => Tokenizer::new(&vocab, &read("tokenizer/merges.txt").await?)?,
            Err(Error::NotFound { path, reason }) => match read("tokenizer/tokenizer.json").await {
                Ok(json) => Tokenizer::from_tokenizer_json(&json)?,
                Err(Error::NotFound { .. }) => return Err(Error::NotFound { path, reason }),
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let mut tokenizer = tokenizer.with_length(self.text_encoder.max_position_embeddings)?;
        for file in ["tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json"] {
            match read_all(source, file, CONFIG_BYTES_MAX).await {
                Ok(json) => tokenizer = tokenizer.with_special_tokens(file, &json)?,
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let (known, needed) = (self.text_encoder.vocab_size, tokenizer.id_limit());
        if known < needed as usize {
            return Err(Error::Config {
                file: TEXT_ENCODER.into(),
                field: "vocab_size".into(),
                reason: format!("is {known}, but the tokenizer has {needed} tokens"),
            });
        }
        Ok(tokenizer)
    }

    /// Builds the networks and brings their weights to the GPU.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape, the source's and the device's faults, a
    /// cancel.
    pub async fn load(
        &self,
        gpu: &Gpu,
        source: &dyn Source,
        weights: Option<WeightType>,
        control: &Control,
    ) -> Result<Model> {
        let scopes = self.archives.each_ref().map(|file| Scope::open(gpu, file.clone(), weights));
        let model = Model::new(&scopes, self)?;
        let loaders = scopes.each_ref().map(Loader::new);
        let bytes_total = loaders.iter().map(Loader::bytes_total).sum();
        let mut bytes_before = 0;
        for (part, loader) in PART_NAMES.into_iter().zip(loaders) {
            let bytes_of_part = loader.bytes_total();
            let mut progress = |done, _| {
                let bytes_done = bytes_before + done;
                control.tell(Progress::Loading { part: part.into(), bytes_done, bytes_total });
                control.check()
            };
            loader.run(source, &mut progress).await?;
            bytes_before += bytes_of_part;
        }
        Ok(model)
    }

    /// Builds the networks on the CPU, with their weights in memory.
    ///
    /// # Errors
    /// As [`Files::load`], and configs that the CPU's implementation does not support.
    pub(super) async fn load_on_cpu(
        &self,
        source: &dyn Source,
        control: &Control,
    ) -> Result<Networks> {
        let bytes_of = |file: &Rc<Archive>| {
            file.tensors().iter().map(|info| info.range.end - info.range.start).sum::<u64>()
        };
        let bytes_total = self.archives.iter().map(bytes_of).sum();
        let mut bytes_before = 0;
        let mut weights = Vec::new();
        for (part, archive) in PART_NAMES.into_iter().zip(&self.archives) {
            let mut progress = |done| {
                let bytes_done = bytes_before + done;
                control.tell(Progress::Loading { part: part.into(), bytes_done, bytes_total });
                control.check()
            };
            weights.push(Weights::read(source, archive, &mut progress).await?);
            bytes_before += bytes_of(archive);
        }
        let weights = weights.try_into().ok().expect("one for each of three parts");
        Networks::new((&self.text_encoder, &self.unet, &self.vae), weights)
    }

    /// A tensor of the UNet, by diffusers' name.
    pub(super) async fn load_unet_tensor(
        &self,
        source: &dyn Source,
        name: &str,
    ) -> Result<Vec<f32>> {
        self.archives[1].load(source, name).await
    }

    /// The type that most of the UNet's weights have on the GPU, as they are in the file.
    pub(super) fn weight_type(&self) -> WeightType {
        weight_type(&self.archives[1])
    }

    /// Bytes of the weights in f32, as the CPU holds them.
    pub(super) fn bytes_on_cpu(&self) -> u64 {
        let tensors = self.archives.iter().flat_map(|archive| archive.tensors());
        tensors.map(|tensor| 4 * tensor.elements() as u64).sum()
    }

    /// The networks without their weights, for a device that only adds up; `weights` as in
    /// [`Files::load`].
    pub(super) fn without_weights(&self, gpu: &Gpu, weights: Option<WeightType>) -> Result<Model> {
        let scope = |file: &Rc<Archive>| {
            Scope::without_file(gpu, weights.unwrap_or_else(|| weight_type(file)))
        };
        Model::new(&self.archives.each_ref().map(scope), self)
    }

    /// What the model is and can be asked for.
    pub fn describe(&self) -> Description {
        let tensors = self.archives.iter().flat_map(|archive| archive.tensors());
        let parameters = tensors.map(|tensor| tensor.elements() as u64).sum();
        let factor = self.vae.factor() as u32;
        // diffusers takes 64 for a UNet that does not say.
        let side = self.unet.sample_size.unwrap_or(64) as u32 * factor;
        let samplers = sampler_names();
        Description { factor, width: side, height: side, samplers, parameters }
    }
}

/// The type that most of a file's numbers have on the GPU.
fn weight_type(file: &Archive) -> WeightType {
    match file.tensors().iter().max_by_key(|tensor| tensor.elements()) {
        Some(tensor) if tensor.file_type == FileType::F16 => WeightType::F16,
        _ => WeightType::F32,
    }
}

/// A config file, as text.
async fn text(source: &dyn Source, path: &str) -> Result<String> {
    let bytes = read_all(source, path, CONFIG_BYTES_MAX).await?;
    let reason = "it is not UTF-8 text".to_string();
    String::from_utf8(bytes).map_err(|_| Error::BadFile { file: path.into(), reason })
}

/// The header of the weights, under the name of full or of half precision.
async fn weights(source: &dyn Source, stem: &str) -> Result<Rc<Archive>> {
    let half = format!("{stem}.fp16.safetensors");
    match Archive::open(source, &format!("{stem}.safetensors")).await {
        Err(Error::NotFound { path, reason }) => match Archive::open(source, &half).await {
            Err(Error::NotFound { .. }) => Err(Error::NotFound { path, reason }),
            other => other.map(Rc::new),
        },
        other => other.map(Rc::new),
    }
}

/// Refuses a folder of another kind of model.
fn check_index(json: &str) -> Result<()> {
    let index: Value = serde_json::from_str(json).map_err(|fault| Error::BadFile {
        file: INDEX.into(),
        reason: format!("it is not JSON ({fault})"),
    })?;
    for (part, classes) in PARTS {
        let class = index[part][1].as_str();
        if !class.is_some_and(|class| classes.contains(&class)) {
            let found = class.unwrap_or("nothing");
            return Err(Error::Config {
                file: INDEX.into(),
                field: part.into(),
                reason: format!("names {found}, but only {} is supported", classes[0]),
            });
        }
    }
    Ok(())
}
