//! Upscalers of the ESRGAN family on candle; the formulas stand in [`crate::models::upscaler`].

use super::CHECKED;
use super::encoder::activate;
use super::weights::Weights;
use crate::error::Result;
use crate::models::upscaler::{UpscalerConfig, UpscalerKind};
use crate::models::vae::VaeConfig;
use crate::ops::Activation;
use candle_core::Tensor;
use candle_nn::ops::{pixel_shuffle, pixel_unshuffle};
use candle_nn::{Conv2d, Conv2dConfig, Module, PReLU, VarBuilder, conv2d, prelu};

const SAME: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };
/// What a block adds to its input counts so much.
const SHARE: f64 = 0.2;

/// BasicSR: `RRDBNet` or `SRVGGNetCompact`.
pub struct Upscaler {
    unshuffle: usize,
    layers: Layers,
}

enum Layers {
    Rrdb(Box<Rrdb>),
    Compact { layers: Vec<(Conv2d, PReLU)>, last: Conv2d, factor: usize },
}

struct Rrdb {
    first: Conv2d,
    /// Three dense blocks of five convolutions each.
    blocks: Vec<[[Conv2d; 5]; 3]>,
    body: Conv2d,
    ups: Vec<Conv2d>,
    high: Conv2d,
    last: Conv2d,
}

impl Upscaler {
    /// From the weights of a file with BasicSR's names.
    ///
    /// # Errors
    /// [`Error::BadFile`](crate::Error::BadFile) for weights that do not fit the config.
    pub fn new(config: &UpscalerConfig, weights: Weights) -> Result<Upscaler> {
        let UpscalerConfig { features, unshuffle, kind } = config.clone();
        let layers = weights.build(|vars| match kind {
            UpscalerKind::Rrdb { blocks, growth, ups } => {
                let takes = VaeConfig::PICTURE * unshuffle * unshuffle;
                let rrdb = Rrdb::new(&vars, takes, features, [blocks, growth, ups])?;
                Ok(Layers::Rrdb(Box::new(rrdb)))
            }
            UpscalerKind::Compact { convs, factor } => compact(&vars, features, [convs, factor]),
        })?;
        Ok(Upscaler { unshuffle, layers })
    }

    /// A picture `[1, 3, h, w]` in 0…1 → `[1, 3, factor·h, factor·w]`. The sides must be multiples
    /// of the config's `unshuffle`. `between` is awaited between layers, which may take seconds
    /// each; its error ends the run.
    ///
    /// # Errors
    /// Those of `between`.
    pub async fn forward(
        &self,
        picture: &Tensor,
        between: impl AsyncFn() -> Result<()>,
    ) -> Result<Tensor> {
        match &self.layers {
            Layers::Rrdb(rrdb) => {
                let squares = pixel_unshuffle(picture, self.unshuffle).expect(CHECKED);
                rrdb.forward(&squares, between).await
            }
            Layers::Compact { layers, last, factor } => {
                let mut x = picture.clone();
                for (conv, act) in layers {
                    between().await?;
                    x = x.apply(conv).and_then(|x| act.forward(&x)).expect(CHECKED);
                }
                let finish = || {
                    let (_, _, h, w) = picture.dims4()?;
                    let own = picture.upsample_nearest2d(h * factor, w * factor)?;
                    pixel_shuffle(&x.apply(last)?, *factor)? + own
                };
                Ok(finish().expect(CHECKED))
            }
        }
    }
}

fn compact(
    root: &VarBuilder<'_>,
    c: usize,
    [convs, factor]: [usize; 2],
) -> candle_core::Result<Layers> {
    let body = root.pp("body");
    let layer = |i: usize| {
        let takes = if i == 0 { VaeConfig::PICTURE } else { c };
        let act = prelu(Some(c), body.pp(2 * i + 1))?;
        Ok((conv2d(takes, c, 3, SAME, body.pp(2 * i))?, act))
    };
    let layers = (0..=convs).map(layer).collect::<candle_core::Result<_>>()?;
    let gives = VaeConfig::PICTURE * factor * factor;
    let last = conv2d(c, gives, 3, SAME, body.pp(2 * convs + 2))?;
    Ok(Layers::Compact { layers, last, factor })
}

impl Rrdb {
    fn new(
        root: &VarBuilder<'_>,
        takes: usize,
        c: usize,
        [blocks, growth, ups]: [usize; 3],
    ) -> candle_core::Result<Rrdb> {
        let conv = |name: &str| conv2d(c, c, 3, SAME, root.pp(name));
        let dense = |i: usize, j: usize| -> candle_core::Result<_> {
            let scope = root.pp("body").pp(i).pp(format!("rdb{j}"));
            let conv = |k: usize, n: usize| {
                conv2d(c + (k - 1) * growth, n, 3, SAME, scope.pp(format!("conv{k}")))
            };
            let [a, b, d] = [conv(1, growth)?, conv(2, growth)?, conv(3, growth)?];
            Ok([a, b, d, conv(4, growth)?, conv(5, c)?])
        };
        let block = |i: usize| Ok([dense(i, 1)?, dense(i, 2)?, dense(i, 3)?]);
        Ok(Rrdb {
            first: conv2d(takes, c, 3, SAME, root.pp("conv_first"))?,
            blocks: (0..blocks).map(block).collect::<candle_core::Result<_>>()?,
            body: conv("conv_body")?,
            ups: (1..=ups)
                .map(|i| conv(&format!("conv_up{i}")))
                .collect::<candle_core::Result<_>>()?,
            high: conv("conv_hr")?,
            last: conv2d(c, VaeConfig::PICTURE, 3, SAME, root.pp("conv_last"))?,
        })
    }

    async fn forward(
        &self,
        picture: &Tensor,
        between: impl AsyncFn() -> Result<()>,
    ) -> Result<Tensor> {
        let first = picture.apply(&self.first).expect(CHECKED);
        let mut x = first.clone();
        for block in &self.blocks {
            let mut inner = x.clone();
            for convs in block {
                between().await?;
                inner = dense(convs, &inner).expect(CHECKED);
            }
            x = (inner * SHARE).and_then(|more| x + more).expect(CHECKED);
        }
        x = x.apply(&self.body).and_then(|x| x + first).expect(CHECKED);
        for up in &self.ups {
            between().await?;
            x = doubled(up, &x).expect(CHECKED);
        }
        between().await?;
        let high = x.apply(&self.high).and_then(|x| activate(Activation::LeakyRelu, &x));
        Ok(high.and_then(|x| x.apply(&self.last)).expect(CHECKED))
    }
}

fn doubled(conv: &Conv2d, x: &Tensor) -> candle_core::Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let x = x.upsample_nearest2d(2 * h, 2 * w)?;
    activate(Activation::LeakyRelu, &x.apply(conv)?)
}

/// BasicSR: `ResidualDenseBlock`.
fn dense([a, b, c, d, last]: &[Conv2d; 5], x: &Tensor) -> candle_core::Result<Tensor> {
    let mut all = x.clone();
    for conv in [a, b, c, d] {
        let more = activate(Activation::LeakyRelu, &all.apply(conv)?)?;
        all = Tensor::cat(&[&all, &more], 1)?;
    }
    x + (all.apply(last)? * SHARE)?
}
