//! What several ops need: fragments, workgroup sizes, grids.

use crate::dtype::{Precision, WeightType};
use crate::gpu::kernel::Source;
use crate::gpu::{Gpu, Work};
use crate::weight::Weight;
use crate::wgsl;

pub(super) const ACTIVATION: Source = wgsl!("shared/activation");
pub(super) const INDEX: Source = wgsl!("shared/index");
pub(super) const REDUCE: Source = wgsl!("shared/reduce");

/// Invocations of a workgroup in pointwise and row kernels: two subgroups of the common 32.
pub(super) const LANES: u32 = 64;

/// The reader of a weight type.
pub(super) const fn reader(weight_type: WeightType) -> Source {
    match weight_type {
        WeightType::F32 => wgsl!("shared/weight_f32"),
        WeightType::F16 => wgsl!("shared/weight_f16"),
        WeightType::Q8_0 => wgsl!("shared/weight_q8_0"),
        WeightType::Q5_0 => wgsl!("shared/weight_q5_0"),
        WeightType::Q4_0 => wgsl!("shared/weight_q4_0"),
    }
}

/// Workgroups for `count` invocations of a kernel that uses `linear_id`.
pub(super) fn linear_grid(gpu: &Gpu, count: usize) -> [u32; 3] {
    let [x, y] = fold(gpu, count.div_ceil(LANES as usize));
    [x, y, 1]
}

/// `groups` workgroups folded into two dimensions within the limit of one.
pub(super) fn fold(gpu: &Gpu, groups: usize) -> [u32; 2] {
    let most = gpu.limits().groups as usize;
    let y = groups.div_ceil(most).max(1);
    [groups.div_ceil(y) as u32, y as u32]
}

/// How a matrix kernel's workgroup covers its tile of 8 × 8 outputs an invocation.
pub(super) struct Tile {
    /// Invocations along the outputs.
    pub lanes_n: u32,
    /// Invocations along the rows.
    pub lanes_m: u32,
}

impl Tile {
    /// Rows and outputs of one invocation.
    const SIDE: usize = 8;

    /// A tile for `n` outputs. Software adapters run a workgroup on a few vector lanes and want it
    /// small; real GPUs want two subgroups, as square as can be so that caches serve most reads.
    pub fn choose(gpu: &Gpu, n: usize) -> Tile {
        let (lanes, most_n) = if gpu.info().software { (16, 16) } else { (LANES, 8) };
        let lanes_n = (n.div_ceil(Self::SIDE).next_power_of_two() as u32).min(most_n);
        Tile { lanes_n, lanes_m: lanes / lanes_n }
    }

    /// What `rows` × n outputs count as: each invocation reads 8 rows and 8 outputs' weights.
    pub fn work(&self, rows: usize, weight: &Weight, precision: Precision) -> Work {
        let (k, n) = (weight.k(), weight.n());
        let read = precision.bytes() * k * Self::SIDE + weight.weight_type().bytes(k * Self::SIDE);
        let invocations = rows.div_ceil(Self::SIDE) * n.div_ceil(Self::SIDE);
        let traffic = (invocations * read + rows * n * precision.bytes()) as u64;
        Work { flops: 2 * (rows * n * k) as u64, traffic: Some(traffic) }
    }

    /// Workgroups for `rows` × `n` outputs.
    pub fn grid(&self, gpu: &Gpu, rows: usize, n: usize) -> [u32; 3] {
        let x = n.div_ceil(Self::SIDE * self.lanes_n as usize) as u32;
        let [y, z] = fold(gpu, rows.div_ceil(Self::SIDE * self.lanes_m as usize));
        [x, y, z]
    }
}
