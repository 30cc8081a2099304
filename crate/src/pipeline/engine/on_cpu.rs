//! The engine on the CPU, with the networks of [`crate::reference`].

use super::controls_on_cpu::{ControlsOnCpu, Inputs, Seen, residuals};
use super::loading::Counted;
use super::workload::Workload;
use super::{Conditioning, Engine, LoadContext, Moments};
use crate::diffusion::{Deep, Evaluation};
use crate::error::Result;
use crate::gpu::{Gpu, Rehearsal};
use crate::image::Rgba;
use crate::models::clip::TextEncoder;
use crate::models::taesd::TaesdConfig;
use crate::models::unet::{Cache, Unet, UnetInput};
use crate::models::vae::{Encoder, VaeDecoder};
use crate::nn::Scope;
use crate::pipeline::checkpoint::{
    BesideVae, DecoderChoice, Files, FittedControl, Part, PictureControl,
};
use crate::pipeline::control::Control;
use crate::reference::{Networks, Taesd, Weights};
use crate::weights::{Source, TaesdHalf};
use candle_core::{Device, Tensor};
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;

/// The message of a panic: latents have the right shape by construction, so candle cannot fail.
const FITS: &str = "arrays of one shape";

/// A future that yields to the host's event loop.
pub type Turn = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// The engine on the CPU.
pub(in crate::pipeline) struct OnCpu {
    pub networks: RefCell<Networks>,
    /// Called after each evaluation, so that messages are handled: an evaluation itself cannot be
    /// interrupted.
    pub turn: Option<Turn>,
    taesd: Option<(BesideVae, Taesd)>,
    controls: ControlsOnCpu,
    /// Whether it decodes the pictures.
    by_taesd: Cell<bool>,
}

impl OnCpu {
    /// Builds the networks on the CPU, with their weights in memory.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape, the source's faults, a cancel, and configs
    /// that the CPU's implementation does not support.
    pub(crate) async fn load(
        files: &Files,
        source: &dyn Source,
        turn: Option<Turn>,
        beside: Option<&BesideVae>,
        control: &Control,
    ) -> Result<OnCpu> {
        check_tensors(files)?;
        let bytes = Part::NEEDED.map(|part| files.bytes_of(part));
        let mut counted = Counted::of(bytes.iter().sum());
        let mut weights = Vec::new();
        for part in Part::NEEDED {
            let mut progress = |done| counted.report(control, part.name(), done);
            let (archive, rows) = (files.archive(part), files.text_encoder.vocab_size);
            weights.push(Weights::read(source, archive, rows, &mut progress).await?);
            counted.bytes_done += files.bytes_of(part);
        }
        let weights = weights.try_into().ok().expect("one for each needed part");
        let networks = Networks::new((&files.text_encoder, &files.unet, &files.vae), weights)?;
        let taesd = match beside {
            None => None,
            Some(beside) => Some((beside.clone(), load_taesd(beside, control).await?)),
        };
        let networks = RefCell::new(networks.with_rows(files.embeddings().rows()));
        let controls = ControlsOnCpu::default();
        Ok(OnCpu { networks, turn, taesd, controls, by_taesd: Cell::new(false) })
    }

    /// Bytes that the request's controls take: beside the UNet, and while they see their pictures.
    pub(in crate::pipeline) fn control_bytes(&self, load: Workload) -> [u64; 2] {
        [self.controls.bytes(load), self.controls.bytes_to_see(load)]
    }

    /// Sets who decodes the pictures.
    pub(in crate::pipeline) fn decode_by_taesd(&self, by_taesd: bool) {
        self.by_taesd.set(by_taesd);
    }

    /// The TAESD, if there is one.
    fn tiny(&self) -> Option<&Taesd> {
        self.taesd.as_ref().map(|(_, network)| network)
    }

    /// The TAESD with an encoder, if it was chosen.
    fn chosen(&self) -> Option<(&BesideVae, &Taesd)> {
        let (beside, network) = self.taesd.as_ref()?;
        let is_chosen = beside.decoder == DecoderChoice::Taesd && network.encodes();
        is_chosen.then_some((beside, network))
    }
}

/// Reads a TAESD's weights.
async fn load_taesd(beside: &BesideVae, control: &Control) -> Result<Taesd> {
    let read = async |half: &TaesdHalf| {
        let mut progress = |_| control.check();
        Weights::read(half.source(), half.archive(), 0, &mut progress).await
    };
    let decoder = read(beside.taesd.decoder()).await?;
    let encoder = match beside.taesd.encoder() {
        None => None,
        Some(half) => Some(read(half).await?),
    };
    Taesd::new(&TaesdConfig::of(&beside.taesd)?, decoder, encoder)
}

/// Checks every tensor of the three networks in the same way as on the GPU, so that the error for a
/// missing or wrong tensor has its name.
fn check_tensors(files: &Files) -> Result<()> {
    let gpu = Gpu::dry(false);
    let scope = |part: Part| Scope::open(&gpu, Rc::clone(files.archive(part)), None);
    let [text_encoder, unet, vae] = Part::NEEDED.map(scope);
    TextEncoder::new(&text_encoder, &files.text_encoder)?;
    Unet::new(&unet, &files.unet)?;
    VaeDecoder::new(&vae, &files.vae)?;
    Encoder::new(&vae, &files.vae).map(drop)
}

impl Engine for OnCpu {
    /// As in diffusers: `[b, tokens, c]`, `[1, c, h, w]`.
    type Array = Tensor;
    type Context = Tensor;
    type Controls = Vec<Seen>;
    type PendingCheck = (Tensor, Option<Tensor>);
    /// It computes synchronously.
    const RUNS_AHEAD: bool = false;

    async fn encode(
        &self,
        ids: &[u32],
        rows: usize,
        skipped: usize,
        _: LoadContext<'_>,
    ) -> Result<Tensor> {
        Ok(self.networks.borrow().encode(ids, rows, skipped))
    }

    fn upload_states(&self, values: &[f32], tokens: usize) -> Tensor {
        let shape = [1, tokens, values.len() / tokens];
        Tensor::from_slice(values, &shape[..], &Device::Cpu).expect(FITS)
    }

    fn last_prompts(&self, text: &Tensor, prompts: usize, last: usize) -> Tensor {
        let channels = text.dims()[2];
        let each = text.reshape((prompts, (), channels)).expect(FITS);
        each.narrow(0, prompts - last, last).expect(FITS)
    }

    fn use_controls(&self, controls: Vec<FittedControl>) {
        self.controls.choose(controls);
    }

    async fn begin_controls(
        &self,
        controls: &[PictureControl],
        size: [u32; 2],
        call: LoadContext<'_>,
    ) -> Result<Vec<Seen>> {
        self.controls.begin(controls, size, call.control).await
    }

    async fn prepare(
        &self,
        text: &Tensor,
        [prompts, _]: [usize; 2],
        _: &Vec<Seen>,
        _: LoadContext<'_>,
    ) -> Result<Tensor> {
        let channels = text.dims()[2];
        Ok(text.reshape((prompts, (), channels)).expect(FITS))
    }

    fn latents(&self, planes: &[f32], shape: [usize; 4]) -> Tensor {
        Tensor::from_slice(planes, &shape[..], &Device::Cpu).expect(FITS)
    }

    async fn encode_picture(
        &self,
        files: &Files,
        planes: &[f32],
        [width, height]: [usize; 2],
        _: &Control,
    ) -> Result<Moments> {
        let picture = self.latents(planes, [1, 3, height, width]);
        if let Some((beside, network)) = self.chosen() {
            let mean = self.read_states(&network.encode(&picture)).await?;
            return Moments::of_taesd(mean, beside);
        }
        let [mean, logvar] = self.networks.borrow().encode_picture(&picture);
        let [mean, logvar] = [self.read_states(&mean).await?, self.read_states(&logvar).await?];
        let scaling_factor = files.vae.scaling_factor;
        Ok(Moments { mean, logvar, scaling_factor, by_taesd: false })
    }

    /// The plan has counted the decoder, which takes more.
    async fn check_encoder(&self, _: &Files, _: [usize; 2]) -> Result<()> {
        Ok(())
    }

    fn predict(
        &self,
        latents: &Tensor,
        evaluation: &Evaluation,
        conditioning: Conditioning<'_, OnCpu>,
    ) -> Tensor {
        let Conditioning { context, prompts, guidance, extra, deep, controls: seen } = conditioning;
        let Evaluation { input_scale, timestep, kind, controls, .. } = *evaluation;
        let deep_before = deep.take().filter(|_| kind.deep == Deep::Reused);
        let cache = Cache::of(kind.deep, deep_before.as_ref());
        let scaled = (latents * input_scale).expect(FITS);
        let outermost = matches!(cache, Cache::Reuse(_));
        let positive = guidance.positive();
        let inputs = Inputs { latents: &scaled, timestep, context, positive, controls, outermost };
        let residuals = residuals(seen, &inputs);
        let plain = UnetInput::new(&scaled, timestep, context);
        let extra = extra.map(|extra| {
            let count = extra.dims()[0];
            let used = count.min(prompts);
            extra.narrow(0, count - used, used).expect(FITS)
        });
        let input = UnetInput {
            cache,
            guidance_scale: Some(guidance.scale),
            residuals: residuals.as_ref(),
            extra_channels: extra.as_ref(),
            freeu: kind.freeu,
            ..plain
        };
        let output = self.networks.borrow().predict(&input, guidance);
        *deep = output.deep;
        output.sample
    }

    fn blend(&self, mask: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
        let blended = || {
            let kept = mask.affine(-1.0, 1.0)?;
            (mask * a)? + (kept * b)?
        };
        blended().expect(FITS)
    }

    fn window(&self, latents: &Tensor, [top, left]: [usize; 2], size: [usize; 2]) -> Tensor {
        let rows = latents.narrow(2, top, size[0]).expect(FITS);
        rows.narrow(3, left, size[1]).and_then(|x| x.contiguous()).expect(FITS)
    }

    fn add_at(&self, latents: &Tensor, part: &Tensor, [top, left]: [usize; 2]) -> Tensor {
        let ([h, w], [height, width]) =
            ([2, 3].map(|i| latents.dims()[i]), [2, 3].map(|i| part.dims()[i]));
        let around = part.pad_with_zeros(2, top, h - top - height).expect(FITS);
        let around = around.pad_with_zeros(3, left, w - left - width).expect(FITS);
        (latents + around).expect(FITS)
    }

    fn trim(&self) {}

    fn sum(&self, terms: &[(f64, &Tensor)]) -> Tensor {
        let scaled = terms.iter().map(|(factor, x)| (*x * *factor).expect(FITS));
        scaled.reduce(|sum, x| (sum + x).expect(FITS)).expect("a combination has terms")
    }

    async fn finish(&self, _: &Control) -> Result<()> {
        Ok(())
    }

    async fn advance(&self, _: &Control) -> Result<()> {
        if let Some(turn) = &self.turn {
            turn().await;
        }
        Ok(())
    }

    fn start_check(&self, latents: &Tensor, shown: Option<&Tensor>) -> (Tensor, Option<Tensor>) {
        (latents.clone(), shown.cloned())
    }

    async fn finish_check(
        &self,
        (latents, shown): (Tensor, Option<Tensor>),
        channels: usize,
    ) -> Result<Option<Vec<f32>>> {
        if !self.read_states(&latents).await?.iter().all(|x| x.is_finite()) {
            return Ok(None);
        }
        match shown {
            Some(shown) => self.planes(&shown, channels).await.map(Some),
            None => Ok(Some(Vec::new())),
        }
    }

    fn rehearse(&self) -> Option<Rehearsal> {
        None
    }

    fn buffers_made(&self) -> u64 {
        0
    }

    /// There is no choice.
    fn choose_kernels(&self, _: bool) {}

    fn narrowest(&self) -> &'static str {
        "f32"
    }

    /// It is f32 already.
    fn widened(&self) -> Option<OnCpu> {
        None
    }

    fn taesd(&self) -> Option<&BesideVae> {
        self.taesd.as_ref().map(|(beside, _)| beside)
    }

    fn decodes_by_taesd(&self) -> bool {
        self.by_taesd.get()
    }

    async fn preview(&self, latents: &Tensor, call: LoadContext<'_>) -> Result<Tensor> {
        match self.tiny() {
            Some(taesd) => Ok(taesd.decode(&latents.narrow(0, 0, 1).expect(FITS))),
            None => self.decode(latents, 0, call).await,
        }
    }

    async fn decode(&self, latents: &Tensor, index: usize, _: LoadContext<'_>) -> Result<Tensor> {
        let latents = latents.narrow(0, index, 1).expect(FITS);
        match self.tiny().filter(|_| self.by_taesd.get()) {
            Some(taesd) => Ok(taesd.decode(&latents)),
            None => Ok(self.networks.borrow().decode(&latents)),
        }
    }

    async fn reload_unet(&self, _: LoadContext<'_>) -> Result<()> {
        Ok(())
    }

    async fn make_room(&self, _bytes: u64) -> Result<()> {
        Ok(())
    }

    async fn read_states(&self, text: &Tensor) -> Result<Vec<f32>> {
        Ok(text.flatten_all().and_then(|x| x.to_vec1()).expect(FITS))
    }

    async fn planes(&self, array: &Tensor, channels: usize) -> Result<Vec<f32>> {
        let planes = array.narrow(1, 0, channels).and_then(|x| x.flatten_all()).expect(FITS);
        Ok(planes.to_vec1().expect(FITS))
    }

    async fn rgba(&self, picture: &Tensor) -> Result<Vec<u8>> {
        let (_, _, h, w) = picture.dims4().expect(FITS);
        let planes = self.planes(picture, 3).await?;
        let unit = |i: usize| planes[i] * 0.5 + 0.5;
        let pixels = 0..h * w;
        let rgb: Vec<f32> = pixels.flat_map(|i| [0, 1, 2].map(|c| unit(c * h * w + i))).collect();
        let mut rgba = Rgba::from_rgb(w as u32, h as u32, &rgb).into_pixels();
        for (pixel, rgb) in rgba.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            if !rgb.iter().all(|x| x.is_finite()) {
                pixel[3] = 0;
            }
        }
        Ok(rgba)
    }
}
