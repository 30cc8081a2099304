//! The fixed requests by which what a picture loses is measured: things that the built-in model
//! knows.

use darkroom::pipeline::Request;

/// What the requests show: each in each colour, on the next colour but two.
const OBJECTS: [&str; 8] = ["cat", "fish", "car", "house", "tree", "apple", "star", "key"];
const COLOURS: [&str; 8] = ["red", "blue", "green", "yellow", "purple", "orange", "white", "black"];

/// Request `i`: eight colours of each of eight objects in turn, with a seed of its own.
pub(super) fn request(i: usize, steps: u32, guidance_scale: f64) -> Request {
    let (object, colour) = (OBJECTS[i / 8 % 8], COLOURS[i % 8]);
    let background = COLOURS[(i + 3) % 8];
    Request {
        prompt: format!("a {colour} {object} on a {background} background"),
        seed: i as u64,
        steps,
        guidance_scale,
        ..Request::default()
    }
}
