//! Quantiles of the beta distribution with both parameters 0.6, as `scipy.stats.beta.ppf`.
//!
//! ```text
//! I(x) = B(x) / 2B(½)          B(x) = x^a·Σₖ (1−a)ₖ / k! · x^k / (a+k)          x ≤ ½, a = 0.6
//! ```
//!
//! The distribution is symmetric, so the lower half is enough: ppf(1 − p) = 1 − ppf(p). I rises,
//! and halving finds where it is p.

/// Both parameters.
const A: f64 = 0.6;

/// Terms of the sum; at ½ they shrink by half and more.
const TERMS: usize = 60;

/// Halvings; the interval ends as small as f64 resolves.
const HALVINGS: usize = 60;

/// The number below which the share `p` of the distribution lies; 0 and 1 at the ends.
pub(super) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return 1.0 - quantile(1.0 - p);
    }
    let wanted = 2.0 * p.max(0.0) * incomplete(0.5);
    let (mut low, mut high) = (0.0, 0.5);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        match incomplete(middle) < wanted {
            true => low = middle,
            false => high = middle,
        }
    }
    if p <= 0.0 { 0.0 } else { high }
}

/// B(x) for x up to ½.
fn incomplete(x: f64) -> f64 {
    let mut factor = 1.0;
    let mut sum = 0.0;
    for k in 0..TERMS {
        let k = k as f64;
        sum += factor / (A + k);
        factor *= (1.0 - A + k) / (k + 1.0) * x;
    }
    libm::pow(x, A) * sum
}
