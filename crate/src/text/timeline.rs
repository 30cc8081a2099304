//! The steps on which a prompt's schedule lies, as AUTOMATIC1111's web UI counts them.
//!
//! ```text
//! steps     those that the request asks for; twice as many for a sampler that evaluates the model
//!           twice in a step, and so are the numbers in a prompt then counted
//! share     N with a point, of the steps: 0.5 · steps; of a second pass (N − 1) · steps
//! number    N without a point, from the first pass's first step; of a second pass N − its steps
//! both      rounded towards zero, at most the steps
//! ```
//!
//! There evaluations are counted from 0, and compared with steps counted from 1: the first two
//! evaluations are both in step 1.

/// The steps of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    /// The number of steps, at least 1.
    pub steps: usize,
    /// For a second pass, the steps of the first one.
    pub first: Option<usize>,
}

/// When a prompt changes, as it is written in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    value: f64,
    /// Whether it is a share of the steps.
    is_share: bool,
}

impl Moment {
    /// Of text such as `0.5`, `8`, ` .25 `, `1e1`; `None` for other text.
    pub(super) fn read(text: &str) -> Option<Moment> {
        let text = text.trim_matches(is_space);
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let value = if plain { text.parse().ok()? } else { return None };
        Some(Moment { value, is_share: text.contains('.') })
    }
}

impl Timeline {
    /// The last step before the change; below 1 it has happened when the pass begins.
    pub(super) fn end(self, moment: Moment) -> i64 {
        let Moment { value, is_share } = moment;
        let end = match (is_share, self.first) {
            (true, None) => value * self.steps as f64,
            (true, Some(_)) => (value - 1.0) * self.steps as f64,
            (false, first) => value - first.unwrap_or(0) as f64,
        };
        (end as i64).min(self.steps as i64)
    }

    /// The step, from 1, of an evaluation of the model, counted from 0.
    pub fn step_of(self, evaluation: usize) -> usize {
        evaluation.clamp(1, self.steps)
    }
}

/// Python's `\s`.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}
