//! A checkpoint in one file: its three parts, in the layout of any known program; and what the file
//! is when it is not a Stable Diffusion 1 checkpoint.

mod canonical;
pub(super) mod identify;
pub(super) mod ldm;
pub(super) mod lone;
pub mod names;
pub(super) mod part;
