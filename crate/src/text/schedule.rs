//! Prompt editing and alternation, with the syntax of AUTOMATIC1111's web UI: a prompt whose text
//! depends on the step. What is left of it is then read for [weights](super::Fragment).
//!
//! ```text
//! [from:to:0.5]  [from:to:8]    from, and after this share of the steps or this step: to
//! [to:8]  [:to:8]  [from::8]    one of them empty
//! [a|b|c]  [a|]                 another one in each step; may be empty
//! \[ \] \( \) \: \| \\          no syntax; weights are read after it
//! ```
//!
//! All of them nest, in one another and in `( … )` and `[ … ]`. Brackets that do not fit are text,
//! and so are those around them, as in the web UI's grammar (`modules/prompt_parser.py`). A bar
//! outside of an alternation, and a backslash at the end of a line, fit nowhere in it: then all of
//! the prompt is text without a schedule.
//!
//! Where brackets are left over beside brackets that fit, that grammar is ambiguous, and what the
//! web UI takes differs from one start of it to the next. Here brackets that fit are always read.

use std::collections::BTreeSet;
use std::ops::Range;

use super::emphasis::NESTED_MAX;
use super::timeline::{Moment, Timeline};
use crate::error::{Error, Result};

/// A prompt whose text depends on the step.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    pieces: Vec<Piece>,
}

/// A piece of a prompt.
#[derive(Debug, Clone)]
enum Piece {
    /// The bytes of the prompt's text.
    Text(Range<usize>),
    /// Before and after a change, and when that is.
    Edit([Vec<Piece>; 2], Moment),
    /// One in each step.
    Turns(Vec<Vec<Piece>>),
}

/// A bracket that is open.
struct Open {
    /// Where it is.
    at: usize,
    is_square: bool,
    /// What it has so far, cut at colons and bars.
    parts: Vec<Vec<Piece>>,
    /// Where these are.
    cuts: Vec<usize>,
    bars: usize,
}

/// What the reader has so far.
struct Reader<'t> {
    text: &'t str,
    /// What is not in an open bracket.
    pieces: Vec<Piece>,
    /// The open brackets, the outermost first.
    open: Vec<Open>,
}

impl Schedule {
    /// Reads a prompt.
    ///
    /// # Errors
    /// [`Error::Request`] naming `field` for brackets that are nested too deep.
    pub fn read(field: &'static str, text: &str) -> Result<Schedule> {
        let mut reader = Reader { text, pieces: Vec::new(), open: Vec::new() };
        let mut fits = true;
        let mut at = 0;
        while fits && at < text.len() {
            let end = at + length(&text[at..]);
            match text.as_bytes()[at] {
                b'(' | b'[' if reader.open.len() >= NESTED_MAX => {
                    let reason = format!("has more than {NESTED_MAX} brackets open: close some");
                    return Err(Error::Request { field, reason });
                }
                b'(' | b'[' => reader.open(at),
                b')' | b']' => fits = reader.close(at),
                b':' | b'|' => fits = reader.cut(at),
                b'\\' if end == at + 1 => fits = false,
                _ => reader.push(Piece::Text(at..end)),
            }
            at = end;
        }
        let fits = fits && reader.flush();
        let pieces = if fits { reader.pieces } else { vec![Piece::Text(0..text.len())] };
        Ok(Schedule { text: text.into(), pieces })
    }

    /// A prompt without a schedule.
    pub fn plain(text: &str) -> Schedule {
        Schedule { text: text.into(), pieces: vec![Piece::Text(0..text.len())] }
    }

    /// The last steps of its texts, ascending; the last is that of the pass.
    pub fn ends(&self, timeline: Timeline) -> Vec<usize> {
        let mut ends = BTreeSet::from([timeline.steps]);
        collect_ends(&self.pieces, timeline, &mut ends);
        ends.into_iter().collect()
    }

    /// Its text in a step, from 1.
    pub fn at(&self, step: usize, timeline: Timeline) -> String {
        let mut text = String::new();
        self.write(&self.pieces, (step, timeline), &mut text);
        text
    }

    fn write(&self, pieces: &[Piece], when: (usize, Timeline), to: &mut String) {
        let (step, timeline) = when;
        for piece in pieces {
            match piece {
                Piece::Text(range) => to.push_str(&self.text[range.clone()]),
                Piece::Edit([before, after], moment) => {
                    let is_before = step as i64 <= timeline.end(*moment);
                    self.write(if is_before { before } else { after }, when, to);
                }
                Piece::Turns(turns) => self.write(&turns[(step - 1) % turns.len()], when, to),
            }
        }
    }
}

/// The length in bytes of the token at the beginning of a text: a character of the syntax, a
/// backslash with what it escapes or alone where that is nothing, or what is between these.
fn length(text: &str) -> usize {
    let syntax = ['\\', '[', ']', '(', ')', ':', '|'];
    match text.find(syntax) {
        Some(0) if text.starts_with('\\') => {
            let escaped = text[1..].chars().next().filter(|c| *c != '\n');
            1 + escaped.map_or(0, char::len_utf8)
        }
        Some(0) => 1,
        found => found.unwrap_or(text.len()),
    }
}

/// Adds the ends of all changes in these pieces.
fn collect_ends(pieces: &[Piece], timeline: Timeline, ends: &mut BTreeSet<usize>) {
    for piece in pieces {
        match piece {
            Piece::Text(_) => {}
            Piece::Edit(both, moment) => {
                ends.extend(usize::try_from(timeline.end(*moment)).ok().filter(|end| *end > 0));
                both.iter().for_each(|part| collect_ends(part, timeline, ends));
            }
            // These are all ends that there can be.
            Piece::Turns(_) => {
                ends.extend(1..=timeline.steps);
                return;
            }
        }
    }
}

impl Reader<'_> {
    fn push(&mut self, piece: Piece) {
        let pieces = match self.open.last_mut() {
            Some(open) => open.parts.last_mut().expect("a bracket has a part"),
            None => &mut self.pieces,
        };
        match (pieces.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(more)) if before.end == more.start => {
                before.end = more.end;
            }
            (_, piece) => pieces.push(piece),
        }
    }

    fn open(&mut self, at: usize) {
        let is_square = self.text.as_bytes()[at] == b'[';
        self.open.push(Open { at, is_square, parts: vec![vec![]], cuts: vec![], bars: 0 });
    }

    /// A colon or a bar; false for a bar that nothing can be made of.
    fn cut(&mut self, at: usize) -> bool {
        let is_bar = self.text.as_bytes()[at] == b'|';
        let Some(open) = self.open.last_mut() else {
            self.push(Piece::Text(at..at + 1));
            return !is_bar;
        };
        open.bars += usize::from(is_bar);
        open.cuts.push(at);
        open.parts.push(Vec::new());
        true
    }

    /// A closing bracket; false if nothing can be made of the bars in it.
    fn close(&mut self, at: usize) -> bool {
        let is_square = self.text.as_bytes()[at] == b']';
        let Some(open) = self.open.pop_if(|open| open.is_square == is_square) else {
            let fits = self.flush();
            self.push(Piece::Text(at..at + 1));
            return fits;
        };
        let colons = open.cuts.len() - open.bars;
        let moment = open.cuts.last().and_then(|cut| Moment::read(&self.text[cut + 1..at]));
        match (is_square, open.bars, colons, moment) {
            (true, 1.., 0, _) => self.push(Piece::Turns(open.parts)),
            (true, 0, 1 | 2, Some(moment)) => {
                let mut parts = open.parts;
                parts.pop();
                let after = parts.pop().unwrap_or_default();
                let before = parts.pop().unwrap_or_default();
                self.push(Piece::Edit([before, after], moment));
            }
            // A weight, which is read later.
            (_, 0, 0, _) | (false, 0, 1, _) => {
                self.push_text(open);
                self.push(Piece::Text(at..at + 1));
            }
            _ => {
                self.open.push(open);
                let fits = self.flush();
                self.push(Piece::Text(at..at + 1));
                return fits;
            }
        }
        true
    }

    /// What a bracket has, with the bracket and its cuts as text.
    fn push_text(&mut self, open: Open) {
        self.push(Piece::Text(open.at..open.at + 1));
        let mut cuts = open.cuts.into_iter();
        for part in open.parts {
            part.into_iter().for_each(|piece| self.push(piece));
            if let Some(cut) = cuts.next() {
                self.push(Piece::Text(cut..cut + 1));
            }
        }
    }

    /// Makes text of all open brackets, which cannot fit any more; false if one has bars.
    fn flush(&mut self) -> bool {
        let open = std::mem::take(&mut self.open);
        let fits = open.iter().all(|open| open.bars == 0);
        open.into_iter().for_each(|open| self.push_text(open));
        fits
    }
}
