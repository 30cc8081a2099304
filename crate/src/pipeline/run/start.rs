//! What a request begins with, checked against what the model needs, before any work.
//!
//! | model | start picture | mask | strength |
//! |---|---|---|---|
//! | makes pictures | may have one | may have one with it | with it, or 0.8; with a mask 1 |
//! | fills masked parts | needs one | needs one | or 1 |
//! | edits pictures | needs one | none | none: it begins with noise |

use super::options::Extras;
use crate::error::{Error, Result};
use crate::pipeline::checkpoint::Purpose;
use crate::request::{MaskedContent, Request};

/// The default strength of diffusers' `StableDiffusionImg2ImgPipeline`.
const STRENGTH: f64 = 0.8;

/// That of `StableDiffusionInpaintPipeline`.
const INPAINT_STRENGTH: f64 = 1.0;

/// The default scale of `StableDiffusionInstructPix2PixPipeline`.
const IMAGE_GUIDANCE: f64 = 1.5;

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline) enum Start {
    /// With noise alone; there may be a picture whose rest is kept, or which is edited.
    Noise,
    /// With a picture's latents, and without so many of the first steps.
    Picture { left_out: usize },
}

/// How a run begins; fills in the defaults of the fields that say it.
///
/// # Errors
/// [`Error::Request`] for a picture or a mask that is missing, or that the model has no use for,
/// and for fields that have no meaning without them.
pub(in crate::pipeline) fn start(
    request: &mut Request,
    extras: &Extras<'_>,
    purpose: Purpose,
) -> Result<Start> {
    let (has_picture, has_mask) = (extras.initial.is_some(), extras.mask.is_some());
    check_mask(request, has_mask, purpose)?;
    check_picture(request, has_picture, has_mask, purpose)?;
    fill_in(request, [has_picture, has_mask], purpose);
    if purpose == Purpose::Edit || !has_picture {
        return Ok(Start::Noise);
    }
    let strength = request.strength.expect("it was filled in");
    // Noise alone then, and not as much of it as the first step expects. diffusers:
    // `is_strength_max`.
    if has_mask && strength == 1.0 {
        return Ok(Start::Noise);
    }
    let taken = request.taken_at(strength);
    Ok(Start::Picture { left_out: request.steps as usize - taken })
}

/// Fills in how far a run goes from its picture, where the request does not say it.
pub(in crate::pipeline) fn fill_in(
    request: &mut Request,
    [has_picture, has_mask]: [bool; 2],
    purpose: Purpose,
) {
    if purpose == Purpose::Edit {
        request.image_guidance_scale.get_or_insert(IMAGE_GUIDANCE);
    } else if has_picture {
        request.strength.get_or_insert(if has_mask { INPAINT_STRENGTH } else { STRENGTH });
    }
}

fn check_picture(
    request: &Request,
    has_picture: bool,
    has_mask: bool,
    purpose: Purpose,
) -> Result<()> {
    let missing = |why: &str| {
        let reason = format!("is missing: {why}");
        Err(Error::Request { field: "initial picture", reason })
    };
    let refused = |field, why: &str| Err(Error::Request { field, reason: why.into() });
    if purpose == Purpose::Edit && request.strength.is_some() {
        return refused(
            "strength",
            "cannot be used: this model edits a picture by an instruction, and always takes all \
             steps. How near it stays to the picture is its image guidance scale",
        );
    }
    if purpose == Purpose::Edit && request.guidance_rescale != 0.0 {
        return refused(
            "guidance rescale",
            "cannot be used: this model is guided by a picture, too, and diffusers has no such \
             step for it",
        );
    }
    if purpose != Purpose::Edit && request.image_guidance_scale.is_some() {
        return refused(
            "image guidance scale",
            "cannot be used: it is for models that edit a picture by an instruction, such as \
             InstructPix2Pix",
        );
    }
    match purpose {
        _ if has_picture => Ok(()),
        Purpose::Edit => missing("this model edits a picture by an instruction. Give it one"),
        Purpose::Inpaint => missing(
            "this model fills a part of a picture. Give it a picture, and a mask that is white \
             where it is to be made anew",
        ),
        Purpose::Generate if has_mask => {
            missing("a mask says which part of a picture is made anew. Give it that picture")
        }
        Purpose::Generate if request.strength.is_some() => missing(
            "a request with a strength begins with a picture. Give it that picture, or take the \
             strength away",
        ),
        Purpose::Generate => Ok(()),
    }
}

fn check_mask(request: &Request, has_mask: bool, purpose: Purpose) -> Result<()> {
    let refused = |reason: String| Err(Error::Request { field: "mask", reason });
    if has_mask && purpose == Purpose::Edit {
        return refused(
            "cannot be used: this model edits the whole picture by an instruction. Take the mask \
             away"
                .into(),
        );
    }
    if has_mask {
        return Ok(());
    }
    if purpose == Purpose::Inpaint {
        return refused(
            "is missing: this model fills a part of a picture. Give it a picture, and a mask that \
             is white where it is to be made anew"
                .into(),
        );
    }
    let fields = [
        ("mask blur", request.mask_blur > 0.0),
        ("masked content", request.masked_content != MaskedContent::Original.name()),
        ("padding of a masked area", request.padding_mask_crop.is_some()),
    ];
    match fields.into_iter().find(|(_, is_set)| *is_set) {
        Some((what, _)) => refused(format!(
            "is missing: a request with a {what} has one. Give it that mask, or take the {what} \
             away"
        )),
        None => Ok(()),
    }
}
