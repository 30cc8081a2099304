//! The VAE's decoder as a run uses it: on the whole picture, or in bands of rows.

use super::bands::BandOptions;
use super::config::VaeConfig;
use super::decoder::Decoder;
use crate::error::Result;
use crate::nn::Scope;
use crate::ops::Term;
use crate::tensor::Tensor;

/// The VAE's decoder. diffusers: `AutoencoderKL`, without its encoder.
pub struct VaeDecoder {
    decoder: Decoder,
    config: VaeConfig,
}

impl VaeDecoder {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &VaeConfig) -> Result<VaeDecoder> {
        let decoder = Decoder::new(scope, config)?;
        Ok(VaeDecoder { decoder, config: config.clone() })
    }

    /// The ratio of a picture's side to that of its latents.
    pub fn factor(&self) -> usize {
        self.config.factor()
    }

    /// The factor that gives latents a standard deviation of one.
    pub fn scaling_factor(&self) -> f64 {
        self.config.scaling_factor
    }

    /// Scaled `latents` `[b, h, w, latent_channels]`, as the sampler has them → a picture `[b,
    /// factor·h, factor·w, 4]` in about −1…1, the fourth channel zero.
    pub fn decode(&self, latents: &Tensor) -> Tensor {
        self.decoder.forward(&self.unscaled(latents))
    }

    /// [`VaeDecoder::decode`] of one picture's latents, `[1, h, w, latent_channels]`, for memory
    /// that is too small for whole tensors of its upper levels. These are computed in bands of at
    /// least `rows` rows, one after another, with the group norms' statistics of the whole picture.
    /// The lower levels and the attention of the middle are not in bands. The work is about twice
    /// as much.
    ///
    /// # Errors
    /// Those of the device, and of `between`, which is called between submits.
    pub async fn decode_in_bands(
        &self,
        latents: &Tensor,
        rows: usize,
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Tensor> {
        let options = BandOptions { gpu: latents.gpu(), rows, between };
        self.decoder.forward_in_bands(&self.unscaled(latents), &options).await
    }

    /// `z`, without the scaling factor.
    fn unscaled(&self, latents: &Tensor) -> Tensor {
        let [batch, ..] = latents.shape().image();
        let coefficient = (1.0 / self.config.scaling_factor) as f32;
        Tensor::combine(batch, latents.precision(), &[Term { x: latents, first: 0, coefficient }])
    }
}
