//! Plain objects and errors as JavaScript has them.

use crate::error::Error;
use crate::image::Rgba;
use js_sys::{Object, Reflect, Uint8ClampedArray};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// A plain object, with plain numbers.
pub(super) fn to_object(value: &impl Serialize) -> JsValue {
    value.serialize(&Serializer::json_compatible()).unwrap_or(JsValue::UNDEFINED)
}

/// An error as JavaScript has it: `kind`, and for a request the `field`.
pub(super) fn to_js(error: Error) -> JsValue {
    let object = js_error(error.kind(), &error.to_string());
    if let Error::Request { field, .. } = error {
        set(&object, "field", field.into());
    }
    object
}

/// A JavaScript error of a kind.
pub(super) fn js_error(kind: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message).into();
    set(&error, "kind", kind.into());
    error
}

/// Sets a property of an object that we have just made.
pub(super) fn set(object: &JsValue, name: &str, value: JsValue) {
    Reflect::set(object, &name.into(), &value).expect("a new object takes any property");
}

/// A picture `{ width, height, rgba }`.
pub(super) fn pixels_object(picture: &Rgba) -> JsValue {
    let object = JsValue::from(Object::new());
    set(&object, "width", picture.width().into());
    set(&object, "height", picture.height().into());
    set(&object, "rgba", Uint8ClampedArray::from(picture.pixels()).into());
    object
}
