//! The start picture and its mask in pixels: as the run sees them, and how the result is put back
//! over the picture.
//!
//! ```text
//! mask    → blurred, where asked for
//! picture → the region around the mask, where asked for → the size of the run
//! result  → back to the region → under what the mask keeps of the picture
//! ```
//!
//! diffusers: `VaeImageProcessor.blur`, `preprocess`, `get_crop_region`, `apply_overlay`. A picture
//! without a mask is resized bicubically, as this program always did; diffusers' own processors
//! resize by Lanczos, and with a mask, or for a model that edits pictures, so does this.

use super::options::Extras;
use crate::error::{Error, Result};
use crate::image::{Filter, Mask, Region, Rgba};
use crate::pipeline::checkpoint::{PictureControl, Purpose};
use crate::request::Request;

/// The start picture of a run, with its mask.
pub(in crate::pipeline) struct Canvas {
    /// At the size of the run.
    pub picture: Rgba,
    pub masked: Option<Masked>,
}

/// What a mask makes of a run.
pub(in crate::pipeline) struct Masked {
    /// At the size of the run.
    pub mask: Mask,
    /// What the result is put over, and the mask of its size.
    original: Rgba,
    soft: Mask,
    region: Option<Region>,
}

impl Canvas {
    /// From a request's picture and mask; `None` without a picture.
    ///
    /// # Errors
    /// [`Error::Request`] for a picture or a mask without pixels, and a mask that marks nothing.
    pub(in crate::pipeline) fn new(
        request: &Request,
        size: [u32; 2],
        extras: &Extras<'_>,
        purpose: Purpose,
    ) -> Result<Option<Canvas>> {
        let Some(initial) = extras.initial else { return Ok(None) };
        for (field, picture) in [("initial picture", Some(initial)), ("mask", extras.mask)] {
            if picture.is_some_and(|picture| picture.pixels().is_empty()) {
                return Err(Error::Request { field, reason: "has no pixels".into() });
            }
        }
        let [width, height] = size;
        let Some(mask) = extras.mask else {
            let filter = if purpose == Purpose::Edit { Filter::Lanczos } else { Filter::Bicubic };
            return Ok(Some(Canvas {
                picture: initial.resize(width, height, filter),
                masked: None,
            }));
        };
        // A mask of another size is the picture's, as a whole.
        let mask = Mask::of(mask).resize(initial.width(), initial.height());
        let blurred = mask.blur(request.mask_blur);
        // Strokes thinner than the blur leave nothing of it that counts as white.
        let soft = if blurred.binary().any(|anew| anew) { blurred } else { mask };
        let Some(padding) = request.padding_mask_crop else {
            let original = initial.resize(width, height, Filter::Lanczos);
            let soft = soft.resize(width, height);
            let masked = Masked { mask: soft.clone(), original, soft, region: None };
            return Canvas { picture: masked.original.clone(), masked: Some(masked) }.checked();
        };
        let region = Region::of(&soft, size, padding).ok_or_else(all_black)?;
        let picture = region.of_picture(initial, size);
        let mask = region.of_mask(&soft, size);
        let masked = Masked { mask, original: initial.clone(), soft, region: Some(region) };
        Canvas { picture, masked: Some(masked) }.checked()
    }

    /// Controls with the part of their pictures that is made, at the size of the run; `None` where
    /// the whole picture is made. diffusers: `crops_coords` of
    /// `StableDiffusionControlNetInpaintPipeline.prepare_control_image`.
    pub(in crate::pipeline) fn cut_controls(
        &self,
        controls: &[PictureControl],
        size: [u32; 2],
    ) -> Option<Vec<PictureControl>> {
        let masked = self.masked.as_ref()?;
        let region = masked.region?;
        let [width, height] = [masked.original.width(), masked.original.height()];
        let cut = |control: &PictureControl| {
            // A picture of another size is the start picture's, as a whole.
            let whole = control.picture.resize(width, height, Filter::Lanczos);
            PictureControl { picture: region.of_picture(&whole, size), ..control.clone() }
        };
        Some(controls.iter().map(cut).collect())
    }

    /// An error where nothing would be made anew.
    fn checked(self) -> Result<Option<Canvas>> {
        match &self.masked {
            Some(masked) if !masked.mask.binary().any(|anew| anew) => Err(all_black()),
            _ => Ok(Some(self)),
        }
    }
}

impl Masked {
    /// A finished picture of the run's size under what the mask keeps of the original: where the
    /// mask is black, its bytes.
    pub(in crate::pipeline) fn put_back(&self, made: Rgba) -> Rgba {
        let whole = match &self.region {
            Some(region) => region.put(&self.original, &made),
            None => made,
        };
        whole.under(&self.original, &self.soft)
    }
}

fn all_black() -> Error {
    let reason = "is black where the picture is: nothing would be made anew. What is to be made \
                  anew must be white";
    Error::Request { field: "mask", reason: reason.into() }
}
