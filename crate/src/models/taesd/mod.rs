//! TAESD: a small autoencoder that was distilled from the VAE of a checkpoint. It decodes the same
//! latents with a seventeenth of the work, and its pictures lack some of the fine detail.
//!
//! ```text
//! block     relu(conv(act(conv(act(conv(x))))) + x)                3×3 convolutions
//! decoder   latents → 3·tanh(z/3) → conv → levels, doubled between them → conv → 2y − 1
//! encoder   picture → (x + 1)/2 → conv → levels, halved between them → conv → latents
//! ```
//!
//! Latents are the sampler's, of a standard deviation of about one; the encoder gives them without
//! a variance. Source: github.com/madebyollin/taesd; diffusers: `AutoencoderTiny`.

#[cfg(feature = "engine")]
mod block;
mod config;
#[cfg(feature = "engine")]
mod decoder;
#[cfg(feature = "engine")]
mod encoder;

pub use config::{TaesdConfig, TaesdLevels};
#[cfg(feature = "engine")]
pub use decoder::TaesdDecoder;
#[cfg(feature = "engine")]
pub use encoder::TaesdEncoder;
