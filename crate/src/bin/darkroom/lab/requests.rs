//! The fixed requests for measuring precision and shortcuts: objects that the built-in model was
//! trained on.

use darkroom::pipeline::Request;

/// The objects; each comes in each colour, on a background whose colour has the index + 3.
const OBJECTS: [&str; 8] = ["cat", "fish", "car", "house", "tree", "apple", "star", "key"];
const COLOURS: [&str; 8] = ["red", "blue", "green", "yellow", "purple", "orange", "white", "black"];

/// Request `i`, with its own seed: for each of eight objects in turn, all eight colours.
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
