//! The VAE's encoder on the GPU, for runs that begin with a picture. It is loaded only when it is
//! needed, since most runs begin with noise.

use super::options::Options;
use super::planes::channels_last;
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, Limits};
use crate::models::vae::Encoder;
use crate::nn::Scope;
use crate::pipeline::checkpoint::{Files, Part, weight_type};
use crate::tensor::Tensor;

/// A picture `[3, h, w]` in −1…1 → mean and logvar of its latents, `[1, h/8, w/8, c]`.
pub(super) fn encode(
    encoder: &Encoder,
    gpu: &Gpu,
    precision: Precision,
    picture: (&[f32], [usize; 2]),
) -> [Tensor; 2] {
    let posterior = encoder.forward(&upload(gpu, precision, picture));
    [posterior.mean, posterior.logvar]
}

/// Planes `[3, h, w]` of a picture of this width and height → `[1, h, w, 4]`; without planes, in a
/// dry run, only its memory.
pub(super) fn upload(
    gpu: &Gpu,
    precision: Precision,
    (planes, [width, height]): (&[f32], [usize; 2]),
) -> Tensor {
    if planes.is_empty() {
        let picture = Tensor::for_host(gpu, [1, height, width, 4], precision);
        gpu.count_upload(picture.bytes());
        return picture;
    }
    let values = channels_last(planes, [1, 3, height, width]);
    Tensor::from_f32(gpu, &values, [1, height, width, 4], precision)
}

impl Files {
    /// Runs the VAE's encoder once without a GPU, within the limits of an adapter.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] for a size in pixels that does not fit; tensors that are missing.
    pub(super) async fn dry_encoder(
        &self,
        options: &Options,
        limits: Limits,
        [width, height]: [usize; 2],
    ) -> Result<()> {
        let gpu = Gpu::dry_within(limits, options.precision == Precision::F16);
        let weights =
            options.weights.unwrap_or_else(|| weight_type(self.archive(Part::VaeEncoder)));
        let encoder = Encoder::new(&Scope::without_file(&gpu, weights), &self.vae)?;
        let picture = Tensor::empty(&gpu, [1, height, width, 4], options.precision);
        drop(encoder.forward(&picture));
        gpu.finish().await
    }
}
