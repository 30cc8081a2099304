//! The timestep and, for a latent consistency model, the guidance scale, as a vector: the sinusoids
//! and linears of candle-transformers, which has no guidance scale.

use crate::models::unet::UnetConfig;
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear_no_bias};
use candle_transformers::models::stable_diffusion::embeddings::{TimestepEmbedding, Timesteps};

/// diffusers: `Timesteps` and `TimestepEmbedding`.
pub(super) struct TimeEmbedding {
    time_proj: Timesteps,
    /// Of the guidance scale, and its channels.
    cond_proj: Option<(Linear, usize)>,
    linears: TimestepEmbedding,
}

impl TimeEmbedding {
    /// # Errors
    /// That of candle for a tensor that is missing or has another shape.
    pub(super) fn new(vars: &VarBuilder, config: &UnetConfig) -> Result<TimeEmbedding> {
        let c = config.levels[0].channels;
        let cond_proj = config
            .time_cond_proj_dim
            .map(|n| linear_no_bias(n, c, vars.pp("cond_proj")).map(|cond_proj| (cond_proj, n)));
        Ok(TimeEmbedding {
            time_proj: Timesteps::new(c, config.flip_sin_to_cos, config.freq_shift),
            cond_proj: cond_proj.transpose()?,
            linears: TimestepEmbedding::new(vars.clone(), c, config.time_embed_dim)?,
        })
    }

    /// The vector of each of `batch` elements, `[batch, c_time]`.
    ///
    /// # Errors
    /// candle's.
    pub(super) fn forward(
        &self,
        timestep: f64,
        guidance_scale: Option<f64>,
        batch: usize,
    ) -> Result<Tensor> {
        let times = Tensor::full(timestep as f32, batch, &Device::Cpu)?;
        let mut times = self.time_proj.forward(&times.to_dtype(DType::F32)?)?;
        if let (Some((cond_proj, n)), Some(scale)) = (&self.cond_proj, guidance_scale) {
            times = times.broadcast_add(&cond_proj.forward(&guidance_embedding(scale, *n)?)?)?;
        }
        self.linears.forward(&times)
    }
}

/// Sines and cosines of the guidance scale, `[1, n]`. diffusers: `get_guidance_scale_embedding`.
fn guidance_embedding(scale: f64, n: usize) -> Result<Tensor> {
    let log = Tensor::new(10_000f32, &Device::Cpu)?.log()?.to_scalar::<f32>()?;
    let step = log / (n / 2 - 1) as f32;
    let places = Tensor::arange(0u32, (n / 2) as u32, &Device::Cpu)?.to_dtype(DType::F32)?;
    let w = (scale - 1.0) as f32 * 1000.0;
    let angles = ((places * f64::from(-step))?.exp()? * f64::from(w))?;
    Tensor::cat(&[angles.sin()?, angles.cos()?], 0)?.unsqueeze(0)
}
