//! Pictures on the CPU: eight-bit RGBA, PNG files, and the text that travels inside them.

pub mod parameters;
pub mod png;
mod resize;
mod rgba;

pub use rgba::Rgba;
