//! The UNet of Stable Diffusion v1 (diffusers' UNet2DConditionModel) in burn's operations; layers
//! are called by diffusers' names. Norms and activations are those of burn's own modules.

use crate::weights::Weights;
use burn_tensor::activation::{gelu, silu};
use burn_tensor::module::{attention, conv2d, interpolate, layer_norm, linear};
use burn_tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions};
use burn_tensor::{Tensor, TensorData};
use std::collections::HashMap;

const HEADS: usize = 8;
const GROUPS: usize = 32;
const BLOCKS: usize = 4;
const LAYERS: usize = 2;

/// The keys and values of a prompt, by cross-attention's name.
pub type KeysValues = HashMap<String, (Tensor<4>, Tensor<4>)>;

/// The UNet.
pub struct Unet {
    weights: Weights,
}

impl Unet {
    /// The UNet of these weights.
    pub fn new(weights: Weights) -> Self {
        Self { weights }
    }

    /// The keys and values of a prompt `[b, tokens, c]`, which are the same at every step.
    pub fn prepare(&self, context: &Tensor<3>) -> KeysValues {
        let layers = self.weights.names().filter_map(|name| name.strip_suffix(".to_k.weight"));
        let cross = layers.filter(|layer| layer.ends_with(".attn2"));
        cross.map(|at| (at.to_string(), self.keys_values(context.clone(), at))).collect()
    }

    /// The predicted noise of `sample` `[b, 4, h, w]`.
    pub fn forward(&self, sample: Tensor<4>, timestep: f32, prompt: &KeysValues) -> Tensor<4> {
        let temb = self.time(timestep);
        let mut x = self.conv(sample, "conv_in", 1);
        let mut skips = vec![x.clone()];
        for block in 0..BLOCKS {
            let at = format!("down_blocks.{block}");
            for layer in 0..LAYERS {
                x = self.layer(x, &temb, &at, layer, prompt);
                skips.push(x.clone());
            }
            if block + 1 < BLOCKS {
                x = self.conv(x, &format!("{at}.downsamplers.0.conv"), 2);
                skips.push(x.clone());
            }
        }
        x = self.layer(x, &temb, "mid_block", 0, prompt);
        x = self.resnet(x, &temb, "mid_block.resnets.1");
        for block in 0..BLOCKS {
            let at = format!("up_blocks.{block}");
            for layer in 0..=LAYERS {
                let skip = skips.pop().expect("a skip for every layer");
                x = self.layer(Tensor::cat(vec![x, skip], 1), &temb, &at, layer, prompt);
            }
            if block + 1 < BLOCKS {
                let nearest = InterpolateOptions::new(InterpolateMode::Nearest);
                x = interpolate(x, nearest.with_scale_factor([2.0, 2.0]));
                x = self.conv(x, &format!("{at}.upsamplers.0.conv"), 1);
            }
        }
        let x = silu(self.group_norm(x, "conv_norm_out", 1e-5));
        self.conv(x, "conv_out", 1)
    }

    /// A resnet and, where there is one, its transformer.
    fn layer(
        &self,
        x: Tensor<4>,
        temb: &Tensor<2>,
        block: &str,
        layer: usize,
        prompt: &KeysValues,
    ) -> Tensor<4> {
        let x = self.resnet(x, temb, &format!("{block}.resnets.{layer}"));
        let at = format!("{block}.attentions.{layer}");
        match self.weights.kernel(&format!("{at}.proj_in")) {
            Some(_) => self.transformer(x, &at, prompt),
            None => x,
        }
    }

    /// SiLU of the timestep's embedding, `[1, c]`, as every resnet takes it.
    fn time(&self, timestep: f32) -> Tensor<2> {
        let [width, _] = self.weights.matrix("time_embedding.linear_1").dims();
        let half = width / 2;
        let angle = |i: usize| timestep * (-(10_000f32.ln()) * i as f32 / half as f32).exp();
        let cos = (0..half).map(|i| angle(i).cos());
        let waves: Vec<f32> = cos.chain((0..half).map(|i| angle(i).sin())).collect();
        let waves = Tensor::from_data(TensorData::new(waves, [1, width]), self.weights.device());
        let hidden = silu(self.linear::<2>(waves, "time_embedding.linear_1"));
        silu(self.linear(hidden, "time_embedding.linear_2"))
    }

    fn resnet(&self, x: Tensor<4>, temb: &Tensor<2>, at: &str) -> Tensor<4> {
        let hidden = silu(self.group_norm(x.clone(), &format!("{at}.norm1"), 1e-5));
        let hidden = self.conv(hidden, &format!("{at}.conv1"), 1);
        let temb = self.linear(temb.clone(), &format!("{at}.time_emb_proj"));
        let [_, channels] = temb.dims();
        let hidden = hidden + temb.reshape([1, channels, 1, 1]);
        let hidden = silu(self.group_norm(hidden, &format!("{at}.norm2"), 1e-5));
        let hidden = self.conv(hidden, &format!("{at}.conv2"), 1);
        let shortcut = format!("{at}.conv_shortcut");
        match self.weights.kernel(&shortcut) {
            Some(_) => self.conv(x, &shortcut, 1) + hidden,
            None => x + hidden,
        }
    }

    fn transformer(&self, x: Tensor<4>, at: &str, prompt: &KeysValues) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let hidden = self.group_norm(x.clone(), &format!("{at}.norm"), 1e-6);
        let hidden = self.conv(hidden, &format!("{at}.proj_in"), 1);
        let mut hidden = hidden.reshape([b, c, h * w]).swap_dims(1, 2);
        let block = format!("{at}.transformer_blocks.0");
        let normed = self.layer_norm(hidden.clone(), &format!("{block}.norm1"));
        let own = self.keys_values(normed.clone(), &format!("{block}.attn1"));
        hidden = hidden + self.attend(normed, own, &format!("{block}.attn1"));
        let normed = self.layer_norm(hidden.clone(), &format!("{block}.norm2"));
        let cross = format!("{block}.attn2");
        hidden = hidden + self.attend(normed, prompt[&cross].clone(), &cross);
        let normed = self.layer_norm(hidden.clone(), &format!("{block}.norm3"));
        let halves = self.linear(normed, &format!("{block}.ff.net.0.proj")).chunk(2, 2);
        let [value, gate] = halves.try_into().expect("two halves");
        hidden = hidden + self.linear(value * gelu(gate), &format!("{block}.ff.net.2"));
        let hidden = hidden.swap_dims(1, 2).reshape([b, c, h, w]);
        self.conv(hidden, &format!("{at}.proj_out"), 1) + x
    }

    fn keys_values(&self, x: Tensor<3>, at: &str) -> (Tensor<4>, Tensor<4>) {
        let keys = heads(self.linear(x.clone(), &format!("{at}.to_k")));
        (keys, heads(self.linear(x, &format!("{at}.to_v"))))
    }

    fn attend(&self, x: Tensor<3>, (k, v): (Tensor<4>, Tensor<4>), at: &str) -> Tensor<3> {
        let shape = x.dims();
        let q = heads(self.linear(x, &format!("{at}.to_q")));
        let out = attention(q, k, v, None, None, Default::default());
        self.linear(out.swap_dims(1, 2).reshape(shape), &format!("{at}.to_out.0"))
    }

    fn linear<const D: usize>(&self, x: Tensor<D>, at: &str) -> Tensor<D> {
        linear(x, self.weights.matrix(at), self.weights.bias(at))
    }

    /// A convolution with half a kernel of padding.
    fn conv(&self, x: Tensor<4>, at: &str, stride: usize) -> Tensor<4> {
        let kernel = self.weights.kernel(at).expect("the layer is there");
        let padding = kernel.dims()[2] / 2;
        let options = ConvOptions::new([stride; 2], [padding; 2], [1; 2], 1);
        conv2d(x, kernel, self.weights.bias(at), options)
    }

    fn layer_norm(&self, x: Tensor<3>, at: &str) -> Tensor<3> {
        let weight = self.weights.vector(&format!("{at}.weight"));
        layer_norm(x, weight, self.weights.bias(at), 1e-5)
    }

    fn group_norm(&self, x: Tensor<4>, at: &str, eps: f64) -> Tensor<4> {
        let [b, c, h, w] = x.dims();
        let x = x.reshape([b, GROUPS, c / GROUPS * h * w]);
        let mean = x.clone().mean_dim(2);
        let x = x - mean;
        let variance = x.clone().square().mean_dim(2);
        let x = (x / (variance + eps).sqrt()).reshape([b, c, h, w]);
        let affine = |end: &str| self.weights.vector(&format!("{at}.{end}")).reshape([1, c, 1, 1]);
        x * affine("weight") + affine("bias")
    }
}

/// `[b, n, c]` to `[b, heads, n, c / heads]`.
fn heads(x: Tensor<3>) -> Tensor<4> {
    let [b, n, c] = x.dims();
    x.reshape([b, n, HEADS, c / HEADS]).swap_dims(1, 2)
}
