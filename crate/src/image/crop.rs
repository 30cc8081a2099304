//! The part of a picture that a mask marks, for runs that make only that part: which part it is,
//! and how it is brought to the size of the run and back. diffusers: `padding_mask_crop`.

use super::mask::Mask;
use super::resize::{Filter, along_row, down, edge_taps, resampled, resampled_part};
use super::rgba::Rgba;

/// A part of a picture, in pixels; the first ones count, the last ones do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The first column and the first row.
    pub begin: [u32; 2],
    /// The column and the row after the last ones.
    pub end: [u32; 2],
}

impl Region {
    /// The part of a mask that is not black, with `padding` pixels around it, made wider or higher
    /// to have the ratio of `size`, as far as the mask goes. `None` for a mask that is all black.
    /// diffusers: `VaeImageProcessor.get_crop_region`.
    pub fn of(mask: &Mask, size: [u32; 2], padding: u32) -> Option<Region> {
        let (width, values) = (mask.width() as usize, mask.values());
        let marked = values.iter().enumerate().filter(|(_, value)| **value > 0);
        let places = marked.map(|(place, _)| [place % width, place / width]);
        let mut bounds = None::<[[usize; 2]; 2]>;
        for [x, y] in places {
            let [[left, top], [right, bottom]] = bounds.unwrap_or([[x, y], [x, y]]);
            bounds = Some([[left.min(x), top.min(y)], [right.max(x), bottom.max(y)]]);
        }
        let [first, last] = bounds?;
        let padding = i64::from(padding);
        let sides = [mask.width(), mask.height()].map(i64::from);
        let mut begin = first.map(|first| (first as i64 - padding).max(0));
        let padded = last.map(|last| last as i64 + 1 + padding);
        let mut end = [padded[0].min(sides[0]), padded[1].min(sides[1])];
        let lengths = [end[0] - begin[0], end[1] - begin[1]].map(|length| length as f64);
        let ratio = f64::from(size[0]) / f64::from(size[1]);
        let (axis, wanted) = match lengths[0] / lengths[1] > ratio {
            true => (1, lengths[0] / ratio),
            false => (0, lengths[1] * ratio),
        };
        let more = (wanted - lengths[axis]) as i64;
        let grown = grow([begin[axis], end[axis]], more, sides[axis]);
        [begin[axis], end[axis]] = grown;
        let bytes = |ends: [i64; 2]| ends.map(|end| end as u32);
        Some(Region { begin: bytes(begin), end: bytes(end) })
    }

    /// Width and height.
    pub fn size(&self) -> [u32; 2] {
        [self.end[0] - self.begin[0], self.end[1] - self.begin[1]]
    }

    /// This part of a picture at another size: as large as fits into it, in the middle, and what is
    /// left over on two sides filled from the edges. diffusers: `resize_mode="fill"`.
    pub fn of_picture(&self, picture: &Rgba, to: [u32; 2]) -> Rgba {
        let part = cut::<4>(picture.pixels(), picture.width(), self);
        Rgba::new(to[0], to[1], filled::<4>(&part, self.size(), to))
    }

    /// The same part of a mask.
    pub fn of_mask(&self, mask: &Mask, to: [u32; 2]) -> Mask {
        let part = cut::<1>(mask.values(), mask.width(), self);
        Mask::new(to[0], to[1], filled::<1>(&part, self.size(), to))
    }

    /// A picture with this part replaced by another picture, which is resized to cover it and cut
    /// off where it is larger. diffusers: `resize_mode="crop"`.
    pub fn put(&self, picture: &Rgba, part: &Rgba) -> Rgba {
        let from = [part.width(), part.height()];
        let [w, h] = self.size().map(u64::from);
        let [from_w, from_h] = from.map(u64::from);
        // w / h > from_w / from_h
        let is_wider = w * from_h > from_w * h;
        let covering = match is_wider {
            true => [w, from_h * w / from_w],
            false => [from_w * h / from_h, h],
        };
        // At least as long as the part on both sides; the middle of it is seen.
        let seen = [(covering[0], w), (covering[1], h)].map(|(covering, side)| {
            let begin = (covering / 2 - side / 2) as usize;
            begin..begin + side as usize
        });
        let to = (covering.map(|side| side as u32), seen);
        let part = resampled_part::<4>(part.pixels(), from, to, Filter::Lanczos);
        let mut pixels = picture.pixels().to_vec();
        let [x, y] = self.begin.map(|begin| begin as usize);
        let rows = pixels.chunks_exact_mut(4 * picture.width() as usize).skip(y);
        for (row, seen) in rows.zip(part.chunks_exact(4 * w as usize)) {
            row[4 * x..][..seen.len()].copy_from_slice(seen);
        }
        Rgba::new(picture.width(), picture.height(), pixels)
    }
}

/// Makes an interval longer by `more` on both sides, and moves it into 0…`side`.
fn grow([mut begin, mut end]: [i64; 2], more: i64, side: i64) -> [i64; 2] {
    begin -= more.div_euclid(2);
    end += more - more.div_euclid(2);
    if end >= side {
        let beyond = end - side;
        end -= beyond;
        begin -= beyond;
    }
    if begin < 0 {
        end -= begin;
        begin = 0;
    }
    [begin, end.min(side)]
}

/// The pixels of a region, C bytes each.
fn cut<const C: usize>(pixels: &[u8], width: u32, region: &Region) -> Vec<u8> {
    let [x, y] = region.begin.map(|begin| begin as usize);
    let [w, h] = region.size().map(|side| side as usize);
    let rows = pixels.chunks_exact(width as usize * C).skip(y).take(h);
    rows.flat_map(|row| &row[x * C..(x + w) * C]).copied().collect()
}

/// Pixels at another size, with their ratio; the rest is filled from the edges.
fn filled<const C: usize>(pixels: &[u8], from: [u32; 2], to: [u32; 2]) -> Vec<u8> {
    let [from_w, from_h] = from.map(u64::from);
    let [w, h] = to.map(u64::from);
    // w / h < from_w / from_h, and the other way round
    let (is_wider, is_narrower) = (w * from_h < from_w * h, w * from_h > from_w * h);
    let inner_w = if is_wider { w } else { from_w * h / from_h };
    let inner_h = if is_wider { from_h * w / from_w } else { h };
    let [inner_w, inner_h] = [inner_w, inner_h].map(|side| side.max(1) as usize);
    let inner = resampled::<C>(pixels, from, [inner_w as u32, inner_h as u32], Filter::Lanczos);
    let [w, h] = [w as usize, h as usize];
    if is_wider {
        let before = h / 2 - inner_h / 2;
        let mut all = vec![0; w * h * C];
        let row = w * C;
        all[before * row..(before + inner_h) * row].copy_from_slice(&inner);
        if before > 0 {
            let edge = |last: bool| down(&inner, row, &edge_taps(inner_h, last, before));
            all[..before * row].copy_from_slice(&edge(false));
            put_rows(&mut all, (before + inner_h) * row, &edge(true));
        }
        return all;
    }
    if !is_narrower {
        return inner;
    }
    let before = w / 2 - inner_w / 2;
    let [first, last] = [false, true].map(|last| edge_taps(inner_w, last, before));
    let rows = inner.chunks_exact(inner_w * C).flat_map(|row| {
        let mut all = along_row::<C>(row, &first);
        all.extend_from_slice(row);
        all.extend(along_row::<C>(row, &last));
        all.resize(w * C, 0);
        all
    });
    rows.collect()
}

/// Copies as many bytes as there is room for.
fn put_rows(all: &mut [u8], at: usize, rows: &[u8]) {
    let room = (all.len() - at).min(rows.len());
    all[at..at + room].copy_from_slice(&rows[..room]);
}
