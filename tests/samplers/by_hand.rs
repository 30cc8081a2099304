//! The samplers as their papers and k-diffusion write them, on vectors of f64, with what they
//! remember in plain sight. Nothing here is shared with the crate but the table of ᾱ.

use darkroom::diffusion::{Plan, Prediction, Sampler, Schedule};

type Vector = Vec<f64>;

/// Those that stand here; the others are compared with k-diffusion and diffusers alone.
pub(super) const KNOWN: [Sampler; 11] = [
    Sampler::Ddim,
    Sampler::Pndm,
    Sampler::Lms,
    Sampler::Euler,
    Sampler::EulerAncestral,
    Sampler::Heun,
    Sampler::Dpmpp2m,
    Sampler::Dpmpp2mSde,
    Sampler::UniPc,
    Sampler::Lcm,
    Sampler::Tcd,
];

/// Σ cⱼ · vⱼ
pub(super) fn mix(terms: &[(f64, &Vector)]) -> Vector {
    let length = terms[0].1.len();
    (0..length).map(|i| terms.iter().map(|(factor, vector)| factor * vector[i]).sum()).collect()
}

/// A run by hand.
pub(crate) struct ByHand<'a> {
    pub sampler: Sampler,
    pub schedule: &'a Schedule,
    pub plan: &'a Plan,
    pub steps: usize,
    pub eta: f64,
    /// Latents, derivative or x₀, and answer of the evaluations so far.
    pub seen: Vec<[Vector; 3]>,
    /// UniPC's corrected latents.
    pub corrected: Vector,
}

impl ByHand<'_> {
    fn time(&self, index: usize) -> usize {
        self.plan.evaluations[index].timestep as usize
    }

    /// ᾱ of a time, and beyond the first time.
    fn alpha(&self, time: i64) -> f64 {
        f64::from(self.schedule.alphas_cumprod()[time.max(0) as usize])
    }

    /// σ of an evaluation, 0 after the last.
    fn sigma(&self, index: usize) -> f64 {
        let Some(evaluation) = self.plan.evaluations.get(index) else { return 0.0 };
        let (time, table) = (evaluation.timestep, self.schedule.sigmas());
        let (below, above) = (time.floor() as usize, time.ceil() as usize);
        let (a, b) = (f64::from(table[below]), f64::from(table[above]));
        f64::from((a + (b - a) * time.fract()) as f32)
    }

    /// x₀ and ε of latents √ᾱ·x₀ + √(1−ᾱ)·ε.
    fn split(&self, alpha: f64, x: &Vector, answer: &Vector) -> (Vector, Vector) {
        let (a, s) = (alpha.sqrt(), (1.0 - alpha).sqrt());
        match self.schedule.prediction() {
            Prediction::Epsilon => (mix(&[(1.0 / a, x), (-s / a, answer)]), answer.clone()),
            Prediction::V => (mix(&[(a, x), (-s, answer)]), mix(&[(a, answer), (s, x)])),
        }
    }

    /// (x − x₀) / σ of latents x₀ + σ·ε.
    fn slope(&self, sigma: f64, x: &Vector, answer: &Vector) -> Vector {
        let scale = 1.0 / (sigma * sigma + 1.0).sqrt();
        let inside = mix(&[(scale, x)]);
        let (x0, _) = self.split(scale * scale, &inside, answer);
        mix(&[(1.0 / sigma, x), (-1.0 / sigma, &x0)])
    }

    /// The next latents.
    pub(crate) fn step(
        &mut self,
        index: usize,
        x: &Vector,
        answer: &Vector,
        noise: &Vector,
    ) -> Vector {
        match self.sampler {
            Sampler::Ddim => self.ddim(index, x, answer, noise),
            Sampler::Pndm => self.pndm(index, x, answer),
            Sampler::Lcm => self.lcm(index, x, answer, noise),
            Sampler::Tcd => self.tcd(index, x, answer, noise),
            Sampler::Heun => self.heun(index, x, answer),
            Sampler::Lms | Sampler::Euler | Sampler::EulerAncestral => {
                self.in_sigma(index, x, answer, noise)
            }
            Sampler::Dpmpp2m | Sampler::Dpmpp2mSde => self.dpmpp(index, x, answer, noise),
            Sampler::UniPc => self.unipc(index, x, answer),
            other => panic!("{other} is not here"),
        }
    }

    fn ddim(&mut self, index: usize, x: &Vector, answer: &Vector, noise: &Vector) -> Vector {
        let time = self.time(index);
        let alpha = self.alpha(time as i64);
        let next = self.alpha(time as i64 - (1000 / self.steps) as i64);
        let (x0, eps) = self.split(alpha, x, answer);
        let s = self.eta * (((1.0 - next) / (1.0 - alpha)) * (1.0 - alpha / next)).sqrt();
        mix(&[(next.sqrt(), &x0), ((1.0 - next - s * s).sqrt(), &eps), (s, noise)])
    }

    /// Formula 9 of the paper is DDIM's step with a mixture of answers.
    fn pndm(&mut self, index: usize, x: &Vector, answer: &Vector) -> Vector {
        let stride = (1000 / self.steps) as i64;
        let mut from = self.time(index) as i64;
        let mut start = x.clone();
        if index == 1 {
            from += stride;
            start = self.seen[0][0].clone();
        }
        // The second answer only corrects the first step.
        let mut answers = vec![answer];
        answers.extend(
            self.seen.iter().enumerate().rev().filter(|(i, _)| *i != 1).map(|(_, seen)| &seen[2]),
        );
        let mixed = match (index, &answers[..]) {
            (0, _) => answer.clone(),
            (1, [a, b, ..]) => mix(&[(0.5, a), (0.5, b)]),
            (_, [a, b]) => mix(&[(1.5, a), (-0.5, b)]),
            (_, [a, b, c]) => mix(&[(23.0 / 12.0, a), (-16.0 / 12.0, b), (5.0 / 12.0, c)]),
            (_, [a, b, c, d, ..]) => {
                let w = [55.0, -59.0, 37.0, -9.0].map(|w| w / 24.0);
                mix(&[(w[0], a), (w[1], b), (w[2], c), (w[3], d)])
            }
            _ => unreachable!("an evaluation has an answer"),
        };
        self.seen.push([x.clone(), x.clone(), answer.clone()]);
        let next = self.alpha(from - stride);
        let (x0, eps) = self.split(self.alpha(from), &start, &mixed);
        mix(&[(next.sqrt(), &x0), ((1.0 - next).sqrt(), &eps)])
    }

    fn lcm(&mut self, index: usize, x: &Vector, answer: &Vector, noise: &Vector) -> Vector {
        let time = self.time(index);
        let (x0, _) = self.split(self.alpha(time as i64), x, answer);
        let scaled = 10.0 * time as f64;
        let skip = 0.25 / (scaled.powi(2) + 0.25);
        let done = mix(&[(skip, x), (scaled / (scaled.powi(2) + 0.25).sqrt(), &x0)]);
        if index + 1 == self.steps {
            return done;
        }
        let next = self.alpha(self.time(index + 1) as i64);
        mix(&[(next.sqrt(), &done), ((1.0 - next).sqrt(), noise)])
    }

    /// Algorithm 4 of the paper: down to the time s, then noise up to the next time.
    fn tcd(&mut self, index: usize, x: &Vector, answer: &Vector, noise: &Vector) -> Vector {
        let (x0, eps) = self.split(self.alpha(self.time(index) as i64), x, answer);
        let last = index + 1 == self.steps;
        let next = if last { 0 } else { self.time(index + 1) };
        let s = self.alpha(((1.0 - self.eta) * next as f64).floor() as i64);
        let below = mix(&[(s.sqrt(), &x0), ((1.0 - s).sqrt(), &eps)]);
        if last || self.eta == 0.0 {
            return below;
        }
        let ratio = self.alpha(next as i64) / s;
        mix(&[(ratio.sqrt(), &below), ((1.0 - ratio).sqrt(), noise)])
    }

    fn heun(&mut self, index: usize, x: &Vector, answer: &Vector) -> Vector {
        let d = self.slope(self.sigma(index), x, answer);
        if index.is_multiple_of(2) {
            let dt = self.sigma(index + 1) - self.sigma(index);
            let next = mix(&[(1.0, x), (dt, &d)]);
            self.seen.push([x.clone(), d, answer.clone()]);
            return next;
        }
        let [start, first, _] = self.seen.last().expect("a first half");
        let dt = self.sigma(index) - self.sigma(index - 1);
        mix(&[(1.0, start), (dt / 2.0, first), (dt / 2.0, &d)])
    }

    /// Euler, its ancestral variant, and the multistep method by Simpson's rule, exact for cubics.
    fn in_sigma(&mut self, index: usize, x: &Vector, answer: &Vector, noise: &Vector) -> Vector {
        let (sigma, next) = (self.sigma(index), self.sigma(index + 1));
        let d = self.slope(sigma, x, answer);
        self.seen.push([x.clone(), d.clone(), answer.clone()]);
        if self.sampler == Sampler::Euler {
            return mix(&[(1.0, x), (next - sigma, &d)]);
        }
        if self.sampler == Sampler::EulerAncestral {
            let up = (next.powi(2) * (sigma.powi(2) - next.powi(2)) / sigma.powi(2)).sqrt();
            let down = (next.powi(2) - up.powi(2)).sqrt();
            return mix(&[(1.0, x), (down - sigma, &d), (up, noise)]);
        }
        let nodes: Vec<f64> = (0..=index).rev().take(4).map(|i| self.sigma(i)).collect();
        (0..nodes.len()).fold(x.clone(), |sum, j| {
            let lagrange = |tau: f64| -> f64 {
                let others = (0..nodes.len()).filter(|k| *k != j);
                others.map(|k| (tau - nodes[k]) / (nodes[j] - nodes[k])).product()
            };
            let ends = lagrange(sigma) + lagrange(next);
            let weight = (next - sigma) / 6.0 * (ends + 4.0 * lagrange((sigma + next) / 2.0));
            mix(&[(1.0, &sum), (weight, &self.seen[index - j][1])])
        })
    }

    /// k-diffusion's sample_dpmpp_2m and, with η = 1, sample_dpmpp_2m_sde, on x / α.
    fn dpmpp(&mut self, index: usize, x: &Vector, answer: &Vector, noise: &Vector) -> Vector {
        let (sigma, next) = (self.sigma(index), self.sigma(index + 1));
        let scale = |sigma: f64| (sigma * sigma + 1.0).sqrt();
        let (x0, _) = self.split(1.0 / scale(sigma).powi(2), x, answer);
        let y = mix(&[(scale(sigma), x)]);
        let h = sigma.ln() - next.ln();
        let mut denoised = x0.clone();
        if index > 0 && next > 0.0 {
            let r = (self.sigma(index - 1).ln() - sigma.ln()) / h;
            let old = &self.seen[index - 1][1];
            denoised = mix(&[(1.0 + 1.0 / (2.0 * r), &x0), (-1.0 / (2.0 * r), old)]);
        }
        self.seen.push([x.clone(), x0, answer.clone()]);
        let gone = (-h).exp();
        let y = match self.sampler {
            Sampler::Dpmpp2m => mix(&[(next / sigma, &y), (1.0 - gone, &denoised)]),
            _ => {
                let left = 1.0 - gone * gone;
                mix(&[(gone * next / sigma, &y), (left, &denoised), (next * left.sqrt(), noise)])
            }
        };
        mix(&[(1.0 / scale(next), &y)])
    }

    /// The corrector integrates the parabola through three answers; on x / α, in λ = −ln σ.
    fn unipc(&mut self, index: usize, x: &Vector, answer: &Vector) -> Vector {
        let scale = |sigma: f64| (sigma * sigma + 1.0).sqrt();
        let sigmas: Vec<f64> = (0..=index + 1).map(|i| self.sigma(i)).collect();
        let (sigma, next) = (sigmas[index], sigmas[index + 1]);
        let (x0, _) = self.split(1.0 / scale(sigma).powi(2), x, answer);
        let old = |back: usize| &self.seen[index - back][1];
        let mut y = mix(&[(scale(sigma), x)]);
        if index > 0 {
            let before = sigmas[index - 1];
            let start = mix(&[(scale(before) * sigma / before, &self.corrected)]);
            let whole = 1.0 - sigma / before;
            y = match index {
                1 => mix(&[(1.0, &start), (whole / 2.0, &x0), (whole / 2.0, old(1))]),
                _ => {
                    let nodes = [sigma, before, sigmas[index - 2]].map(|sigma| -sigma.ln());
                    let [a, b, c] = parabola_weights(nodes);
                    mix(&[(1.0, &start), (a, &x0), (b, old(1)), (c, old(2))])
                }
            };
        }
        let mut mixed = x0.clone();
        if index > 0 && next > 0.0 {
            let r = (sigma.ln() - sigmas[index - 1].ln()) / (sigma.ln() - next.ln());
            mixed = mix(&[(1.0, &x0), (0.5 / r, old(1)), (-0.5 / r, &x0)]);
        }
        self.corrected = mix(&[(1.0 / scale(sigma), &y)]);
        self.seen.push([x.clone(), x0, answer.clone()]);
        let y = mix(&[(next / sigma, &y), (1.0 - next / sigma, &mixed)]);
        mix(&[(1.0 / scale(next), &y)])
    }
}

/// ∫ e^(λ − λ₀)·Lⱼ(λ) dλ from the second node to the first, λ₀, by Simpson's rule in 200 pieces.
fn parabola_weights(nodes: [f64; 3]) -> [f64; 3] {
    let (pieces, [end, start, _]) = (200, nodes);
    let width = (end - start) / f64::from(pieces);
    [0, 1, 2].map(|j| {
        let value = |lambda: f64| {
            let others = (0..3).filter(|k| *k != j);
            let basis: f64 = others.map(|k| (lambda - nodes[k]) / (nodes[j] - nodes[k])).product();
            basis * (lambda - end).exp()
        };
        let simpson = |piece: i32| {
            let a = start + f64::from(piece) * width;
            (value(a) + 4.0 * value(a + width / 2.0) + value(a + width)) * width / 6.0
        };
        (0..pieces).map(simpson).sum()
    })
}
