// Pointwise functions, chosen by the constant ACTIVATION:
//
//     0  x
//     1  silu        x · σ(x)
//     2  gelu        x · ½ (1 + erf(x / √2)), exact: torch's default
//     3  gelu_tanh   x · ½ (1 + tanh(√(2/π) (x + 0.044715 x³)))
//     4  quick_gelu  x · σ(1.702 x): OpenAI CLIP's
//     5  relu        max(x, 0)
//     6  bounded     3 · tanh(x / 3)
//     7  signed      2x − 1
//     8  unsigned    (x + 1) / 2
//     9  leaky_relu  max(x, 0) + 0.2 · min(x, 0): ESRGAN's

fn activation(x: vec4<f32>) -> vec4<f32> {
    if ACTIVATION == 1u { return x * sigmoid(x); }
    if ACTIVATION == 2u { return x * (0.5 + 0.5 * erf(x * 0.70710678)); }
    if ACTIVATION == 3u {
        let inner = 0.79788456 * (x + 0.044715 * x * x * x);
        // tanh overflows on some drivers for large arguments; beyond 10 it is ±1 in f32.
        return x * (0.5 + 0.5 * tanh(clamp(inner, vec4<f32>(-10.0), vec4<f32>(10.0))));
    }
    if ACTIVATION == 4u { return x * sigmoid(1.702 * x); }
    if ACTIVATION == 5u { return max(x, vec4<f32>(0.0)); }
    if ACTIVATION == 6u {
        return 3.0 * tanh(clamp(x / 3.0, vec4<f32>(-10.0), vec4<f32>(10.0)));
    }
    if ACTIVATION == 7u { return 2.0 * x - 1.0; }
    if ACTIVATION == 8u { return 0.5 * x + 0.5; }
    if ACTIVATION == 9u { return max(x, 0.2 * x); }
    return x;
}

// exp(87) is near f32's largest value; what lies beyond gives 0 all the same.
fn sigmoid(x: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(min(-x, vec4<f32>(87.0))));
}

// W. H. Press et al., Numerical Recipes, erfcc: a Chebyshev fit of erfc, relative error < 1.2e-7.
fn erf(x: vec4<f32>) -> vec4<f32> {
    let t = 1.0 / (1.0 + 0.5 * abs(x));
    var p = vec4<f32>(0.17087277);
    p = p * t - 0.82215223;
    p = p * t + 1.48851587;
    p = p * t - 1.13520398;
    p = p * t + 0.27886807;
    p = p * t - 0.18628806;
    p = p * t + 0.09678418;
    p = p * t + 0.37409196;
    p = p * t + 1.00002368;
    p = p * t - 1.26551223;
    let erfc = t * exp(p - x * x);
    return select(erfc - 1.0, 1.0 - erfc, x >= vec4<f32>(0.0));
}
