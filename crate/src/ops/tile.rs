//! How a matrix product or convolution is cut into workgroups; the tiles of
//! `kernels/shared/tile_*.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::{Kernel, WgslFile};
use crate::gpu::{Cost, Gpu, MatrixTile};
use crate::ops::shared::fold;
use crate::weight::Weight;
use crate::wgsl;

/// The workgroup size of the direct tiles on a real GPU: two subgroups of the common size 32, in a
/// square, so that most reads hit the cache. The shared tile has the same size.
const HARDWARE: [usize; 2] = [8, 8];

/// The workgroup size on a software adapter, which runs invocations on a few SIMD lanes.
const SOFTWARE: usize = 8;

/// A tile and its workgroup size, chosen for the size of a product.
pub(super) struct Tile {
    kind: MatrixTile,
    /// The workgroup size along the outputs and along the rows.
    workgroup: [usize; 2],
}

impl Tile {
    /// The tile `chosen` for `rows` × `n` outputs; but the smaller direct tile where padding to
    /// multiples of 16 costs over a quarter more than to multiples of 8. On a software adapter the
    /// workgroup is the widest along the outputs that pads them by a tenth at the most.
    pub(super) fn choose(gpu: &Gpu, chosen: MatrixTile, rows: usize, n: usize) -> Tile {
        let area = |tile: usize| rows.next_multiple_of(tile) * n.next_multiple_of(tile);
        let kind = match chosen {
            MatrixTile::Direct16 if 4 * area(16) > 5 * area(8) => MatrixTile::Direct8,
            chosen => chosen,
        };
        let workgroup = match kind {
            MatrixTile::Shared => HARDWARE,
            _ if gpu.info().software => {
                let across = n.div_ceil(side(kind));
                let padded = |lanes: &usize| 10 * across.next_multiple_of(*lanes) <= 11 * across;
                let lanes = [8, 4, 2].into_iter().find(padded).unwrap_or(1);
                [lanes, SOFTWARE / lanes]
            }
            _ => {
                let across = n.div_ceil(side(kind)).next_power_of_two().min(HARDWARE[0]);
                [across, HARDWARE[0] * HARDWARE[1] / across]
            }
        };
        Tile { kind, workgroup }
    }

    /// Adds the tile to an op's kernel.
    pub(super) fn specialise(&self, kernel: Kernel) -> Kernel {
        let direct = |kernel: Kernel, fragment: WgslFile| {
            kernel
                .uint("LANES_N", self.workgroup[0] as u32)
                .uint("LANES_M", self.workgroup[1] as u32)
                .with(fragment)
        };
        match self.kind {
            MatrixTile::Direct8 => direct(kernel, wgsl!("shared/tile_8x8")),
            MatrixTile::Direct16 => direct(kernel, wgsl!("shared/tile_16x16")),
            MatrixTile::Shared => kernel.with(wgsl!("shared/tile_shared")),
        }
    }

    /// The cost of `rows` × n outputs. Each invocation reads the rows and the weights of its tile;
    /// with shared memory each workgroup reads them once.
    pub(super) fn cost(&self, rows: usize, weight: &Weight, precision: Precision) -> Cost {
        let (k, n) = (weight.k(), weight.n());
        let side = match self.kind {
            MatrixTile::Shared => HARDWARE[0] * side(self.kind),
            kind => side(kind),
        };
        let read = precision.bytes() * k * side + weight.weight_type().bytes(k * side);
        let readers = rows.div_ceil(side) * n.div_ceil(side);
        // u64, because these products do not fit the 32 bits of usize in wasm.
        let outputs = (rows * n) as u64;
        let traffic = readers as u64 * read as u64 + outputs * precision.bytes() as u64;
        Cost { flops: 2 * outputs * k as u64, traffic: Some(traffic) }
    }

    /// Workgroups for `rows` × `n` outputs.
    pub(super) fn grid(&self, gpu: &Gpu, rows: usize, n: usize) -> [u32; 3] {
        let side = side(self.kind);
        let x = n.div_ceil(side * self.workgroup[0]) as u32;
        let [y, z] = fold(gpu, rows.div_ceil(side * self.workgroup[1]));
        [x, y, z]
    }
}

/// An invocation computes so many rows × so many outputs.
fn side(kind: MatrixTile) -> usize {
    match kind {
        MatrixTile::Direct8 | MatrixTile::Shared => 8,
        MatrixTile::Direct16 => 16,
    }
}
