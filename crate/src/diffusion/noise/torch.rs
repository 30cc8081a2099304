//! torch's CPU generator: `torch.randn(n, generator=torch.Generator().manual_seed(seed))`.
//!
//! From 16 numbers on, torch fills the tensor with uniforms of 24 bits and turns every block of 16
//! into normals (Box–Muller), number j with number j + 8:
//!
//! ```text
//! r = √(−2·ln(1 − u₁))      θ = 2π·u₂      nⱼ = r·cos θ      nⱼ₊₈ = r·sin θ
//! ```
//!
//! If the length is no multiple of 16, 16 new uniforms are drawn for the last 16 numbers, over
//! those that were there. Fewer than 16 numbers are made one by one in double precision from
//! uniforms of 53 bits, and the second of each pair is kept for the next call. ATen:
//! `native/cpu/DistributionTemplates.h`, `core/DistributionsHelper.h`.

use super::cephes;
use super::mt19937::Mt19937;

/// Numbers in a block.
const BLOCK: usize = 16;

/// A generator; each draw continues after the one before, as in torch.
#[derive(Clone)]
pub struct Torch {
    engine: Mt19937,
    /// The second normal of the last pair in double precision, for the next call.
    waiting: Option<f64>,
}

impl Torch {
    /// `torch.Generator().manual_seed(seed)`; torch uses only the lower 32 bits of the seed.
    pub fn new(seed: u64) -> Self {
        Torch { engine: Mt19937::new(seed as u32), waiting: None }
    }

    /// `torch.rand(n)`: uniforms in [0, 1) of 24 bits.
    pub fn rand(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.uniform()).collect()
    }

    /// `torch.randn(n)`: normals. A tensor of n elements of any shape is filled in row-major
    /// order; latents are `[batch, 4, height, width]`.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        if n < BLOCK {
            return (0..n).map(|_| self.normal() as f32).collect();
        }
        let mut numbers = self.rand(n);
        numbers.as_chunks_mut().0.iter_mut().for_each(box_muller);
        if !n.is_multiple_of(BLOCK) {
            let mut tail = [0.0; BLOCK];
            tail.fill_with(|| self.uniform());
            box_muller(&mut tail);
            numbers[n - BLOCK..].copy_from_slice(&tail);
        }
        numbers
    }

    fn uniform(&mut self) -> f32 {
        (self.engine.next_u32() & 0x00ff_ffff) as f32 / (1 << 24) as f32
    }

    fn uniform_f64(&mut self) -> f64 {
        let high = u64::from(self.engine.next_u32());
        let bits = high << 32 | u64::from(self.engine.next_u32());
        (bits & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        if let Some(second) = self.waiting.take() {
            return second;
        }
        let (u1, u2) = (self.uniform_f64(), self.uniform_f64());
        let radius = (-2.0 * libm::log1p(-u2)).sqrt();
        let (sin, cos) = libm::sincos(2.0 * std::f64::consts::PI * u1);
        self.waiting = Some(radius * sin);
        radius * cos
    }
}

fn box_muller(block: &mut [f32; BLOCK]) {
    let (first, second) = block.split_at_mut(BLOCK / 2);
    for (a, b) in first.iter_mut().zip(second) {
        let radius = (-2.0 * cephes::ln(1.0 - *a)).sqrt();
        let (sin, cos) = cephes::sin_cos(std::f32::consts::TAU * *b);
        (*a, *b) = (radius * cos, radius * sin);
    }
}
