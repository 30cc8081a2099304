//! TAESD: a small stand-in for the VAE, in files of its own. Its tensors get diffusers' names,
//! whoever wrote them.
//!
//! ```text
//! names → decoder.layers.N.…, encoder.layers.N.…      of diffusers, madebyollin's, ComfyUI's
//! file  → a file or a folder, opened
//! ```

mod file;
mod names;

pub use file::{Taesd, TaesdHalf};
