//! Residency: which parts of the model stay on the GPU after their stage, and whether the picture
//! is decoded in bands. It is chosen before any work, from dry runs of each candidate, and never
//! changes the picture by more than 1/255.
//!
//! ```text
//! text encoder   runs once for every new prompt; if it was dropped, its weights are read again
//! UNet           runs in every step; the last one to be dropped
//! VAE            runs once for every picture
//! bands          the decoder's upper levels in bands of so many rows: 1.5 to 2.5 times its work, a
//!                quarter of its memory
//! ```
//!
//! The candidates are tried in the order of the time that they cost: first the decoder as a whole
//! with the text encoder read again for each prompt (250 MB for v1.4 in f16), then with the VAE
//! read again for each picture (100 MB) as well; then bands, in the same order; last the UNet read
//! again for each picture. Parts are dropped only if the source is on this machine: nothing is
//! downloaded again.
//!
//! Where a TAESD decodes instead of the VAE, the VAE is not needed, and there are no bands to
//! choose.

use crate::pipeline::checkpoint::{DecoderChoice, Part, PartSet};
use serde::Serialize;

/// The smallest default budget is the bytes of the UNet's weights plus this …
const BESIDE_UNET: u64 = 278_000_000;
/// … but at least this, so that small models keep all parts.
const LEAST: u64 = 600_000_000;

/// The stages of a run, which need different parts on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The parts that are kept are loaded.
    Loading,
    /// The VAE's encoder encodes the picture that a run begins with, if there is one. The encoder
    /// is kept if the decoder is.
    Beginning,
    /// The text encoder encodes the prompts.
    Text,
    /// The UNet prepares the context, and all steps are taken.
    Denoising,
    /// The VAE's decoder, or a TAESD's, decodes the pictures.
    Decoding,
    /// A TAESD decodes the preview of a step, while the UNet stays. Dry runs do not include this
    /// stage, which takes less than the steps.
    Previewing,
}

impl Stage {
    /// The parts of the model that the stage needs, where a TAESD decodes the pictures, or encodes
    /// the one that a run begins with, instead of the VAE.
    pub(in crate::pipeline) fn needs(self, taesd_decodes: bool, taesd_encodes: bool) -> PartSet {
        match self {
            Stage::Decoding if taesd_decodes => PartSet::EMPTY,
            Stage::Beginning if taesd_encodes => PartSet::EMPTY,
            Stage::Loading => PartSet::EMPTY,
            Stage::Beginning => PartSet::of(&[Part::VaeEncoder]),
            Stage::Text => PartSet::of(&[Part::TextEncoder]),
            Stage::Denoising | Stage::Previewing => PartSet::of(&[Part::Unet]),
            Stage::Decoding => PartSet::of(&[Part::Vae]),
        }
    }
}

/// Which parts stay loaded after their stage, and how pictures are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Residency {
    /// The parts that stay, out of those that every run needs.
    pub kept: PartSet,
    /// The rows of a band of the decoder, in pixels; `None`: the decoder is not in bands.
    pub bands: Option<usize>,
    /// Whether a TAESD decodes the pictures instead of the VAE.
    pub taesd: bool,
}

impl Residency {
    /// All parts stay, nothing is in bands.
    pub const ALL: Residency =
        Residency { kept: PartSet::of(&Part::NEEDED), bands: None, taesd: false };

    /// All parts that stay loaded: those that are kept, and the VAE's encoder, if the decoder is
    /// kept.
    pub(super) fn resident(self) -> PartSet {
        match self.kept.has(Part::Vae) {
            true => self.kept.or(PartSet::of(&[Part::VaeEncoder])),
            false => self.kept,
        }
    }

    /// The candidates in their order; `near` as [`is_near`](crate::weights::Source::is_near).
    pub fn ways(near: bool) -> Vec<Residency> {
        const BANDS: [Option<usize>; 4] = [Some(64), Some(32), Some(16), Some(8)];
        let with_unet = [
            PartSet::of(&Part::NEEDED),
            PartSet::of(&[Part::Unet, Part::Vae]),
            PartSet::of(&[Part::Unet]),
        ];
        let with_unet = &with_unet[..if near { with_unet.len() } else { 1 }];
        let in_bands = |kept: PartSet| BANDS.map(|bands| Residency { kept, bands, taesd: false });
        let whole = |kept: PartSet| Residency { kept, bands: None, taesd: false };
        let mut ways: Vec<Residency> = with_unet.iter().map(|kept| whole(*kept)).collect();
        ways.extend(with_unet.iter().flat_map(|kept| in_bands(*kept)));
        if near {
            ways.push(whole(PartSet::EMPTY));
            ways.extend(in_bands(PartSet::EMPTY));
        }
        ways
    }

    /// The candidates with whoever decodes the pictures by this choice; where that is left open,
    /// those with a TAESD come last.
    pub(in crate::pipeline) fn ways_by(choice: DecoderChoice, near: bool) -> Vec<Residency> {
        const KEPT: [PartSet; 3] = [
            PartSet::of(&[Part::TextEncoder, Part::Unet]),
            PartSet::of(&[Part::Unet]),
            PartSet::EMPTY,
        ];
        let by_taesd = KEPT.map(|kept| Residency { kept, bands: None, taesd: true });
        let by_taesd = &by_taesd[..if near { by_taesd.len() } else { 1 }];
        match choice {
            DecoderChoice::Vae => Residency::ways(near),
            DecoderChoice::Taesd => by_taesd.to_vec(),
            DecoderChoice::Auto => [&Residency::ways(near)[..], by_taesd].concat(),
        }
    }

    /// The first candidate whose peak is within `budget`, or else the first one with the lowest
    /// peak. A candidate that exceeds a limit of the device has no peak (`None`) and is not chosen.
    pub fn choose(peaks: &[(Residency, Option<u64>)], budget: u64) -> Option<Residency> {
        let lowest = peaks.iter().filter_map(|(_, peak)| *peak).min()?;
        let fits = |(_, peak): &&(Residency, Option<u64>)| {
            peak.is_some_and(|peak| peak <= budget.max(lowest))
        };
        peaks.iter().find(fits).map(|(way, _)| *way)
    }

    /// The smallest default budget for a UNet with so many bytes of weights.
    pub fn budget(unet_bytes: u64) -> u64 {
        (unet_bytes + BESIDE_UNET).max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_way_that_fits_is_taken() {
        let ways = Residency::ways(true);
        assert_eq!(ways[0], Residency::ALL);
        let peaks = |of: &dyn Fn(usize) -> Option<u64>| -> Vec<(Residency, Option<u64>)> {
            ways.iter().enumerate().map(|(i, way)| (*way, of(i))).collect()
        };
        let falling = peaks(&|i| Some(1000 - i as u64));
        assert_eq!(Residency::choose(&falling, 2000), Some(ways[0]));
        assert_eq!(Residency::choose(&falling, 993), Some(ways[7]));
        // nothing fits: the least, and of several with as little the first
        assert_eq!(Residency::choose(&peaks(&|i| Some(1000 - i.min(3) as u64)), 10), Some(ways[3]));
        // what passes a limit is not a way
        let limited = peaks(&|i| (i % 2 == 1).then_some(7));
        assert_eq!(Residency::choose(&limited, 10), Some(ways[1]));
        assert_eq!(Residency::choose(&peaks(&|_| None), 10), None);
    }

    #[test]
    fn nothing_is_let_go_that_would_be_downloaded_again() {
        assert!(Residency::ways(false).iter().all(|way| way.kept == Residency::ALL.kept));
        assert!(Residency::ways(true).iter().any(|way| !way.kept.has(Part::Unet)));
    }

    #[test]
    fn a_taesd_is_the_last_way() {
        let [vae, auto] = [DecoderChoice::Vae, DecoderChoice::Auto]
            .map(|choice| Residency::ways_by(choice, true));
        assert_eq!(vae, Residency::ways(true));
        assert_eq!(auto[..vae.len()], vae);
        assert!(auto[vae.len()..].iter().all(|way| way.taesd && !way.kept.has(Part::Vae)));
        assert_eq!(auto[vae.len()..], Residency::ways_by(DecoderChoice::Taesd, true));
        assert_eq!(Residency::ways_by(DecoderChoice::Taesd, false).len(), 1);
    }

    #[test]
    fn small_models_keep_everything() {
        assert_eq!(Residency::budget(30_000_000), LEAST);
        assert_eq!(Residency::budget(1_720_000_000), 1_720_000_000 + BESIDE_UNET);
    }
}
