//! The UNet: predicts the noise in latents, from the timestep and the prompt's context.
//!
//! ```text
//! shifts = time_emb_proj(time_embedding(sinusoid(timestep)))       of all resnets at once;
//!          a latent consistency model adds the guidance scale to the sinusoid
//! x = conv_in(latents)
//! down:  every level: resnets, each followed by a transformer; downsample     every x is a skip
//! mid:   resnet, transformer, resnet                                               some have none
//! up:    every level: concatenate a skip, resnet, transformer; upsample
//! eps = conv_out(silu(conv_norm_out(x)))
//! ```
//!
//! The outermost layers are the first `cache_branch` layers of the down path and the last
//! `cache_branch` + 1 of the up path. The input of these last ones, the deep features, changes
//! little from step to step and can be cached: see [`Cache`].
//!
//! The prompt enters only through the keys and values of cross-attention: [`Unet::prepare`]
//! computes them once, and every step uses them.

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
mod time;
#[cfg(feature = "engine")]
mod transformer;
#[cfg(feature = "engine")]
mod up;

pub use config::{Level, UnetConfig};
#[cfg(feature = "engine")]
pub use context::Context;
#[cfg(feature = "engine")]
pub(super) use down::DownBlock;
#[cfg(feature = "engine")]
pub use input::{Cache, Residuals, UnetInput, UnetOutput};
#[cfg(feature = "engine")]
pub(super) use mid::MidBlock;
#[cfg(feature = "engine")]
pub use network::Unet;
#[cfg(feature = "engine")]
pub(super) use time::shifts;
