//! The whole network: its layers from the config, and the forward pass.

use super::config::UnetConfig;
use super::context::{Context, Remaining};
use super::down::DownBlock;
use super::input::{Cache, Residuals, UnetInput, UnetOutput};
use super::mid::MidBlock;
use super::time::shifts;
use super::up::UpBlock;
use crate::diffusion::FreeU;
use crate::error::Result;
use crate::nn::{Conv2d, GroupNorm, Joined, Linear, Scope, TimestepEmbedding};
use crate::tensor::Tensor;

/// What the remaining layers of a forward pass need beside their input `x`.
struct Pass<'a> {
    shifts: Tensor,
    context: Remaining<'a>,
    skips: Vec<Tensor>,
}

/// The denoiser. diffusers: `UNet2DConditionModel`.
pub struct Unet {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    /// The projections of the timestep for all resnets, as one matrix.
    time_emb_proj: Linear,
    down_blocks: Vec<DownBlock>,
    mid_block: Option<MidBlock>,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    config: UnetConfig,
}

impl Unet {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &UnetConfig) -> Result<Unet> {
        let levels = config.levels.len();
        let c = config.levels[0].channels;
        let (groups, eps) = (config.norm_num_groups, config.norm_eps);
        let (inputs, outputs) = (config.in_channels, config.out_channels);
        let (time, down, up) =
            (scope.at("time_embedding"), scope.at("down_blocks"), scope.at("up_blocks"));
        let mut times = Joined::new(config.time_embed_dim, true);
        let middle = scope.at("mid_block");
        Ok(Unet {
            conv_in: Conv2d::new(&scope.at("conv_in"), inputs, c, config.conv_in_kernel)?,
            time_embedding: TimestepEmbedding::new(
                &time,
                c,
                config.time_embed_dim,
                config.time_cond_proj_dim,
            )?,
            down_blocks: (0..levels)
                .map(|level| DownBlock::new(&down.at(level), config, level, &mut times))
                .collect::<Result<_>>()?,
            mid_block: config
                .mid_block
                .then(|| MidBlock::new(&middle, config, &mut times))
                .transpose()?,
            up_blocks: (0..levels)
                .map(|i| UpBlock::new(&up.at(i), config, levels - 1 - i, &mut times))
                .collect::<Result<_>>()?,
            time_emb_proj: times.build().expect("a config has levels, which have resnets"),
            conv_norm_out: GroupNorm::new(&scope.at("conv_norm_out"), c, groups, eps)?,
            conv_out: Conv2d::new(&scope.at("conv_out"), c, outputs, config.conv_out_kernel)?,
            config: config.clone(),
        })
    }

    /// The keys and values of `context` `[b, tokens, cross_attention_dim]`, for all steps of a run.
    /// Its precision is the one that [`Unet::forward`] is run in.
    pub fn prepare(&self, context: &Tensor) -> Context {
        let down = self.down_blocks.iter().flat_map(|block| block.prepare(context));
        let mid = self.mid_block.iter().flat_map(|block| block.prepare(context));
        let up = self.up_blocks.iter().flat_map(|block| block.prepare(context));
        Context::new(down.chain(mid).chain(up).collect())
    }

    /// Predicts the noise: `[b, h, w, c]` → `[b, h, w, out_channels]`; channel counts are padded to
    /// a multiple of four.
    ///
    /// # Panics
    /// Where the shapes are not the config's and each other's, or the context is another model's.
    pub fn forward(&self, input: &UnetInput<'_, Tensor, Context>) -> UnetOutput<Tensor> {
        let latents = input.latents;
        let time = (&self.time_embedding, &self.time_emb_proj);
        let shifts = shifts(&self.config, time, latents, input.timestep, input.guidance_scale);
        let x = match input.extra_channels {
            Some(extra) => self.conv_in.forward(&latents.concat(extra)),
            None => self.conv_in.forward(latents),
        };
        let (deep, pass) = match input.cache {
            Cache::Off | Cache::Keep => self.inner(x, shifts, input),
            Cache::Reuse(deep) => (deep.clone(), self.outermost_down(x, shifts, input)),
        };
        let kept = (!matches!(input.cache, Cache::Off)).then(|| deep.clone());
        UnetOutput { sample: self.outer(deep, pass, input.freeu), deep: kept }
    }

    /// Only the outermost layers of the down path.
    fn outermost_down<'a>(
        &self,
        x: Tensor,
        shifts: Tensor,
        input: &UnetInput<'a, Tensor, Context>,
    ) -> Pass<'a> {
        let (level, branch) = (&self.config.levels[0], self.config.cache_branch());
        let blocks = |attends, layers| if attends { layers * level.transformer_layers } else { 0 };
        let (context, latents) = (input.context, input.latents);
        let all = context.key_values.len();
        let up = context.part(all - blocks(level.up_attention, branch + 1)..all, latents);
        let mut down = context.part(0..blocks(level.down_attention, branch), latents);
        let mut skips = vec![x.clone()];
        let t2i_residual = input.residuals.and_then(|added| added.down.first());
        let block = &self.down_blocks[0];
        block.forward_layers(0..branch, x, &shifts, &mut down, &mut skips, t2i_residual);
        add_to_skips(&mut skips, input.residuals);
        Pass { shifts, context: up, skips }
    }

    /// All layers but the outermost ones of the up path.
    fn inner<'a>(
        &self,
        mut x: Tensor,
        shifts: Tensor,
        input: &UnetInput<'a, Tensor, Context>,
    ) -> (Tensor, Pass<'a>) {
        let keys = 0..input.context.key_values.len();
        let mut context = input.context.part(keys, input.latents);
        let residuals = input.residuals;
        let mut skips = vec![x.clone()];
        for (level, block) in self.down_blocks.iter().enumerate() {
            let t2i_residual = residuals.and_then(|added| added.down.get(level));
            x = block.forward(x, &shifts, &mut context, &mut skips, t2i_residual);
        }
        add_to_skips(&mut skips, residuals);
        if let Some(mid_block) = &self.mid_block {
            x = mid_block.forward(&x, &shifts, &mut context);
        }
        if let Some(mid) = residuals.and_then(|added| added.mid.as_ref()) {
            x = x.add(mid);
        }
        let (last, inner) = self.up_blocks.split_last().expect("a config has levels");
        let scales = |index: usize| input.freeu.and_then(|freeu| freeu.of_block(index));
        for (index, block) in inner.iter().enumerate() {
            x = block.forward(x, &shifts, &mut context, &mut skips, scales(index));
        }
        let layers = 0..self.first_outermost();
        let of_last = scales(inner.len());
        x = last.forward_layers(layers, x, &shifts, &mut context, &mut skips, of_last);
        (x, Pass { shifts, context, skips })
    }

    /// The outermost layers of the up path, and the output convolution.
    fn outer(&self, mut x: Tensor, mut pass: Pass<'_>, freeu: Option<FreeU>) -> Tensor {
        let last = self.up_blocks.last().expect("a config has levels");
        let layers = self.first_outermost()..last.layers();
        let Pass { shifts, context, skips } = &mut pass;
        let scales = freeu.and_then(|freeu| freeu.of_block(self.up_blocks.len() - 1));
        x = last.forward_layers(layers, x, shifts, context, skips, scales);
        assert!(pass.context.is_used_up(), "the context is another model's");
        self.conv_out.forward(&self.conv_norm_out.forward_silu(&x))
    }

    /// The index of the first outermost layer in the last level of the up path.
    fn first_outermost(&self) -> usize {
        self.config.levels[0].layers - self.config.cache_branch()
    }
}

/// Adds a ControlNet's residuals, one for each skip. Where only the outermost layers are evaluated,
/// `skips` has only the first of them, and there may be residuals of no others.
fn add_to_skips(skips: &mut [Tensor], residuals: Option<&Residuals<Tensor>>) {
    let Some(added) = residuals.map(|residuals| &residuals.skips) else { return };
    assert!(added.is_empty() || added.len() >= skips.len(), "residuals of another UNet");
    for (skip, added) in skips.iter_mut().zip(added) {
        *skip = skip.add(added);
    }
}
