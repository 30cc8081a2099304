//! A prompt that is composed of several with `AND`, with the syntax of AUTOMATIC1111's web UI: the
//! model is evaluated for each part, and each pulls with its own weight.
//!
//! ```text
//! a cat AND a dog :0.5         uncond + scale · Σ weightᵢ · (partᵢ − uncond)
//! ```
//!
//! "Compositional Visual Generation with Composable Diffusion Models" (Liu, Li, Du, Torralba,
//! Tenenbaum, 2206.01714), equation 11. As in the web UI a prompt without `AND` is one part: a
//! colon and a number at its end are its weight, too.

use super::timeline::is_space;
use crate::error::{Error, Result};

/// The most parts: each is an evaluation of the model in every step.
const PARTS_MAX: usize = 32;

/// What separates parts, as a word of its own.
const AND: &str = "AND";

/// A part of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its text, in which weights and editing are not read yet.
    pub text: String,
    /// How strongly it pulls; may be negative.
    pub weight: f64,
}

/// A prompt in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// At least one.
    pub parts: Vec<Part>,
}

impl Composition {
    /// Reads a prompt.
    ///
    /// # Errors
    /// [`Error::Request`] naming `field` for too many parts, and for a weight with so many digits
    /// that it is not finite.
    pub fn read(field: &'static str, text: &str) -> Result<Composition> {
        let parts = split(text);
        if parts.len() > PARTS_MAX {
            let reason = format!(
                "has {} parts (AND), and at most {PARTS_MAX} are evaluated: take some away",
                parts.len()
            );
            return Err(Error::Request { field, reason });
        }
        let parts: Vec<Part> = parts.into_iter().map(Part::read).collect();
        match parts.iter().find(|part| !part.weight.is_finite()) {
            Some(part) => {
                let start: String = part.text.chars().take(40).collect();
                let reason = format!("has a weight that is too large, after “{start}”");
                Err(Error::Request { field, reason })
            }
            None => Ok(Composition { parts }),
        }
    }

    /// A prompt without syntax.
    pub fn whole(text: &str) -> Composition {
        Composition { parts: vec![Part { text: text.into(), weight: 1.0 }] }
    }

    /// The weights of its parts; empty for a single part of weight 1, which is a usual prompt.
    pub fn weights(&self) -> Vec<f64> {
        match self.parts[..] {
            [Part { weight: 1.0, .. }] => Vec::new(),
            _ => self.parts.iter().map(|part| part.weight).collect(),
        }
    }
}

impl Part {
    /// A text with its weight, which is a number after a colon at its end, or 1.
    fn read(text: &str) -> Part {
        let text = text.trim_end_matches(is_space);
        let weighted = || {
            let unsigned = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            let digits = &text[unsigned.len()..];
            let before = unsigned.strip_suffix(['+', '-']).unwrap_or(unsigned);
            let number = &text[before.len()..];
            // Rust reads all that has a digit and at most one point.
            let weight = number.parse().ok().filter(|_| !digits.is_empty())?;
            let before = before.trim_end_matches(is_space).strip_suffix(':')?;
            Some(Part { text: before.trim_end_matches(is_space).into(), weight })
        };
        weighted().unwrap_or_else(|| Part { text: text.into(), weight: 1.0 })
    }
}

/// A text cut at each `AND` that is a word.
fn split(text: &str) -> Vec<&str> {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut parts, mut start) = (Vec::new(), 0);
    for (found, _) in text.match_indices(AND) {
        let end = found + AND.len();
        if !text[..found].ends_with(of_word) && !text[end..].starts_with(of_word) {
            parts.push(&text[start..found]);
            start = end;
        }
    }
    parts.push(&text[start..]);
    parts
}
