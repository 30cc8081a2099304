//! How a matrix product or convolution is cut into workgroups; the tiles of
//! `kernels/shared/tile_*.wgsl`.

use crate::dtype::{Precision, WeightType};
use crate::gpu::kernel::{Kernel, WgslFile};
use crate::gpu::{Cost, Gpu, MatrixTile};
use crate::ops::shared::fold;
use crate::ops::slices;
use crate::weight::Weight;
use crate::wgsl;

/// The rows and the outputs of a workgroup of the tiles that read by way of workgroup memory.
const BLOCK: usize = 64;

/// The outputs of a wide workgroup of [`MatrixTile::Shared`].
const WIDE: usize = 2 * BLOCK;

/// The workgroups of a product that has wide ones: enough for the largest cards, where fewer would
/// leave a part of them idle. It is no matter of rounding.
const WIDE_GROUPS_MIN: usize = 256;

/// The workgroup memory, in bytes, of adapters that have wide workgroups: these keep 12 KiB, and
/// where there are only 16, one would run at a time.
const WIDE_MEMORY_MIN: u32 = 32 << 10;

/// The workgroup size of the direct tiles on a graphics card: two subgroups of the common size 32,
/// in a square, so that most reads hit the cache.
const HARDWARE: [usize; 2] = [8, 8];

/// The workgroup size on a software adapter, which runs invocations on a few SIMD lanes.
const SOFTWARE: usize = 8;

/// A tile and its workgroup size, chosen for the size of a product.
pub(super) struct Tile {
    kind: MatrixTile,
    /// The workgroup size along the outputs and along the rows.
    workgroup: [usize; 2],
    /// So many outputs × so many rows are computed from values that are read once: by an
    /// invocation, or by a workgroup with workgroup memory.
    block: [usize; 2],
}

impl Tile {
    /// The tile `chosen` for `rows` × `n` outputs of a weight of this type; but the smaller direct
    /// tile where padding to multiples of 16 costs over a quarter more than to multiples of 8, and
    /// no matrix units where they would round f32 weights to f16. On a software adapter the
    /// workgroup is the widest along the outputs that pads them by a tenth at the most.
    pub(super) fn choose(
        gpu: &Gpu,
        chosen: MatrixTile,
        [rows, n]: [usize; 2],
        weights: WeightType,
    ) -> Tile {
        let area = |tile: usize| rows.next_multiple_of(tile) * n.next_multiple_of(tile);
        let kind = match chosen {
            MatrixTile::Direct16 if 4 * area(16) > 5 * area(8) => MatrixTile::Direct8,
            MatrixTile::Units if weights == WeightType::F32 => MatrixTile::Shared,
            chosen => chosen,
        };
        let direct = |side: usize| Tile {
            kind,
            workgroup: direct_workgroup(gpu, n.div_ceil(side)),
            block: [side; 2],
        };
        match kind {
            MatrixTile::Direct8 => direct(8),
            MatrixTile::Direct16 => direct(16),
            MatrixTile::Shared if is_wide(gpu, [rows, n]) => {
                Tile { kind, workgroup: [16, 16], block: [WIDE, BLOCK] }
            }
            MatrixTile::Shared | MatrixTile::Units => {
                Tile { kind, workgroup: [8, 16], block: [BLOCK; 2] }
            }
        }
    }

    /// The number of slices of the inputs for these rows of one element of the batch, outputs and
    /// inputs; see [`slices`].
    pub(super) fn slices(&self, sizes: [usize; 3]) -> usize {
        match self.kind {
            MatrixTile::Shared | MatrixTile::Units => slices::count(sizes, BLOCK),
            MatrixTile::Direct8 | MatrixTile::Direct16 => 1,
        }
    }

    /// Adds the tile to an op's kernel, for inputs of this precision in so many slices.
    pub(super) fn specialise(&self, kernel: Kernel, precision: Precision, slices: usize) -> Kernel {
        let sliced =
            |kernel: Kernel| kernel.flag("SLICED", slices > 1).with(wgsl!("shared/slices"));
        let direct = |kernel: Kernel, fragment: WgslFile| {
            kernel
                .uint("LANES_N", self.workgroup[0] as u32)
                .uint("LANES_M", self.workgroup[1] as u32)
                .with(fragment)
        };
        match self.kind {
            MatrixTile::Direct8 => direct(kernel, wgsl!("shared/tile_8x8")),
            MatrixTile::Direct16 => direct(kernel, wgsl!("shared/tile_16x16")),
            MatrixTile::Shared => sliced(kernel)
                .uint("ACROSS", self.workgroup[0] as u32)
                .with(wgsl!("shared/tile_shared")),
            MatrixTile::Units => sliced(kernel)
                .on_matrix_units()
                .flag("SPLIT", precision == Precision::F32)
                .with(wgsl!("shared/tile_matrix")),
        }
    }

    /// The cost of `rows` × n outputs: precisions of what is read and of what is stored, slices of
    /// the inputs. Each invocation reads the rows and the weights of its tile; with workgroup
    /// memory each workgroup reads them once.
    pub(super) fn cost(
        &self,
        rows: usize,
        weight: &Weight,
        [read, stored]: [Precision; 2],
        slices: usize,
    ) -> Cost {
        let (k, n) = (weight.k(), weight.n());
        let [across, down] = self.block;
        let read = read.bytes() * k * down + weight.weight_type().bytes(k * across);
        let readers = rows.div_ceil(down) * n.div_ceil(across);
        // u64, because these products do not fit the 32 bits of usize in wasm.
        let outputs = (rows * n) as u64;
        let stores = outputs * (slices * stored.bytes()) as u64;
        let traffic = readers as u64 * read as u64 + stores;
        Cost { flops: 2 * outputs * k as u64, traffic: Some(traffic) }
    }

    /// Workgroups for `rows` × `n` outputs in so many slices of the inputs.
    pub(super) fn grid(&self, gpu: &Gpu, [rows, n]: [usize; 2], slices: usize) -> [u32; 3] {
        let [across, down] = match self.kind {
            MatrixTile::Shared | MatrixTile::Units => self.block,
            _ => [0, 1].map(|i| self.block[i] * self.workgroup[i]),
        };
        let x = n.div_ceil(across) as u32;
        let [y, z] = fold(gpu, rows.div_ceil(down));
        assert!(slices == 1 || z == 1, "{rows} rows in {slices} slices");
        [x, y, z * slices as u32]
    }
}

/// The workgroup of a direct tile for so many tiles along the outputs.
fn direct_workgroup(gpu: &Gpu, across: usize) -> [usize; 2] {
    if gpu.info().software {
        let padded = |lanes: &usize| 10 * across.next_multiple_of(*lanes) <= 11 * across;
        let lanes = [8, 4, 2].into_iter().find(padded).unwrap_or(1);
        return [lanes, SOFTWARE / lanes];
    }
    let lanes = across.next_power_of_two().min(HARDWARE[0]);
    [lanes, HARDWARE[0] * HARDWARE[1] / lanes]
}

/// Whether a product of `rows` × `n` outputs by way of workgroup memory has wide workgroups: no
/// output of them is wasted, and there are many.
fn is_wide(gpu: &Gpu, [rows, n]: [usize; 2]) -> bool {
    gpu.limits().workgroup >= WIDE_MEMORY_MIN
        && n.is_multiple_of(WIDE)
        && rows.div_ceil(BLOCK) * (n / WIDE) >= WIDE_GROUPS_MIN
}
