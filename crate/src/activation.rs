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
    /// max(x, 0)
    Relu = 5,
    /// 3 · tanh(x / 3): what a TAESD makes of latents before it decodes them.
    Bounded = 6,
    /// 2x − 1: from pictures in 0…1 to pictures in −1…1.
    Signed = 7,
    /// (x + 1) / 2: from pictures in −1…1 to pictures in 0…1.
    Unsigned = 8,
    /// max(x, 0) + 0.2 · min(x, 0): the leaky ReLU of ESRGAN.
    LeakyRelu = 9,
}
