//! Which texts the prompts of a request have in which evaluation, before any of them is encoded.
//!
//! ```text
//! prompt, negative prompt → parts (AND) → schedules (editing, alternation)
//! evaluation              → step → a text of each → the number of this combination
//! ```
//!
//! Each different text is in the list once. Plans are marked with the numbers of combinations
//! before anything is left out of them, so that deep features serve only evaluations with the same
//! texts.

use crate::diffusion::Plan;
use crate::error::{Error, Result};
use crate::request::Request;
use crate::text::{Schedule, Timeline};
use std::collections::HashMap;

/// The most bytes of all different texts of prompts that change.
const BYTES_MAX: usize = 1 << 20;

/// The texts of a request's prompts.
pub(super) struct Texts {
    /// The different texts, each with the name of its first prompt.
    pub texts: Vec<(&'static str, String)>,
    /// The different combinations: for each prompt the place of its text.
    pub combinations: Vec<Vec<usize>>,
    /// How strongly the parts of the prompt pull; empty for a prompt that is whole.
    pub weights: Vec<f64>,
}

/// The list of texts while it grows.
#[derive(Default)]
struct List {
    texts: Vec<(&'static str, String)>,
    places: HashMap<String, usize>,
    bytes: usize,
}

/// A prompt with the texts that it has so far.
struct Slot {
    name: &'static str,
    schedule: Schedule,
    /// The last steps of its texts.
    ends: Vec<usize>,
    /// For each of them the place of the text, once it is known.
    places: Vec<Option<usize>>,
}

impl Texts {
    /// The texts of `count` prompts, the negative ones first; marks each evaluation of the plan
    /// with the combination that it sees.
    ///
    /// # Errors
    /// [`Error::Request`] for too many parts, brackets or texts.
    pub(super) fn of(
        request: &Request,
        count: usize,
        timeline: Timeline,
        plan: &mut Plan,
    ) -> Result<Texts> {
        let composition = request.composition()?;
        let negatives = count.saturating_sub(composition.parts.len());
        let slot = |(name, text)| Slot::read(request, name, text, timeline);
        let negative = ("negative prompt", request.negative_prompt.as_str());
        let positive = composition.parts.iter().map(|part| ("prompt", part.text.as_str()));
        // With three prompts the negative one is evaluated without and with a picture.
        let all = std::iter::repeat_n(negative, negatives).chain(positive);
        let mut slots = all.map(slot).collect::<Result<Vec<_>>>()?;
        let (mut list, mut combinations, mut known) = (List::default(), vec![], HashMap::new());
        let mut last = (usize::MAX, 0);
        for (index, evaluation) in plan.evaluations.iter_mut().enumerate() {
            let step = timeline.step_of(index);
            if last.0 != step {
                let texts = slots.iter_mut().map(|slot| slot.place(step, timeline, &mut list));
                let texts: Vec<usize> = texts.collect::<Result<_>>()?;
                let number = *known.entry(texts).or_insert_with_key(|texts| {
                    combinations.push(texts.clone());
                    combinations.len() - 1
                });
                last = (step, number);
            }
            evaluation.texts = last.1;
        }
        let weights = composition.weights();
        Ok(Texts { texts: list.texts, combinations, weights })
    }
}

impl List {
    fn place(&mut self, name: &'static str, text: String) -> Result<usize> {
        if let Some(place) = self.places.get(&text) {
            return Ok(*place);
        }
        self.bytes += text.len();
        if self.texts.len() > 1 && self.bytes > BYTES_MAX {
            let reason = format!(
                "has texts that change from step to step and are longer than {BYTES_MAX} \
                 characters together: shorten them"
            );
            return Err(Error::Request { field: name, reason });
        }
        self.places.insert(text.clone(), self.texts.len());
        self.texts.push((name, text));
        Ok(self.texts.len() - 1)
    }
}

impl Slot {
    fn read(request: &Request, name: &'static str, text: &str, timeline: Timeline) -> Result<Slot> {
        let schedule = match request.reads_a1111() {
            true => Schedule::read(name, text)?,
            false => Schedule::plain(text),
        };
        let ends = schedule.ends(timeline);
        Ok(Slot { name, places: vec![None; ends.len()], schedule, ends })
    }

    /// The place of its text in a step.
    fn place(&mut self, step: usize, timeline: Timeline, list: &mut List) -> Result<usize> {
        let span = self.ends.partition_point(|end| *end < step).min(self.ends.len() - 1);
        if let Some(place) = self.places[span] {
            return Ok(place);
        }
        let place = list.place(self.name, self.schedule.at(self.ends[span], timeline))?;
        self.places[span] = Some(place);
        Ok(place)
    }
}
