//! ControlNets and T2I-Adapters: networks beside the UNet that guide it by a picture, in files of
//! their own. Their tensors get diffusers' names, whoever wrote them.
//!
//! ```text
//! names → controlnet_down_blocks.N.…, adapter.body.N.…      of diffusers, CompVis', TencentARC's
//! file  → a file or a folder, opened
//! ```

mod file;
mod names;

pub use file::ControlFile;
pub use names::ControlKind;
