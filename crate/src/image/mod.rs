//! Pictures on the CPU: eight-bit RGBA, PNG files, and the text inside them; masks, and what is
//! made of a picture by them.

mod blur;
mod canny;
mod crop;
mod exif;
mod interpolate;
mod likeness;
mod mask;
mod outpaint;
mod overlay;
pub mod parameters;
pub mod png;
mod preprocess;
mod resize;
mod rgba;
mod seams;
mod tiles;

pub use canny::canny;
pub use crop::Region;
pub use interpolate::{Interpolation, enlarged};
pub use likeness::{Likeness, psnr};
pub use mask::Mask;
pub use outpaint::Outpaint;
pub use preprocess::Preprocess;
pub use resize::Filter;
pub use rgba::Rgba;
pub use seams::{Mosaic, Seams, cut};
pub use tiles::{Tile, tiles};
