//! The VAE: from pictures to latents with an eighth of their height and width, and back.
//!
//! The sampler works on latents of standard deviation one, `scaling_factor · z`;
//! [`VaeDecoder::decode`] takes those. [`Encoder::forward`] gives the distribution of `z` itself,
//! as in diffusers; it is a type of its own, because text to image does not need it.

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
