//! A model's files: the configs, the checks that they agree, and the headers of the weights.
//!
//! ```text
//! model_index.json                   which classes the parts are
//! scheduler/scheduler_config.json    the noise schedule
//! tokenizer/vocab.json, merges.txt   or tokenizer.json
//! text_encoder/config.json           and model.safetensors
//! unet/config.json                   and diffusion_pytorch_model.safetensors
//! vae/config.json                    and diffusion_pytorch_model.safetensors
//! ```
//!
//! or a single file, which has no configs: see [`super::single_file`].
//!
//! The optional safety checker is in `safety_files`.

use super::configs::Configs;
use super::description::{Description, MadeFor};
use super::embeddings::{Embeddings, NamedEmbedding};
use super::layout::{SCHEDULER, TEXT_ENCODER, UNET, VAE};
use super::part::{Part, PartMap};
use super::purpose::Purpose;
use super::weights::weights;
use super::{other_parts, single_file, tokenizer};
use crate::diffusion::Schedule;
use crate::dtype::{FileType, WeightType};
use crate::error::{Error, Result, bad_file, unfit};
use crate::models::clip::TextConfig;
use crate::models::unet::{Level, UnetConfig};
use crate::models::vae::VaeConfig;
use crate::request::Request;
use crate::text::Tokenizer;
use crate::weights::names::{Topology, UnetLevel};
use crate::weights::{Archive, FilePart, Lora, Merge, OtherPart, Source, TensorInfo};
use std::rc::Rc;
use std::sync::Arc;

/// The weights files in a folder in the diffusers layout: of which part, and their names without
/// variant and ending.
const STEMS: [(Part, &str); Part::NEEDED.len()] = [
    (Part::TextEncoder, "model"),
    (Part::Unet, "diffusion_pytorch_model"),
    (Part::Vae, "diffusion_pytorch_model"),
];

/// A model's configs and the headers of its weights.
#[derive(Clone)]
pub struct Files {
    /// Of `text_encoder/config.json`.
    pub text_encoder: TextConfig,
    /// Of `unet/config.json`.
    pub unet: UnetConfig,
    /// Of `vae/config.json`.
    pub vae: VaeConfig,
    /// Of `scheduler/scheduler_config.json`.
    pub schedule: Schedule,
    configs: Configs,
    archives: PartMap<Rc<Archive>>,
    embeddings: Embeddings,
    assumes_prediction: bool,
    /// The parts that are not the model's own.
    others: Vec<(Part, OtherPart, Rc<Archive>)>,
}

/// The files that the configs are from, for error messages: of the parts, and of the scheduler.
pub(super) struct ConfigNames(PartMap<String>, String);

impl ConfigNames {
    /// Those of the diffusers layout, or the single file.
    pub(super) fn of(file: Option<&str>) -> ConfigNames {
        let named = |config: &str| file.unwrap_or(config).to_owned();
        let parts = [(Part::TextEncoder, TEXT_ENCODER), (Part::Unet, UNET), (Part::Vae, VAE)];
        let parts = parts.into_iter().map(|(part, config)| (part, named(config)));
        ConfigNames(parts.collect(), named(SCHEDULER))
    }

    fn of_part(&self, part: Part) -> &str {
        self.0.get(part).expect("every needed part has a config")
    }
}

impl Files {
    /// Reads the configs and the headers of the weights.
    ///
    /// # Errors
    /// Files that are missing, damaged, not supported, or contradict one another.
    pub async fn open(source: &dyn Source) -> Result<Files> {
        let (mut configs, mut archives, mut assumes_prediction) = match source.checkpoint() {
            Some(path) => single_file::open(source, path).await?,
            None => (Configs::read(source).await?, PartMap::default(), false),
        };
        let mut names = ConfigNames::of(source.checkpoint());
        let mut others = Vec::new();
        for (part, stem) in STEMS {
            let Some(other) = other_parts::open(source, (part, stem), &configs).await? else {
                if source.checkpoint().is_none() {
                    archives.insert(part, weights(source, part.name(), stem).await?);
                }
                continue;
            };
            configs.set(part, other.config);
            match other.predicts {
                Some(kind) => {
                    configs.predict(&kind);
                    assumes_prediction = false;
                }
                // The model's own schedule is of another UNet.
                None => assumes_prediction |= part == Part::Unet,
            }
            names.0.insert(part, other.file);
            archives.insert(part, other.archive.clone());
            others.push((part, other.place, other.archive));
        }
        if let Some(kind) = source.prediction() {
            configs.predict(kind);
            assumes_prediction = false;
        }
        let files = Files::new(configs, archives, &names)?;
        Ok(Files { assumes_prediction, others, ..files })
    }

    /// From the texts of the configs and the headers of the weights of [`Part::NEEDED`]. `names`
    /// are the files that the configs are from, for error messages.
    ///
    /// # Errors
    /// Configs that are not supported, or contradict one another.
    pub(super) fn new(
        configs: Configs,
        archives: PartMap<Rc<Archive>>,
        names: &ConfigNames,
    ) -> Result<Files> {
        let files = Files {
            schedule: Schedule::from_json(&names.1, configs.scheduler.as_bytes())?,
            text_encoder: TextConfig::parse(
                names.of_part(Part::TextEncoder),
                &configs.text_encoder,
            )?,
            unet: UnetConfig::parse(names.of_part(Part::Unet), &configs.unet)?,
            vae: VaeConfig::parse(names.of_part(Part::Vae), &configs.vae)?,
            configs,
            archives,
            embeddings: Embeddings::default(),
            assumes_prediction: false,
            others: Vec::new(),
        };
        files.check(names)?;
        Ok(files)
    }

    /// The texts of the configs: those of the files, or those made for a single file.
    pub fn configs(&self) -> &Configs {
        &self.configs
    }

    /// Whether neither the model's files nor the user say what the UNet predicts.
    pub fn assumes_prediction(&self) -> bool {
        self.assumes_prediction
    }

    /// The headers of text encoder, UNet and VAE, under diffusers' names.
    pub fn archives(&self) -> Vec<(FilePart, &Archive)> {
        let of = [
            (FilePart::TextEncoder, Part::TextEncoder),
            (FilePart::Unet, Part::Unet),
            (FilePart::Vae, Part::Vae),
        ];
        of.into_iter().map(|(file, part)| (file, &**self.archive(part))).collect()
    }

    /// Adds a LoRA to the UNet and the text encoder, with a weight for each; to the UNet alone
    /// where the second is 0. Returns the LoRA's names that match nothing in this model.
    ///
    /// # Errors
    /// [`Error::Unfit`] for a LoRA that matches no layer of this model, or has other shapes;
    /// [`Error::BadFile`] for a damaged one.
    pub async fn add_lora(
        &mut self,
        lora: &Arc<Lora>,
        [weight, text_weight]: [f32; 2],
    ) -> Result<Vec<String>> {
        let [text, unet] = [Part::TextEncoder, Part::Unet].map(|part| self.archive(part).clone());
        let levels = self.topology().unet;
        let into_unet = Merge::into_unet(lora, (&unet, &levels), weight).await?;
        let into_text = Merge::into_text_encoder(lora, &text, text_weight).await?;
        if into_unet.is_empty() && into_text.is_empty() {
            return Err(unfit(lora.file(), "none of its layers is in this model"));
        }
        if into_unet.is_empty() && text_weight == 0.0 {
            return Err(bad_file(
                lora.file(),
                "it changes the text encoder alone, which is left out",
            ));
        }
        let parts = [
            (Part::Unet, &unet, into_unet, weight),
            (Part::TextEncoder, &text, into_text, text_weight),
        ];
        for (part, archive, merge, weight) in parts {
            // A change of nothing would only hold the file.
            if weight != 0.0 && !merge.is_empty() {
                self.archives.insert(part, Rc::new(archive.changed(Arc::new(merge))));
            }
        }
        Ok(lora.unmatched((&unet, &levels), &text))
    }

    /// The same files without any LoRA.
    pub(in crate::pipeline) fn unchanged(&self) -> Files {
        let mut files = self.clone();
        for part in Part::NEEDED {
            files.archives.insert(part, Rc::new(self.archive(part).unchanged()));
        }
        files
    }

    /// Bytes of a part's tensors in its file.
    pub(in crate::pipeline) fn bytes_of(&self, part: Part) -> u64 {
        let tensors = self.archive(part).tensors().iter();
        tensors.map(|info| info.range.end - info.range.start).sum()
    }

    /// Gives the model these textual inversions, in place of those that it has.
    ///
    /// # Errors
    /// [`Error::BadFile`] for one that is for another model.
    pub fn set_embeddings(&mut self, embeddings: &[NamedEmbedding]) -> Result<()> {
        self.embeddings = Embeddings::new(embeddings, &self.text_encoder)?;
        Ok(())
    }

    /// The textual inversions.
    pub(in crate::pipeline) fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }

    /// Whether a LoRA changes the weights.
    pub fn is_changed(&self) -> bool {
        self.archives.values().any(|archive| archive.is_changed())
    }

    /// The header of a part's weights, except the safety checker's, which has files of its own.
    pub(in crate::pipeline) fn archive(&self, part: Part) -> &Rc<Archive> {
        // The VAE's encoder and decoder are in one file.
        let file = if part == Part::VaeEncoder { Part::Vae } else { part };
        self.archives.get(file).expect("a part of the model's own files")
    }

    /// Whether the UNet takes the guidance scale as an input.
    pub fn embeds_guidance(&self) -> bool {
        self.unet.time_cond_proj_dim.is_some()
    }

    /// What the model is for.
    pub fn purpose(&self) -> Purpose {
        let purpose = Purpose::of(self.unet.in_channels, self.vae.latent_channels);
        purpose.expect("checked when the files were opened")
    }

    /// How many prompts the UNet evaluates for a picture of this request: the prompt alone if it
    /// takes the guidance scale as an input; three where it is guided by a picture, too. A prompt
    /// in parts is as many.
    pub fn prompts(&self, request: &Request) -> usize {
        let unguided = request.image_guidance_scale.is_some_and(|scale| scale < 1.0);
        // What cannot be read is refused elsewhere.
        let weights = request.composition().map(|made| made.weights()).unwrap_or_default();
        let parts = weights.len().max(1);
        match (request.prompts(), self.purpose()) {
            _ if self.embeds_guidance() => parts,
            (1, Purpose::Edit) => 1,
            (_, Purpose::Edit) if unguided => 1,
            (_, Purpose::Edit) => 3,
            // Weights are weights against the negative prompt, also without guidance.
            (1, _) if weights.is_empty() => 1,
            _ => 1 + parts,
        }
    }

    /// The topology that the names in a single file depend on.
    pub fn topology(&self) -> Topology {
        let level = |level: &Level| UnetLevel {
            layers: level.layers,
            down_attention: level.down_attention,
            up_attention: level.up_attention,
        };
        let levels: Vec<_> = self.unet.levels.iter().map(level).collect();
        Topology {
            // CompVis's program always has a middle. The files of UNets without one count in
            // threes.
            in_threes: !self.unet.mid_block && levels.iter().all(|level| level.layers == 1),
            unet: levels,
            vae_levels: self.vae.block_out_channels.len(),
        }
    }

    /// Checks what the parts must agree on.
    fn check(&self, names: &ConfigNames) -> Result<()> {
        let width = self.text_encoder.encoder.hidden_size;
        let latents = self.vae.latent_channels;
        let text = (Part::TextEncoder, "text encoder");
        let is_known = Purpose::of(self.unet.in_channels, latents).is_some();
        let inputs = if is_known { latents } else { self.unet.in_channels };
        for (field, value, (part, other), expected) in [
            ("cross_attention_dim", self.unet.cross_attention_dim, text, width),
            ("in_channels", inputs, (Part::Vae, "VAE"), latents),
            ("out_channels", self.unet.out_channels, (Part::Vae, "VAE"), latents),
        ] {
            if value != expected {
                let (file, by) = (names.of_part(Part::Unet), names.of_part(part));
                // A model in one file names it once.
                let by = if by == file { String::new() } else { format!(" ({by})") };
                return Err(Error::Config {
                    file: file.into(),
                    field: field.into(),
                    reason: format!("is {value}, but the {other} has {expected}{by}"),
                });
            }
        }
        Ok(())
    }

    /// The parts that are not the model's own: where they are, and the headers of their weights.
    pub(in crate::pipeline) fn other_parts(&self) -> &[(Part, OtherPart, Rc<Archive>)] {
        &self.others
    }

    /// Reads the tokenizer, and adds the words of the textual inversions.
    ///
    /// # Errors
    /// [`Error::BadFile`], or [`Error::Config`] when the text encoder has fewer tokens;
    /// [`Error::Request`] for a word of a textual inversion that is a word already.
    pub async fn tokenizer(&self, source: &dyn Source) -> Result<Tokenizer> {
        self.embeddings.add_words(tokenizer::read(source, &self.text_encoder).await?)
    }

    /// A tensor of the UNet, by diffusers' name.
    ///
    /// # Errors
    /// Those of the source; [`Error::MissingTensor`].
    pub(in crate::pipeline) async fn load_unet_tensor(
        &self,
        source: &dyn Source,
        name: &str,
    ) -> Result<Vec<f32>> {
        self.archive(Part::Unet).load(source, name).await
    }

    /// Bits of precision of the UNet's weights in its file, on average. bf16 has eight significant
    /// bits, so it counts as q8_0 does.
    pub(in crate::pipeline) fn unet_bits(&self) -> u64 {
        let tensors = self.archive(Part::Unet).tensors();
        let bits = |tensor: &TensorInfo| match tensor.file_type {
            FileType::BF16 => 8 * tensor.elements() as u64,
            _ => 8 * (tensor.range.end - tensor.range.start),
        };
        let elements: u64 = tensors.iter().map(|tensor| tensor.elements() as u64).sum();
        tensors.iter().map(bits).sum::<u64>() / elements.max(1)
    }

    /// Whether any weights are ggml's blocks, which the GPU may round to f16.
    pub(in crate::pipeline) fn has_blocks(&self) -> bool {
        self.archive(Part::Unet).tensors().iter().any(|tensor| tensor.file_type.is_block())
    }

    /// Bytes of the weights in f32, as the CPU holds them.
    pub(in crate::pipeline) fn bytes_on_cpu(&self) -> u64 {
        let tensors = self.archives.values().flat_map(|archive| archive.tensors());
        tensors.map(|tensor| 4 * tensor.elements() as u64).sum()
    }

    /// What the model is and can be asked for.
    pub fn describe(&self) -> Description {
        let tensors = self.archives.values().flat_map(|archive| archive.tensors());
        let parameters = tensors.map(|tensor| tensor.elements() as u64).sum();
        let factor = self.vae.factor() as u32;
        // diffusers' default is 64.
        let side = self.unet.sample_size.unwrap_or(64) as u32 * factor;
        let text_layers = self.text_encoder.encoder.num_hidden_layers as u32;
        let embeds = self.embeds_guidance();
        let made_for = MadeFor::of(&self.schedule, embeds);
        Description::new(factor, side, text_layers, parameters, (embeds, made_for, self.purpose()))
    }
}

/// The type that most of a file's values have on the GPU.
pub(in crate::pipeline) fn weight_type(file: &Archive) -> WeightType {
    match file.tensors().iter().max_by_key(|tensor| tensor.elements()) {
        Some(tensor) if tensor.file_type.fits_f16() || tensor.file_type.is_block() => {
            WeightType::F16
        }
        _ => WeightType::F32,
    }
}
