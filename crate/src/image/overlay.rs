//! Lays the part of a picture that a mask keeps over a new picture, with a soft edge where the mask
//! is grey, byte for byte as diffusers does it with Pillow.
//!
//! ```text
//! kept = 255 − mask                                 opacity of the original
//! y    = original · kept / 255 + new · mask / 255   in Pillow's fixed-point numbers
//! ```
//!
//! Where the mask is black, a pixel keeps its bytes. diffusers: `VaeImageProcessor.apply_overlay`.

use super::mask::Mask;
use super::rgba::Rgba;

/// Fractional bits of Pillow's `alpha_composite`.
const BITS: u32 = 7;

impl Rgba {
    /// This picture under what `mask` keeps of the `original`; opaque.
    ///
    /// # Panics
    /// When the three do not have one size.
    #[must_use]
    pub fn under(&self, original: &Rgba, mask: &Mask) -> Rgba {
        let sizes = [
            [self.width(), self.height()],
            [original.width(), original.height()],
            [mask.width(), mask.height()],
        ];
        assert!(sizes.iter().all(|size| *size == sizes[0]), "one size, not {sizes:?}");
        let made = self.pixels().as_chunks::<4>().0.iter();
        let pairs = made.zip(original.pixels().as_chunks::<4>().0).zip(mask.values());
        let pixels = pairs.flat_map(|((made, original), mask)| {
            let [r, g, b] = composite(made, original, 255 - u32::from(*mask));
            [r, g, b, u8::MAX]
        });
        Rgba::new(self.width(), self.height(), pixels.collect())
    }
}

/// The original's colour with this opacity over an opaque pixel.
fn composite(below: &[u8; 4], original: &[u8; 4], opacity: u32) -> [u8; 3] {
    // Pillow keeps the original multiplied by its opacity, and divides again.
    let straight = |value: u8| match opacity {
        0 => 0,
        255 => u32::from(value),
        _ => (255 * div_255(u32::from(value) * opacity) / opacity).min(255),
    };
    let whole = 255 << BITS;
    // The opacity of the result is 255.
    let over = opacity * 255 * whole / (255 * 255);
    let under = whole - over;
    [0, 1, 2].map(|i| {
        if opacity == 0 {
            return below[i];
        }
        let sum = straight(original[i]) * over + u32::from(below[i]) * under;
        (shifted(sum + (0x80 << BITS)) >> BITS) as u8
    })
}

/// x / 255, rounded.
fn div_255(x: u32) -> u32 {
    shifted(x + 128)
}

/// x / 255, nearly: Pillow's `SHIFTFORDIV255`.
fn shifted(x: u32) -> u32 {
    ((x >> 8) + x) >> 8
}
