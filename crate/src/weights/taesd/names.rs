//! The names of a TAESD's tensors. All are a number in a list of layers, and what the layer calls
//! its weights:
//!
//! ```text
//! decoder.layers.2.conv.0.weight    diffusers' AutoencoderTiny; encoder.layers.N.…
//! decoder.3.conv.0.weight           madebyollin's TAESD as a whole; encoder.N.…
//! 3.conv.0.weight                   one half of it alone: taesd_decoder.pth, taesd_encoder.pth
//! taesd_decoder.3.conv.0.weight     both in one file for ComfyUI; taesd_encoder.N.…
//! ```
//!
//! Where the files are not diffusers', the decoder's list begins with a clamp that has no weights,
//! so its numbers are greater by one.

use crate::weights::archive::Archive;

/// A half of a TAESD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Decoder,
    Encoder,
}

impl Half {
    pub(super) fn name(self) -> &'static str {
        match self {
            Half::Decoder => "decoder",
            Half::Encoder => "encoder",
        }
    }
}

/// Beginnings of names: the half, and whether the numbers are diffusers'.
const BEGINNINGS: [(&str, Half, bool); 6] = [
    ("decoder.layers.", Half::Decoder, true),
    ("encoder.layers.", Half::Encoder, true),
    ("taesd_decoder.", Half::Decoder, false),
    ("taesd_encoder.", Half::Encoder, false),
    ("decoder.", Half::Decoder, false),
    ("encoder.", Half::Encoder, false),
];

/// Splits a layer's name into its number and the rest; `None` for other names.
fn numbered(name: &str) -> Option<(usize, &str)> {
    let (number, rest) = name.split_once('.')?;
    let number = number.parse().ok()?;
    let parts = ["weight", "bias"];
    let mut last = rest.rsplit('.');
    (parts.contains(&last.next()?)).then_some((number, rest))
}

/// The tensors of one half of a file, under diffusers' names; `None` where it has none of them.
pub(super) fn half(archive: &Archive, half: Half) -> Option<Archive> {
    // Alone, the encoder begins with a convolution, and the decoder with the clamp.
    let alone = match archive.get("0.weight").is_some() {
        true => Half::Encoder,
        false => Half::Decoder,
    };
    let part = archive.part(|info| {
        let known = BEGINNINGS.iter().find_map(|(start, of, theirs)| {
            let (number, rest) = numbered(info.name.strip_prefix(start)?)?;
            Some((*of, *theirs, number, rest))
        });
        let bare = || numbered(&info.name).map(|(number, rest)| (alone, false, number, rest));
        let (of, is_diffusers, number, rest) = known.or_else(bare)?;
        if of != half {
            return None;
        }
        let before = usize::from(half == Half::Decoder && !is_diffusers);
        let number = number.checked_sub(before)?;
        Some((format!("{}.layers.{number}.{rest}", half.name()), info.shape.clone()))
    });
    (!part.tensors().is_empty()).then_some(part)
}
