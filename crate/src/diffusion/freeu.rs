//! FreeU: the up path of the UNet weighs what comes from below against the skips, without any
//! training. "FreeU: Free Lunch in Diffusion U-Net" (Si et al., 2309.11497); diffusers:
//! `enable_freeu(s1, s2, b1, b2)`.
//!
//! ```text
//! first block of the up path   skips: low frequencies · s1   from below: half the channels · b1
//! second block                 skips: low frequencies · s2   from below: half the channels · b2
//! ```

/// The four scales, in thousandths: so they can be compared, and three digits are more than anybody
/// sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FreeU {
    skips: [u16; 2],
    backbones: [u16; 2],
}

impl FreeU {
    /// The largest scale.
    pub const MAX: f64 = 4.0;

    /// From `[s1, s2, b1, b2]`, each above 0 and up to [`FreeU::MAX`]; they are rounded to three
    /// digits, and are at least 0.001: diffusers takes a 0 for "off".
    pub fn new(scales: [f64; 4]) -> FreeU {
        let [s1, s2, b1, b2] = scales.map(|scale| (1000.0 * scale).round().max(1.0) as u16);
        FreeU { skips: [s1, s2], backbones: [b1, b2] }
    }

    /// The scales `[of the half from below, of the skips' low frequencies]` in this block of the up
    /// path, counted from the lowest resolution; `None` where FreeU changes nothing.
    pub fn of_block(self, index: usize) -> Option<[f32; 2]> {
        let scale = |all: [u16; 2]| all.get(index).map(|scale| f32::from(*scale) / 1000.0);
        Some([scale(self.backbones)?, scale(self.skips)?])
    }
}
