//! The functions of the definitions, in f64.

use darkroom::ops::Activation;
use std::f64::consts::PI;

/// Σ a·b
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// 1 / (1 + e⁻ˣ)
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// erf x = 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5 … (2n+1)); all terms have one sign.
pub(crate) fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// The pointwise functions, as torch defines them.
pub(crate) fn activation(function: Activation, x: f64) -> f64 {
    match function {
        Activation::Identity => x,
        Activation::Silu => x * sigmoid(x),
        Activation::Gelu => x * 0.5 * (1.0 + erf(x / 2f64.sqrt())),
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
        Activation::QuickGelu => x * sigmoid(1.702 * x),
        Activation::Relu => x.max(0.0),
        Activation::Bounded => 3.0 * (x / 3.0).tanh(),
        Activation::Signed => 2.0 * x - 1.0,
        Activation::Unsigned => (x + 1.0) / 2.0,
        Activation::LeakyRelu => x.max(0.0) + 0.2 * x.min(0.0),
    }
}
