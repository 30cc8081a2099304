//! Logarithm, sine and cosine in float32, bit for bit those of torch's CPU generator.
//!
//! They are the polynomials of S. Moshier's Cephes library in the order of operations of
//! `avx_mathfun` (J. Pommier, G. Garberoglio), which torch uses on x86. The compiler of torch's
//! wheels fuses some of the multiplications and additions there. This changes the result, so each
//! of these is written here as a fused multiply-add, which is the same on every platform.

use libm::fmaf;

/// 4/π.
const FOUR_OVER_PI: f32 = 1.273_239_5;
const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// ln 2 in two parts, the first with few bits so that its product with an exponent is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// (ln(1 + x) − x + x²/2) / x³, highest power first.
const LN: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_8e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_7e-1,
    2.000_071_4e-1,
    -2.499_999_4e-1,
    3.333_333e-1,
];

/// −π/4 in three parts.
const MINUS_QUARTER_PI: [f32; 3] = [-0.785_156_25, -2.418_756_5e-4, -3.774_895e-8];
/// (cos x − 1 + x²/2) / x⁴ and (sin x − x) / x³ on |x| ≤ π/4, highest power first.
const COS: [f32; 3] = [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2];
const SIN: [f32; 3] = [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1];

fn polynomial<const N: usize>(coefficients: [f32; N], x: f32) -> f32 {
    coefficients[1..].iter().fold(coefficients[0], |sum, next| fmaf(sum, x, *next))
}

/// The natural logarithm of a positive, normal number.
///
/// ```text
/// x = m·2ᵉ, √½ ≤ m < √2:   ln x = ln m + e·ln 2
/// ```
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let mut exponent = (bits >> 23) as f32 - 126.0;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000);
    let m = if mantissa < SQRT_HALF {
        exponent -= 1.0;
        (mantissa - 1.0) + mantissa
    } else {
        mantissa - 1.0
    };
    let square = m * m;
    let cube = polynomial(LN, m) * m;
    let tail = fmaf(cube, square, exponent * LN2_LOW) - square * 0.5;
    fmaf(exponent, LN2_HIGH, m + tail)
}

/// Sine and cosine of an angle from 0 to 2π.
pub(super) fn sin_cos(angle: f32) -> (f32, f32) {
    // The number of the eighth of the circle, rounded up to an even one; x is the angle from that
    // axis.
    let octant = ((angle * FOUR_OVER_PI) as u32 + 1) & !1;
    let axis = octant as f32;
    let x = MINUS_QUARTER_PI.iter().fold(angle, |x, part| fmaf(axis, *part, x));
    let square = x * x;
    let cos = fmaf(polynomial(COS, square) * square, square, -(square * 0.5)) + 1.0;
    let sin = fmaf(polynomial(SIN, square) * square, x, x);
    match octant % 8 {
        0 => (sin, cos),
        2 => (cos, -sin),
        4 => (-sin, -cos),
        _ => (-cos, sin),
    }
}
