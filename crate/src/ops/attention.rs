//! Attention with an online softmax; see `kernels/attention.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

/// Which keys a query may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// All.
    None,
    /// Those at or before its own position.
    Causal,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    queries: u32,
    keys: u32,
    heads: u32,
    first_query: u32,
    kv_pictures: u32,
    scale: f32,
    all_queries: u32,
}

/// Queries of a workgroup; the kernel's QUERIES.
const QUERIES: usize = 16;

/// Multiply-adds of one dispatch at the most. A driver resets the device when a dispatch runs for
/// seconds; this many take about 50 ms at 1 TFLOP/s.
const WORK_MAX: u64 = 25_000_000_000;

impl Tensor {
    /// `softmax(q·kᵀ/√d)·v` for each head: q `[b, t, heads·d]`, k and v `[b, s, heads·d]` → q's
    /// shape. k and v may have fewer pictures than q: they repeat.
    ///
    /// # Panics
    /// When the shapes do not agree, or a head is not a multiple of four wide.
    pub fn attention(&self, k: &Tensor, v: &Tensor, heads: usize, mask: Mask) -> Tensor {
        let [batch, queries, c] = self.shape().tokens();
        let [kv_pictures, keys, _] = k.shape().tokens();
        assert_eq!(k.shape().tokens(), v.shape().tokens(), "k and v");
        assert_eq!(k.shape().channels(), c, "q {:?} and k {:?}", self.shape(), k.shape());
        assert!(c.is_multiple_of(heads * 4), "{c} channels in {heads} heads");
        let width = c / heads;
        let gpu = self.gpu();
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let kernel = Kernel::new(wgsl!("attention"), 3)
            .alias("Elem4", self.precision().vec4())
            .uint("D4", width as u32 / 4)
            .flag("CAUSAL", mask == Mask::Causal);
        let kernel = Rc::new(kernel);
        let work_of_query = (batch * heads * keys) as u64 * width as u64 * 2;
        let step = (WORK_MAX / work_of_query / QUERIES as u64).clamp(1, 1 << 20) as usize * QUERIES;
        for first in (0..queries).step_by(step) {
            let count = step.min(queries - first);
            let params = Params {
                queries: (first + count) as u32,
                keys: keys as u32,
                heads: heads as u32,
                first_query: first as u32,
                kv_pictures: kv_pictures as u32,
                scale: 1.0 / (width as f32).sqrt(),
                all_queries: queries as u32,
            };
            let grid = [count.div_ceil(QUERIES), heads, batch].map(|n| n as u32);
            let bindings = vec![self.whole(), k.whole(), v.whole(), y.whole()];
            let flops = 2 * work_of_query * count as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
        }
        y
    }
}
