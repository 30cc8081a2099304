//! Planes of numbers that are made tile by tile, such as a large picture from its latents, with
//! tiles that fade into each other. diffusers: `AutoencoderKL.tiled_decode` and `tiled_encode`.
//!
//! ```text
//! tiles of `side`, one every ¾ · side; those at the ends are smaller
//! fade: in the first ¼ of a tile  y[i] = before[i] · (1 − i / ¼ side) + y[i] · i / ¼ side
//!       from the tile above, then from the tile to the left, both faded themselves
//! ```

use std::ops::Range;

/// How tiles of one side become those of another: a side of `side` units is cut, and each unit
/// becomes `scale.0 / scale.1` of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seams {
    /// The side of a tile of what is cut.
    pub side: usize,
    /// As a fraction.
    pub scale: (usize, usize),
}

impl Seams {
    /// Where tiles of a side of this length lie.
    pub fn cuts(&self, length: usize) -> Vec<Range<usize>> {
        let step = (self.side - self.side / 4).max(1);
        (0..length).step_by(step).map(|at| at..length.min(at + self.side)).collect()
    }

    /// So many units in the result.
    fn made(&self, units: usize) -> usize {
        units * self.scale.0 / self.scale.1
    }

    /// The extent of a fade in the result, and where the next tile begins.
    fn extents(&self) -> [usize; 2] {
        let side = self.made(self.side);
        [side / 4, side - side / 4]
    }
}

/// Planes `[any, h, w]` of a window of them: its columns and rows.
///
/// # Panics
/// When the window is not within them.
pub fn cut(
    planes: &[f32],
    [width, height]: [usize; 2],
    [columns, rows]: [&Range<usize>; 2],
) -> Vec<f32> {
    let plane = |plane: &[f32]| -> Vec<f32> {
        let row = |y: usize| &plane[y * width..][columns.clone()];
        rows.clone().flat_map(row).copied().collect()
    };
    planes.chunks_exact(width * height).flat_map(plane).collect()
}

/// A tile: planes of one size.
struct Tile {
    planes: Vec<f32>,
    size: [usize; 2],
}

impl Tile {
    /// Fades from the end of the tile above (`axis` 1) or to the left (0).
    fn fade(&mut self, before: &Tile, axis: usize, extent: usize) {
        let extent = extent.min(self.size[axis]).min(before.size[axis]);
        let [width, height] = self.size;
        let [before_width, before_height] = before.size;
        let shift = before.size[axis] - extent;
        let pairs = self
            .planes
            .chunks_exact_mut(width * height)
            .zip(before.planes.chunks_exact(before_width * before_height));
        for (plane, other) in pairs {
            let [columns, rows] = if axis == 0 {
                [extent, height.min(before_height)]
            } else {
                [width.min(before_width), extent]
            };
            for y in 0..rows {
                for x in 0..columns {
                    let (place, [from_x, from_y]) = match axis {
                        0 => (x, [x + shift, y]),
                        _ => (y, [x, y + shift]),
                    };
                    let share = place as f32 / extent as f32;
                    let value = &mut plane[y * width + x];
                    *value = other[from_y * before_width + from_x] * (1.0 - share) + *value * share;
                }
            }
        }
    }
}

/// Puts tiles together that come row by row.
pub struct Mosaic {
    seams: Seams,
    /// Width and height of the result, and where the next tile begins in it.
    size: [usize; 2],
    at: [usize; 2],
    planes: Vec<f32>,
    above: Vec<Tile>,
    row: Vec<Tile>,
}

impl Mosaic {
    /// For `count` planes of what is cut, of this width and height.
    pub fn new(seams: Seams, size: [usize; 2], count: usize) -> Mosaic {
        let size = size.map(|units| seams.made(units));
        let planes = vec![0.0; count * size[0] * size[1]];
        Mosaic { seams, size, at: [0, 0], planes, above: Vec::new(), row: Vec::new() }
    }

    /// The next tile, of the planes of this width and height in the result.
    ///
    /// # Panics
    /// When there are more tiles than the planes have.
    pub fn push(&mut self, planes: Vec<f32>, size: [usize; 2]) {
        let [extent, step] = self.seams.extents();
        let mut tile = Tile { planes, size };
        if let Some(above) = self.above.get(self.row.len()) {
            tile.fade(above, 1, extent);
        }
        if let Some(left) = self.row.last() {
            tile.fade(left, 0, extent);
        }
        let [width, height] = self.size;
        let [left, top] = self.at;
        let [columns, rows] =
            [size[0].min(step).min(width - left), size[1].min(step).min(height - top)];
        let pairs = self
            .planes
            .chunks_exact_mut(width * height)
            .zip(tile.planes.chunks_exact(size[0] * size[1]));
        for (whole, part) in pairs {
            for y in 0..rows {
                whole[(top + y) * width + left..][..columns]
                    .copy_from_slice(&part[y * size[0]..][..columns]);
            }
        }
        self.row.push(tile);
        self.at[0] += step;
        if self.at[0] >= width {
            self.above = std::mem::take(&mut self.row);
            self.at = [0, top + step];
        }
    }

    /// The planes, when all tiles have come.
    pub fn finish(self) -> Vec<f32> {
        self.planes
    }
}
