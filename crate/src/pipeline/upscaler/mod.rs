//! Enlarges pictures by a network of the ESRGAN family, in tiles that fit in memory.
//!
//! ```text
//! file → names and sizes → network on the GPU or the CPU
//! picture → tiles with borders → network → squares without borders → picture
//! ```
//!
//! A tile's border is read and thrown away, because near an edge the network knows less. The size
//! of the tiles is the largest of some whose dry run in f32 keeps the budget of memory: a tile
//! whose numbers outgrow f16 is made again in f32.

mod enlarged;
mod on_cpu;
mod on_gpu;
mod options;

use super::control::{Control, Progress};
use super::engine::Turn;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::image::png::MAX_PIXELS;
use crate::image::{Rgba, Tile, tiles};
use crate::models::upscaler::UpscalerConfig;
use crate::weights::{
    Archive, MemorySource, Source, check_for_zeros, read_all, sha256, upscaler_names,
};
use enlarged::Enlarged;
use on_cpu::OnCpu;
use on_gpu::OnGpu;
pub use options::UpscalerOptions;
use serde::Serialize;
use std::rc::Rc;

/// The largest file that is read: RealESRGAN's x4plus has 67 MB.
const BYTES_MAX: u64 = 256 << 20;
/// Pixels around a tile that are read too. Real-ESRGAN's own program has 10.
const BORDER: u32 = 16;
/// The keyword of a PNG's text about what was done to a finished picture; as in AUTOMATIC1111's web
/// UI.
const POSTPROCESSING: &str = "postprocessing";
/// An upscaler in a picture's record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpscalerRecord {
    /// The name of its file without folders and extension.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// An upscaler with its weights.
pub struct Upscaler {
    network: Network,
    config: UpscalerConfig,
    name: String,
    sha256: String,
}

enum Network {
    Gpu(Box<OnGpu>),
    Cpu(Box<OnCpu>),
}

/// A file of an upscaler, read.
struct Opened {
    file: MemorySource,
    archive: Rc<Archive>,
    config: UpscalerConfig,
}

impl Upscaler {
    /// Opens the file `path`, of torch or safetensors, on the GPU.
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
        let opened = Opened::read(source, path).await?;
        let file = (&opened.file, Rc::clone(&opened.archive));
        let network = OnGpu::load(gpu, file, &opened.config, options, control).await?;
        Ok(opened.with(path, Network::Gpu(Box::new(network))))
    }

    /// Opens the file `path` on the CPU, in f32: of the options only `memory` is used. `turn`
    /// yields to the event loop between layers.
    ///
    /// # Errors
    /// As [`Upscaler::open`].
    pub async fn open_on_cpu(
        (source, path): (&dyn Source, &str),
        (options, turn): (UpscalerOptions, Option<Turn>),
        control: &Control,
    ) -> Result<Upscaler> {
        let opened = Opened::read(source, path).await?;
        let file = (&opened.file, &*opened.archive);
        let network = OnCpu::load(file, &opened.config, (options, turn), control).await?;
        Ok(opened.with(path, Network::Cpu(Box::new(network))))
    }

    /// The device is its own from now on, and ends with it.
    pub(super) fn own_device(&mut self) {
        if let Network::Gpu(network) = &mut self.network {
            network.is_own = true;
        }
    }

    /// How many times as wide and high pictures become.
    pub fn factor(&self) -> u32 {
        self.config.factor() as u32
    }

    /// The name of its file without folders and extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its record in pictures that it enlarged on the way.
    pub fn record(&self) -> UpscalerRecord {
        UpscalerRecord { name: self.name.clone(), sha256: self.sha256.clone() }
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

    /// The side of the tiles of a picture of this size, and the bytes at the peak, its weights
    /// included: those of the GPU, or on the CPU about those in memory.
    ///
    /// # Errors
    /// [`Error::Request`] for a picture that would become too large; [`Error::GpuLimit`] where not
    /// even the smallest tile fits the adapter.
    pub async fn plan(&self, size: [u32; 2]) -> Result<(u32, u64)> {
        self.enlarged(size)?;
        match &self.network {
            Network::Gpu(network) => network.plan(size).await,
            Network::Cpu(network) => Ok(network.plan(size)),
        }
    }

    /// Width and height of what becomes of a picture of this size.
    fn enlarged(&self, [width, height]: [u32; 2]) -> Result<[u32; 2]> {
        let sides = [width, height].map(|side| side.saturating_mul(self.factor()));
        let pixels = u64::from(sides[0]) * u64::from(sides[1]);
        if (1..=MAX_PIXELS).contains(&pixels) {
            return Ok(sides);
        }
        let reason = format!(
            "of {width}×{height} pixels would become {}×{}; at most {} megapixels are made",
            sides[0],
            sides[1],
            MAX_PIXELS >> 20
        );
        Err(Error::Request { field: "picture", reason })
    }

    /// The picture, `factor` times as wide and high. Its opacity is enlarged bicubically.
    ///
    /// # Errors
    /// As [`Upscaler::plan`]; [`Error::NotFinite`] for weights that give no numbers; a cancel;
    /// those of the device. After any of them the upscaler can be used again.
    pub async fn enlarge(&self, picture: &Rgba, control: &Control) -> Result<Rgba> {
        let made = self.in_tiles(picture, control).await;
        if let Network::Gpu(network) = &self.network {
            network.clear().await;
        }
        made
    }

    async fn in_tiles(&self, picture: &Rgba, control: &Control) -> Result<Rgba> {
        let sides = self.enlarged([picture.width(), picture.height()])?;
        let whole = picture.reflected_to(self.config.unshuffle as u32);
        let size = [whole.width(), whole.height()];
        let (side, _) = self.plan(size).await?;
        let all = tiles(size, side, BORDER);
        let mut made = Enlarged::new(sides, self.factor());
        for (done, tile) in all.iter().enumerate() {
            control.wait_while_paused().await?;
            control.report(Progress::Enlarging { done, total: all.len() });
            made.paste(tile, &self.tile(&whole, tile, control).await?);
        }
        control.report(Progress::Enlarging { done: all.len(), total: all.len() });
        Ok(made.finish(picture))
    }

    /// A tile, enlarged: RGB in 0…1, row by row.
    async fn tile(&self, picture: &Rgba, tile: &Tile, control: &Control) -> Result<Vec<f32>> {
        let [columns, rows] = &tile.read;
        let row = |y: u32| {
            let first = (y * picture.width() + columns.start) as usize;
            &picture.pixels().as_chunks::<4>().0[first..first + columns.len()]
        };
        let colours = |pixel: &[u8; 4]| [0, 1, 2].map(|i| f32::from(pixel[i]) / 255.0);
        let pixels: Vec<f32> = rows.clone().flat_map(row).flat_map(colours).collect();
        let size = [columns.len(), rows.len()];
        let made = match &self.network {
            Network::Gpu(network) => network.enlarge(&pixels, size, control).await?,
            Network::Cpu(network) => network.enlarge(&pixels, size, control).await?,
        };
        let is_finite = made.iter().all(|x| x.is_finite());
        if is_finite { Ok(made) } else { Err(Error::NotFinite { step: 0 }) }
    }
}

impl Opened {
    /// # Errors
    /// As [`Upscaler::open`].
    async fn read(source: &dyn Source, path: &str) -> Result<Opened> {
        let file = MemorySource::new(path, read_all(source, path, BYTES_MAX).await?);
        let archive = Rc::new(upscaler_names(&Archive::open(&file, path).await?));
        let config = UpscalerConfig::of(&archive)?;
        check_for_zeros(&file, &archive).await?;
        Ok(Opened { file, archive, config })
    }

    fn with(self, path: &str, network: Network) -> Upscaler {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name).to_owned();
        let sha256 = sha256(self.file.bytes());
        Upscaler { network, config: self.config, name, sha256 }
    }
}
