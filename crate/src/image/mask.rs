//! A mask: which part of a picture is made anew (white, 255) and which stays (black, 0).
//!
//! ```text
//! anew = luminance / 255 ≥ ½        diffusers' do_binarize
//! ```
//!
//! diffusers: `VaeImageProcessor(do_binarize=True, do_convert_grayscale=True)`.

use super::resize::{Filter, resampled};
use super::rgba::Rgba;

/// The lowest value that is made anew.
const ANEW: u8 = 128;

/// Bytes row by row: 255 is made anew, 0 stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    values: Vec<u8>,
}

impl Mask {
    /// From its bytes, `[height, width]`.
    ///
    /// # Panics
    /// When they are not `width · height`.
    pub fn new(width: u32, height: u32, values: Vec<u8>) -> Mask {
        let bytes = u64::from(width) * u64::from(height);
        assert_eq!(values.len() as u64, bytes, "a mask of {width}×{height} has {bytes} bytes");
        Mask { width, height, values }
    }

    /// The luminance of a picture; its opacity is ignored. Pillow: `Image.convert("L")`.
    pub fn of(picture: &Rgba) -> Mask {
        Mask::new(picture.width(), picture.height(), picture.luminances().collect())
    }

    /// Values in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes, `[height, width]`.
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// The mask as a grey picture.
    pub fn picture(&self) -> Rgba {
        let pixels = self.values.iter().flat_map(|value| [*value, *value, *value, 255]).collect();
        Rgba::new(self.width, self.height, pixels)
    }

    /// The mask at another size. Pillow: `Image.resize(size, LANCZOS)`.
    ///
    /// # Panics
    /// When one of the two has no pixels.
    #[must_use]
    pub fn resize(&self, width: u32, height: u32) -> Mask {
        let from = [self.width, self.height];
        Mask::new(
            width,
            height,
            resampled::<1>(&self.values, from, [width, height], Filter::Lanczos),
        )
    }

    /// Which values are made anew.
    pub fn binary(&self) -> impl Iterator<Item = bool> {
        self.values.iter().map(|value| *value >= ANEW)
    }

    /// For latents, each of which stands for `factor` × `factor` values: which are made anew,
    /// `[height / factor, width / factor]`. As in diffusers a cell is what its top left value is;
    /// where that would leave nothing, all cells that have any value to be made anew.
    ///
    /// diffusers: `torch.nn.functional.interpolate(mask)`, nearest.
    pub fn cells(&self, factor: usize) -> Vec<bool> {
        let (w, h) = (self.width as usize / factor, self.height as usize / factor);
        let value = |x: usize, y: usize| self.values[y * self.width as usize + x] >= ANEW;
        let places = || (0..h).flat_map(|y| (0..w).map(move |x| (factor * x, factor * y)));
        let nearest: Vec<bool> = places().map(|(x, y)| value(x, y)).collect();
        if nearest.contains(&true) {
            return nearest;
        }
        let any =
            |(x, y): (usize, usize)| (y..y + factor).any(|y| (x..x + factor).any(|x| value(x, y)));
        places().map(any).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_its_corner_or_what_it_has() {
        let mask = |places: &[usize]| {
            let mut values = vec![0; 16 * 8];
            places.iter().for_each(|place| values[*place] = 128);
            Mask::new(16, 8, values).cells(8)
        };
        assert_eq!(mask(&[0]), [true, false]);
        assert_eq!(mask(&[8, 1]), [false, true]);
        assert_eq!(mask(&[1]), [true, false]);
        assert_eq!(mask(&[127, 1]), [true, true]);
        assert_eq!(mask(&[]), [false, false]);
    }
}
