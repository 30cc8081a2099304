//! LoRA: a small file that changes a model. Its layers are matched with a network's weights, and
//! added to their rows while the weights are read.
//!
//! ```text
//! names → (layer, role)          every trainer's spelling
//! factors → W + weight · alpha/rank · up·down      and LoCon, LoHa, LoKr, whole differences
//! layer → DoRA: then each row is scaled to its magnitude, an L2 norm that the file has
//! adapter → alphas from the header's metadata
//! merge → as a Change of one part's archive
//! ```

mod adapter;
mod factors;
mod file;
mod layer;
mod merge;
mod modules;
mod names;

pub use file::Lora;
pub use merge::Merge;
