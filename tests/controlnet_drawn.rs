//! The built-in model's own ControlNet (`scripts/train_demo/icons/controlnet.py`): what is made has
//! the shape that was drawn, whatever the prompt names.

use crate::harness::golden;
use crate::reference::open_on_cpu;
use darkroom::image::Rgba;
use darkroom::pipeline::{Control, Extras, PictureControl, Pipeline, Request};
use darkroom::weights::{ControlFile, FileSource};
use pollster::block_on;
use std::rc::Rc;

const SIDE: u32 = 128;

/// Whether a pixel is drawn.
type Shape = fn(f64, f64) -> bool;

/// Shapes that the model was not trained on, as functions of a pixel in −1…1.
const SHAPES: [(&str, Shape); 4] = [
    ("a tilted bar", |x, y| (x + y).abs() < 0.4 && (x - y).abs() < 1.3),
    ("an L", |x, y| (-0.7..0.7).contains(&x) && (-0.7..0.7).contains(&y) && (x < -0.1 || y > 0.1)),
    ("a wide ellipse", |x, y| (x / 0.85).powi(2) + ((y - 0.2) / 0.45).powi(2) < 1.0),
    ("a triangle on its point", |x, y| y < 0.75 && y > -0.7 && x.abs() < 0.45 * (0.8 - y)),
];

fn drawing(shape: Shape) -> (Vec<bool>, Rgba) {
    let at = |i: u32| (f64::from(i) + 0.5) / f64::from(SIDE) * 2.0 - 1.0;
    let inside: Vec<bool> = (0..SIDE * SIDE).map(|i| shape(at(i % SIDE), at(i / SIDE))).collect();
    let white = |inside: &bool| if *inside { [255; 4] } else { [0, 0, 0, 255] };
    let pixels = inside.iter().flat_map(white).collect();
    (inside, Rgba::new(SIDE, SIDE, pixels))
}

/// The medians of the colours where something is drawn (or where nothing is).
fn median(pixels: &[[u8; 4]], inside: &[bool], wanted: bool) -> [f64; 3] {
    [0, 1, 2].map(|colour| {
        let of_pixel = |(pixel, is): (&[u8; 4], &bool)| (*is == wanted).then_some(pixel[colour]);
        let mut values: Vec<u8> = pixels.iter().zip(inside).filter_map(of_pixel).collect();
        values.sort_unstable();
        f64::from(values[values.len() / 2])
    })
}

/// Intersection over union of the drawn shape and of what has its colour.
fn overlap(picture: &[u8], inside: &[bool]) -> f64 {
    let pixels = picture.as_chunks::<4>().0;
    let [own, background] = [true, false].map(|wanted| median(pixels, inside, wanted));
    let distance = |pixel: &[u8; 4], colour: [f64; 3]| -> f64 {
        (0..3).map(|i| (f64::from(pixel[i]) - colour[i]).powi(2)).sum()
    };
    if distance(&[own[0] as u8, own[1] as u8, own[2] as u8, 0], background) < 400.0 {
        return 0.0;
    }
    let found = |pixel: &[u8; 4]| distance(pixel, own) < distance(pixel, background);
    let (mut both, mut either) = (0, 0);
    for (pixel, inside) in pixels.iter().zip(inside) {
        both += u32::from(found(pixel) && *inside);
        either += u32::from(found(pixel) || *inside);
    }
    f64::from(both) / f64::from(either)
}

fn draw(pipeline: &Pipeline, seed: u64, controls: &[PictureControl]) -> Vec<u8> {
    let prompt = "a red house on a yellow background".to_owned();
    let [width, height] = [Some(SIDE); 2];
    let sized = Request { width, height, ..Request::default() };
    let request = Request { prompt, seed, guidance_scale: 5.0, ..sized };
    let extras = Extras { controls, ..Extras::default() };
    block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap().rgba
}

#[test]
fn what_is_made_has_the_drawn_shape() {
    let pipeline = open_on_cpu(&golden::path("web/models/demo")).unwrap();
    let folder = golden::path("scripts/train_demo/addons/controlnet-shape");
    let source = Rc::new(FileSource::new(folder));
    let file = block_on(ControlFile::open_folder(source, "controlnet-shape")).unwrap();
    for (seed, (name, shape)) in SHAPES.into_iter().enumerate() {
        let (inside, picture) = drawing(shape);
        let controls = [PictureControl::new(file.clone(), picture)];
        let with = overlap(&draw(&pipeline, seed as u64, &controls), &inside);
        let without = overlap(&draw(&pipeline, seed as u64, &[]), &inside);
        println!("{name}: {with:.2} with the ControlNet, {without:.2} without");
        assert!(with >= 0.7 && with > without + 0.1, "{name}: {with} and {without}");
    }
}
