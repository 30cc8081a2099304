//! Enlarges pictures by a network of the ESRGAN family, in tiles that fit in memory.
//!
//! ```text
//! file → names and sizes → network on the GPU
//! picture → tiles with borders → network → squares without borders → picture
//! ```
//!
//! A tile's border is read and thrown away, because near an edge the network knows less. The size
//! of the tiles is the largest of some whose dry run in f32 keeps the budget of memory: a tile
//! whose numbers outgrow f16 is made again in f32.

use super::control::{Control, Progress};
use super::engine::{LoadTarget, Pending};
use crate::dtype::{Precision, WeightType};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::image::{Rgba, Tile, tiles};
use crate::models::upscaler::{UpscalerConfig, UpscalerNetwork};
use crate::nn::Scope;
use crate::weights::{
    Archive, MemorySource, Source, check_for_zeros, read_all, sha256, upscaler_names,
};
use std::rc::Rc;

/// The largest file that is read: RealESRGAN's x4plus has 67 MB.
const BYTES_MAX: u64 = 256 << 20;
/// The longest side of a picture that is made.
const SIDE_MAX: u32 = 16_384;
/// Bytes of the GPU that all of it may take, unless told otherwise.
const MEMORY: u64 = 600_000_000;
/// Sides of tiles, in pixels of the small picture; multiples of every `unshuffle`.
const TILES: [u32; 8] = [512, 384, 256, 192, 160, 128, 96, 64];
/// Pixels around a tile that are read too. Real-ESRGAN's own program has 10.
const BORDER: u32 = 16;
/// The keyword of a PNG's text about what was done to a finished picture; as in AUTOMATIC1111's web
/// UI.
const POSTPROCESSING: &str = "postprocessing";
/// Its name in progress events.
const PART: &str = "upscaler";

/// How an upscaler is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpscalerOptions {
    /// How activations are stored.
    pub precision: Precision,
    /// How weights are stored; as in the file where `None`.
    pub weights: Option<WeightType>,
    /// Bytes of the GPU that all of it may take; 600 MB where `None`.
    pub memory: Option<u64>,
}

/// An upscaler with its weights on the GPU.
pub struct Upscaler {
    gpu: Gpu,
    options: UpscalerOptions,
    archive: Rc<Archive>,
    network: UpscalerNetwork,
    name: String,
    sha256: String,
}

impl Upscaler {
    /// Opens the file `path`, of torch or safetensors.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a file that is damaged or no upscaler of a known family; those of the
    /// source and the device; a cancel.
    pub async fn open(
        gpu: &Gpu,
        (source, path): (&dyn Source, &str),
        options: UpscalerOptions,
        control: &Control,
    ) -> Result<Upscaler> {
        let file = MemorySource::new(path, read_all(source, path, BYTES_MAX).await?);
        let archive = Rc::new(upscaler_names(&Archive::open(&file, path).await?));
        let config = UpscalerConfig::of(&archive)?;
        check_for_zeros(&file, &archive).await?;
        let build = |scope: &Scope| UpscalerNetwork::new(scope, &config);
        let pending = Pending::new(gpu, PART, &archive, options.weights, build)?;
        let target = LoadTarget { gpu, source: &file, control };
        let network = pending.load_alone(&target).await?;
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name).to_owned();
        let (gpu, sha256) = (gpu.clone(), sha256(file.bytes()));
        Ok(Upscaler { gpu, options, archive, network, name, sha256 })
    }

    /// How many times as wide and high pictures become.
    pub fn factor(&self) -> u32 {
        self.network.config().factor() as u32
    }

    /// The name of its file without folders and extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The texts of a PNG, with what enlarged the picture beside its request, as AUTOMATIC1111's
    /// web UI writes it.
    pub fn texts(&self, texts: &[(String, String)]) -> Vec<(String, String)> {
        let (factor, name, hash) = (self.factor(), &self.name, &self.sha256[..10]);
        let said = format!(
            "Postprocess upscale by: {factor}, Postprocess upscaler: {name}, Upscaler hash: {hash}"
        );
        let mut texts = texts.to_vec();
        texts.retain(|(key, _)| key != POSTPROCESSING);
        texts.push((POSTPROCESSING.into(), said));
        texts
    }

    /// The side of the tiles of a picture of this size, and the bytes of the GPU at the peak, its
    /// weights included.
    ///
    /// # Errors
    /// [`Error::GpuLimit`] where not even the smallest tile fits the adapter.
    pub async fn plan(&self, size: [u32; 2]) -> Result<(u32, u64)> {
        let (precision, limits) = (Precision::F32, self.gpu.limits());
        let budget = self.options.memory.unwrap_or(MEMORY);
        let [longest, shortest] = [size[0].max(size[1]), size[0].min(size[1])];
        let (mut refused, mut last) = (None, None);
        for (i, side) in TILES.into_iter().enumerate() {
            // A larger tile than the picture is the picture.
            if TILES.get(i + 1).is_some_and(|next| longest <= *next) {
                continue;
            }
            let gpu = self.gpu.dry_twin(limits, false);
            let scope = Scope::open(&gpu, Rc::clone(&self.archive), self.options.weights);
            let network = UpscalerNetwork::new(&scope, self.network.config())?;
            let tile = [side.min(longest), side.min(shortest)].map(|side| side as usize);
            network.rehearse(&gpu, precision, tile);
            match gpu.finish().await {
                Ok(()) => last = Some((side, gpu.stats().bytes_peak)),
                Err(error) => refused = Some(error),
            }
            if last.is_some_and(|(_, peak)| peak <= budget) {
                break;
            }
        }
        // Beyond the budget, the smallest tile is what takes the least.
        last.ok_or_else(|| refused.expect("a tile that has no peak was refused"))
    }

    /// The picture, `factor` times as wide and high. Its opacity is enlarged bicubically.
    ///
    /// # Errors
    /// [`Error::Request`] for a picture that would become too large; [`Error::GpuLimit`];
    /// [`Error::NotFinite`] for weights that give no numbers; a cancel; those of the device.
    pub async fn enlarge(&self, picture: &Rgba, control: &Control) -> Result<Rgba> {
        let [width, height] = [picture.width(), picture.height()];
        let factor = self.factor();
        let sides = [width, height].map(|side| side.saturating_mul(factor));
        if sides.contains(&0) || sides.iter().any(|side| *side > SIDE_MAX) {
            let reason = format!(
                "of {width}×{height} pixels would become {}×{}; at most {SIDE_MAX} a side are made",
                sides[0], sides[1]
            );
            return Err(Error::Request { field: "picture", reason });
        }
        let whole = picture.reflected_to(self.network.config().unshuffle as u32);
        let size = [whole.width(), whole.height()];
        let (side, _) = self.plan(size).await?;
        let all = tiles(size, side, BORDER);
        let mut made = Canvas::new(sides, factor);
        for (done, tile) in all.iter().enumerate() {
            control.check()?;
            control.report(Progress::Enlarging { done, total: all.len() });
            made.paste(tile, &self.tile(&whole, tile).await?);
        }
        control.report(Progress::Enlarging { done: all.len(), total: all.len() });
        self.gpu.trim();
        Ok(made.finish(picture))
    }

    /// A tile, enlarged: RGB in 0…1, row by row. In f32 where activations outgrow f16.
    async fn tile(&self, picture: &Rgba, tile: &Tile) -> Result<Vec<f32>> {
        let [columns, rows] = &tile.read;
        let row = |y: u32| {
            let first = (y * picture.width() + columns.start) as usize;
            &picture.pixels().as_chunks::<4>().0[first..first + columns.len()]
        };
        let colours = |pixel: &[u8; 4]| [0, 1, 2].map(|i| f32::from(pixel[i]) / 255.0);
        let pixels: Vec<f32> = rows.clone().flat_map(row).flat_map(colours).collect();
        let size = [columns.len(), rows.len()];
        let mut made =
            self.network.enlarge(&self.gpu, self.options.precision, (&pixels, size)).await?;
        if !is_finite(&made) {
            let kept = self.gpu.keep_range(true);
            let again = self.network.enlarge(&self.gpu, Precision::F32, (&pixels, size)).await;
            self.gpu.keep_range(kept);
            made = again?;
        }
        if is_finite(&made) { Ok(made) } else { Err(Error::NotFinite { step: 0 }) }
    }
}

fn is_finite(numbers: &[f32]) -> bool {
    numbers.iter().all(|x| x.is_finite())
}

/// The enlarged picture while its tiles come.
struct Canvas {
    size: [u32; 2],
    factor: u32,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(size: [u32; 2], factor: u32) -> Canvas {
        let bytes = 4 * size[0] as usize * size[1] as usize;
        Canvas { size, factor, pixels: vec![u8::MAX; bytes] }
    }

    /// Writes what is kept of a tile, as far as it is in the picture.
    fn paste(&mut self, tile: &Tile, made: &[f32]) {
        let [width, height] = self.size;
        let [[left, top], [wide, _]] = [
            tile.read.each_ref().map(|side| side.start),
            tile.read.each_ref().map(|side| side.end - side.start),
        ]
        .map(|pair| pair.map(|side| side * self.factor));
        let [columns, rows] =
            tile.keep.each_ref().map(|side| side.start * self.factor..side.end * self.factor);
        for y in rows.start..rows.end.min(height) {
            for x in columns.start..columns.end.min(width) {
                let from = 3 * ((y - top) * wide + x - left) as usize;
                let to = 4 * (y as usize * width as usize + x as usize);
                for colour in 0..3 {
                    let value = made[from + colour].clamp(0.0, 1.0);
                    self.pixels[to + colour] = (255.0 * value).round_ties_even() as u8;
                }
            }
        }
    }

    /// The picture, with the opacity of the one that was enlarged.
    fn finish(mut self, before: &Rgba) -> Rgba {
        let [width, height] = self.size;
        if before.pixels().as_chunks::<4>().0.iter().any(|pixel| pixel[3] < u8::MAX) {
            let large = before.resize_bicubic(width, height);
            let opacities = large.pixels().as_chunks::<4>().0.iter().map(|pixel| pixel[3]);
            for (pixel, opacity) in self.pixels.as_chunks_mut::<4>().0.iter_mut().zip(opacities) {
                pixel[3] = opacity;
            }
        }
        Rgba::new(width, height, self.pixels)
    }
}
