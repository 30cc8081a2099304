//! Every op against its definition: one file per op, of the kernel's name.

mod activate;
mod add;
mod add_product;
mod attention;
mod attention_units;
mod average_pool;
mod bands;
mod blend;
mod combine;
mod concat;
mod conv2d;
mod embedding;
mod finite;
mod freeu;
mod group_norm;
mod layer_norm;
mod matmul;
mod matmul_gated;
mod prelu;
mod rescale;
mod resize;
mod tensor;
mod to_rgba;
mod token_merge;
mod window;
