//! A T2I-Adapter: a few convolutions that make features of a picture, once a run, which are added
//! inside the levels of the UNet's down path.
//!
//! ```text
//! x = conv_in(picture, as many pixels as fit a latent's as channels)
//! each level:  x = average of 2×2 pixels, but not at the first;  x = in_conv(x) where it is there
//!              x = x + block2(relu(block1(x))), several times
//!              features of the level = x
//! ```
//!
//! "T2I-Adapter: Learning Adapters to Dig out More Controllable Ability for Text-to-Image Diffusion
//! Models" (Mou and others, 2302.08453). diffusers: `T2IAdapter` of the type `full_adapter`.

mod config;
#[cfg(feature = "engine")]
mod network;

pub use config::T2iAdapterConfig;
#[cfg(feature = "engine")]
pub use network::T2iAdapter;
