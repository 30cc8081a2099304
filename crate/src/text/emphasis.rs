//! Attention weights in a prompt (emphasis), with the syntax of AUTOMATIC1111's web UI.
//!
//! ```text
//! (word)        × 1.1              [word]       ÷ 1.1           both nest, and multiply
//! (word:1.3)    × 1.3              \( \) \[ \] \\               the characters themselves
//! BREAK         ends a chunk
//! ```
//!
//! Errors are only a weight that is not a finite number, and more than [`NESTED_MAX`] open
//! brackets. A closing bracket without an opening one is text; an opening one without a closing one
//! applies to the end of the prompt.

use crate::error::{Error, Result};

const ROUND: f64 = 1.1;
const SQUARE: f64 = 1.0 / 1.1;

/// The most brackets that may be open at once: a hundred of them already give a weight of 13 781
/// (1.1¹⁰⁰), and each costs time for all text inside it.
pub(super) const NESTED_MAX: usize = 100;

/// A piece of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Fragment {
    /// Text with its weight.
    Text(String, f64),
    /// The rest begins a new chunk.
    Break,
}

/// A piece of a prompt's syntax, with its text.
enum Token<'a> {
    Escape(&'a str),
    Open(char),
    Close(char),
    /// `:1.3)`: the whole text and the number's part of it.
    Weight(&'a str, &'a str),
    Plain(&'a str),
}

impl Fragment {
    /// A prompt in pieces of different weights.
    ///
    /// # Errors
    /// [`Error::Request`] naming `field` for a weight that is not a finite number, and for brackets
    /// that are nested too deep.
    pub fn parse(field: &'static str, prompt: &str) -> Result<Vec<Fragment>> {
        let mut fragments = Vec::new();
        // The numbers of the fragments at which the open brackets began.
        let (mut round, mut square) = (Vec::new(), Vec::new());
        let mut rest = prompt;
        while let Some((token, length)) = next(rest) {
            let letters = &rest[..length];
            rest = &rest[length..];
            match token {
                Token::Escape(text) => fragments.push(Fragment::Text(text.into(), 1.0)),
                Token::Open(_) if round.len() + square.len() >= NESTED_MAX => {
                    let reason = format!("has more than {NESTED_MAX} brackets open: close some");
                    return Err(Error::Request { field, reason });
                }
                Token::Open('(') => round.push(fragments.len()),
                Token::Open(_) => square.push(fragments.len()),
                Token::Weight(number, _) if !round.is_empty() => {
                    let weight = number.parse().ok().filter(|weight: &f64| weight.is_finite());
                    let weight = weight.ok_or_else(|| Error::Request {
                        field,
                        reason: format!("has the weight `{number}`, which is not a number"),
                    })?;
                    multiply(&mut fragments, round.pop(), weight);
                }
                Token::Close(')') if !round.is_empty() => {
                    multiply(&mut fragments, round.pop(), ROUND);
                }
                Token::Close(']') if !square.is_empty() => {
                    multiply(&mut fragments, square.pop(), SQUARE);
                }
                Token::Close(_) => push_text(&mut fragments, letters),
                Token::Weight(_, text) | Token::Plain(text) => push_text(&mut fragments, text),
            }
        }
        round.into_iter().for_each(|start| multiply(&mut fragments, Some(start), ROUND));
        square.into_iter().for_each(|start| multiply(&mut fragments, Some(start), SQUARE));
        Ok(joined(fragments))
    }
}

/// The next token and its length in bytes.
fn next(text: &str) -> Option<(Token<'_>, usize)> {
    let first = text.chars().next()?;
    let token = match first {
        '\\' => {
            let escaped = text[1..].starts_with(['(', ')', '[', ']', '\\']);
            let length = if escaped { 2 } else { 1 };
            // A backslash before any other character is removed.
            return Some((Token::Escape(&text[1..length]), length));
        }
        '(' | '[' => Token::Open(first),
        ')' | ']' => Token::Close(first),
        ':' => match weight(text) {
            Some((number, length)) => {
                return Some((Token::Weight(number, &text[..length]), length));
            }
            None => Token::Plain(&text[..1]),
        },
        _ => {
            let length = text.find(['\\', '(', ')', '[', ']', ':']).unwrap_or(text.len());
            return Some((Token::Plain(&text[..length]), length));
        }
    };
    Some((token, 1))
}

/// `: 1.3 )` at the start of a text: the number's text, and the length of the whole.
fn weight(text: &str) -> Option<(&str, usize)> {
    let number = text[1..].trim_start();
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let digits = unsigned.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    if digits.len() == unsigned.len() {
        return None;
    }
    let number = &number[..number.len() - digits.len()];
    let after = digits.trim_start().strip_prefix(')')?;
    Some((number, text.len() - after.len()))
}

/// Multiplies the weights of the fragments since an opening bracket.
fn multiply(fragments: &mut [Fragment], start: Option<usize>, factor: f64) {
    for fragment in fragments.iter_mut().skip(start.unwrap_or(0)) {
        if let Fragment::Text(_, weight) = fragment {
            *weight *= factor;
        }
    }
}

/// Appends a text; each word `BREAK` in it, with the space around it, becomes a
/// [`Fragment::Break`].
fn push_text(fragments: &mut Vec<Fragment>, text: &str) {
    const BREAK: &str = "BREAK";
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut start, mut searched) = (0, 0);
    while let Some(found) = text[searched..].find(BREAK).map(|at| at + searched) {
        searched = found + BREAK.len();
        let alone = !text[..found].ends_with(of_word) && !text[searched..].starts_with(of_word);
        if alone {
            fragments.push(Fragment::Text(text[start..found].trim_end().into(), 1.0));
            fragments.push(Fragment::Break);
            start = text.len() - text[searched..].trim_start().len();
            searched = start;
        }
    }
    fragments.push(Fragment::Text(text[start..].into(), 1.0));
}

/// Joins neighbouring texts of equal weight; the result has at least one fragment.
fn joined(fragments: Vec<Fragment>) -> Vec<Fragment> {
    let mut all: Vec<Fragment> = Vec::new();
    for fragment in fragments {
        match (all.last_mut(), fragment) {
            (Some(Fragment::Text(text, weight)), Fragment::Text(more, same)) if *weight == same => {
                text.push_str(&more);
            }
            (_, fragment) => all.push(fragment),
        }
    }
    if all.is_empty() {
        all.push(Fragment::Text(String::new(), 1.0));
    }
    all
}
