//! RRDBNet: residual blocks of dense blocks.
//!
//! ```text
//! dense(x):  xₖ = lrelu(convₖ(x, x₁, …, xₖ₋₁)), k = 1…4;  x + 0.2 · conv₅(x, x₁, …, x₄)
//! block(x):  x + 0.2 · dense(dense(dense(x)))
//! f = conv_first(picture);  f = f + conv_body(blocks(f))
//! each doubling:  f = lrelu(conv_up(nearest ×2 of f))
//! conv_last(lrelu(conv_hr(f)))
//! ```

use crate::activation::Activation;
use crate::error::Result;
use crate::models::upscaler::config::UpscalerConfig;
use crate::nn::{Conv2d, Scope};
use crate::ops::Term;
use crate::tensor::Tensor;

/// What a block adds to its input counts so much.
const SHARE: f32 = 0.2;
const DENSE: usize = 3;
const CONVS: usize = 5;
const PICTURE: usize = 3;

/// BasicSR: `RRDBNet`.
pub(super) struct Rrdb {
    first: Conv2d,
    blocks: Vec<[Dense; DENSE]>,
    body: Conv2d,
    ups: Vec<Conv2d>,
    high: Conv2d,
    last: Conv2d,
}

/// BasicSR: `ResidualDenseBlock`.
struct Dense {
    convs: [Conv2d; CONVS],
}

impl Rrdb {
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub(super) fn new(
        root: &Scope,
        config: &UpscalerConfig,
        [blocks, growth, ups]: [usize; 3],
    ) -> Result<Rrdb> {
        let c = config.features;
        let takes = PICTURE * config.unshuffle * config.unshuffle;
        let conv = |name: &str| Conv2d::new(&root.at(name), c, c, 3);
        let block = |i: usize| {
            let dense =
                |j: usize| Dense::new(&root.at("body").at(i).at(format!("rdb{j}")), c, growth);
            Ok([dense(1)?, dense(2)?, dense(3)?])
        };
        Ok(Rrdb {
            first: Conv2d::new(&root.at("conv_first"), takes, c, 3)?,
            blocks: (0..blocks).map(block).collect::<Result<_>>()?,
            body: conv("conv_body")?,
            ups: (1..=ups).map(|i| conv(&format!("conv_up{i}"))).collect::<Result<_>>()?,
            high: conv("conv_hr")?,
            last: Conv2d::new(&root.at("conv_last"), c, PICTURE, 3)?,
        })
    }

    /// `[1, h, w, 4]` in 0…1 → `[1, 2^ups·h, 2^ups·w, 4]`.
    pub(super) fn forward(&self, picture: &Tensor) -> Tensor {
        let first = self.first.forward(picture);
        let mut x = first.clone();
        for block in &self.blocks {
            let inner = block.iter().fold(x.clone(), |x, dense| dense.forward(&x));
            x = onto(&x, &inner);
            x.gpu().trim();
        }
        x = self.body.forward_onto(&x, &first);
        drop(first);
        for up in &self.ups {
            x = up.forward_doubled_activated(&x, Activation::LeakyRelu);
            // The next tensors are four times as large.
            x.gpu().trim();
        }
        x = self.high.forward_activated(&x, Activation::LeakyRelu);
        self.last.forward(&x)
    }
}

impl Dense {
    fn new(scope: &Scope, c: usize, growth: usize) -> Result<Dense> {
        let conv = |i: usize, n: usize| {
            Conv2d::new(&scope.at(format!("conv{}", i + 1)), c + i * growth, n, 3)
        };
        let convs = [conv(0, growth)?, conv(1, growth)?, conv(2, growth)?, conv(3, growth)?];
        let [a, b, d, e] = convs;
        Ok(Dense { convs: [a, b, d, e, conv(4, c)?] })
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        let (last, convs) = self.convs.split_last().expect("there are five");
        let mut all = x.clone();
        for conv in convs {
            let more = conv.forward_activated(&all, Activation::LeakyRelu);
            all = all.concat(&more);
        }
        onto(x, &last.forward(&all))
    }
}

/// `x + 0.2 · more`
fn onto(x: &Tensor, more: &Tensor) -> Tensor {
    let terms = [Term::new(1.0, x), Term::new(SHARE, more)];
    Tensor::combine(1, x.precision(), &terms)
}
