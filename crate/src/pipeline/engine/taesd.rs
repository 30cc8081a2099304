//! The TAESD beside a model, on the GPU. It is loaded with the model and stays, since it has a few
//! MB.

use super::loading::{LoadTarget, Pending};
use super::vae_encoder::upload;
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::{Gpu, Limits};
use crate::models::taesd::{TaesdConfig, TaesdDecoder, TaesdEncoder};
use crate::nn::Scope;
use crate::pipeline::checkpoint::{BesideVae, DecoderChoice};
use crate::pipeline::control::Control;
use crate::tensor::Tensor;
use crate::weights::TaesdHalf;
use std::cell::RefCell;
use std::rc::Rc;

/// Its name in progress events.
const PART: &str = "taesd";

/// The message of a panic: it was not loaded in the first stage, which would be a bug.
const LOADED: &str = "the first stage loads it";

/// The TAESD of a model's options, if there is one.
pub(super) struct TaesdOnGpu {
    pub beside: Option<BesideVae>,
    networks: RefCell<Option<Rc<Networks>>>,
}

/// With their weights.
struct Networks {
    decoder: TaesdDecoder,
    encoder: Option<TaesdEncoder>,
}

impl TaesdOnGpu {
    /// Not loaded yet.
    pub(super) fn new(beside: Option<&BesideVae>) -> TaesdOnGpu {
        TaesdOnGpu { beside: beside.cloned(), networks: RefCell::default() }
    }

    /// Uploads the weights if that was not done yet, of the types that its files have.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape; those of the device; a cancel.
    pub(super) async fn bring(&self, gpu: &Gpu, control: &Control) -> Result<()> {
        let Some(BesideVae { taesd, .. }) = &self.beside else { return Ok(()) };
        if self.networks.borrow().is_some() {
            return Ok(());
        }
        let config = TaesdConfig::of(taesd)?;
        let new = |scope: &Scope| TaesdDecoder::new(scope, &config);
        let decoder = load(taesd.decoder(), gpu, control, new).await?;
        let encoder = match taesd.encoder() {
            None => None,
            Some(half) => {
                load(half, gpu, control, |scope| TaesdEncoder::new(scope, &config)).await?
            }
        };
        self.networks.replace(Some(Rc::new(Networks { decoder, encoder })));
        Ok(())
    }

    fn networks(&self) -> Rc<Networks> {
        self.networks.borrow().clone().expect(LOADED)
    }

    /// Whether its encoder takes the place of the VAE's: it has one, and the TAESD was chosen.
    pub(super) fn encodes(&self) -> bool {
        let Some(BesideVae { taesd, decoder }) = &self.beside else { return false };
        *decoder == DecoderChoice::Taesd && taesd.encoder().is_some()
    }

    /// Latents `[1, h, w, c]` → a picture `[1, factor·h, factor·w, 4]` in about −1…1.
    ///
    /// # Errors
    /// Those of the device; a cancel.
    pub(super) async fn decode(&self, latents: &Tensor, control: &Control) -> Result<Tensor> {
        let picture = self.networks().decoder.decode(latents);
        latents.gpu().finish_in_parts(&|| control.check()).await?;
        Ok(picture)
    }

    /// Runs its encoder once without a GPU, within the limits of an adapter.
    ///
    /// # Errors
    /// [`Error::GpuLimit`](crate::Error::GpuLimit) for a size in pixels that does not fit.
    pub(super) async fn check_encoder(
        &self,
        limits: Limits,
        precision: Precision,
        [width, height]: [usize; 2],
    ) -> Result<()> {
        let dry = Gpu::dry_within(limits, precision == Precision::F16);
        let BesideVae { taesd, .. } = self.beside.as_ref().expect(LOADED);
        let scope = Scope::without_file(&dry, Default::default());
        if let Some(encoder) = TaesdEncoder::new(&scope, &TaesdConfig::of(taesd)?)? {
            drop(encoder.forward(&Tensor::empty(&dry, [1, height, width, 4], precision)));
        }
        dry.finish().await
    }

    /// A picture, planes `[3, h, w]` in −1…1 → latents `[1, h/factor, w/factor, c]`, not scaled. It
    /// is tried without a GPU first, within the adapter's limits.
    ///
    /// # Errors
    /// [`Error::GpuLimit`](crate::Error::GpuLimit) for a size that does not fit.
    pub(super) async fn encode(
        &self,
        gpu: &Gpu,
        precision: Precision,
        (planes, size): (&[f32], [usize; 2]),
    ) -> Result<Tensor> {
        self.check_encoder(gpu.limits(), precision, size).await?;
        let networks = self.networks();
        let encoder = networks.encoder.as_ref().expect(LOADED);
        Ok(encoder.forward(&upload(gpu, precision, (planes, size))))
    }
}

async fn load<N>(
    half: &TaesdHalf,
    gpu: &Gpu,
    control: &Control,
    new: impl FnOnce(&Scope) -> Result<N>,
) -> Result<N> {
    let archive = Rc::new(half.archive().clone());
    let target = LoadTarget { gpu, source: half.source(), control };
    Pending::new(gpu, PART, &archive, None, new)?.load_alone(&target).await
}
