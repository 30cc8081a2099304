//! Outpainting for JavaScript: a picture on a larger canvas, and the mask of what is new.

use super::beside::picture;
use super::values::{pixels_object, set, to_js};
use crate::error::Error;
use crate::image::Outpaint;
use crate::request::SIDE_MAX;
use js_sys::Object;
use wasm_bindgen::prelude::*;

/// A picture `{ width, height, rgba }` with so many more pixels at the left, the top, the right and
/// the bottom: `{ initial, mask }`, both such pictures, for a request of their size. The new pixels
/// are the picture's, reflected, with a little noise of the seed; the mask is white where it is
/// new. Sides become multiples of eight.
///
/// # Errors
/// An `Error` of JavaScript with its `kind`: `request` where nothing is added, a side is too long,
/// or the object is no picture.
#[wasm_bindgen]
pub fn outpaint(pixels: &JsValue, more: Vec<u32>, seed: f64) -> Result<JsValue, JsValue> {
    let refused = |reason: String| to_js(Error::Request { field: "canvas", reason });
    let Some(inner) = picture(pixels, "initial picture").map_err(to_js)? else {
        return Err(refused("has no picture to grow from".into()));
    };
    let more = more.try_into().map_err(|_| refused("grows at four sides".into()))?;
    let grown = Outpaint::new(&inner, more, seed as u64, SIDE_MAX);
    // Each is let go before the next one is made: they may have a quarter of a gigabyte.
    drop(inner);
    let Outpaint { picture, mask } = grown.ok_or_else(|| refused(Outpaint::refused(SIDE_MAX)))?;
    let object = JsValue::from(Object::new());
    set(&object, "initial", pixels_object(&picture));
    drop(picture);
    set(&object, "mask", pixels_object(&mask.picture()));
    Ok(object)
}
