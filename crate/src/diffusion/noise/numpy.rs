//! numpy's older generator: `numpy.random.RandomState(seed).standard_normal(n)`. The published test
//! pictures of diffusers were made with it.
//!
//! Uniforms of 53 bits from two integers of the Mersenne Twister; normals by Marsaglia's polar
//! method, two at a time, the second x first:
//!
//! ```text
//! x₁, x₂ in (−1, 1) until s = x₁² + x₂² < 1      n = x₂·√(−2·ln s / s), then x₁·√(−2·ln s / s)
//! ```
//!
//! numpy: `random/src/legacy/legacy-distributions.c`.

use super::mt19937::Mt19937;

/// A generator; each draw continues after the one before, as in numpy.
#[derive(Clone)]
pub struct Numpy {
    engine: Mt19937,
    /// The second normal of the last pair, for the next call.
    waiting: Option<f64>,
}

impl Numpy {
    /// `numpy.random.RandomState(seed)`; numpy accepts no larger seeds.
    pub fn new(seed: u32) -> Self {
        Numpy { engine: Mt19937::new(seed), waiting: None }
    }

    /// `random_sample()`: a uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        let high = self.engine.next_u32() >> 5;
        let low = self.engine.next_u32() >> 6;
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `standard_normal()`.
    pub fn normal(&mut self) -> f64 {
        if let Some(second) = self.waiting.take() {
            return second;
        }
        loop {
            let x1 = 2.0 * self.uniform() - 1.0;
            let x2 = 2.0 * self.uniform() - 1.0;
            let square = x1 * x1 + x2 * x2;
            if square < 1.0 && square != 0.0 {
                let factor = (-2.0 * libm::log(square) / square).sqrt();
                self.waiting = Some(factor * x1);
                return factor * x2;
            }
        }
    }
}
