//! How a request's prompts are read; and the flag `prompt_weights`, by which earlier requests said
//! it.

use super::Request;
use super::field::Field;
use crate::error::Result;
use crate::text::{Composition, PromptOptions, PromptSyntax, Schedule, Tagged, Timeline};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;

/// The field.
const FIELD: &str = "prompt_syntax";

/// The label of a field in earlier infotexts, if it had another one.
pub(super) fn earlier_label(field: &Field) -> Option<&'static str> {
    (field.name == FIELD).then_some("Prompt weights")
}

/// The name of a syntax, or of what a flag means.
///
/// # Errors
/// That of the deserializer for anything but text and flags.
pub(super) fn syntax_from_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Syntax {
        Name(String),
        Flag(bool),
    }
    Ok(match Syntax::deserialize(deserializer)? {
        Syntax::Name(name) => name,
        Syntax::Flag(flag) => PromptSyntax::of_weights(flag).name().into(),
    })
}

impl Request {
    /// Whether its prompts have the syntax of AUTOMATIC1111's web UI.
    pub fn reads_a1111(&self) -> bool {
        self.prompt_syntax == PromptSyntax::A1111.name()
    }

    /// The prompt in parts, without tags; one part where it has no syntax.
    ///
    /// # Errors
    /// Those of [`Composition::read`].
    pub fn composition(&self) -> Result<Composition> {
        match self.reads_a1111() {
            true => Composition::read("prompt", &Tagged::read(&self.prompt).text),
            false => Ok(Composition::whole(&self.prompt)),
        }
    }

    /// The texts that its prompt has in some step, each once: those of all parts.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for too many parts or brackets.
    pub fn texts(&self) -> Result<BTreeSet<String>> {
        if !self.reads_a1111() {
            return Ok(BTreeSet::from([self.prompt.clone()]));
        }
        let timeline = Timeline { steps: self.steps.max(1) as usize, first: None };
        let mut texts = BTreeSet::new();
        for part in self.composition()?.parts {
            let schedule = Schedule::read("prompt", &part.text)?;
            let ends = schedule.ends(timeline).into_iter();
            texts.extend(ends.map(|end| schedule.at(end, timeline)));
        }
        Ok(texts)
    }

    /// How its prompts are turned into tokens.
    ///
    /// # Errors
    /// [`Error::Request`](crate::Error::Request) for an unknown `long_prompt`.
    pub fn prompt_options(&self) -> Result<PromptOptions> {
        let long_prompt = self.long_prompt.parse()?;
        Ok(PromptOptions { clean: self.clean, weights: self.reads_a1111(), long_prompt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field;

    #[test]
    fn the_earlier_flag_means_a_syntax() {
        let syntax = |json: &str| Request::from_json(json).map(|request| request.prompt_syntax);
        for (json, wanted) in [
            ("{}", "plain"),
            (r#"{"prompt_weights": true}"#, "a1111"),
            (r#"{"prompt_weights": false}"#, "plain"),
            (r#"{"prompt_syntax": "a1111"}"#, "a1111"),
            (r#"{"prompt_syntax": true}"#, "a1111"),
            (r#"{"prompt_weights": "true"}"#, "a1111"),
            (r#"{"prompt_syntax": "plain", "prompt_weights": true}"#, "plain"),
        ] {
            assert_eq!(syntax(json).as_deref(), Ok(wanted), "{json}");
        }
        assert!(syntax(r#"{"prompt_weights": 1}"#).is_err());
        let by_serde = |json: &str| serde_json::from_str::<Request>(json).unwrap().prompt_syntax;
        assert_eq!(by_serde(r#"{"prompt_weights": true}"#), "a1111");
        assert_eq!(by_serde(r#"{"prompt_syntax": "a1111"}"#), "a1111");
        let texts = |prompt: &str, syntax: bool| {
            let prompt_syntax = PromptSyntax::of_weights(syntax).name().into();
            let request = Request { prompt: prompt.into(), prompt_syntax, ..Request::default() };
            Vec::from_iter(request.texts().unwrap())
        };
        assert_eq!(texts("[a:b:3] <lora:x:1>AND [c|c] :2", true), [" c", "a", "b"]);
        assert_eq!(texts("[a:b:3] AND c", false), ["[a:b:3] AND c"]);
        let mut request = Request::default();
        request.set_text(field(FIELD).unwrap(), "true").unwrap();
        assert!(request.reads_a1111());
        assert_eq!(request.value(field(FIELD).unwrap()).to_string(), "a1111");
    }
}
