//! Tier 4: the three networks of Stable Diffusion, each from its published config: the text encoder
//! ([`clip`]), the denoiser ([`unet`]) and the pictures' encoder and decoder ([`vae`]); the
//! [`safety`] checker, which looks at the result; and [`upscaler`], which enlarges it. Beside the
//! denoiser, [`controlnet`] and [`t2i_adapter`] guide it by a picture.
//!
//! A model is `new(scope, config) -> Result` and `forward(…) -> Tensor`. Nothing is tied to v1.4's
//! widths: a config of the same family with other sizes works, and one with an unsupported value is
//! an error that names the field.

pub mod clip;
pub mod controlnet;
mod fields;
pub mod safety;
pub mod sd_v1_4;
pub mod t2i_adapter;
pub mod taesd;
pub mod unet;
pub mod upscaler;
pub mod vae;
