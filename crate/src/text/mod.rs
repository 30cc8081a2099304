//! Prompts to token ids: the first step of a run.

mod clean;
mod emphasis;
mod entities;
mod learned;
mod prompt;
mod tags;
mod tokenizer;
mod vocabulary;

pub use clean::clean;
pub use emphasis::Fragment;
pub use prompt::{CHUNKS_MAX, Chunk, LongPrompt, Prompt, PromptOptions};
pub use tags::{LoraTag, Tagged};
pub use tokenizer::{Tokenizer, Tokens};
