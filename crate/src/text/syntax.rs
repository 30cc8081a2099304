//! Whose syntax prompts are read with.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Whose syntax prompts are read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptSyntax {
    /// None, as in diffusers: every character is text.
    #[default]
    Plain,
    /// That of AUTOMATIC1111's web UI: [weights](super::Fragment), [editing and
    /// alternation](super::Schedule), [`AND`](super::Composition), [tags](super::Tagged).
    A1111,
}

impl PromptSyntax {
    /// Both, in the order of a menu.
    pub const ALL: [PromptSyntax; 2] = [PromptSyntax::Plain, PromptSyntax::A1111];

    /// The name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            PromptSyntax::Plain => "plain",
            PromptSyntax::A1111 => "a1111",
        }
    }

    /// What the flag `prompt_weights` of earlier requests means.
    pub const fn of_weights(weights: bool) -> PromptSyntax {
        if weights { PromptSyntax::A1111 } else { PromptSyntax::Plain }
    }
}

impl fmt::Display for PromptSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PromptSyntax {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        PromptSyntax::ALL.into_iter().find(|syntax| syntax.name() == name).ok_or_else(|| {
            let names = PromptSyntax::ALL.map(PromptSyntax::name).join(", ");
            let reason = format!("must be one of {names}, not `{name}`");
            Error::Request { field: "prompt syntax", reason }
        })
    }
}
