//! The channels of two tensors, one after the other, as FreeU changes them; see
//! `kernels/freeu.wgsl` and `kernels/freeu_sums.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

/// Sums of each channel: one real number, and three complex ones.
const SUMS: usize = 7;

/// Groups of four channels that a workgroup of `freeu_sums` sums.
const COLUMNS: usize = 8;

/// Floating-point operations of a pixel's channel: of its sums, and of what is made of them.
const SUM_FLOPS: u64 = 32;
const FLOPS: u64 = 24;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    count: u32,
    a4: u32,
    b4: u32,
    first: u32,
    height: u32,
    width: u32,
    backbone: f32,
    skip: f32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct SumsParams {
    first: u32,
    count: u32,
    height: u32,
    width: u32,
    c4: u32,
    x_start: u32,
    picture: u32,
}

impl Tensor {
    /// `[b, h, w, a]` and `[b, h, w, c] → [b, h, w, a + c]`: the first half of this one's channels
    /// times `backbone`, and the lowest frequencies of `skip`'s times `scale`. diffusers:
    /// `apply_freeu`, before the two are concatenated.
    ///
    /// # Panics
    /// When they differ in anything but the channels.
    pub fn concat_freeu(&self, skip: &Tensor, [backbone, scale]: [f32; 2]) -> Tensor {
        let gpu = self.gpu();
        let (a, c) = (self.shape().channels(), skip.shape().channels());
        let [b, height, width, _] = self.shape().image();
        assert_eq!(self.shape().dims()[..3], skip.shape().dims()[..3], "concat");
        assert_eq!(self.precision(), skip.precision(), "concat");
        let sums = skip.lowest_frequencies();
        let y = Tensor::empty(gpu, Shape::from([b, height, width, a + c]), self.precision());
        let kernel = Kernel::new(wgsl!("freeu"), 3)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::INDEX)
            .with(shared::TURN);
        let kernel = Rc::new(kernel);
        let row_flops = FLOPS * (a + c) as u64;
        for band in row_bands(gpu, y.shape().rows(), y.row_bytes(), row_flops) {
            let count = band.len() * (a + c) / 4;
            let params = Params {
                count: count as u32,
                a4: a as u32 / 4,
                b4: c as u32 / 4,
                first: band.start as u32,
                height: height as u32,
                width: width as u32,
                backbone,
                skip: scale - 1.0,
            };
            let bindings = vec![self.rows(&band), skip.rows(&band), sums.whole(), y.rows(&band)];
            let grid = shared::linear_grid(gpu, count);
            let flops = row_flops * band.len() as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
        }
        y
    }

    /// The sums of the lowest frequencies of each channel, `[b, 7, c]`.
    fn lowest_frequencies(&self) -> Tensor {
        let gpu = self.gpu();
        let [b, height, width, c] = self.shape().image();
        let sums = Tensor::empty(gpu, [b, SUMS, c], Precision::F32);
        let kernel = Kernel::new(wgsl!("freeu_sums"), 1)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::TURN);
        let kernel = Rc::new(kernel);
        let (pixels, row_flops) = (height * width, SUM_FLOPS * c as u64);
        let groups = (c / 4).div_ceil(COLUMNS) as u32;
        for picture in 0..b {
            for band in row_bands(gpu, pixels, self.row_bytes(), row_flops) {
                let begin = picture * pixels + band.start;
                let (x, x_first) = self.rows_aligned(&(begin..begin + band.len()));
                let params = SumsParams {
                    first: band.start as u32,
                    count: band.len() as u32,
                    height: height as u32,
                    width: width as u32,
                    c4: c as u32 / 4,
                    x_start: (begin * c / 4) as u32 - x_first,
                    picture: picture as u32,
                };
                let bindings = vec![x, sums.whole()];
                let flops = row_flops * band.len() as u64;
                let grid = [groups, 1, 1];
                gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
            }
        }
        sums
    }
}
