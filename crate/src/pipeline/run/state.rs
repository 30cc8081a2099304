//! The state of a sampler between evaluations: the latents, the history of earlier predictions, and
//! the generators of its noise. See [`crate::diffusion::Plan`].

use super::beginning::{Beginning, Drawn};
use super::inpaint::Kept;
use super::options::Extras;
use super::windows::Windows;
use crate::diffusion::noise::Generator;
use crate::diffusion::{Combination, Evaluation, NoiseLevel, Plan, Slot};
use crate::error::{Error, Result};
use crate::pipeline::engine::Engine;
use std::rc::Rc;

/// The longest history of any sampler: `Past(1)` to `Past(3)`.
const PAST_MAX: usize = 3;

/// The state of a run, in arrays of an engine, which are always f32. Arrays are never modified, so
/// a clone copies only handles and generators.
#[derive(Clone)]
pub(in crate::pipeline) struct State<A> {
    pub latents: A,
    /// `[pictures, c, h, w]`
    pub shape: [usize; 4],
    /// The history, the latest first.
    past: Vec<A>,
    saved: Option<A>,
    /// One generator for each picture.
    noise: Vec<Generator>,
    /// What does not change in a run: what a mask keeps, and further channels of the UNet's input.
    given: Rc<(Option<Kept<A>>, Option<A>)>,
    /// The windows through which the UNet sees latents of a picture that is too large for it.
    pub windows: Option<Rc<Windows<A>>>,
}

impl<A: Clone> State<A> {
    /// The state with the first latents: each picture's noise (or the given one) times the first
    /// sigma; if the run begins with a picture, plus its latents. Noise that the sampler adds later
    /// comes from the same generators. `prompts` is how many a guided evaluation has.
    ///
    /// # Errors
    /// [`Error::Request`] for latents of another shape.
    pub(crate) fn begin<E: Engine<Array = A>>(
        engine: &E,
        shape: [usize; 4],
        mut noise: Vec<Generator>,
        plan: &Plan,
        (beginning, prompts): (&Beginning, usize),
        extras: &Extras<'_>,
    ) -> Result<State<A>> {
        let mut drawn = beginning.draw(&mut noise, shape[1..].iter().product());
        match extras.latents {
            None => {}
            Some(array) if array.shape == shape => drawn.noise = array.data.clone(),
            Some(array) => {
                let reason = format!("must have the shape {shape:?}, not {:?}", array.shape);
                return Err(Error::Request { field: "array of latents", reason });
            }
        }
        let latents = engine.latents(&first_latents(&drawn, plan, beginning), shape);
        let is_masked = plan.evaluations.iter().any(|evaluation| evaluation.kind.masked);
        let kept = match (&beginning.inpainting, &drawn.picture) {
            (Some(inpainting), Some(picture)) if is_masked => {
                Some(Kept::new(engine, shape, &inpainting.mask, [picture, &drawn.noise]))
            }
            _ => None,
        };
        let given = Rc::new((kept, beginning.channels(engine, &drawn, shape, prompts)));
        Ok(State { latents, shape, past: Vec::new(), saved: None, noise, given, windows: None })
    }

    /// Further channels of the UNet's input.
    pub(crate) fn extra(&self) -> Option<&A> {
        self.given.1.as_ref()
    }

    /// Noise of the steps comes from these generators, one for each picture, as in ComfyUI, whose
    /// `default_noise_sampler` seeds one of the device anew.
    pub(crate) fn draw_from(&mut self, noise: Vec<Generator>) {
        self.noise = noise;
    }

    /// The same state for a rehearsal, without generators.
    pub(crate) fn rehearsed(&self) -> State<A> {
        State { noise: Vec::new(), ..self.clone() }
    }

    /// Applies an evaluation's sums with its guided prediction. All sums read the state from
    /// before.
    pub(crate) fn update<E>(&mut self, engine: &E, evaluation: &Evaluation, prediction: &A)
    where
        E: Engine<Array = A>,
    {
        let saved = evaluation.save.as_ref().map(|sum| self.sum(engine, sum, prediction));
        let remembered = evaluation.remember.as_ref().map(|sum| self.sum(engine, sum, prediction));
        self.latents = self.sum(engine, &evaluation.update, prediction);
        if let (Some(kept), Some(level)) = (&self.given.0, evaluation.put_back) {
            self.latents = kept.put_back(engine, &self.latents, level);
        }
        if let Some(remembered) = remembered {
            self.past.insert(0, remembered);
            self.past.truncate(PAST_MAX);
        }
        self.saved = saved.or(self.saved.take());
    }

    /// Latents without noise, those of the picture where a mask keeps it.
    pub(crate) fn put_back<E: Engine<Array = A>>(&self, engine: &E, latents: A) -> A {
        let level = NoiseLevel { signal: 1.0, noise: 0.0 };
        let kept = self.given.0.as_ref();
        kept.map_or_else(|| latents.clone(), |kept| kept.put_back(engine, &latents, level))
    }

    /// Σ cⱼ · slotⱼ
    fn sum<E: Engine<Array = A>>(
        &mut self,
        engine: &E,
        combination: &Combination,
        prediction: &A,
    ) -> A {
        let fresh = combination.terms().iter().any(|(slot, _)| *slot == Slot::Noise);
        let fresh = fresh.then(|| {
            let planes = randn(&mut self.noise, self.shape);
            engine.latents(&planes, self.shape)
        });
        let array = |slot: Slot| match slot {
            Slot::Latents => &self.latents,
            Slot::Prediction => prediction,
            Slot::Past(n) => &self.past[n - 1],
            Slot::Saved => self.saved.as_ref().expect("a plan saves before it reads"),
            Slot::Noise => fresh.as_ref().expect("drawn above"),
        };
        if let Some(slot) = combination.identity() {
            return array(slot).clone();
        }
        let terms = combination.terms().iter().map(|(slot, factor)| (*factor, array(*slot)));
        engine.sum(&terms.collect::<Vec<_>>())
    }

    /// Passes an array of the latents' shape to the observer, if there is one.
    ///
    /// # Errors
    /// Those of the engine and of the observer.
    pub(crate) async fn show<E: Engine<Array = A>>(
        &self,
        engine: &E,
        name: &str,
        array: &A,
        extras: &Extras<'_>,
    ) -> Result<()> {
        let Some(observer) = extras.observer else { return Ok(()) };
        let planes = engine.planes(array, self.shape[1]).await?;
        observer.numbers(name, &self.shape, &planes)
    }
}

/// The first latents: noise as strong as the plan begins with, plus the picture's.
fn first_latents(drawn: &Drawn, plan: &Plan, beginning: &Beginning) -> Vec<f32> {
    let Plan { init_noise_sigma: noise, init_signal: signal, .. } = *plan;
    let mut planes = drawn.noise.clone();
    planes.iter_mut().for_each(|x| *x *= noise as f32);
    if signal > 0.0 {
        for (x, x0) in planes.iter_mut().zip(drawn.picture.iter().flatten()) {
            *x += signal as f32 * x0;
        }
    }
    if let Some(inpainting) = &beginning.inpainting {
        inpainting.fill(&mut planes, &drawn.noise, NoiseLevel { signal, noise });
    }
    planes
}

/// The next noise of every picture, `[pictures, c, h, w]`.
fn randn(noise: &mut [Generator], [_, c, h, w]: [usize; 4]) -> Vec<f32> {
    noise.iter_mut().flat_map(|generator| generator.randn(c * h * w)).collect()
}
