//! What the pictures of a request begin with beside noise, and what their UNet is given beside
//! latents. It is encoded once for all batches; then each picture draws its own numbers.
//!
//! ```text
//! picture   img2img, and what a mask keeps        the first draw
//! noise                                           the second one
//! masked    what a UNet of 9 channels sees        the third one, also where no UNet sees it
//! edited    what a UNet of 8 channels sees        no draw: the mean
//! ```

use super::canvas::Canvas;
use super::initial::Initial;
use super::inpaint::Inpainting;
use super::start::Start;
use super::windows::Tiling;
use crate::diffusion::noise::Generator;
use crate::error::Result;
use crate::pipeline::checkpoint::{Files, Purpose};
use crate::pipeline::control::Control;
use crate::pipeline::engine::{Engine, Workload};
use crate::request::{MaskedContent, Request};

/// What a run begins with; nothing of it, for a run that begins with noise alone.
#[derive(Default)]
pub(in crate::pipeline) struct Beginning {
    /// The start picture: one for all, or one for each of a batch's pictures.
    pub pictures: Vec<Initial>,
    /// The mask.
    pub inpainting: Option<Inpainting>,
    /// The picture to edit.
    edited: Option<Initial>,
}

/// The numbers of a batch's pictures, `[pictures, c, h, w]` each.
pub(super) struct Drawn {
    pub picture: Option<Vec<f32>>,
    pub noise: Vec<f32>,
    masked: Option<Vec<f32>>,
}

impl Beginning {
    /// Encodes what a request needs of its picture; with the engine `wider` where values exceed the
    /// range of the first one.
    ///
    /// # Errors
    /// Those of [`Initial::encode`].
    pub(in crate::pipeline) async fn encode<E: Engine>(
        engines: (&E, Option<&E>),
        files: &Files,
        canvas: Option<&Canvas>,
        (request, start, tiling): (&Request, Start, Option<&Tiling>),
        control: &Control,
    ) -> Result<Beginning> {
        let Some(Canvas { picture, masked }) = canvas else { return Ok(Beginning::default()) };
        let encode =
            async |mask| Initial::encode(engines, files, (picture, mask, tiling), control).await;
        let purpose = files.purpose();
        if purpose == Purpose::Edit {
            let edited = Some(encode(None).await?);
            return Ok(Beginning { edited, ..Beginning::default() });
        }
        let sees_mask = purpose == Purpose::Inpaint;
        let first = match sees_mask && start == Start::Noise {
            true => None,
            false => Some(encode(None).await?),
        };
        let Some(masked) = masked else {
            return Ok(Beginning { pictures: Vec::from_iter(first), ..Beginning::default() });
        };
        let inpainting = Inpainting {
            mask: Inpainting::mask_of(&masked.mask, files.vae.factor()),
            masked: if sees_mask { Some(encode(Some(&masked.mask)).await?) } else { None },
            content: request.masked_content.parse()?,
        };
        let (pictures, inpainting) = (Vec::from_iter(first), Some(inpainting));
        Ok(Beginning { pictures, inpainting, edited: None })
    }

    /// With one start picture for each of a batch's pictures.
    pub(in crate::pipeline) fn of_each(pictures: Vec<Initial>) -> Beginning {
        Beginning { pictures, ..Beginning::default() }
    }

    /// One that has the sizes of a workload's, and is all zeros, for a run that only adds up.
    pub(in crate::pipeline) fn of_zeros(files: &Files, load: Workload) -> Beginning {
        let [w, h] = load.size.map(|side| side as usize / files.vae.factor());
        let zeros = || Some(Initial::of_latents(vec![0.0; files.vae.latent_channels * h * w]));
        let (purpose, masked) = (files.purpose(), load.kinds.are_masked());
        let sees_mask = purpose == Purpose::Inpaint;
        let inpainting = (masked || sees_mask).then(|| Inpainting {
            mask: vec![0.0; h * w],
            masked: if sees_mask { zeros() } else { None },
            content: MaskedContent::Original,
        });
        let pictures = Vec::from_iter(if masked { zeros() } else { None });
        let edited = if purpose == Purpose::Edit { zeros() } else { None };
        Beginning { pictures, inpainting, edited }
    }

    /// Whether a TAESD encoded the picture.
    pub(in crate::pipeline) fn by_taesd(&self) -> bool {
        let masked = self.inpainting.as_ref().and_then(|inpainting| inpainting.masked.as_ref());
        let further = [masked, self.edited.as_ref()].into_iter().flatten();
        self.pictures.iter().chain(further).any(|one| one.by_taesd)
    }

    /// Draws the numbers of pictures in diffusers' order, each from its own generator.
    pub(super) fn draw(&self, generators: &mut [Generator], count: usize) -> Drawn {
        let each = generators.iter_mut().zip(self.pictures.iter().cycle());
        let sampled: Vec<f32> =
            each.flat_map(|(generator, picture)| picture.sample_one(generator)).collect();
        let picture = (!self.pictures.is_empty()).then_some(sampled);
        let noise = generators.iter_mut().flat_map(|generator| generator.randn(count)).collect();
        let masked = self.inpainting.as_ref().and_then(|inpainting| {
            let seen = inpainting.masked.as_ref().map(|masked| masked.sample(generators));
            // diffusers encodes the unmasked part also where no UNet sees it.
            if let (None, Some(picture)) = (&seen, self.pictures.first()) {
                drop(picture.sample(generators));
            }
            seen
        });
        Drawn { picture, noise, masked }
    }

    /// The further channels of the UNet's input, where it has some: for each picture, or for each
    /// of `prompts` prompts and each of its pictures. Of three prompts the first is without the
    /// picture.
    pub(super) fn channels<E: Engine>(
        &self,
        engine: &E,
        drawn: &Drawn,
        [pictures, c, h, w]: [usize; 4],
        prompts: usize,
    ) -> Option<E::Array> {
        if let (Some(inpainting), Some(masked)) = (&self.inpainting, &drawn.masked) {
            let planes = inpainting.channels(masked, c);
            return Some(engine.latents(&planes, [pictures, 1 + c, h, w]));
        }
        let edited = self.edited.as_ref()?;
        let blank = if prompts > 1 { pictures * c * h * w } else { 0 };
        let mut planes = vec![0.0; blank];
        let with_picture = prompts.max(2) - 1;
        planes.extend(edited.mode().repeat(with_picture * pictures));
        Some(engine.latents(&planes, [prompts * pictures, c, h, w]))
    }
}
