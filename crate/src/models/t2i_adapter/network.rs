//! The network, from a picture to the features of every level.

use super::config::T2iAdapterConfig;
use crate::activation::Activation;
use crate::error::Result;
use crate::nn::{Conv2d, Linear, Scope};
use crate::tensor::Tensor;

/// A T2I-Adapter. diffusers: `FullAdapter`.
pub struct T2iAdapter {
    conv_in: Conv2d,
    body: Vec<Level>,
}

/// A level. diffusers: `AdapterBlock`.
struct Level {
    /// Whether height and width are halved first.
    halves: bool,
    in_conv: Option<Linear>,
    resnets: Vec<(Conv2d, Linear)>,
}

impl T2iAdapter {
    /// From the root of a checkpoint with diffusers' names.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(root: &Scope, config: &T2iAdapterConfig) -> Result<T2iAdapter> {
        let (scope, channels) = (root.at("adapter"), &config.channels);
        let inputs = config.in_channels * config.factor * config.factor;
        let level = |i: usize| {
            let (scope, c) = (scope.at("body").at(i), channels[i]);
            let from = channels[i.saturating_sub(1)];
            let resnet = |j: usize| {
                let scope = scope.at("resnets").at(j);
                let block2 = Linear::pointwise(&scope.at("block2"), c, c)?;
                Ok((Conv2d::new(&scope.at("block1"), c, c, 3)?, block2))
            };
            let in_conv = || Linear::pointwise(&scope.at("in_conv"), from, c);
            Ok(Level {
                halves: i > 0,
                in_conv: (from != c).then(in_conv).transpose()?,
                resnets: (0..config.num_res_blocks).map(resnet).collect::<Result<_>>()?,
            })
        };
        Ok(T2iAdapter {
            conv_in: Conv2d::new(&scope.at("conv_in"), inputs, channels[0], 3)?,
            body: (0..channels.len()).map(level).collect::<Result<_>>()?,
        })
    }

    /// A picture `[1, h, w, in_channels · factor²]` in 0…1, whose pixels are channels, in the order
    /// of torch's `PixelUnshuffle` → the features of each level, `[1, ⌈h/2ⁱ⌉, ⌈w/2ⁱ⌉, c]`.
    pub fn forward(&self, picture: &Tensor) -> Vec<Tensor> {
        let mut x = self.conv_in.forward(picture);
        let level = |level: &Level| {
            x = level.forward(x.clone());
            x.clone()
        };
        self.body.iter().map(level).collect()
    }
}

impl Level {
    /// `x` `[1, h, w, c_in]` → `[1, h', w', c]`.
    fn forward(&self, mut x: Tensor) -> Tensor {
        if self.halves {
            x = x.average_pool();
        }
        if let Some(in_conv) = &self.in_conv {
            x = in_conv.forward(&x);
        }
        for (block1, block2) in &self.resnets {
            let h = block1.forward_activated(&x, Activation::Relu);
            x = block2.forward_onto(&h, &x);
        }
        x
    }
}
