//! ControlNets in runs that make a part of a picture anew.

use crate::controlnet::of_tiny;
use crate::img2img::initial;
use crate::made_up::tiny;
use crate::reference::open_on_cpu;
use crate::walk::Memory;
use darkroom::image::{Mask, Region, Rgba};
use darkroom::pipeline::{Control, Extras, PictureControl, Pipeline, Request};
use pollster::block_on;

const SIZE: [u32; 2] = [48, 40];
const PADDING: u32 = 4;

/// The picture that the run makes, before it is put back.
fn made(pipeline: &Pipeline, request: &Request, pictures: [&Rgba; 2], control: &Rgba) -> Vec<f32> {
    let controls = [PictureControl::new(of_tiny("net"), control.clone())];
    let memory = Memory::default();
    let [initial, mask] = pictures.map(Some);
    let observer = Some(&memory as _);
    let extras = Extras { initial, mask, controls: &controls, observer, ..Extras::default() };
    block_on(pipeline.generate_with(request, &Control::default(), &extras)).unwrap();
    memory.stages()["image"].clone()
}

/// Where only the masked part is made, a ControlNet sees that part of its picture alone.
#[test]
fn it_sees_the_part_that_is_made() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let (start, control) = (initial(96, 80), initial(192, 160));
    let is_white = |i: u32| (20..50).contains(&(i % 96)) && (30..55).contains(&(i / 96));
    let value = |i: u32| if is_white(i) { [255; 4] } else { [0, 0, 0, 255] };
    let mask = Rgba::new(96, 80, (0..96 * 80).flat_map(value).collect());
    let [width, height] = SIZE.map(Some);
    let whole = Request { steps: 3, width, height, prompt: "a".into(), ..Request::default() };
    let part = Request { padding_mask_crop: Some(PADDING), ..whole.clone() };
    let got = made(&pipeline, &part, [&start, &mask], &control);

    let marks = Mask::of(&mask);
    let region = Region::of(&marks, SIZE, PADDING).unwrap();
    let cut = region.of_picture(&start, SIZE);
    let cut_mask = region.of_mask(&marks, SIZE).picture();
    let lanczos = |picture: &Rgba| picture.resize(96, 80, darkroom::image::Filter::Lanczos);
    let cut_control = region.of_picture(&lanczos(&control), SIZE);
    let want = made(&pipeline, &whole, [&cut, &cut_mask], &cut_control);
    assert_eq!(got, want);
    assert_ne!(got, made(&pipeline, &part, [&start, &mask], &start));
}
