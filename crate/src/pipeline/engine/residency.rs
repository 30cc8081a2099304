//! What stays on the GPU: which parts of the model are kept when they have done their work, and
//! whether the picture is decoded whole. It is decided before any work, from what dry runs say that
//! each way would take, and never changes the picture by more than 1/255.
//!
//! ```text
//! text encoder   once for every new prompt; its weights are read again where they were let go
//! UNet           every step; of all parts the one to keep
//! VAE            once for every picture
//! bands          the decoder's upper levels in bands of so many rows: 1.5 to 2.5 times its work, a
//!                quarter of its memory
//! ```
//!
//! The ways are tried in an order: first what costs time only (bands), then what costs a read of
//! the text encoder for each prompt (250 MB for v1.4 in f16), then of the VAE for each picture, at
//! last of the UNet. A part is only let go where its source is near: it is never downloaded again.

use crate::pipeline::checkpoint::{Part, PartSet};
use serde::Serialize;

/// WebGPU does not tell how much memory a graphics card has. The default budget is the UNet's
/// weights and as many bytes more as this …
const BESIDE_UNET: u64 = 278_000_000;
/// … but at least so many in all, so that small models keep everything.
const LEAST: u64 = 600_000_000;

/// The stages of a run, by what is on the GPU meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The parts that are kept are brought to the GPU.
    Loading,
    /// The VAE's encoder reads the picture that a run begins with, if there is one. Dry runs do not
    /// plan this stage. The encoder is kept where the decoder is.
    Beginning,
    /// The text encoder reads the prompts.
    Text,
    /// The UNet attends to them, and takes all steps.
    Denoising,
    /// The VAE draws the pictures.
    Decoding,
}

impl Stage {
    /// The parts that work.
    pub(in crate::pipeline) fn needs(self) -> PartSet {
        match self {
            Stage::Loading => PartSet::EMPTY,
            Stage::Beginning => PartSet::of(&[Part::VaeEncoder]),
            Stage::Text => PartSet::of(&[Part::TextEncoder]),
            Stage::Denoising => PartSet::of(&[Part::Unet]),
            Stage::Decoding => PartSet::of(&[Part::Vae]),
        }
    }
}

/// Which parts stay when they have done their work, and how the picture is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Residency {
    /// Of the parts that every picture needs.
    pub kept: PartSet,
    /// Rows of a band of the decoder, in pixels; without it the decoder's levels are whole.
    pub bands: Option<usize>,
}

impl Residency {
    /// Everything kept, nothing in bands.
    pub const ALL: Residency = Residency { kept: PartSet::of(&Part::NEEDED), bands: None };

    /// All parts that stay: those that are kept, and with the VAE's decoder its encoder, where it
    /// was needed.
    pub(super) fn resident(self) -> PartSet {
        match self.kept.has(Part::Vae) {
            true => self.kept.or(PartSet::of(&[Part::VaeEncoder])),
            false => self.kept,
        }
    }

    /// The ways to try, in their order; `near` as [`is_near`](crate::weights::Source::is_near).
    pub fn ways(near: bool) -> Vec<Residency> {
        const BANDS: [Option<usize>; 5] = [None, Some(64), Some(32), Some(16), Some(8)];
        let sets = [
            PartSet::of(&Part::NEEDED),
            PartSet::of(&[Part::Unet, Part::Vae]),
            PartSet::of(&[Part::Unet]),
            PartSet::EMPTY,
        ];
        let sets = &sets[..if near { sets.len() } else { 1 }];
        sets.iter().flat_map(|kept| BANDS.map(|bands| Residency { kept: *kept, bands })).collect()
    }

    /// The first of some ways whose peak is within `budget`, or the first of those with the lowest
    /// peak; none when there is none. What does not work at all has no peak.
    pub fn choose(peaks: &[(Residency, Option<u64>)], budget: u64) -> Option<Residency> {
        let lowest = peaks.iter().filter_map(|(_, peak)| *peak).min()?;
        let fits = |(_, peak): &&(Residency, Option<u64>)| {
            peak.is_some_and(|peak| peak <= budget.max(lowest))
        };
        peaks.iter().find(fits).map(|(way, _)| *way)
    }

    /// The budget where the user names none, for a UNet with so many bytes of weights.
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
    fn small_models_keep_everything() {
        assert_eq!(Residency::budget(30_000_000), LEAST);
        assert_eq!(Residency::budget(1_720_000_000), 1_720_000_000 + BESIDE_UNET);
    }
}
