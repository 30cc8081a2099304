//! A ControlNet: a copy of the UNet's down path and middle that sees a picture as well, and gives
//! what is added to the UNet's skips and to its middle's output.
//!
//! ```text
//! hint = conv_out(silu(blocks(silu(conv_in(picture)))))        the size of the latents; once a run
//! x = conv_in(latents) + hint
//! down, mid                 as in the UNet
//! residuals = 1×1 convolution of every skip, and of the middle's output
//! ```
//!
//! "Adding Conditional Control to Text-to-Image Diffusion Models" (Zhang, Rao, Agrawala,
//! 2302.05543). diffusers: `ControlNetModel`.

mod config;
#[cfg(feature = "engine")]
mod embedding;
#[cfg(feature = "engine")]
mod network;

pub use config::ControlNetConfig;
#[cfg(feature = "engine")]
pub use network::{ControlNet, ControlNetInput};
