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
        let workgroup = match kind {
            MatrixTile::Shared | MatrixTile::Units => HARDWARE,
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
            MatrixTile::Shared => sliced(kernel).with(wgsl!("shared/tile_shared")),
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
        let side = side(self.kind);
        let read = read.bytes() * k * side + weight.weight_type().bytes(k * side);
        let readers = rows.div_ceil(side) * n.div_ceil(side);
        // u64, because these products do not fit the 32 bits of usize in wasm.
        let outputs = (rows * n) as u64;
        let stores = outputs * (slices * stored.bytes()) as u64;
        let traffic = readers as u64 * read as u64 + stores;
        Cost { flops: 2 * outputs * k as u64, traffic: Some(traffic) }
    }

    /// Workgroups for `rows` × `n` outputs in so many slices of the inputs.
    pub(super) fn grid(&self, gpu: &Gpu, [rows, n]: [usize; 2], slices: usize) -> [u32; 3] {
        let side = side(self.kind);
        let [across, down] = match self.kind {
            MatrixTile::Shared | MatrixTile::Units => [side; 2],
            _ => self.workgroup.map(|lanes| side * lanes),
        };
        let x = n.div_ceil(across) as u32;
        let [y, z] = fold(gpu, rows.div_ceil(down));
        assert!(slices == 1 || z == 1, "{rows} rows in {slices} slices");
        [x, y, z * slices as u32]
    }
}

/// So many rows × so many outputs are computed from values that are read once: by an invocation, or
/// by a workgroup with workgroup memory.
fn side(kind: MatrixTile) -> usize {
    match kind {
        MatrixTile::Direct8 => 8,
        MatrixTile::Direct16 => 16,
        MatrixTile::Shared | MatrixTile::Units => BLOCK,
    }
}
