//! Tier 2: one op per kernel, same name: check shapes, choose a specialisation, record a dispatch.
//!
//! Ops are methods of [`Tensor`](crate::tensor::Tensor); a wrong shape panics, because it is a bug
//! of ours and the dry run finds it. An op over a tensor that is larger than a binding may be runs
//! in row bands, with the same result.
//!
//! | op | kernel | does |
//! |---|---|---|
//! | `matmul` | matmul, matmul_slices | x·W + b, activation, residual; every 1×1 convolution |
//! | `matmul_gated` | matmul | a · gelu(g), both halves of x·W + b |
//! | `conv2d` | conv2d, matmul_slices | k×k convolution, optionally of a resized input |
//! | `group_norm` | group_norm_whole; group_norm_channels, _merge, _stream | with its activation |
//! | | group_norm_direct; group_norm_stats, group_norm | the same on a software adapter |
//! | `group_norm_by` | those of several dispatches | of an input in bands of rows |
//! | `gather_rows` | combine | concatenates rows of images |
//! | `layer_norm` | layer_norm | over the channels of a row |
//! | `attention`, `attend` | attention, _block, _direct | softmax(q·kᵀ/√d)·v, unstored |
//! | `activate` | activate | a pointwise function |
//! | `prelu` | prelu | a leaky ReLU, with a slope for each channel |
//! | `combine`, `combine_from`, `add`, `cast` | combine | Σ cⱼ·xⱼ: guidance, sampler steps, sums |
//! | `rescaled` | rescale | the spread of guided predictions |
//! | `blend_kept` | blend | one of two tensors, by a mask |
//! | `window_kept`, `add_at_kept` | window | a window of pictures, and what is added to one |
//! | `concat` | concat | channels of two tensors |
//! | `resize` | resize | nearest neighbour |
//! | `average_pool` | average_pool | averages of 2×2 pixels |
//! | `add_product` | add_product | adds up · down to weights: a LoRA |
//! | `embedding` | embedding | rows of a table by id, plus positions |
//! | `is_finite`, `start_finite_check` | finite | whether there is an infinity or a NaN |
//! | `TokenMerge` | token_merge_match, _rank, _group, token_merge, _undo | fewer tokens, and back |
//! | `to_rgba` | to_rgba | a decoded picture to bytes |

mod activate;
mod add_product;
mod affine;
mod attention;
mod average_pool;
mod bands;
mod blend;
mod combine;
mod concat;
mod conv2d;
mod embedding;
mod epilogue;
mod finite;
mod freeu;
mod group_norm;
mod group_passes;
mod group_stats;
mod image_rows;
mod layer_norm;
mod matmul;
mod prelu;
mod rescale;
mod resize;
mod rows;
mod shared;
mod slices;
mod tile;
mod to_rgba;
mod token_merge;
mod window;

pub use crate::activation::Activation;
pub use affine::Affine;
pub use attention::Mask;
pub use combine::{TERMS_MAX, Term};
pub use conv2d::Window;
pub use epilogue::Epilogue;
pub use finite::FiniteCheck;
pub use group_stats::GroupStats;
pub use rows::{Rows, rows_grain};
pub use token_merge::TokenMerge;
