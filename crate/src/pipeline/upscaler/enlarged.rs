//! The enlarged picture while its tiles come.

use crate::image::{Rgba, Tile};

/// The enlarged picture while its tiles come.
pub(super) struct Enlarged {
    size: [u32; 2],
    factor: u32,
    pixels: Vec<u8>,
}

impl Enlarged {
    /// A picture of this size, `factor` times that of which it is made.
    pub(super) fn new(size: [u32; 2], factor: u32) -> Enlarged {
        let bytes = 4 * size[0] as usize * size[1] as usize;
        Enlarged { size, factor, pixels: vec![u8::MAX; bytes] }
    }

    /// Writes what is kept of a tile, as far as it is in the picture.
    pub(super) fn paste(&mut self, tile: &Tile, made: &[f32]) {
        let [width, height] = self.size;
        let [[left, top], [wide, _]] = [
            tile.read.each_ref().map(|side| side.start),
            tile.read.each_ref().map(|side| side.end - side.start),
        ]
        .map(|pair| pair.map(|side| side * self.factor));
        let [columns, rows] =
            tile.keep.each_ref().map(|side| side.start * self.factor..side.end * self.factor);
        for y in rows.start..rows.end.min(height) {
            for x in columns.start..columns.end.min(width) {
                let from = 3 * ((y - top) * wide + x - left) as usize;
                let to = 4 * (y as usize * width as usize + x as usize);
                for colour in 0..3 {
                    let value = made[from + colour].clamp(0.0, 1.0);
                    self.pixels[to + colour] = (255.0 * value).round_ties_even() as u8;
                }
            }
        }
    }

    /// The picture, with the opacity of the one that was enlarged.
    pub(super) fn finish(mut self, before: &Rgba) -> Rgba {
        let [width, height] = self.size;
        if before.pixels().as_chunks::<4>().0.iter().any(|pixel| pixel[3] < u8::MAX) {
            let large = before.resize_bicubic(width, height);
            let opacities = large.pixels().as_chunks::<4>().0.iter().map(|pixel| pixel[3]);
            for (pixel, opacity) in self.pixels.as_chunks_mut::<4>().0.iter_mut().zip(opacities) {
                pixel[3] = opacity;
            }
        }
        Rgba::new(width, height, self.pixels)
    }
}
