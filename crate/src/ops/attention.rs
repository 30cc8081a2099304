//! Attention with an online softmax; see `kernels/attention_matrix.wgsl` and
//! `kernels/attention_block.wgsl`, for any head `kernels/attention.wgsl` and, without shared
//! memory, `kernels/attention_direct.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::gpu::{AttentionTile, Cost, Gpu};
use crate::tensor::{Channels, Tensor};
use crate::wgsl;
use std::rc::Rc;

/// Which keys a query attends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// All.
    None,
    /// Those up to its own position.
    Causal,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    queries: u32,
    keys: u32,
    heads: u32,
    first_query: u32,
    sharing: u32,
    scale: f32,
    all_queries: u32,
    q_row4: u32,
    kv_row4: u32,
    q_first4: u32,
    k_first4: u32,
    v_first4: u32,
}

/// The widest head, in vec4, for the direct kernel: a wider one has many slices, and each slice
/// computes the scores again.
const DIRECT4_MAX: usize = 20;

/// The workgroup size of the direct kernel; its LANES.
const DIRECT_LANES: usize = 8;

/// The workgroup size of the shared kernel; its LANES.
const SHARED_LANES: usize = 64;

/// The fewest keys whose values the shared kernel stages at once: fewer are not worth a barrier.
const STAGED_KEYS_MIN: usize = 4;

/// The queries of a workgroup of the block kernel, by a head's vec4: of what was measured on a
/// graphics card the fastest were many small workgroups. A head of 80 needs more memory than
/// WebGPU's 16 KiB; others were not measured.
const BLOCK_QUERIES: [(usize, usize); 3] = [(8, 48), (10, 48), (20, 32)];

/// The subgroups of a workgroup of the kernel for matrix units, by a head's vec4 and precision: the
/// fastest of those that were measured on a graphics card and need 32 KiB at the most; heads of 32
/// follow those of 40. Heads of 80 in f32 were no faster than with the block kernel.
const UNITS_SUBGROUPS: [(usize, Precision, usize); 5] = [
    (8, Precision::F16, 2),
    (10, Precision::F16, 2),
    (20, Precision::F16, 4),
    (8, Precision::F32, 2),
    (10, Precision::F32, 2),
];

/// How an attention is cut into workgroups.
#[derive(Clone, Copy)]
enum Cut {
    /// The direct kernel: each invocation computes `slice4` vec4 of a head's channels.
    Direct { slice4: usize },
    /// The shared kernel: each workgroup has `quads` · 4 queries, and loads `chunk4` vec4 of the
    /// keys' channels at a time, and the values of `staged` keys; 0: these come from the cache.
    Shared { quads: usize, chunk4: usize, staged: usize },
    /// The block kernel: each workgroup has this many queries.
    Block { queries: usize },
    /// The kernel for matrix units: each workgroup has so many subgroups of 32 queries. f32 inputs
    /// are `split` in two.
    Units { subgroups: usize, split: bool },
}

impl Cut {
    /// For heads of `d4` vec4 in this precision.
    fn choose(gpu: &Gpu, d4: usize, precision: Precision) -> Cut {
        let special = Cut::units(gpu, d4, precision).or_else(|| Cut::block(gpu, d4));
        if let Some(cut) = special {
            return cut;
        }
        let divisor = |most: usize| (1..=most).rev().find(|&n| d4.is_multiple_of(n)).unwrap_or(1);
        match gpu.tuning().attention {
            AttentionTile::Direct if d4 <= DIRECT4_MAX => Cut::Direct { slice4: divisor(5) },
            // The largest sizes for which WebGPU's 16 KiB of workgroup memory and the registers
            // suffice.
            tile if d4 <= 40 => Cut::shared(tile, d4, 8, divisor(10)),
            tile => Cut::shared(tile, d4, 4, divisor(7)),
        }
    }

    /// The shared kernel's. On a graphics card values are staged in the place of keys, which is the
    /// same sum: one load of a value is then for all queries of a workgroup instead of four.
    fn shared(tile: AttentionTile, d4: usize, quads: usize, chunk4: usize) -> Cut {
        let keys = SHARED_LANES / quads * 4;
        let fit = keys * (chunk4 | 1) / d4;
        let is_card = tile == AttentionTile::Block || tile == AttentionTile::Units;
        let staged = if is_card && fit >= STAGED_KEYS_MIN { fit.min(keys) } else { 0 };
        Cut::Shared { quads, chunk4, staged }
    }

    /// The block kernel's, where it is wanted, has one and finds the memory for it.
    fn block(gpu: &Gpu, d4: usize) -> Option<Cut> {
        let &(_, queries) = BLOCK_QUERIES.iter().find(|&&(of, _)| of == d4)?;
        let tile = gpu.tuning().attention;
        let wanted = tile == AttentionTile::Block || tile == AttentionTile::Units;
        let fits = block_bytes(queries, d4) <= gpu.limits().workgroup as usize;
        (wanted && fits).then_some(Cut::Block { queries })
    }

    /// That of the kernel for matrix units, where it is wanted, has one and finds the memory.
    fn units(gpu: &Gpu, d4: usize, precision: Precision) -> Option<Cut> {
        let of = |&&(of, stored, _): &&(usize, Precision, usize)| (of, stored) == (d4, precision);
        let &(.., subgroups) = UNITS_SUBGROUPS.iter().find(of)?;
        let split = precision == Precision::F32;
        let wanted = gpu.tuning().attention == AttentionTile::Units;
        let fits = units_bytes(subgroups, d4, split) <= gpu.limits().workgroup as usize;
        (wanted && fits).then_some(Cut::Units { subgroups, split })
    }

    fn kernel(self) -> Kernel {
        match self {
            Cut::Direct { slice4 } => {
                Kernel::new(wgsl!("attention_direct"), 3).uint("SLICE4", slice4 as u32)
            }
            Cut::Shared { quads, chunk4, staged } => Kernel::new(wgsl!("attention"), 3)
                .uint("QUADS", quads as u32)
                .uint("CHUNK4", chunk4 as u32)
                .uint("STAGED_KEYS", staged as u32),
            Cut::Block { queries } => {
                Kernel::new(wgsl!("attention_block"), 3).uint("QUERIES", queries as u32)
            }
            Cut::Units { subgroups, split } => Kernel::new(wgsl!("attention_matrix"), 3)
                .on_matrix_units()
                .uint("SUBGROUPS", subgroups as u32)
                .flag("SPLIT", split),
        }
    }

    /// The queries of a dispatch are a multiple of this, the most that a workgroup has: bands have
    /// the workgroups of the whole, whose queries share how their sums are rounded.
    fn step(self) -> usize {
        match self {
            Cut::Direct { .. } | Cut::Shared { .. } => 32,
            Cut::Block { queries } => queries,
            Cut::Units { subgroups, .. } => 32 * subgroups,
        }
    }

    /// The number of workgroups for so many queries.
    fn along(self, queries: usize, d4: usize) -> usize {
        match self {
            Cut::Direct { slice4 } => (queries.div_ceil(4) * (d4 / slice4)).div_ceil(DIRECT_LANES),
            Cut::Shared { quads, .. } => queries.div_ceil(4 * quads),
            Cut::Block { .. } | Cut::Units { .. } => queries.div_ceil(self.step()),
        }
    }

    /// How many vec4 are loaded and stored for one head of `d4` vec4.
    fn traffic4(self, sizes: [usize; 3]) -> u64 {
        // u64, because these products do not fit the 32 bits of usize in wasm.
        let [queries, keys, d4] = sizes.map(|size| size as u64);
        let of_quads = queries.div_ceil(4);
        match self {
            // For each four queries: the keys once for each slice, the queries and the values once.
            Cut::Direct { slice4 } => {
                (of_quads * keys) * (d4 / slice4 as u64 + 1) * d4 + 2 * queries * d4
            }
            // The keys once for each workgroup, and the values too where they are staged, else for
            // each four queries; the queries once, or with every block of keys where they come in
            // chunks.
            Cut::Shared { quads, chunk4, staged } => {
                let groups = of_quads.div_ceil(quads as u64);
                let block = 4 * (SHARED_LANES / quads) as u64;
                let passes = if chunk4 as u64 == d4 { 1 } else { keys.div_ceil(block) };
                let of_values = if staged > 0 { groups } else { of_quads };
                (groups + of_values) * keys * d4 + (passes + 1) * queries * d4
            }
            // The keys and the values once for each workgroup; the queries once.
            Cut::Block { .. } | Cut::Units { .. } => {
                2 * (queries.div_ceil(self.step() as u64) * keys + queries) * d4
            }
        }
    }
}

/// The bytes of a workgroup of the block kernel: its queries, a block of keys or values, weights,
/// maxima and factors.
fn block_bytes(queries: usize, d4: usize) -> usize {
    let sharing = d4 / 2;
    let row = |width: usize| width + usize::from(width.is_multiple_of(8));
    let staged = queries * row(d4) + 4 * sharing * d4;
    16 * (staged + queries * row(sharing) + queries / 4 * sharing) + 4 * queries
}

/// The bytes of a workgroup of the kernel for matrix units: a block of keys and of values, its
/// weights, 16 sums of each query and a flag.
fn units_bytes(subgroups: usize, d4: usize, split: bool) -> usize {
    let (lanes, copies) = (32 * subgroups, 1 + usize::from(split));
    let keys = 32 * copies * (d4.next_multiple_of(4) + 2) * 8;
    2 * keys + lanes * (8 * copies + 2) * 8 + lanes * 5 * 16 + 16
}

/// The most floating-point operations of one dispatch, also where an adapter has no such bound of
/// its own: on a software adapter a run can be cancelled only between dispatches.
const FLOPS_MAX: u64 = 50_000_000_000;

impl Tensor {
    /// `softmax(q·kᵀ/√d)·v` for each head: q `[b, t, heads·d]`, k and v `[b, s, heads·d]` → q's
    /// shape. The batch of k and v may be smaller than q's: then consecutive elements of q share
    /// one of theirs.
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
    /// As [`Tensor::attention`].
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
        assert!(batch.is_multiple_of(kv_pictures), "{kv_pictures} of k and v for {batch} of q");
        assert!(c.is_multiple_of(heads * 4), "{c} channels in {heads} heads");
        let width = c / heads;
        let gpu = q.x.gpu();
        let precision = q.x.precision();
        let y = Tensor::empty(gpu, [batch, queries, c], precision);
        let cut = Cut::choose(gpu, width / 4, precision);
        let kernel = cut
            .kernel()
            .with(wgsl!("shared/attention"))
            .alias("Elem4", precision.vec4())
            .uint("D4", width as u32 / 4)
            .flag("CAUSAL", mask == Mask::Causal);
        let kernel = Rc::new(kernel);
        let ([q_row4, q_first4], [kv_row4, k_first4]) = (q.row4_and_first4(), k.row4_and_first4());
        // Two products, of a multiplication and an addition each.
        let query_flops = (batch * heads * keys) as u64 * width as u64 * 4;
        let steps = gpu.dispatch_max().min(FLOPS_MAX) / query_flops / cut.step() as u64;
        let step = steps.clamp(1, 1 << 20) as usize * cut.step();
        for first in (0..queries).step_by(step) {
            let count = step.min(queries - first);
            let params = Params {
                queries: (first + count) as u32,
                keys: keys as u32,
                heads: heads as u32,
                first_query: first as u32,
                sharing: (batch / kv_pictures) as u32,
                scale: 1.0 / (width as f32).sqrt(),
                all_queries: queries as u32,
                q_row4,
                kv_row4,
                q_first4,
                k_first4,
                v_first4: v.row4_and_first4()[1],
            };
            let grid = [cut.along(count, width / 4), heads, batch].map(|n| n as u32);
            let bindings = vec![q.x.whole(), k.x.whole(), v.x.whole(), y.whole()];
            let traffic4 = (batch * heads) as u64 * cut.traffic4([count, keys, width / 4]);
            let cost = Cost {
                flops: query_flops * count as u64,
                traffic: Some(traffic4 * 4 * precision.bytes() as u64),
            };
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, cost);
        }
        y
    }
}
