//! Files of weights, written from front to back without holding them.

pub(super) mod gguf;
pub(super) mod safetensors;
