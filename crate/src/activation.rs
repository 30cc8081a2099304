//! The pointwise functions of the networks: named in configs, computed by kernels.

/// A pointwise function; the numbers are those of `kernels/shared/activation.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// x
    #[default]
    Identity = 0,
    /// x · σ(x)
    Silu = 1,
    /// x · Φ(x), exact (by erf): torch's default `gelu`.
    Gelu = 2,
    /// The tanh approximation of gelu: torch's `gelu(approximate="tanh")`.
    GeluTanh = 3,
    /// x · σ(1.702 x): OpenAI CLIP's.
    QuickGelu = 4,
}
