#![doc = include_str!("../ARCHITECTURE.md")]

// Floor 0: pure data.
pub mod dtype;
pub mod error;
pub mod shape;

// Floor 1: siblings that do not know each other.
pub mod diffusion;
pub mod gpu;
pub mod image;
pub mod text;
pub mod weights;

// Floor 2: typed operations on the GPU.
pub mod ops;
pub mod tensor;
pub mod weight;

// Floors 3 to 6: layers, models, their reference on the CPU, the walk.
pub mod models;
pub mod nn;
pub mod pipeline;
pub mod reference;

// Floor 7: the home of weights in a browser, the face shown to JavaScript.
#[cfg(target_arch = "wasm32")]
pub mod store;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use dtype::{Precision, WeightType};
pub use error::{Error, Result};
