//! The shifts of all resnets by the timestep, which a UNet and a ControlNet compute alike.

use super::config::UnetConfig;
use crate::nn::{Linear, TimestepEmbedding, guidance_embedding, sinusoid};
use crate::tensor::Tensor;

/// The shifts of all resnets, side by side, the same for each element of the batch of `latents`:
/// `[b, …]`.
pub(in crate::models) fn shifts(
    config: &UnetConfig,
    (time_embedding, time_emb_proj): (&TimestepEmbedding, &Linear),
    latents: &Tensor,
    timestep: f64,
    guidance_scale: Option<f64>,
) -> Tensor {
    let [batch, ..] = latents.shape().image();
    let c = config.levels[0].channels;
    let rows = sinusoid(timestep, c, config.flip_sin_to_cos, config.freq_shift).repeat(batch);
    let upload = |rows: &[f32]| {
        let shape = [batch, rows.len() / batch];
        Tensor::from_f32(latents.gpu(), rows, shape, latents.precision())
    };
    let guidance = config.time_cond_proj_dim.zip(guidance_scale);
    let cond = guidance.map(|(c, scale)| upload(&guidance_embedding(scale, c).repeat(batch)));
    time_emb_proj.forward(&time_embedding.forward(&upload(&rows), cond.as_ref()))
}
