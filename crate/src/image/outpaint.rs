//! Outpainting: a picture on a larger canvas, and the mask of what is new, for a run that fills it.
//!
//! ```text
//! new pixels = the picture reflected at its edges, plus a little noise of the seed
//! mask       = 255 where it is new, falling to 0 within a few pixels of the picture
//! ```
//!
//! The reflection gives the first step colours that continue the picture, the noise something to
//! make structure of. Further pixels are added at the right and at the bottom, so that the sides
//! are multiples of eight.

use super::mask::Mask;
use super::rgba::Rgba;

/// Sides are multiples of it: pixels per latent.
const FACTOR: u32 = 8;

/// How far the mask reaches into the picture, at most: the edge is made anew with the rest.
const OVERLAP: u32 = 16;

/// The largest change by noise.
const NOISE: i32 = 12;

/// A picture that has grown, and what of it is to be made anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Outpaint {
    /// The picture on its canvas.
    pub picture: Rgba,
    /// White where it is new.
    pub mask: Mask,
}

impl Outpaint {
    /// Why [`Outpaint::new`] gives nothing, as the end of a sentence about the canvas.
    pub fn refused(longest: u32) -> String {
        format!(
            "must grow by a pixel at one side at least, and have sides of at most {longest} pixels"
        )
    }

    /// The picture with so many more pixels at the left, the top, the right and the bottom.
    /// `None` for a picture without pixels, where nothing is added, and where a side would be
    /// longer than `longest`.
    pub fn new(picture: &Rgba, more: [u32; 4], seed: u64, longest: u32) -> Option<Outpaint> {
        let [left, top, right, bottom] = more;
        let (w, h) = (picture.width(), picture.height());
        let side = |inner: u32, before: u32, after: u32| {
            let whole = inner.checked_add(before)?.checked_add(after)?;
            let whole = whole.checked_next_multiple_of(FACTOR)?;
            (inner > 0 && whole <= longest).then_some(whole)
        };
        let size = [side(w, left, right)?, side(h, top, bottom)?];
        if size == [w, h] {
            return None;
        }
        let mut random = seed;
        let places = (0..size[1]).flat_map(|y| (0..size[0]).map(move |x| (x, y)));
        // Grown while they are filled, they would be held twice.
        let count = size[0] as usize * size[1] as usize;
        let (mut pixels, mut values) = (Vec::with_capacity(4 * count), Vec::with_capacity(count));
        for (x, y) in places {
            let (from_x, from_y) = (reflected(x, left, w), reflected(y, top, h));
            let at = 4 * (from_y as usize * w as usize + from_x as usize);
            let rgb = &picture.pixels()[at..at + 3];
            let is_new = x < left || x >= left + w || y < top || y >= top + h;
            let noise = if is_new { next(&mut random) } else { [0; 3] };
            let added = |i: usize| (i32::from(rgb[i]) + noise[i]).clamp(0, 255) as u8;
            pixels.extend([added(0), added(1), added(2), u8::MAX]);
            let depth = |at: u32, before: u32, inner: u32, whole: u32| {
                // From an edge that is also the canvas's, nothing is to be blended in.
                let first = if before > 0 { at.saturating_sub(before) } else { u32::MAX };
                let last = if before + inner < whole { before + inner - 1 - at } else { u32::MAX };
                first.min(last)
            };
            values.push(match is_new {
                true => 255,
                false => edge(depth(x, left, w, size[0]).min(depth(y, top, h, size[1])), w.min(h)),
            });
        }
        let [width, height] = size;
        Some(Outpaint {
            picture: Rgba::new(width, height, pixels),
            mask: Mask::new(width, height, values),
        })
    }
}

/// The mask within the picture, so far from what is new. Of a small picture at most an eighth is
/// made anew at each side.
fn edge(depth: u32, shorter: u32) -> u8 {
    let overlap = OVERLAP.min(shorter / 8);
    if depth >= overlap {
        return 0;
    }
    // From white at the edge to black: straight, so that half of it is made anew.
    (255 * (overlap - depth) / (overlap + 1)) as u8
}

/// The place in the picture that a place of the canvas shows: as in a row of mirrors.
fn reflected(at: u32, before: u32, inner: u32) -> u32 {
    if inner == 1 {
        return 0;
    }
    let period = 2 * (i64::from(inner) - 1);
    let place = (i64::from(at) - i64::from(before)).rem_euclid(period);
    place.min(period - place) as u32
}

/// Three small random numbers: splitmix64.
fn next(state: &mut u64) -> [i32; 3] {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    [0, 16, 32].map(|shift| {
        let bits = ((z >> shift) & 0xffff) as i32;
        ((bits * (2 * NOISE + 1)) >> 16) - NOISE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(w: u32, h: u32) -> Rgba {
        let pixel = |i: u32| [(i % w * 9) as u8, (i / w * 7) as u8, i as u8, 255];
        Rgba::new(w, h, (0..w * h).flat_map(pixel).collect())
    }

    #[test]
    fn the_canvas_grows_and_the_picture_stays() {
        let inner = picture(64, 48);
        let Outpaint { picture: outer, mask } =
            Outpaint::new(&inner, [8, 0, 3, 32], 1, 8192).unwrap();
        assert_eq!((outer.width(), outer.height()), (80, 80));
        for y in 0..80 {
            for x in 0..80 {
                let at = 80 * y + x;
                let is_in = (8..72).contains(&x) && y < 48;
                let pixel = &outer.pixels()[4 * at..][..3];
                if is_in {
                    assert_eq!(pixel, &inner.pixels()[4 * (64 * y + x - 8)..][..3]);
                } else {
                    assert_eq!(mask.values()[at], 255);
                }
                // The top is no new edge, and what is far from the others stays.
                if (20..60).contains(&x) && y < 40 {
                    assert_eq!(mask.values()[at], 0, "{x} {y}");
                }
            }
        }
        // A pixel before the left edge is the one behind it, but for the noise.
        let [before, behind] = [7, 9].map(|x| i32::from(outer.pixels()[4 * (80 * 5 + x)]));
        assert!((before - behind).abs() <= NOISE);
        let again = Outpaint::new(&inner, [8, 0, 3, 32], 1, 8192).unwrap();
        assert_eq!(again.picture.pixels(), outer.pixels());
        let other = Outpaint::new(&inner, [8, 0, 3, 32], 2, 8192).unwrap();
        assert_ne!(other.picture.pixels(), outer.pixels());
    }

    #[test]
    fn what_cannot_grow_is_refused() {
        assert_eq!(Outpaint::new(&picture(64, 48), [0; 4], 1, 8192), None);
        assert_eq!(Outpaint::new(&Rgba::new(0, 0, vec![]), [8; 4], 1, 8192), None);
        assert_eq!(Outpaint::new(&picture(8, 8), [u32::MAX, 0, 9, 0], 1, 8192), None);
        assert_eq!(Outpaint::new(&picture(8, 8), [8192, 0, 0, 0], 1, 8192), None);
        let tiny = Outpaint::new(&picture(1, 1), [3, 3, 4, 4], 1, 8192).unwrap();
        assert_eq!((tiny.picture.width(), tiny.picture.height()), (8, 8));
    }
}
