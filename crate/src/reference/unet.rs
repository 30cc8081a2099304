//! The UNet on candle: resnets, attentions and time embedding are candle-transformers', assembled
//! here. candle-transformers' own UNet computes the feed-forward layers with an approximate GELU
//! and has 32 groups in every transformer, and ignores the config's number.

use super::freeu::scaled;
use super::time_embedding::TimeEmbedding;
use super::weights::Weights;
use crate::models::unet::{Cache, Level, Residuals, UnetConfig, UnetInput, UnetOutput};
use candle_core::{D, Result, Tensor};
use candle_nn::{
    Conv2d, Conv2dConfig, GroupNorm, LayerNorm, Linear, Module, VarBuilder, conv2d, group_norm,
    layer_norm, linear, ops,
};
use candle_transformers::models::stable_diffusion::attention::CrossAttention;
use candle_transformers::models::stable_diffusion::resnet::{ResnetBlock2D, ResnetBlock2DConfig};
use std::slice::SliceIndex;

/// diffusers: `UNet2DConditionModel`.
pub struct Unet {
    conv_in: Conv2d,
    time_embedding: TimeEmbedding,
    down: Vec<Block>,
    mid: Vec<ResnetWithTransformer>,
    up: Vec<Block>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    downsample_padding: [usize; 2],
    cache_branch: usize,
}

/// One level of the down or the up path.
pub(super) struct Block {
    layers: Vec<ResnetWithTransformer>,
    /// The convolution that downsamples, or follows the upsampling; the last level has none.
    resampler: Option<Conv2d>,
}

/// A resnet, and the transformer after it where there is attention.
pub(super) struct ResnetWithTransformer {
    resnet: ResnetBlock2D,
    transformer: Option<Transformer>,
}

/// diffusers: `Transformer2DModel`.
struct Transformer {
    norm: GroupNorm,
    proj_in: Linear,
    blocks: Vec<TransformerBlock>,
    proj_out: Linear,
}

/// diffusers: `BasicTransformerBlock`.
struct TransformerBlock {
    norm1: LayerNorm,
    attn1: CrossAttention,
    norm2: LayerNorm,
    attn2: CrossAttention,
    norm3: LayerNorm,
    gate: Linear,
    out: Linear,
}

impl Unet {
    /// From the weights of a UNet.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for weights that do not fit the config.
    pub fn open(weights: Weights, config: &UnetConfig) -> crate::Result<Unet> {
        weights.build(|vars| Unet::new(&vars, config))
    }

    /// # Errors
    /// That of candle for a tensor that is missing or has another shape.
    pub(super) fn new(vars: &VarBuilder, config: &UnetConfig) -> Result<Unet> {
        let levels = &config.levels;
        let (down, mut skips) = down_path(&vars.pp("down_blocks"), config)?;
        let mut c = levels[levels.len() - 1].channels;
        let mid = middle(&vars.pp("mid_block"), config)?;
        let mut up = Vec::new();
        for (i, level) in levels.iter().rev().enumerate() {
            let vars = vars.pp("up_blocks").pp(i);
            let mut layers = Vec::new();
            for j in 0..=level.layers {
                c += skips.pop().expect("as many skips as resnets on the way up");
                layers.push(ResnetWithTransformer::new(
                    &vars,
                    j,
                    c,
                    level,
                    level.up_attention,
                    config,
                )?);
                c = level.channels;
            }
            let doubles = i + 1 < levels.len();
            let resampler = doubles.then(|| resampler(&vars.pp("upsamplers.0.conv"), c, 1, 1));
            up.push(Block { layers, resampler: resampler.transpose()? });
        }
        let (groups, eps) = (config.norm_num_groups, f64::from(config.norm_eps));
        let same = |kernel: usize| Conv2dConfig { padding: kernel / 2, ..Default::default() };
        let (into, out) = (config.conv_in_kernel, config.conv_out_kernel);
        Ok(Unet {
            conv_in: conv2d(config.in_channels, c, into, same(into), vars.pp("conv_in"))?,
            time_embedding: TimeEmbedding::new(&vars.pp("time_embedding"), config)?,
            down,
            mid,
            up,
            conv_norm_out: group_norm(groups, c, eps, vars.pp("conv_norm_out"))?,
            conv_out: conv2d(c, config.out_channels, out, same(out), vars.pp("conv_out"))?,
            downsample_padding: config.downsample_padding,
            cache_branch: config.cache_branch(),
        })
    }

    /// `latents` `[b, c, h, w]`, `context` `[b, tokens, d]` → the prediction
    /// (noise or v), `[b, out_channels, h, w]`.
    ///
    /// # Errors
    /// candle's, where shapes do not fit.
    pub fn forward(&self, input: &UnetInput<'_, Tensor, Tensor>) -> Result<UnetOutput<Tensor>> {
        let (latents, context, residuals) = (input.latents, input.context, input.residuals);
        let (timestep, guidance_scale) = (input.timestep, input.guidance_scale);
        let time = self.time_embedding.forward(timestep, guidance_scale, latents.dim(0)?)?;
        let mut x = match input.extra_channels {
            Some(extra) => self.conv_in.forward(&Tensor::cat(&[latents, extra], 1)?)?,
            None => self.conv_in.forward(latents)?,
        };
        let mut skips = vec![x.clone()];
        let (last, inner) = self.up.split_last().expect("a UNet has levels");
        let first_outermost = last.layers.len() - 1 - self.cache_branch;
        let scales = |index: usize| input.freeu.and_then(|freeu| freeu.of_block(index));
        if let Cache::Reuse(deep) = input.cache {
            let t2i_residual = residuals.and_then(|added| added.down.first());
            let branch = ..self.cache_branch;
            self.down[0].forward_layers(branch, x, &time, context, &mut skips, t2i_residual)?;
            add_to_skips(&mut skips, residuals)?;
            x = deep.clone();
        } else {
            for (level, block) in self.down.iter().enumerate() {
                let t2i_residual = residuals.and_then(|added| added.down.get(level));
                let padding = self.downsample_padding;
                x = block.forward_down(padding, x, &time, context, &mut skips, t2i_residual)?;
            }
            add_to_skips(&mut skips, residuals)?;
            for stage in &self.mid {
                x = stage.forward(&x, &time, context)?;
            }
            if let Some(mid) = residuals.and_then(|added| added.mid.as_ref()) {
                x = (x + mid)?;
            }
            for (index, block) in inner.iter().enumerate() {
                x = forward_up((&block.layers, scales(index)), x, &time, context, &mut skips)?;
                if let (Some(conv), Some(skip)) = (&block.resampler, skips.last()) {
                    let (_, _, h, w) = skip.dims4()?;
                    x = conv.forward(&x.upsample_nearest2d(h, w)?)?;
                }
            }
            let layers = &last.layers[..first_outermost];
            x = forward_up((layers, scales(inner.len())), x, &time, context, &mut skips)?;
        }
        let deep = (!matches!(input.cache, Cache::Off)).then(|| x.clone());
        let layers = &last.layers[first_outermost..];
        x = forward_up((layers, scales(inner.len())), x, &time, context, &mut skips)?;
        let sample = self.conv_out.forward(&ops::silu(&self.conv_norm_out.forward(&x)?)?)?;
        Ok(UnetOutput { sample, deep })
    }
}

impl Block {
    /// The level of the down path, with so many zeros before and after at its downsampling; every
    /// output is kept as a skip.
    ///
    /// # Errors
    /// candle's, for tensors that are missing or of another shape.
    pub(super) fn forward_down(
        &self,
        [before, after]: [usize; 2],
        mut x: Tensor,
        time: &Tensor,
        context: &Tensor,
        skips: &mut Vec<Tensor>,
        t2i_residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        x = self.forward_layers(.., x, time, context, skips, t2i_residual)?;
        if let Some(conv) = &self.resampler {
            let padded = x.pad_with_zeros(D::Minus1, before, after)?;
            x = conv.forward(&padded.pad_with_zeros(D::Minus2, before, after)?)?;
            skips.push(x.clone());
        }
        if let Some(t2i_residual) = t2i_residual.filter(|_| !self.attends()) {
            x = (x + t2i_residual)?;
            *skips.last_mut().expect("a level has resnets") = x.clone();
        }
        Ok(x)
    }

    /// Whether there is a transformer after every resnet.
    fn attends(&self) -> bool {
        self.layers.iter().all(|stage| stage.transformer.is_some())
    }

    /// Some layers of a level of the down path; every output is kept as a skip.
    ///
    /// # Errors
    /// candle's, for tensors that are missing or of another shape.
    pub(super) fn forward_layers(
        &self,
        layers: impl SliceIndex<[ResnetWithTransformer], Output = [ResnetWithTransformer]>,
        mut x: Tensor,
        time: &Tensor,
        context: &Tensor,
        skips: &mut Vec<Tensor>,
        t2i_residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        for (i, stage) in self.layers[layers].iter().enumerate() {
            x = stage.forward(&x, time, context)?;
            let last = i + 1 == self.layers.len() && self.attends();
            if let Some(t2i_residual) = t2i_residual.filter(|_| last) {
                x = (x + t2i_residual)?;
            }
            skips.push(x.clone());
        }
        Ok(x)
    }
}

/// Adds a ControlNet's residuals to the skips. When only the outermost layers are evaluated,
/// `skips` has only the first of them.
fn add_to_skips(skips: &mut [Tensor], residuals: Option<&Residuals<Tensor>>) -> Result<()> {
    let added = residuals.map_or(&[][..], |residuals| &residuals.skips);
    assert!(added.is_empty() || added.len() >= skips.len(), "residuals of another UNet");
    for (skip, added) in skips.iter_mut().zip(added) {
        *skip = (&*skip + added)?;
    }
    Ok(())
}

/// Layers of the up path, each with a skip, and what FreeU scales there.
fn forward_up(
    (layers, freeu): (&[ResnetWithTransformer], Option<[f32; 2]>),
    mut x: Tensor,
    time: &Tensor,
    context: &Tensor,
    skips: &mut Vec<Tensor>,
) -> Result<Tensor> {
    for stage in layers {
        let skip = skips.pop().expect("as many skips as resnets on the way up");
        let [below, skip] = match freeu {
            Some(scales) => scaled(x, &skip, scales)?,
            None => [x, skip],
        };
        x = stage.forward(&Tensor::cat(&[&below, &skip], 1)?, time, context)?;
    }
    Ok(x)
}

/// The levels of the down path, and the channels of all skips, from the first convolution on.
///
/// # Errors
/// candle's, for tensors that are missing or of another shape.
pub(super) fn down_path(
    vars: &VarBuilder,
    config: &UnetConfig,
) -> Result<(Vec<Block>, Vec<usize>)> {
    let mut c = config.levels[0].channels;
    let (mut down, mut skips) = (Vec::new(), vec![c]);
    for (i, level) in config.levels.iter().enumerate() {
        let vars = vars.pp(i);
        let mut layers = Vec::new();
        for j in 0..level.layers {
            let attends = level.down_attention;
            layers.push(ResnetWithTransformer::new(&vars, j, c, level, attends, config)?);
            c = level.channels;
            skips.push(c);
        }
        let halves = i + 1 < config.levels.len();
        let resampler = halves.then(|| resampler(&vars.pp("downsamplers.0.conv"), c, 0, 2));
        skips.extend(halves.then_some(c));
        down.push(Block { layers, resampler: resampler.transpose()? });
    }
    Ok((down, skips))
}

/// The resnets of the middle, if there is one, with the transformer between them.
///
/// # Errors
/// candle's, for tensors that are missing or of another shape.
pub(super) fn middle(vars: &VarBuilder, config: &UnetConfig) -> Result<Vec<ResnetWithTransformer>> {
    let last = config.levels.last().expect("a UNet has levels");
    let stage =
        |i, attends| ResnetWithTransformer::new(vars, i, last.channels, last, attends, config);
    if config.mid_block { Ok(vec![stage(0, true)?, stage(1, false)?]) } else { Ok(Vec::new()) }
}

fn resampler(vars: &VarBuilder, c: usize, padding: usize, stride: usize) -> Result<Conv2d> {
    conv2d(c, c, 3, Conv2dConfig { padding, stride, ..Default::default() }, vars.clone())
}

impl ResnetWithTransformer {
    /// The `index`-th resnet (and transformer) of a block, from `c_in` channels.
    fn new(
        vars: &VarBuilder,
        index: usize,
        c_in: usize,
        level: &Level,
        attends: bool,
        config: &UnetConfig,
    ) -> Result<ResnetWithTransformer> {
        let resnet = ResnetBlock2DConfig {
            out_channels: Some(level.channels),
            temb_channels: Some(config.time_embed_dim),
            groups: config.norm_num_groups,
            eps: f64::from(config.norm_eps),
            ..Default::default()
        };
        let transformer =
            attends.then(|| Transformer::new(&vars.pp("attentions").pp(index), level, config));
        Ok(ResnetWithTransformer {
            resnet: ResnetBlock2D::new(vars.pp("resnets").pp(index), c_in, resnet)?,
            transformer: transformer.transpose()?,
        })
    }

    /// # Errors
    /// candle's, for tensors that are missing or of another shape.
    pub(super) fn forward(&self, x: &Tensor, time: &Tensor, context: &Tensor) -> Result<Tensor> {
        let x = self.resnet.forward(x, Some(time))?;
        self.transformer.as_ref().map_or(Ok(x.clone()), |layer| layer.forward(&x, context))
    }
}

impl Transformer {
    fn new(vars: &VarBuilder, level: &Level, config: &UnetConfig) -> Result<Transformer> {
        let c = level.channels;
        // The weights of a 1×1 convolution are those of a linear layer.
        let proj = |name: &str| {
            let vars = vars.pp(name);
            let weight = vars.get_unchecked("weight")?.reshape((c, c))?;
            Ok::<_, candle_core::Error>(Linear::new(weight, Some(vars.get(c, "bias")?)))
        };
        let blocks = vars.pp("transformer_blocks");
        Ok(Transformer {
            // 1e-6, not the config's norm_eps, as in diffusers' `Transformer2DModel`.
            norm: group_norm(config.norm_num_groups, c, 1e-6, vars.pp("norm"))?,
            proj_in: proj("proj_in")?,
            blocks: (0..level.transformer_layers)
                .map(|i| TransformerBlock::new(&blocks.pp(i), level, config.cross_attention_dim))
                .collect::<Result<_>>()?,
            proj_out: proj("proj_out")?,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let (b, c, h, w) = x.dims4()?;
        // [b, c, h, w] → [b, h·w, c]
        let tokens = self.norm.forward(x)?.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
        let mut tokens = self.proj_in.forward(&tokens)?;
        for block in &self.blocks {
            tokens = block.forward(&tokens, context)?;
        }
        let planes = self.proj_out.forward(&tokens)?.transpose(1, 2)?.reshape((b, c, h, w))?;
        planes + x
    }
}

impl TransformerBlock {
    fn new(vars: &VarBuilder, level: &Level, context: usize) -> Result<TransformerBlock> {
        let c = level.channels;
        let (heads, width) = (level.heads, c / level.heads);
        let attention = |name: &str, context: Option<usize>| {
            CrossAttention::new(vars.pp(name), c, context, heads, width, None, false)
        };
        Ok(TransformerBlock {
            norm1: layer_norm(c, 1e-5, vars.pp("norm1"))?,
            attn1: attention("attn1", None)?,
            norm2: layer_norm(c, 1e-5, vars.pp("norm2"))?,
            attn2: attention("attn2", Some(context))?,
            norm3: layer_norm(c, 1e-5, vars.pp("norm3"))?,
            gate: linear(c, 8 * c, vars.pp("ff.net.0.proj"))?,
            out: linear(4 * c, c, vars.pp("ff.net.2"))?,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let x = (self.attn1.forward(&self.norm1.forward(x)?, None)? + x)?;
        let x = (self.attn2.forward(&self.norm2.forward(&x)?, Some(context))? + x)?;
        let halves = self.gate.forward(&self.norm3.forward(&x)?)?.chunk(2, D::Minus1)?;
        self.out.forward(&(&halves[0] * halves[1].gelu_erf()?)?)? + x
    }
}
