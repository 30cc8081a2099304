//! What becomes of masks and pictures in pixels, byte for byte as in Pillow and diffusers: blurs,
//! the part around a mask, a picture over another one. `scripts/golden/inpaint.py` wrote the
//! answers.

use crate::harness::allocations::most_held;
use crate::harness::golden::{json, list, number, text};
use crate::img2img::initial;
use darkroom::image::{Filter, Mask, Outpaint, Region, Rgba};
use serde_json::Value;

/// The mask of the golden runs: an ellipse, and a strip of grey.
pub(crate) fn mask(width: u32, height: u32) -> Rgba {
    let (w, h) = (i64::from(width), i64::from(height));
    let value = |i: i64| {
        let (x, y) = (i % w, i / w);
        let inside = (16 * x - 7 * w).pow(2) * h * h + (16 * y - 9 * h).pow(2) * w * w;
        if y > 13 * h / 16 && 4 * x > w && 4 * x < 3 * w {
            return 140;
        }
        if inside < 16 * w * w * h * h { 255 } else { 0 }
    };
    let pixel = |i: i64| [value(i), value(i), value(i), 7];
    Rgba::new(width, height, (0..w * h).flat_map(pixel).collect())
}

fn size(value: &Value) -> [u32; 2] {
    [0, 1].map(|i| value[i].as_u64().unwrap() as u32)
}

fn fnv(bytes: impl Iterator<Item = u8>) -> String {
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn of_mask(mask: &Mask) -> String {
    fnv(mask.values().iter().copied())
}

fn of_picture(picture: &Rgba) -> String {
    fnv(picture.pixels().chunks(4).flat_map(|pixel| pixel[..3].to_vec()))
}

/// Turned by half a turn.
fn turned(picture: Rgba) -> Rgba {
    picture.upright(3)
}

#[test]
fn blurs_are_pillow() {
    for case in list(&json("masks.json"), "blurs") {
        let ([w, h], radius) = (size(&case["size"]), number(case, "radius"));
        let blurred = Mask::of(&mask(w, h)).blur(radius);
        assert_eq!(of_mask(&blurred), text(case, "fnv"), "{w}×{h} by {radius}");
    }
    let plain = Mask::of(&mask(9, 9));
    assert_eq!(plain.blur(0.0), plain);
}

#[test]
fn masks_are_resized_as_by_pillow() {
    for case in list(&json("masks.json"), "sizes") {
        let ([w, h], [to_w, to_h]) = (size(&case["from"]), size(&case["to"]));
        let resized = Mask::of(&mask(w, h)).resize(to_w, to_h);
        assert_eq!(of_mask(&resized), text(case, "fnv"), "{w}×{h} to {to_w}×{to_h}");
        let picture = mask(w, h).resize(to_w, to_h, Filter::Lanczos);
        assert_eq!(Mask::of(&picture), resized);
    }
}

#[test]
fn a_part_is_cut_out_and_put_back_as_in_diffusers() {
    for case in list(&json("masks.json"), "regions") {
        let ([w, h], to) = (size(&case["size"]), size(&case["to"]));
        let padding = number(case, "padding") as u32;
        let what = format!("{w}×{h} for {to:?} with {padding}");
        let (picture, mask) = (initial(w, h), Mask::of(&mask(w, h)));
        let region = Region::of(&mask, to, padding).unwrap();
        let ends: Vec<_> = [region.begin, region.end].concat();
        assert_eq!(serde_json::json!(ends), case["region"], "{what}");
        assert_eq!(of_picture(&region.of_picture(&picture, to)), text(case, "picture"), "{what}");
        assert_eq!(of_mask(&region.of_mask(&mask, to)), text(case, "mask"), "{what}");
        let made = turned(initial(to[0], to[1]));
        let soft = mask.blur(3.0);
        let around = Region::of(&soft, to, padding).unwrap();
        let whole = around.put(&picture, &made).under(&picture, &soft);
        assert_eq!(of_picture(&whole), text(case, "put"), "{what}");
    }
    assert_eq!(Region::of(&Mask::new(8, 8, vec![0; 64]), [64, 64], 8), None);
}

#[test]
fn a_picture_is_laid_over_another_as_in_diffusers() {
    for case in list(&json("masks.json"), "over") {
        let ([w, h], radius) = (size(&case["size"]), number(case, "radius"));
        let (picture, mask) = (initial(w, h), Mask::of(&mask(w, h)).blur(radius));
        let whole = turned(initial(w, h)).under(&picture, &mask);
        assert_eq!(of_picture(&whole), text(case, "fnv"), "{w}×{h} by {radius}");
        for (i, value) in mask.values().iter().enumerate().filter(|(_, value)| **value == 0) {
            let at = 4 * i..4 * i + 3;
            assert_eq!(whole.pixels()[at.clone()], picture.pixels()[at], "{value}");
        }
    }
}

/// A part as long as a panorama takes the memory of the pictures, not that of a square of its
/// length, and is what the middle of that square would be.
#[test]
fn a_long_part_is_put_back_within_its_memory() {
    let [long, short] = [2048, 32];
    let made = initial(64, 64);
    let square = made.resize(long, long, Filter::Lanczos);
    for [w, h] in [[long, short], [short, long]] {
        let picture = initial(w, h);
        let region = Region::of(&Mask::new(w, h, vec![255; (w * h) as usize]), [64, 64], 8);
        let region = region.unwrap();
        assert_eq!(region.size(), [w, h]);
        let (whole, held) = most_held(|| region.put(&picture, &made));
        let bytes = 4 * (w * h) as usize;
        println!("{w}×{h}: {held} bytes, of which the picture has {bytes}");
        assert!(held < 6 * bytes, "{w}×{h}: {held} bytes");
        let begin = [w, h].map(|side| long / 2 - side / 2);
        let middle = Region { begin, end: [begin[0] + w, begin[1] + h] };
        assert!(whole == middle.of_picture(&square, [w, h]), "{w}×{h}");
    }
}

/// Nothing is held twice while a canvas grows.
#[test]
fn a_canvas_grows_within_its_memory() {
    let inner = initial(700, 500);
    let (grown, held) = most_held(|| Outpaint::new(&inner, [100, 0, 100, 20], 1, 8192).unwrap());
    let pixels = (grown.mask.width() * grown.mask.height()) as usize;
    println!("{held} bytes for {pixels} pixels");
    assert!(held <= 5 * pixels + 1000, "{held} bytes for {pixels} pixels");
}
