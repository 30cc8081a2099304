//! Canny's edges against OpenCV's and Lanczos' resizing against Pillow's, pixel for pixel
//! (`scripts/golden/canny.py`).

use crate::harness::golden;
use darkroom::image::{Filter, Preprocess, Rgba, canny, png};

const WIDTH: usize = 40;
const HEIGHT: usize = 32;
const COUNT: usize = 20;

fn read(name: &str) -> Rgba {
    let path = golden::path("tests/golden/canny").join(name);
    png::decode(name, &std::fs::read(path).unwrap()).unwrap().picture
}

/// Picture `index` of a strip.
fn part(strip: &Rgba, index: usize) -> Rgba {
    let bytes = 4 * WIDTH * HEIGHT;
    let pixels = strip.pixels()[index * bytes..][..bytes].to_vec();
    Rgba::new(WIDTH as u32, HEIGHT as u32, pixels)
}

/// Some channels of a picture.
fn channels(picture: &Rgba, wanted: &[usize]) -> Vec<u8> {
    let pixels = picture.pixels().as_chunks::<4>().0;
    pixels.iter().flat_map(|pixel| wanted.iter().map(|c| pixel[*c])).collect()
}

#[test]
fn edges_are_those_of_opencv() {
    let (pictures, edges) = (read("pictures.png"), read("edges.png"));
    let mut all = 0;
    for index in 0..COUNT {
        let (picture, want) = (part(&pictures, index), part(&edges, index));
        let of = |wanted: &[usize], thresholds| {
            canny(&channels(&picture, wanted), [WIDTH, HEIGHT], thresholds)
        };
        assert_eq!(of(&[0, 1, 2], [100, 200]), channels(&want, &[0]), "{index} in colour");
        assert_eq!(of(&[0], [100, 200]), channels(&want, &[1]), "{index} in gray");
        assert_eq!(of(&[0, 1, 2], [60, 30]), channels(&want, &[2]), "{index}, low thresholds");
        let made = Preprocess::Canny.of(&picture);
        for c in 0..3 {
            assert_eq!(channels(&made, &[c]), channels(&want, &[0]));
        }
        assert!(made.pixels().iter().skip(3).step_by(4).all(|alpha| *alpha == 255));
        all += of(&[0, 1, 2], [100, 200]).iter().filter(|edge| **edge > 0).count();
    }
    assert!(all > 1000, "{all} pixels of edges");
}

#[test]
fn what_has_few_pixels_has_no_edges() {
    assert!(canny(&[], [0, 7], [100, 200]).is_empty());
    assert_eq!(canny(&[9, 200, 3], [1, 1], [1, 2]), [0]);
    assert_eq!(canny(&[0, 255], [2, 1], [10, 20]).len(), 2);
}

#[test]
fn a_negative_turns_black_and_white() {
    let picture = Rgba::new(2, 1, vec![0, 10, 255, 7, 1, 2, 3, 255]);
    assert_eq!(Preprocess::Invert.of(&picture).pixels(), [255, 245, 0, 255, 254, 253, 252, 255]);
    assert_eq!(Preprocess::None.of(&picture), picture);
    for one in Preprocess::ALL {
        assert_eq!(one.name().parse(), Ok(one));
    }
    assert!("depth".parse::<Preprocess>().is_err());
}

#[test]
fn lanczos_is_that_of_pillow() {
    let json = golden::json("canny/lanczos.json");
    let sizes: Vec<[u32; 2]> = serde_json::from_value(json["sizes"].clone()).unwrap();
    let (pictures, strip) = (read("pictures.png"), read("lanczos.png"));
    let mut first = 0;
    for (index, [width, height]) in sizes.into_iter().enumerate() {
        let got = part(&pictures, index).resize(width, height, Filter::Lanczos);
        let count = (width * height) as usize;
        let want = &strip.pixels()[4 * first..][..4 * count];
        assert_eq!(got.pixels(), want, "{index} at {width}×{height}");
        first += count;
    }
}
