//! An upscaler of either family, from pixels to pixels: what goes in and out is laid out by the
//! host, where squares of pixels become channels (torch: `pixel_unshuffle`) or channels become
//! squares of pixels (torch: `PixelShuffle`).

use super::compact::Compact;
use super::config::{UpscalerConfig, UpscalerKind};
use super::rrdb::Rrdb;
use crate::dtype::Precision;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::nn::Scope;
use crate::tensor::Tensor;

const PICTURE: usize = 3;

/// An upscaler.
pub struct UpscalerNetwork {
    config: UpscalerConfig,
    layers: Layers,
}

enum Layers {
    Rrdb(Box<Rrdb>),
    Compact(Compact),
}

impl UpscalerNetwork {
    /// From the root of a checkpoint with BasicSR's names.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(root: &Scope, config: &UpscalerConfig) -> Result<UpscalerNetwork> {
        let layers = match config.kind {
            UpscalerKind::Rrdb { blocks, growth, ups } => {
                Layers::Rrdb(Box::new(Rrdb::new(root, config, [blocks, growth, ups])?))
            }
            UpscalerKind::Compact { convs, factor } => {
                Layers::Compact(Compact::new(root, config.features, [convs, factor])?)
            }
        };
        Ok(UpscalerNetwork { config: config.clone(), layers })
    }

    /// The sizes.
    pub fn config(&self) -> &UpscalerConfig {
        &self.config
    }

    /// Runs the layers on an empty picture of this width and height, as a dry device does to count.
    pub fn rehearse(&self, gpu: &Gpu, precision: Precision, size: [usize; 2]) {
        let [width, height] = size.map(|side| side.div_ceil(self.config.unshuffle));
        let c = (PICTURE * self.config.unshuffle.pow(2)).next_multiple_of(4);
        drop(self.run(&Tensor::empty(gpu, [1, height, width, c], precision)));
    }

    /// A picture of this width and height, RGB in 0…1, row by row → the same, `factor` times as
    /// wide and high. The sides must be multiples of the config's `unshuffle`. `between` is called
    /// between two submits; its error ends the run.
    ///
    /// # Errors
    /// Those of the device and of `between`.
    pub async fn enlarge(
        &self,
        gpu: &Gpu,
        precision: Precision,
        (pixels, [width, height]): (&[f32], [usize; 2]),
        between: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<f32>> {
        let square = self.config.unshuffle;
        let (values, shape) = squares_to_channels((pixels, [width, height]), square);
        let made = self.run(&Tensor::from_f32(gpu, &values, shape, precision));
        let channels = made.shape().channels();
        gpu.finish_in_parts(between).await?;
        let made = made.to_f32().await?;
        Ok(match self.config.kind {
            UpscalerKind::Rrdb { .. } => {
                made.chunks_exact(4).flat_map(|x| &x[..3]).copied().collect()
            }
            UpscalerKind::Compact { factor, .. } => {
                let of = Squares { width, factor, channels };
                of.to_pixels(&made, pixels)
            }
        })
    }

    fn run(&self, picture: &Tensor) -> Tensor {
        match &self.layers {
            Layers::Rrdb(rrdb) => rrdb.forward(picture),
            Layers::Compact(compact) => compact.forward(picture),
        }
    }
}

/// Squares of this many pixels as channels `[1, h/square, w/square, 3·square²]`, padded to four:
/// colour by colour, row by row of the square.
fn squares_to_channels(
    (pixels, [width, height]): (&[f32], [usize; 2]),
    square: usize,
) -> (Vec<f32>, [usize; 4]) {
    let [wide, high] = [width / square, height / square];
    let c = (PICTURE * square * square).next_multiple_of(4);
    let mut values = vec![0.0; high * wide * c];
    for (i, pixel) in pixels.chunks_exact(PICTURE).enumerate() {
        let (x, y) = (i % width, i / width);
        let place = ((y / square) * wide + x / square) * c;
        let inner = y % square * square + x % square;
        for (colour, value) in pixel.iter().enumerate() {
            values[place + colour * square * square + inner] = *value;
        }
    }
    (values, [1, high, wide, c])
}

/// Channels that are squares of pixels.
struct Squares {
    /// Of the picture before it is enlarged.
    width: usize,
    factor: usize,
    /// With padding.
    channels: usize,
}

impl Squares {
    /// The enlarged picture: the squares, plus each pixel `before` itself.
    fn to_pixels(&self, made: &[f32], before: &[f32]) -> Vec<f32> {
        let Squares { width, factor, channels } = *self;
        let mut pixels = vec![0.0; before.len() * factor * factor];
        for (i, (square, own)) in
            made.chunks_exact(channels).zip(before.chunks_exact(PICTURE)).enumerate()
        {
            let (x, y) = (i % width * factor, i / width * factor);
            for (colour, own) in own.iter().enumerate() {
                for inner in 0..factor * factor {
                    let (dx, dy) = (inner % factor, inner / factor);
                    let place = (y + dy) * width * factor + x + dx;
                    let more = square[colour * factor * factor + inner];
                    pixels[place * PICTURE + colour] = own + more;
                }
            }
        }
        pixels
    }
}
