//! A checkpoint in one file: three parts under the names of CompVis's program, whatever program
//! wrote them; and what the file is when it is no Stable Diffusion 1.

mod canonical;
pub(super) mod identify;
pub(super) mod ldm;
pub mod names;
pub(super) mod part;
