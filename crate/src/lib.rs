#![doc = include_str!("../ARCHITECTURE.md")]

// Without the feature `engine` there is only what reads bytes and texts from outside.

// Tier 0: pure data.
pub mod activation;
pub mod dtype;
pub mod error;
pub mod json;
pub mod shape;

// Tier 1: modules that do not use each other.
pub mod diffusion;
#[cfg(feature = "engine")]
pub mod gpu;
pub mod image;
pub mod text;
pub mod weights;

// Tier 2: typed operations on the GPU; a request.
#[cfg(feature = "engine")]
pub mod ops;
pub mod request;
#[cfg(feature = "engine")]
pub mod tensor;
#[cfg(feature = "engine")]
pub mod weight;

// Tiers 3 to 6: layers, models, their reference on the CPU, the pipeline.
#[cfg(feature = "engine")]
pub mod measure;
pub mod models;
#[cfg(feature = "engine")]
pub mod nn;
#[cfg(feature = "engine")]
pub mod pipeline;
#[cfg(feature = "engine")]
pub mod reference;

// Tier 7: scores of pictures.
#[cfg(feature = "engine")]
pub mod judge;

// Tier 8: the store of models in a browser, the interface for JavaScript.
#[cfg(all(target_arch = "wasm32", feature = "engine"))]
pub mod store;
#[cfg(all(target_arch = "wasm32", feature = "engine"))]
pub mod web;

pub use dtype::{Precision, WeightType};
pub use error::{Error, Result};
