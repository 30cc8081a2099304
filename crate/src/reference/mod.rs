//! The three networks a second time, on the CPU, by other hands: candle-transformers' VAE, resnets
//! and attentions, and on candle-nn what it lacks. Nothing is shared with the kernels but the
//! configs, so that the two can be held against each other; and it runs where there is no graphics
//! adapter.
//!
//! It computes in f32 and holds the weights in memory, whole.

mod encoder;
mod safety;
mod text_encoder;
mod unet;
mod vae_encoder;

use crate::error::{Error, Result};
use crate::models::clip::TextConfig;
use crate::models::unet::{UnetConfig, UnetInput, UnetOutput};
use crate::models::vae::VaeConfig;
use crate::weights::{Archive, Source, Zeros};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::stable_diffusion::vae::{AutoEncoderKL, AutoEncoderKLConfig};
pub use safety::SafetyNetwork;
use std::collections::HashMap;
use text_encoder::TextEncoder;
pub use unet::Unet;
use vae_encoder::VaeEncoder;

/// What candle cannot do here is our own mistake: shapes were checked when the model was opened.
const CHECKED: &str = "candle computes what it accepted when the model was opened";

/// The numbers of one checkpoint file, in f32.
pub struct Weights {
    file: String,
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    /// Reads all floats of a file; a table that leaves rows out gets all of its `table_rows` back.
    /// `progress` hears the bytes done after each tensor; its error (as a cancel) ends the load.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a file that is zeros for a large part; the source's, and those of
    /// `progress`.
    pub async fn read(
        source: &dyn Source,
        archive: &Archive,
        table_rows: usize,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Weights> {
        let mut tensors = HashMap::new();
        let mut zeros = Zeros::default();
        let mut done = 0;
        for info in archive.tensors() {
            // Others are `position_ids` and their like.
            if info.file_type.is_float() {
                let mut values = archive.load(source, &info.name).await?;
                if !info.is_table() {
                    zeros.see_piece(info.bytes(), values.iter().all(|value| *value == 0.0));
                }
                let mut shape = info.shape.clone();
                if let Some(list) = archive.row_list(&info.name) {
                    let rows = archive.load_row_list(source, list, table_rows).await?;
                    values = spread(&values, &rows, table_rows);
                    shape[0] = table_rows;
                }
                let tensor = Tensor::from_vec(values, shape, &Device::Cpu);
                let tensor = tensor.map_err(|fault| refused(archive.file(), &fault))?;
                tensors.insert(info.name.clone(), tensor);
            }
            done += info.range.end - info.range.start;
            progress(done)?;
        }
        zeros.check(archive.file())?;
        Ok(Weights { file: archive.file().to_string(), tensors })
    }

    /// Builds a network from them.
    fn build<T>(self, new: impl FnOnce(VarBuilder) -> candle_core::Result<T>) -> Result<T> {
        let builder = VarBuilder::from_tensors(self.tensors, DType::F32, &Device::Cpu);
        new(builder).map_err(|fault| refused(&self.file, &fault))
    }
}

/// The values of the listed `rows` in a table of `count` rows, the others zero.
fn spread(values: &[f32], rows: &[usize], count: usize) -> Vec<f32> {
    let c = values.len() / rows.len().max(1);
    let mut table = vec![0.0; count * c];
    for (row, from) in rows.iter().zip(values.chunks_exact(c.max(1))) {
        table[row * c..][..c].copy_from_slice(from);
    }
    table
}

fn refused(file: &str, fault: &candle_core::Error) -> Error {
    let first_line = fault.to_string().lines().next().unwrap_or_default().to_string();
    Error::BadFile { file: file.to_string(), reason: first_line }
}

/// The text encoder, the UNet and the VAE.
pub struct Networks {
    text_encoder: TextEncoder,
    unet: Unet,
    vae: AutoEncoderKL,
    vae_encoder: VaeEncoder,
    scaling_factor: f64,
}

impl Networks {
    /// From the weights of text encoder, UNet and VAE.
    ///
    /// # Errors
    /// [`Error::Config`] for what candle's VAE cannot be, [`Error::BadFile`] for weights that do
    /// not fit the configs.
    pub fn new(
        configs: (&TextConfig, &UnetConfig, &VaeConfig),
        [text_encoder, unet, vae]: [Weights; 3],
    ) -> Result<Networks> {
        let (text_config, unet_config, vae_config) = configs;
        if !vae_config.mid_block_add_attention {
            return Err(Error::Config {
                file: "vae/config.json".into(),
                field: "mid_block_add_attention".into(),
                reason: "is false, which the CPU's implementation does not have".into(),
            });
        }
        let kl = AutoEncoderKLConfig {
            block_out_channels: vae_config.block_out_channels.clone(),
            layers_per_block: vae_config.layers_per_block,
            latent_channels: vae_config.latent_channels,
            norm_num_groups: vae_config.norm_num_groups,
            use_quant_conv: vae_config.use_quant_conv,
            use_post_quant_conv: vae_config.use_post_quant_conv,
        };
        let picture = VaeConfig::PICTURE;
        // Both hold the encoder's weights, which are the same tensors.
        let (vae, vae_encoder) = vae.build(|vars| {
            let encoder = VaeEncoder::new(&vars, vae_config)?;
            Ok((AutoEncoderKL::new(vars, picture, picture, kl)?, encoder))
        })?;
        Ok(Networks {
            text_encoder: text_encoder.build(|vars| TextEncoder::new(&vars, text_config))?,
            unet: Unet::open(unet, unet_config)?,
            vae,
            vae_encoder,
            scaling_factor: vae_config.scaling_factor,
        })
    }

    /// `ids`, `batch` rows of them → `[batch, tokens, c]`, without the last `skipped` layers of the
    /// text encoder.
    pub fn encode(&self, ids: &[u32], batch: usize, skipped: usize) -> Tensor {
        let ids = Tensor::from_slice(ids, (batch, ids.len() / batch), &Device::Cpu);
        ids.and_then(|ids| self.text_encoder.forward(&ids, skipped)).expect(CHECKED)
    }

    /// The noise in `input`'s latents `[1, c, h, w]` for each prompt of its context
    /// `[b, tokens, c]`; of two, guided: `uncond + guidance_scale·(cond − uncond)`, `[1, c, h, w]`.
    pub fn predict(
        &self,
        input: &UnetInput<'_, Tensor, Tensor>,
        guidance_scale: f64,
    ) -> UnetOutput<Tensor> {
        let predict = || {
            let batch = input.context.dim(0)?;
            let latents = input.latents.repeat((batch, 1, 1, 1))?;
            let mut output = self.unet.forward(&UnetInput { latents: &latents, ..*input })?;
            if batch > 1 {
                let eps = &output.sample;
                let (uncond, cond) = (eps.narrow(0, 0, 1)?, eps.narrow(0, 1, 1)?);
                output.sample = (&uncond + ((cond - &uncond)? * guidance_scale)?)?;
            }
            Ok::<_, candle_core::Error>(output)
        };
        predict().expect(CHECKED)
    }

    /// `picture` `[1, 3, h, w]` in −1…1 → mean and logvar of its latents, `[1, c, h/8, w/8]` each,
    /// not scaled.
    pub fn encode_picture(&self, picture: &Tensor) -> [Tensor; 2] {
        let encode = || {
            let moments = self.vae_encoder.forward(picture)?;
            let c = moments.dim(1)? / 2;
            Ok::<_, candle_core::Error>([moments.narrow(1, 0, c)?, moments.narrow(1, c, c)?])
        };
        encode().expect(CHECKED)
    }

    /// `latents` as the sampler has them → a picture `[1, 3, h, w]` in about −1…1.
    pub fn decode(&self, latents: &Tensor) -> Tensor {
        let decode = || self.vae.decode(&(latents / self.scaling_factor)?);
        decode().expect(CHECKED)
    }
}
