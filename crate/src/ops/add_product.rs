//! Adds the product of two small matrices to weights, in place; see `kernels/add_product.wgsl`.

use crate::dtype::WeightType;
use crate::gpu::kernel::{Kernel, WgslFile};
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::weight::Weight;
use crate::wgsl;
use std::ops::Range;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    rank: u32,
    k4: u32,
    n4: u32,
    panels: u32,
    first_panel: u32,
}

impl Weight {
    /// Whether [`Weight::add_product`] can add to weights of this type: blocks have no room for
    /// sums.
    pub fn takes_products(weight_type: WeightType) -> bool {
        !weight_type.is_quantised()
    }

    /// Adds the product of `up` `[rank, n]` and `down` `[rank, k]` to the outputs `outputs`, where
    /// n is their number, up to whole panels: `W[o, i] += Σⱼ up[j, o] · down[j, i]`. The host
    /// can write other outputs when this was submitted.
    ///
    /// # Panics
    /// When the outputs do not begin at a multiple of [`Weight::JOINT`], the matrices do not fit,
    /// or the weights are quantised.
    pub fn add_product(&self, outputs: Range<usize>, [up, down]: [&[f32]; 2]) {
        let (k, rank) = (self.k(), down.len() / self.k());
        let n = outputs.len().next_multiple_of(Self::PANEL);
        assert!(outputs.start.is_multiple_of(Self::JOINT), "{outputs:?}");
        assert_eq!([up.len(), down.len()], [rank * n, rank * k], "a product of rank {rank}");
        let gpu = self.gpu();
        let [up, down] = [up, down].map(|matrix| {
            // Beside the pool, which it would only fill.
            let buffer = gpu.alloc_weights(4 * matrix.len() as u64);
            gpu.write(&buffer, 0, bytemuck::cast_slice(matrix));
            buffer
        });
        let kernel = Kernel::new(wgsl!("add_product"), 2)
            .uint("LANES", LANES)
            .with(adder(self.weight_type()))
            .with(shared::INDEX);
        let kernel = Rc::new(kernel);
        let panel_bytes = self.weight_type().bytes(Self::PANEL * k) as u64;
        let panel_flops = 2 * (Self::PANEL * k * rank) as u64;
        let first = outputs.start / Self::PANEL;
        for band in row_bands(gpu, n / Self::PANEL, panel_bytes, panel_flops) {
            let params = Params {
                rank: rank as u32,
                k4: k as u32 / 4,
                n4: n as u32 / 4,
                panels: band.len() as u32,
                first_panel: band.start as u32,
            };
            let panels = self.panels(first + band.start..first + band.end);
            let bindings = vec![down.whole(), up.whole(), panels];
            let grid = shared::linear_grid(gpu, band.len() * k);
            let flops = panel_flops * band.len() as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
        }
    }
}

/// The WGSL fragment that adds to a weight type.
fn adder(weight_type: WeightType) -> WgslFile {
    match weight_type {
        WeightType::F32 => wgsl!("shared/add_f32"),
        WeightType::F16 => wgsl!("shared/add_f16"),
        quantised => panic!("{quantised} takes no products"),
    }
}
