//! What several ops need: fragments, workgroup sizes, grids.

use crate::dtype::WeightType;
use crate::gpu::Gpu;
use crate::gpu::kernel::WgslFile;
use crate::wgsl;

pub(super) const ACTIVATION: WgslFile = wgsl!("shared/activation");
pub(super) const CELLS: WgslFile = wgsl!("shared/cells");
pub(super) const INDEX: WgslFile = wgsl!("shared/index");
pub(super) const REDUCE: WgslFile = wgsl!("shared/reduce");
pub(super) const TURN: WgslFile = wgsl!("shared/turn");

/// The workgroup size of pointwise and row kernels: two subgroups of the common size 32.
pub(super) const LANES: u32 = 64;

/// The WGSL fragment that reads a weight type.
pub(super) const fn reader(weight_type: WeightType) -> WgslFile {
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

/// `groups` workgroups as two dimensions, each within the limit of a dimension.
pub(super) fn fold(gpu: &Gpu, groups: usize) -> [u32; 2] {
    let most = gpu.limits().groups as usize;
    let y = groups.div_ceil(most).max(1);
    [groups.div_ceil(y) as u32, y as u32]
}
