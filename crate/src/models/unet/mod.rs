//! The UNet: from noisy latents, the timestep and the prompt's context to the noise in them.
//!
//! ```text
//! shifts = time_emb_proj(time_embedding(sinusoid(timestep)))       of all resnets at once
//! x = conv_in(latents)
//! down:  every level: resnets, each followed by a transformer; then halve     every x is kept
//! mid:   resnet, transformer, resnet
//! up:    every level: join the x kept, resnet, transformer; then double
//! eps = conv_out(silu(conv_norm_out(x)))
//! ```
//!
//! The outermost layers are the first down, `cache_branch` of them, and the last up, one more. What
//! comes up to them, the deep features, changes little from step to step, and may be kept: see
//! [`Cache`].
//!
//! Only cross-attention sees the prompt, and only through its keys and values: [`Unet::prepare`]
//! makes them once, and every step uses them.

mod config;
#[cfg(feature = "engine")]
mod context;
#[cfg(feature = "engine")]
mod down;
#[cfg(feature = "engine")]
mod input;
#[cfg(feature = "engine")]
mod mid;
#[cfg(feature = "engine")]
mod network;
#[cfg(feature = "engine")]
mod transformer;
#[cfg(feature = "engine")]
mod up;

pub use config::{Level, UnetConfig};
#[cfg(feature = "engine")]
pub use context::Context;
#[cfg(feature = "engine")]
pub use input::{Cache, Residuals, UnetInput, UnetOutput};
#[cfg(feature = "engine")]
pub use network::Unet;
