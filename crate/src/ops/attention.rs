//! Attention with an online softmax; see `kernels/attention.wgsl` and, for software adapters,
//! `kernels/attention_direct.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::gpu::{Gpu, Work};
use crate::tensor::{Channels, Tensor};
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
    q_row4: u32,
    kv_row4: u32,
    q_first4: u32,
    k_first4: u32,
    v_first4: u32,
}

/// Queries of a workgroup; the kernel's QUERIES.
const QUERIES: usize = 16;

/// The widest head, by four channels, that a software adapter takes directly: a wider one has many
/// slices, each of which makes the scores again.
const DIRECT4_MAX: usize = 20;

/// Invocations of a workgroup of the direct kernel; its LANES.
const DIRECT_LANES: usize = 8;

/// Vectors of channels in a slice of a head of `d4`, if the head is taken directly: the most, up to
/// five, that cut it evenly.
fn slice4(gpu: &Gpu, d4: usize) -> Option<usize> {
    let direct = gpu.info().software && d4 <= DIRECT4_MAX;
    direct.then(|| (1..=5).rev().find(|&n| d4.is_multiple_of(n)).unwrap_or(1))
}

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
        assert_eq!(k.shape().tokens(), v.shape().tokens(), "k and v");
        let y = Tensor::attend(self.into(), k.into(), v.into(), heads, mask);
        y.reshape(self.shape())
    }

    /// [`Tensor::attention`] where q, k and v are channels of tensors, such as of one that holds
    /// all three → `[b, t, heads·d]`. k and v are channels of tensors of one shape.
    ///
    /// # Panics
    /// As there.
    pub fn attend(
        q: Channels<'_>,
        k: Channels<'_>,
        v: Channels<'_>,
        heads: usize,
        mask: Mask,
    ) -> Tensor {
        let [batch, queries, _] = q.x.shape().tokens();
        let [kv_pictures, keys, _] = k.x.shape().tokens();
        let c = q.count;
        assert_eq!([k.count, v.count], [c, c], "channels of q, k, v");
        assert_eq!(k.x.shape().tokens(), v.x.shape().tokens(), "k and v");
        assert!(c.is_multiple_of(heads * 4), "{c} channels in {heads} heads");
        let width = c / heads;
        let gpu = q.x.gpu();
        let precision = q.x.precision();
        let y = Tensor::empty(gpu, [batch, queries, c], precision);
        let slice4 = slice4(gpu, width / 4);
        let kernel = match slice4 {
            Some(n) => Kernel::new(wgsl!("attention_direct"), 3).uint("SLICE4", n as u32),
            None => Kernel::new(wgsl!("attention"), 3),
        };
        let kernel = kernel
            .alias("Elem4", precision.vec4())
            .uint("D4", width as u32 / 4)
            .flag("CAUSAL", mask == Mask::Causal);
        let kernel = Rc::new(kernel);
        let ([q_row4, q_first4], [kv_row4, k_first4]) = (q.row4_and_first4(), k.row4_and_first4());
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
                q_row4,
                kv_row4,
                q_first4,
                k_first4,
                v_first4: v.row4_and_first4()[1],
            };
            let along = match slice4 {
                Some(n) => (count.div_ceil(4) * (width / 4 / n)).div_ceil(DIRECT_LANES),
                None => count.div_ceil(QUERIES),
            };
            let grid = [along, heads, batch].map(|n| n as u32);
            let bindings = vec![q.x.whole(), k.x.whole(), v.x.whole(), y.whole()];
            // A score is a quarter of q and a quarter of k; v is read once for four queries.
            let scores = (batch * heads * keys * count * width * precision.bytes()) as u64;
            let stored = (batch * count * c * precision.bytes()) as u64;
            let work = Work {
                flops: 2 * work_of_query * count as u64,
                traffic: Some(scores / 4 * 3 + stored),
            };
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, work);
        }
        y
    }
}
