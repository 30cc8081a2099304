//! CLIP: the text encoder, which turns token ids into the context that the UNet attends to; and in
//! `vision` the tower of the safety checker. Both have the same transformer, `encoder`. `model` is
//! the whole of CLIP, which scores how well a picture fits a prompt.

mod config;
#[cfg(feature = "engine")]
mod encoder;
#[cfg(feature = "engine")]
mod image_processor;
#[cfg(feature = "engine")]
mod model;
#[cfg(feature = "engine")]
mod text_encoder;
#[cfg(feature = "engine")]
mod vision;

pub use config::{EncoderConfig, TextConfig, VisionConfig};
#[cfg(feature = "engine")]
pub use image_processor::ImageProcessor;
#[cfg(feature = "engine")]
pub use model::{ClipConfig, ClipModel, cosine};
#[cfg(feature = "engine")]
pub use text_encoder::TextEncoder;
#[cfg(feature = "engine")]
pub use vision::VisionTower;
