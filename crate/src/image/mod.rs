//! Pictures on the CPU: eight-bit RGBA, PNG files, and the text inside them.

mod exif;
mod likeness;
pub mod parameters;
pub mod png;
mod resize;
mod rgba;
mod tiles;

pub use likeness::{Likeness, psnr};
pub use rgba::Rgba;
pub use tiles::{Tile, tiles};
