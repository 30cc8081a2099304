//! A T2I-Adapter on candle.

use super::CHECKED;
use super::weights::Weights;
use crate::models::t2i_adapter::T2iAdapterConfig;
use candle_core::{Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, VarBuilder, conv2d};

const SAME: Conv2dConfig =
    Conv2dConfig { padding: 1, stride: 1, dilation: 1, groups: 1, cudnn_fwd_algo: None };

/// diffusers: `FullAdapter`.
pub struct T2iAdapter {
    conv_in: Conv2d,
    body: Vec<Level>,
}

/// diffusers: `AdapterBlock`; all but the first halve height and width.
struct Level {
    in_conv: Option<Conv2d>,
    resnets: Vec<[Conv2d; 2]>,
}

impl T2iAdapter {
    /// From its weights.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for weights that do not fit the config.
    pub fn open(weights: Weights, config: &T2iAdapterConfig) -> crate::Result<T2iAdapter> {
        weights.build(|vars| T2iAdapter::new(&vars.pp("adapter"), config))
    }

    fn new(vars: &VarBuilder, config: &T2iAdapterConfig) -> Result<T2iAdapter> {
        let channels = &config.channels;
        let inputs = config.in_channels * config.factor * config.factor;
        let point = |from, to, vars| conv2d(from, to, 1, Conv2dConfig::default(), vars);
        let level = |i: usize| {
            let (vars, c) = (vars.pp("body").pp(i), channels[i]);
            let from = channels[i.saturating_sub(1)];
            let resnet = |j: usize| {
                let vars = vars.pp("resnets").pp(j);
                let block1 = conv2d(c, c, 3, SAME, vars.pp("block1"))?;
                Ok([block1, point(c, c, vars.pp("block2"))?])
            };
            let in_conv = (from != c).then(|| point(from, c, vars.pp("in_conv")));
            let resnets = (0..config.num_res_blocks).map(resnet).collect::<Result<_>>()?;
            Ok(Level { in_conv: in_conv.transpose()?, resnets })
        };
        Ok(T2iAdapter {
            conv_in: conv2d(inputs, channels[0], 3, SAME, vars.pp("conv_in"))?,
            body: (0..channels.len()).map(level).collect::<Result<_>>()?,
        })
    }

    /// A picture `[1, in_channels · factor², h, w]` in 0…1, unshuffled → the features of each
    /// level, `[1, c, ⌈h/2ⁱ⌉, ⌈w/2ⁱ⌉]`.
    pub fn forward(&self, picture: &Tensor) -> Vec<Tensor> {
        self.features(picture).expect(CHECKED)
    }

    fn features(&self, picture: &Tensor) -> Result<Vec<Tensor>> {
        let mut x = picture.apply(&self.conv_in)?;
        let mut features = Vec::new();
        for (i, level) in self.body.iter().enumerate() {
            if i > 0 {
                // The average of an odd last row and of itself once more is that of it alone.
                let (_, _, h, w) = x.dims4()?;
                x = x.pad_with_same(2, 0, h % 2)?.pad_with_same(3, 0, w % 2)?.avg_pool2d(2)?;
            }
            if let Some(in_conv) = &level.in_conv {
                x = x.apply(in_conv)?;
            }
            for [block1, block2] in &level.resnets {
                x = (x.apply(block1)?.relu()?.apply(block2)? + x)?;
            }
            features.push(x.clone());
        }
        Ok(features)
    }
}
