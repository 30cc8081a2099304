//! What enlarges the first of two passes of a request, by name, and the bounds of both.

use crate::image::{Filter, Interpolation};

/// The largest scale.
pub(super) const SCALE_MAX: f64 = 4.0;

/// The strength of the web UI.
pub(super) const STRENGTH: f64 = 0.7;

/// What enlarges the first pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiresUpscaler {
    /// Its latents are interpolated.
    Latent(Interpolation),
    /// Its picture is resized as Pillow does it.
    Pixels(Filter),
    /// A network of the ESRGAN family enlarges its picture, which Lanczos then brings to size.
    File,
}

impl HiresUpscaler {
    /// All of them by name; those of latents have the web UI's names, in small letters.
    const ALL: [(&'static str, HiresUpscaler); 9] = [
        ("latent", HiresUpscaler::Latent(Interpolation::Bilinear)),
        // Nothing else, where nothing becomes smaller.
        ("latent (antialiased)", HiresUpscaler::Latent(Interpolation::Bilinear)),
        ("latent (bicubic)", HiresUpscaler::Latent(Interpolation::Bicubic)),
        ("latent (bicubic antialiased)", HiresUpscaler::Latent(Interpolation::KeysBicubic)),
        ("latent (nearest)", HiresUpscaler::Latent(Interpolation::Nearest)),
        ("latent (nearest-exact)", HiresUpscaler::Latent(Interpolation::NearestExact)),
        ("lanczos", HiresUpscaler::Pixels(Filter::Lanczos)),
        ("bicubic", HiresUpscaler::Pixels(Filter::Bicubic)),
        (FILE, HiresUpscaler::File),
    ];

    /// The names, the default first.
    pub(super) fn names() -> Vec<&'static str> {
        HiresUpscaler::ALL.map(|(name, _)| name).to_vec()
    }

    /// The one of this name.
    pub(super) fn of(name: &str) -> Option<HiresUpscaler> {
        HiresUpscaler::ALL.iter().find(|(known, _)| *known == name).map(|(_, upscaler)| *upscaler)
    }

    /// The name in a request for one that a picture's text names: one that is unknown here is a
    /// file's.
    pub(super) fn named(text: &str) -> &'static str {
        let text = text.to_ascii_lowercase();
        // "None" only resizes there.
        let text = if text == "none" { "lanczos" } else { &text };
        HiresUpscaler::names().into_iter().find(|name| *name == text).unwrap_or(FILE)
    }
}

const FILE: &str = "file";
