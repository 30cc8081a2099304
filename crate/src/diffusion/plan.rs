//! A plan: all that a sampler does, as a list of numbers.
//!
//! Every supported sampler is linear in the latents, the UNet's prediction, values kept from
//! earlier evaluations, and new noise. So all of its coefficients can be computed before anything
//! runs:
//!
//! ```text
//! input   = input_scale · latents                      to the UNet, with timestep
//! prediction = guidance(UNet(input))
//! latents = Σ cⱼ · {latents, prediction, past(1…3), saved, noise}
//! ```
//!
//! The GPU has one kernel for the sum, and nothing is read back inside the loop. All sums of an
//! evaluation read the state from before it; only then are their results stored.

use super::freeu::FreeU;
use super::kind::EvaluationKind;

/// The tensors that a combination may have as terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The latents at the beginning of the evaluation, without the input scale.
    Latents,
    /// The UNet's guided prediction in this evaluation: eps, or v where the schedule says so.
    Prediction,
    /// The history: what earlier evaluations remembered; 1 is the latest. See
    /// [`Evaluation::remember`].
    Past(usize),
    /// The tensor that [`Evaluation::save`] kept.
    Saved,
    /// New noise N(0, 1) from the request's generator, drawn for each combination that has this
    /// term.
    Noise,
}

/// The most terms of a combination; the kernel has as many inputs.
pub const MAX_TERMS: usize = 5;

/// Σ cⱼ · slotⱼ, each slot at most once.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    terms: Vec<(Slot, f64)>,
}

impl Combination {
    /// The sum of `terms`; the factors of equal slots are added, and terms with the factor zero are
    /// left out.
    ///
    /// # Panics
    /// When more than [`MAX_TERMS`] slots or none remain: a sampler's formula is wrong.
    pub fn new(terms: &[(Slot, f64)]) -> Self {
        let mut sums: Vec<(Slot, f64)> = Vec::with_capacity(MAX_TERMS);
        for (slot, factor) in terms {
            match sums.iter_mut().find(|(known, _)| known == slot) {
                Some((_, sum)) => *sum += factor,
                None => sums.push((*slot, *factor)),
            }
        }
        sums.retain(|(_, factor)| *factor != 0.0);
        assert!((1..=MAX_TERMS).contains(&sums.len()), "no combination: {terms:?}");
        Combination { terms: sums }
    }

    /// The slots and their factors, at least one, at most [`MAX_TERMS`].
    pub fn terms(&self) -> &[(Slot, f64)] {
        &self.terms
    }

    /// The factor of a slot; 0 when it is not a term.
    pub fn factor(&self, slot: Slot) -> f64 {
        self.terms.iter().find(|(known, _)| *known == slot).map_or(0.0, |(_, factor)| *factor)
    }

    /// The slot, when the combination is 1 · this slot, so that nothing has to be computed.
    pub fn identity(&self) -> Option<Slot> {
        match self.terms[..] {
            [(slot, 1.0)] => Some(slot),
            _ => None,
        }
    }
}

/// How noisy latents are: signal · x₀ + noise · ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseLevel {
    /// Factor of x₀.
    pub signal: f64,
    /// Factor of ε.
    pub noise: f64,
}

impl NoiseLevel {
    /// The level of latents √ᾱ·x₀ + √(1−ᾱ)·ε.
    pub(super) fn of_alpha(alpha: f64) -> NoiseLevel {
        NoiseLevel { signal: alpha.sqrt(), noise: (1.0 - alpha).sqrt() }
    }

    /// The level of latents x₀ + σ·ε (variance exploding).
    pub(super) fn exploding(sigma: f64) -> NoiseLevel {
        NoiseLevel { signal: 1.0, noise: sigma }
    }

    /// The level of latents (x₀ + σ·ε) / √(σ² + 1) (variance preserving).
    pub(super) fn preserving(sigma: f64) -> NoiseLevel {
        let signal = 1.0 / (sigma * sigma + 1.0).sqrt();
        NoiseLevel { signal, noise: sigma * signal }
    }
}

/// One evaluation of the UNet and the sums after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The step that it belongs to, from 1; a sampler may evaluate more than once in a step.
    pub step: usize,
    /// The timestep that the UNet gets, 0…999 in v1.4; with some samplers it is not a whole number.
    pub timestep: f64,
    /// The factor of the latents in the UNet's input.
    pub input_scale: f64,
    /// The noise level of the latents before it.
    pub level: NoiseLevel,
    /// The next latents.
    pub update: Combination,
    /// If any, it becomes `Past(1)` for later evaluations, and each `Past(n)` becomes `Past(n +
    /// 1)`.
    pub remember: Option<Combination>,
    /// If any, it becomes `Saved` for later evaluations, until another evaluation replaces it.
    pub save: Option<Combination>,
    /// Which parts of the UNet are computed.
    pub kind: EvaluationKind,
    /// In a run with a mask: how noisy the latents are afterwards, and so the known ones that are
    /// put back where the mask keeps them.
    pub put_back: Option<NoiseLevel>,
    /// Which of the ControlNets and T2I-Adapters beside a request take part, a bit for each; at
    /// first all.
    pub controls: u32,
    /// Which of the prompts' texts it sees, where they change from step to step.
    pub texts: usize,
}

impl Evaluation {
    /// An evaluation that only gives the next latents.
    pub(super) fn new(step: usize, timestep: f64, level: NoiseLevel, update: Combination) -> Self {
        let (input_scale, remember, save, put_back) = (1.0, None, None, None);
        let (kind, controls, texts) = (EvaluationKind::EXACT, u32::MAX, 0);
        Evaluation {
            step,
            timestep,
            input_scale,
            level,
            update,
            remember,
            save,
            kind,
            put_back,
            controls,
            texts,
        }
    }

    /// The same evaluation for latents whose variance is not one.
    #[must_use]
    pub(super) fn scaled(self, input_scale: f64) -> Self {
        Evaluation { input_scale, ..self }
    }

    fn combinations(&self) -> impl Iterator<Item = &Combination> {
        [Some(&self.update), self.remember.as_ref(), self.save.as_ref()].into_iter().flatten()
    }
}

/// All evaluations of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The first latents are this times N(0, 1) …
    pub init_noise_sigma: f64,
    /// … and this times the latents of the picture that the run begins with; 0 without one.
    pub init_signal: f64,
    /// In order.
    pub evaluations: Vec<Evaluation>,
}

impl Plan {
    /// The plan of a run that begins with noise alone.
    pub(super) fn new(init_noise_sigma: f64, evaluations: Vec<Evaluation>) -> Plan {
        Plan { init_noise_sigma, init_signal: 0.0, evaluations }
    }

    /// The plan without its first steps.
    #[must_use]
    pub(super) fn without_steps(mut self, left_out: usize) -> Plan {
        self.evaluations.retain(|evaluation| evaluation.step > left_out);
        self.evaluations.iter_mut().for_each(|evaluation| evaluation.step -= left_out);
        self
    }

    /// The plan in which the UNet scales so in every evaluation.
    #[must_use]
    pub fn with_freeu(mut self, freeu: Option<FreeU>) -> Plan {
        self.evaluations.iter_mut().for_each(|evaluation| evaluation.kind.freeu = freeu);
        self
    }

    /// The plan of a run that begins with a picture: noise is added to its latents up to the level
    /// that the first evaluation expects. diffusers: `scheduler.add_noise`.
    #[must_use]
    pub(super) fn with_picture(mut self) -> Plan {
        let level = self.evaluations.first().map(|evaluation| evaluation.level);
        let NoiseLevel { signal, noise } = level.expect("a run has evaluations");
        (self.init_signal, self.init_noise_sigma) = (signal, noise);
        self
    }

    /// The plan of a run with a mask: after each evaluation the latents that the mask keeps become
    /// those of the picture again, as noisy as the next evaluation expects them; after the last one
    /// they have no noise. With `by_step` they are as noisy as the next step's first evaluation
    /// expects them. diffusers: `StableDiffusionInpaintPipeline`, with a UNet of 4 channels.
    #[must_use]
    pub fn with_mask(mut self, by_step: bool) -> Plan {
        let all = &self.evaluations;
        let level = |i: usize| {
            let isnt_within = |next: &&Evaluation| !by_step || next.step > all[i].step;
            let next = all[i + 1..].iter().find(isnt_within);
            next.map_or(NoiseLevel { signal: 1.0, noise: 0.0 }, |next| next.level)
        };
        let levels: Vec<_> = (0..all.len()).map(level).collect();
        for (evaluation, level) in self.evaluations.iter_mut().zip(levels) {
            evaluation.put_back = Some(level);
            evaluation.kind.masked = true;
        }
        self
    }

    /// The evaluations of each step.
    pub fn by_step(&self) -> impl Iterator<Item = &[Evaluation]> {
        self.evaluations.chunk_by(|a, b| a.step == b.step)
    }

    /// Steps as the user counts them.
    pub fn steps(&self) -> usize {
        self.evaluations.last().map_or(0, |evaluation| evaluation.step)
    }

    /// Whether all coefficients are finite: a formula may have divided by the difference of two
    /// equal levels.
    pub(super) fn is_finite(&self) -> bool {
        let sums = self.evaluations.iter().flat_map(Evaluation::combinations);
        let factors = sums.flat_map(Combination::terms).map(|(_, factor)| *factor);
        self.init_noise_sigma.is_finite() && factors.into_iter().all(f64::is_finite)
    }

    /// How many tensors of history must be held at once: the largest n of `Past(n)`.
    pub fn history(&self) -> usize {
        let slots = self.evaluations.iter().flat_map(Evaluation::combinations);
        let slots = slots.flat_map(|combination| combination.terms());
        slots.map(|(slot, _)| if let Slot::Past(n) = slot { *n } else { 0 }).max().unwrap_or(0)
    }
}
