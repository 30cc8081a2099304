//! A guided prediction on the GPU: the UNet's, with what the ControlNets and T2I-Adapters of the
//! run add to it.

use super::control_picture::guess_scale;
use super::controls::{ReadyControls, ReadyNet};
use super::guided::{channels, guided};
use super::on_gpu::OnGpu;
use super::residency::Stage;
use super::{Conditioning, Engine as _, GpuContext, LoadContext};
use crate::diffusion::{Deep, Evaluation};
use crate::dtype::Precision;
use crate::error::Result;
use crate::models::controlnet::ControlNetInput;
use crate::models::unet::{Cache, Residuals, UnetInput};
use crate::ops::Term;
use crate::pipeline::checkpoint::{FittedControl, PictureControl};
use crate::tensor::Tensor;

impl OnGpu {
    /// [`Engine::begin_controls`](super::Engine::begin_controls).
    ///
    /// # Errors
    /// Those of the files and of the device; a cancel.
    pub(super) async fn show_controls(
        &self,
        controls: &[PictureControl],
        size: [u32; 2],
        call: LoadContext<'_>,
    ) -> Result<ReadyControls> {
        if controls.is_empty() {
            return Ok(ReadyControls { nets: Vec::new(), adapters: Vec::new() });
        }
        let shown = (controls, size);
        if self.controls.lacks_features(controls, size) {
            // Beside the parts that are kept, and not beside what another stage needs.
            self.enter(Stage::Loading, call).await?;
            self.controls.make_features(&self.gpu, &self.options, shown, call.control).await?;
        }
        self.enter(Stage::Denoising, call).await?;
        self.controls.ready(&self.gpu, self.options.precision, shown, call.control).await
    }

    /// [`Engine::use_controls`](super::Engine::use_controls).
    pub(super) fn choose_controls(&self, controls: Vec<FittedControl>) {
        if self.controls.choose(controls) {
            // Other networks take other memory.
            self.plans.forget();
        }
    }

    /// The contexts of the UNet and of the ControlNets, from states `[prompts, tokens, c]`.
    pub(super) fn contexts(
        &self,
        text: &Tensor,
        positive: usize,
        controls: &ReadyControls,
    ) -> GpuContext {
        let [prompts, ..] = text.shape().tokens();
        let last = || (prompts > positive).then(|| self.last_prompts(text, prompts, positive));
        let controls = self.controls.contexts(controls, text, last);
        GpuContext { unet: self.parts.unet().prepare(text), controls }
    }

    /// [`Engine::predict`](super::Engine::predict).
    pub(super) fn guided(
        &self,
        latents: &Tensor,
        evaluation: &Evaluation,
        conditioning: Conditioning<'_, OnGpu>,
    ) -> Tensor {
        let Conditioning { context, prompts, guidance, extra, deep, controls } = conditioning;
        let Evaluation { timestep, kind, .. } = *evaluation;
        let [pictures, ..] = latents.shape().image();
        let scaled = Term::new(evaluation.input_scale as f32, latents);
        let (batch, precision) = (prompts * pictures, self.options.precision);
        let input = Tensor::combine(batch, precision, &[scaled]);
        let extra = extra.map(|extra| channels(extra, batch, precision));
        // Deep features that are not reused are dropped before new ones are computed.
        let deep_before = deep.take().filter(|_| kind.deep == Deep::Reused);
        let cache = Cache::of(kind.deep, deep_before.as_ref());
        let pass = Pass {
            engine: self,
            evaluation,
            pictures,
            prompts,
            positive: guidance.positive(),
            outermost: matches!(cache, Cache::Reuse(_)),
        };
        let residuals = pass.residuals(controls, context, (latents, &input));
        let context = &context.unet.merging(kind.merged_per_mille);
        let plain = UnetInput::new(&input, timestep, context);
        let input = UnetInput {
            cache,
            guidance_scale: Some(guidance.scale),
            residuals: residuals.as_ref(),
            extra_channels: extra.as_ref(),
            freeu: kind.freeu,
            ..plain
        };
        let output = self.parts.unet().forward(&input);
        *deep = output.deep;
        guided(&output.sample, guidance, prompts)
    }
}

/// What all controls of an evaluation have in common.
struct Pass<'a> {
    engine: &'a OnGpu,
    evaluation: &'a Evaluation,
    pictures: usize,
    prompts: usize,
    /// How many of them are not negative.
    positive: usize,
    /// Whether the UNet evaluates its outermost layers alone.
    outermost: bool,
}

impl Pass<'_> {
    /// The sum of what the controls add, if any takes part in the evaluation. `input` has the
    /// scaled latents of all prompts.
    fn residuals(
        &self,
        controls: &ReadyControls,
        context: &GpuContext,
        (latents, input): (&Tensor, &Tensor),
    ) -> Option<Residuals<Tensor>> {
        let (batch, precision) = (self.prompts * self.pictures, self.engine.options.precision);
        let takes_part = |bit: u32| self.evaluation.controls & bit != 0;
        let mut sum = None::<Residuals<Tensor>>;
        for (net, context) in controls.nets.iter().zip(&context.controls) {
            if !takes_part(net.bit) {
                continue;
            }
            let network = self.engine.controls.network(net.network);
            let (alone, start);
            let latents = if net.guess && self.prompts > self.positive {
                // The prompt's predictions alone, which are the last of the batch.
                let scaled = Term::new(self.evaluation.input_scale as f32, latents);
                let batch_alone = self.positive * self.pictures;
                alone = Tensor::combine(batch_alone, precision, &[scaled]);
                start = batch - batch_alone;
                &alone
            } else {
                start = 0;
                input
            };
            let made = network.forward(&ControlNetInput {
                latents,
                hint: &net.hint,
                timestep: self.evaluation.timestep,
                context,
                outermost: self.outermost,
            });
            let total = sum.get_or_insert_default();
            let all = network.skips();
            for (i, skip) in made.skips.iter().enumerate() {
                let before = total.skips.get(i);
                let added = (skip, scale(net, i, all), start);
                let value = plus(batch, precision, before, added);
                if i < total.skips.len() { total.skips[i] = value } else { total.skips.push(value) }
            }
            if let Some(mid) = &made.mid {
                let added = (mid, net.weight, start);
                total.mid = Some(plus(batch, precision, total.mid.as_ref(), added));
            }
        }
        for adapter in controls.adapters.iter().filter(|adapter| takes_part(adapter.bit)) {
            let total = sum.get_or_insert_default();
            for (i, level) in adapter.features.iter().enumerate() {
                let added = (level, adapter.weight, 0);
                let value = plus(batch, precision, total.down.get(i), added);
                if i < total.down.len() { total.down[i] = value } else { total.down.push(value) }
            }
        }
        sum
    }
}

/// The factor of skip `i` of `all`.
fn scale(net: &ReadyNet, i: usize, all: usize) -> f64 {
    if net.guess { net.weight * guess_scale(i, all) } else { net.weight }
}

/// `before + factor · x` for a batch, of which only the elements from `start` on get `x`; without
/// `before` the others are zero.
fn plus(
    batch: usize,
    precision: Precision,
    before: Option<&Tensor>,
    (x, factor, start): (&Tensor, f64, usize),
) -> Tensor {
    let added = (Term::new(factor as f32, x), start);
    match before {
        None => Tensor::combine_from(batch, precision, &[added]),
        Some(before) => {
            Tensor::combine_from(batch, precision, &[(Term::new(1.0, before), 0), added])
        }
    }
}
