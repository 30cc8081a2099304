//! The noise of torch on an NVIDIA GPU, as AUTOMATIC1111's web UI makes it on the CPU: Philox
//! 4×32 of ten rounds, "Parallel Random Numbers: As Easy as 1, 2, 3" (Salmon et al., 2011).
//!
//! Number i of draw d comes from the counter (d, 0, i, 0) with the seed as key, by the sine half of
//! Box–Muller:
//!
//! ```text
//! n = √(−2·ln((a + ½)·2⁻³²))·sin((b + ½)·2π·2⁻³²)         a, b the first words of the block
//! ```
//!
//! As there, the constants are float32 and the rest is double. web UI: `modules/rng_philox.py`.

/// 2⁻³², and the float32 next to 2π·2⁻³².
const UNIT: f64 = 1.0 / 4_294_967_296.0;
const ANGLE: f64 = (2.328_306_4e-10 * 6.283_185_5) as f32 as f64;

/// A generator; each draw has the next value of d, whatever its length.
#[derive(Clone)]
pub struct Philox {
    seed: u64,
    draw: u32,
}

impl Philox {
    /// All 64 bits of the seed are used.
    pub fn new(seed: u64) -> Self {
        Philox { seed, draw: 0 }
    }

    /// `torch.randn(n, device="cuda")`.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let numbers = (0..n).map(|index| {
            let [a, b, ..] = block([self.draw, 0, index as u32, 0], key);
            let radius = (-2.0 * libm::log(f64::from(a) * UNIT + UNIT / 2.0)).sqrt();
            (radius * libm::sin(f64::from(b) * ANGLE + ANGLE / 2.0)) as f32
        });
        let numbers = numbers.collect();
        self.draw = self.draw.wrapping_add(1);
        numbers
    }
}

/// Philox itself: four words of 32 bits from a counter and a key.
fn block(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
        }
        let first = u64::from(counter[0]) * 0xd251_1f53;
        let second = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
    }
    counter
}
