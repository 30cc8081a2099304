//! Tier 3: layers. A layer is its weights, asked for by name from a [`Scope`], and `forward`.
//! A linear has further ones, which do an activation or a sum in the same kernel.
//!
//! A constructor is synchronous and reads nothing: it names tensors, their shapes are checked
//! against the file's header, and it gets handles to empty tensors, which the [`Loader`] fills
//! later in one pass over the file. Fields have the checkpoint's names, except where layers are
//! joined (`to_qkv`, `to_kv`) or numbered in the checkpoint (`net.2`).

mod attention;
mod conv;
mod embedding;
mod feed_forward;
mod joined;
mod linear;
mod loader;
mod norm;
mod policy;
mod products;
mod resnet;
mod rows;
mod scope;
mod timestep;

pub use attention::{Bias, CrossAttention, KeyValue, LinearNames, SelfAttention};
pub use conv::{Conv2d, Downsample, Upsample};
pub use embedding::TokenEmbedding;
pub use feed_forward::{GatedFeedForward, Mlp};
pub use joined::Joined;
pub use linear::Linear;
pub use loader::Loader;
pub use norm::{GroupNorm, LayerNorm};
pub use resnet::ResnetBlock;
pub use scope::{Catalogue, Numbers, Scope};
pub use timestep::{TimestepEmbedding, guidance_embedding, sinusoid};
