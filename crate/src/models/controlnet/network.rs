//! The whole network: its layers from the config, and the forward pass.

use super::config::ControlNetConfig;
use super::embedding::ConditioningEmbedding;
use crate::error::Result;
use crate::models::unet::{Context, DownBlock, MidBlock, Residuals, shifts};
use crate::nn::{Conv2d, Joined, Linear, Scope, TimestepEmbedding};
use crate::ops::Term;
use crate::tensor::Tensor;

/// The arguments of an evaluation. diffusers: those of `ControlNetModel.forward`.
pub struct ControlNetInput<'a> {
    /// Latents `[b, h, w, c]`, times the sampler's input scale.
    pub latents: &'a Tensor,
    /// Of [`ControlNet::hint`], `[1, h, w, c]` or with the batch of the latents.
    pub hint: &'a Tensor,
    /// In 0..1000, not always a whole number.
    pub timestep: f64,
    /// Of [`ControlNet::prepare`].
    pub context: &'a Context,
    /// Whether the UNet evaluates its outermost layers alone: then only their residuals are made.
    pub outermost: bool,
}

/// A ControlNet. diffusers: `ControlNetModel`.
pub struct ControlNet {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    /// The projections of the timestep for all resnets, as one matrix.
    time_emb_proj: Linear,
    embedding: ConditioningEmbedding,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    /// For every skip of the down path; and for the middle.
    zero_convs: Vec<Linear>,
    zero_mid: Linear,
    config: ControlNetConfig,
}

impl ControlNet {
    /// From the root of the checkpoint.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, config: &ControlNetConfig) -> Result<ControlNet> {
        let unet = &config.unet;
        let (first, last) = (&unet.levels[0], unet.levels.last().expect("a config has levels"));
        let mut times = Joined::new(unet.time_embed_dim, true);
        let time = scope.at("time_embedding");
        let hint = scope.at("controlnet_cond_embedding");
        let (down, zero) = (scope.at("down_blocks"), scope.at("controlnet_down_blocks"));
        let widths = config.skip_channels().into_iter().enumerate();
        Ok(ControlNet {
            conv_in: Conv2d::new(&scope.at("conv_in"), unet.in_channels, first.channels, 3)?,
            time_embedding: TimestepEmbedding::new(
                &time,
                first.channels,
                unet.time_embed_dim,
                None,
            )?,
            embedding: ConditioningEmbedding::new(&hint, &config.conditioning, first.channels)?,
            down_blocks: (0..unet.levels.len())
                .map(|level| DownBlock::new(&down.at(level), unet, level, &mut times))
                .collect::<Result<_>>()?,
            mid_block: MidBlock::new(&scope.at("mid_block"), unet, &mut times)?,
            zero_convs: widths
                .map(|(i, c)| Linear::pointwise(&zero.at(i), c, c))
                .collect::<Result<_>>()?,
            zero_mid: Linear::pointwise(
                &scope.at("controlnet_mid_block"),
                last.channels,
                last.channels,
            )?,
            time_emb_proj: times.build().expect("a config has levels, which have resnets"),
            config: config.clone(),
        })
    }

    /// The keys and values of `context` `[b, tokens, cross_attention_dim]`, for all steps of a run.
    pub fn prepare(&self, context: &Tensor) -> Context {
        let down = self.down_blocks.iter().flat_map(|block| block.prepare(context));
        Context::new(down.chain(self.mid_block.prepare(context)).collect())
    }

    /// A picture `[1, h, w, 4]` in 0…1, the fourth channel of any values → its hint
    /// `[1, h/f, w/f, c]`, for all steps of a run.
    pub fn hint(&self, picture: &Tensor) -> Tensor {
        self.embedding.forward(picture)
    }

    /// The number of the UNet's skips, each of which has a residual.
    pub fn skips(&self) -> usize {
        self.zero_convs.len()
    }

    /// What is added to the UNet's skips and to its middle, `[b, h, w, c]` of the batch of the
    /// latents, not yet scaled.
    ///
    /// # Panics
    /// Where the shapes are not the config's and each other's, or the context is another model's.
    pub fn forward(&self, input: &ControlNetInput<'_>) -> Residuals<Tensor> {
        let unet = &self.config.unet;
        let latents = input.latents;
        let [batch, ..] = latents.shape().image();
        let time = (&self.time_embedding, &self.time_emb_proj);
        let shifts = shifts(unet, time, latents, input.timestep, None);
        let hint = match input.hint.shape().image() {
            [of_hint, ..] if of_hint == batch => input.hint.clone(),
            _ => repeated(input.hint, batch),
        };
        let mut x = self.conv_in.forward_onto(latents, &hint);
        drop(hint);
        let all = input.context.key_values();
        let mut zero_convs = self.zero_convs.iter();
        // Each skip is let go as soon as its residual is made.
        let mut residuals = |skips: Vec<Tensor>| -> Vec<Tensor> {
            skips.iter().zip(&mut zero_convs).map(|(skip, conv)| conv.forward(skip)).collect()
        };
        let mut skips = residuals(vec![x.clone()]);
        if input.outermost {
            let (level, branch) = (&unet.levels[0], unet.cache_branch());
            let attentions =
                if level.down_attention { branch * level.transformer_layers } else { 0 };
            let (mut context, mut of_level) =
                (input.context.part(0..attentions, latents), Vec::new());
            let block = &self.down_blocks[0];
            block.forward_layers(0..branch, x, &shifts, &mut context, &mut of_level, None);
            skips.extend(residuals(of_level));
            return Residuals { skips, ..Residuals::default() };
        }
        let mut context = input.context.part(0..all, latents);
        for block in &self.down_blocks {
            let mut of_level = Vec::new();
            x = block.forward(x, &shifts, &mut context, &mut of_level, None);
            skips.extend(residuals(of_level));
        }
        x = self.mid_block.forward(&x, &shifts, &mut context);
        assert!(context.is_used_up(), "the context is another model's");
        Residuals { skips, mid: Some(self.zero_mid.forward(&x)), down: Vec::new() }
    }
}

/// One picture's tensor for all of a batch.
fn repeated(x: &Tensor, batch: usize) -> Tensor {
    Tensor::combine(batch, x.precision(), &[Term::new(1.0, x)])
}
