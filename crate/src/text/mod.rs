//! Prompts to token ids: the first stop of the walk.

mod tokenizer;
mod vocabulary;

pub use tokenizer::{Tokenizer, Tokens};
