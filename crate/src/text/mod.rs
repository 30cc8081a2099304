//! Prompts to token ids: the first step of a run.

mod clean;
mod composition;
mod emphasis;
mod entities;
mod learned;
mod prompt;
mod schedule;
mod syntax;
mod tags;
mod timeline;
mod tokenizer;
mod vocabulary;

pub use clean::clean;
pub use composition::{Composition, Part};
pub use emphasis::Fragment;
pub use prompt::{CHUNKS_MAX, Chunk, LongPrompt, Prompt, PromptOptions};
pub use schedule::Schedule;
pub use syntax::PromptSyntax;
pub use tags::{LoraTag, Tagged};
pub use timeline::Timeline;
pub use tokenizer::{Tokenizer, Tokens};
