//! Token embeddings; see `kernels/embedding.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::weight::Table;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    tokens: u32,
    sequence: u32,
    c4: u32,
    first_row: u32,
    rows: u32,
}

impl Tensor {
    /// Rows of the tables by id, plus a row of `positions` (`[t, c]`, f32): `[b, t, c]`, where
    /// `ids` are b · t numbers. The rows of all tables are numbered through; each table may have a
    /// type of its own.
    ///
    /// # Panics
    /// When an id is in no table, the tables differ in their channels, or the ids are not whole
    /// sequences.
    pub fn embedding(
        tables: &[&Table],
        ids: &[u32],
        positions: &Tensor,
        precision: Precision,
    ) -> Tensor {
        let gpu = positions.gpu();
        let (sequence, c) = (positions.shape().rows(), positions.shape().channels());
        assert!(tables.iter().all(|table| table.c() == c), "tables of {c} channels");
        assert!(ids.len().is_multiple_of(sequence), "{} ids by {sequence}", ids.len());
        let rows: usize = tables.iter().map(|table| table.rows()).sum();
        assert!(ids.iter().all(|&id| (id as usize) < rows), "an id is in no table");
        let y = Tensor::empty(gpu, [ids.len() / sequence, sequence, c], precision);
        let on_gpu = gpu.alloc_for_host(4 * ids.len() as u64);
        gpu.write(&on_gpu, 0, bytemuck::cast_slice(ids));
        let mut first = 0;
        for table in tables {
            let kernel = Kernel::new(wgsl!("embedding"), 3)
                .alias("Elem4", precision.vec4())
                .uint("LANES", LANES)
                .with(shared::reader(table.weight_type()))
                .with(shared::INDEX);
            let kernel = Rc::new(kernel);
            let row_bytes = table.weight_type().bytes(c) as u64;
            for band in row_bands(gpu, table.rows(), row_bytes, 0) {
                let params = Params {
                    tokens: ids.len() as u32,
                    sequence: sequence as u32,
                    c4: c as u32 / 4,
                    first_row: (first + band.start) as u32,
                    rows: band.len() as u32,
                };
                let rows = table.range(band.start, band.len());
                let bindings = vec![on_gpu.whole(), rows, positions.whole(), y.whole()];
                let grid = shared::linear_grid(gpu, ids.len() * c / 4);
                gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, 0);
            }
            first += table.rows();
        }
        y
    }
}
