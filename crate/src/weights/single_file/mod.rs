//! A checkpoint in one file: its three parts, whatever program wrote it; and what the file is when
//! it is not a Stable Diffusion 1 checkpoint.

mod canonical;
pub(super) mod identify;
pub(super) mod ldm;
pub mod names;
pub(super) mod part;
