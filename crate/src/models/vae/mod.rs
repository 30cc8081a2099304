//! The VAE: pictures to latents an eighth of their size, and back.
//!
//! The sampler works on latents of standard deviation one, `scaling_factor · z`;
//! [`VaeDecoder::decode`] takes those. [`Encoder::forward`] gives the distribution of `z` itself,
//! as diffusers does; it stands apart, because text to image needs none.

#[cfg(feature = "engine")]
mod autoencoder;
#[cfg(feature = "engine")]
mod bands;
mod config;
#[cfg(feature = "engine")]
mod decoder;
#[cfg(feature = "engine")]
mod encoder;
#[cfg(feature = "engine")]
mod mid;
#[cfg(feature = "engine")]
mod resnet;

#[cfg(feature = "engine")]
pub use autoencoder::VaeDecoder;
pub use config::VaeConfig;
#[cfg(feature = "engine")]
pub use encoder::{Encoder, Posterior};
