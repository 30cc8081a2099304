//! Conversions of a tensor's elements in a file to f32 and back: floats, and ggml's blocks.

pub(super) mod blocks;
pub(super) mod decode;
pub(super) mod encode;
