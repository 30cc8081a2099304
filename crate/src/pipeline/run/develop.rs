//! What a run shows: previews of its steps, and the pictures at its end, as a whole or in tiles.

use super::batch::Run;
use super::tiles;
use crate::error::Result;
use crate::pipeline::checkpoint::BesideVae;
use crate::pipeline::control::Progress;
use crate::pipeline::engine::Planned;

/// A decoded picture in about −1…1.
pub(in crate::pipeline) enum Image<A> {
    /// In an array of the engine.
    Whole(A),
    /// `[3, h, w]`, put together from tiles.
    Planes(Vec<f32>),
}

impl<E: Planned> Run<'_, E> {
    /// Whether a step has a decoded preview.
    pub(super) fn draws(&self, step: usize) -> bool {
        self.job.previews.picture_after(step) && step < self.job.order.plan.steps()
    }

    /// Sends the previews after a step: the values of x₀, and its decoded picture, both of the
    /// batch's first picture.
    ///
    /// # Errors
    /// Those of the engine.
    pub(super) async fn preview(
        &self,
        step: usize,
        shown: Option<&E::Array>,
        ([_, c, h, w], mut values): ([usize; 4], Vec<f32>),
    ) -> Result<()> {
        let control = self.job.control;
        if self.job.previews.latents {
            values.truncate(c * h * w);
            control.report(Progress::Latents { shape: [c, h, w], values });
        }
        if let Some(x0) = shown.filter(|_| self.draws(step)) {
            let (_, rgba) = self.decode(x0, 0, true).await?;
            self.engine.reload_unet(self.job.load_context()).await?;
            let [width, height] = self.job.order.size;
            // Values that exceed f16 in the decoder are no error here: there is no preview then.
            if is_opaque(&rgba) {
                control.report(Progress::Preview { width, height, rgba });
            }
        }
        Ok(())
    }

    /// Decodes picture `index` of the final latents: in about −1…1, and as RGBA bytes.
    ///
    /// # Errors
    /// Those of the engine; [`Error::NotFinite`](crate::Error::NotFinite) if it fails in f32 too.
    pub(crate) async fn develop(
        &mut self,
        latents: &E::Array,
        index: usize,
    ) -> Result<(Image<E::Array>, Vec<u8>)> {
        loop {
            let (picture, rgba) = self.decode(latents, index, false).await?;
            if is_opaque(&rgba) {
                return Ok((picture, rgba));
            }
            self.widen(self.job.order.plan.steps()).await?;
        }
    }

    /// The same, with transparent pixels where there are no numbers; as a preview, or finally.
    async fn decode(
        &self,
        latents: &E::Array,
        index: usize,
        preview: bool,
    ) -> Result<(Image<E::Array>, Vec<u8>)> {
        let (engine, call) = (self.engine, self.job.load_context());
        if let Some(tiling) = self.job.order.tiling {
            let planes = tiles::decode(engine, (latents, index), (&tiling, preview), call).await?;
            let [width, height] = self.job.order.size;
            let rgba = tiles::rgba(&planes, [width, height]);
            return Ok((Image::Planes(planes), rgba));
        }
        let picture = match preview {
            true => engine.preview(latents, call).await?,
            false => engine.decode(latents, index, call).await?,
        };
        let rgba = engine.rgba(&picture).await?;
        Ok((Image::Whole(picture), rgba))
    }

    /// The TAESD that decodes the pictures instead of the VAE, if one does, and whether it also
    /// encoded the picture that the run began with.
    pub(crate) fn decoded_by(&self) -> Option<(&BesideVae, bool)> {
        let encoded = self.job.beginning.by_taesd();
        let beside = self.engine.taesd().filter(|_| self.engine.decodes_by_taesd());
        beside.map(|beside| (beside, encoded))
    }

    /// Passes the picture in 0…1, times `shown`, to the observer, if there is one.
    ///
    /// # Errors
    /// Those of the engine and of the observer.
    pub(crate) async fn show(&self, picture: &Image<E::Array>, shown: f32) -> Result<()> {
        let Some(observer) = self.job.extras.observer else { return Ok(()) };
        let [width, height] = self.job.order.size.map(|side| side as usize);
        let mut planes = match picture {
            Image::Whole(picture) => self.engine.planes(picture, 3).await?,
            Image::Planes(planes) => planes.clone(),
        };
        planes.iter_mut().for_each(|x| *x = shown * (*x * 0.5 + 0.5).clamp(0.0, 1.0));
        observer.numbers("image", &[1, 3, height, width], &planes)
    }
}

/// False if a pixel is transparent, which means NaN or infinity.
fn is_opaque(rgba: &[u8]) -> bool {
    rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX)
}
