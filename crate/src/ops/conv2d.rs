//! Convolution with its epilogue; see `kernels/conv2d.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::gpu::recording::ALIGNMENT;
use crate::ops::bands;
use crate::ops::epilogue::Epilogue;
use crate::ops::shared;
use crate::ops::slices::{self, Slices};
use crate::ops::tile::Tile;
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::wgsl;
use std::ops::Range;
use std::rc::Rc;

/// The window of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Step of the window.
    pub stride: usize,
    /// Zeros before the first and after the last row and column.
    pub padding: [usize; 2],
    /// Read the input as if it were resized to this height and width (nearest neighbour) first.
    pub resize: Option<[usize; 2]>,
}

impl Window {
    /// The output's length along an axis of `length`.
    pub fn output(&self, length: usize) -> usize {
        (length + self.padding[0] + self.padding[1] - self.kernel) / self.stride + 1
    }
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    first: u32,
    end: u32,
    height: u32,
    width: u32,
    source_height: u32,
    source_width: u32,
    out_height: u32,
    out_width: u32,
    c4: u32,
    n4: u32,
    x_first: u32,
    padding: u32,
    shift_row4: u32,
    shift_first4: u32,
    slices: u32,
}

/// Sizes of one convolution.
struct Geometry {
    window: Window,
    batch: usize,
    /// Height and width of the input as stored, of the input after `Window::resize`, and of the
    /// output.
    source: [usize; 2],
    input: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    /// Bands of image rows of the output (counted through the batch), whose input and output fit a
    /// binding, and whose floating-point operations, `pixel_flops` for each pixel, one dispatch.
    /// The sums of slices have `parts_row` bytes for each pixel, or 0 where there are none.
    fn bands(&self, [x, y]: [&Tensor; 2], parts_row: u64, pixel_flops: u64) -> Vec<Range<usize>> {
        let limit = x.gpu().limits().binding;
        let rows = self.batch * self.output[0];
        let by_work = bands::rows_of_work(x.gpu(), pixel_flops * self.output[1] as u64);
        // The bytes of one more output row in the output and in the input, and those that the
        // window reads around a band.
        let out_row = y.row_bytes() * self.output[1] as u64;
        let stored_row = out_row.max(parts_row * self.output[1] as u64);
        let grain = bands::grain(out_row);
        if x.bytes() <= limit && stored_row * rows as u64 <= limit {
            return bands::cut(rows, by_work, grain);
        }
        let in_row = x.row_bytes() * self.source[1] as u64;
        let taller = (self.source[0] * self.window.stride).div_ceil(self.input[0]) as u64;
        let halo = (self.window.kernel + 2) as u64 * in_row + ALIGNMENT;
        let most = (limit / stored_row).min(limit.saturating_sub(halo) / (in_row * taller.max(1)));
        bands::cut(rows, by_work.min(most as usize), grain)
    }

    /// The image rows of the stored input that a band of output rows reads. A band may contain rows
    /// of several elements of the batch.
    fn input_rows(&self, band: &Range<usize>) -> Range<usize> {
        let [out_height, in_height] = [self.output[0], self.input[0]];
        let Window { kernel, stride, padding, .. } = self.window;
        // The stored row that row `ky` of the window reads for an output row.
        let stored = |row: usize, ky: usize| {
            let (picture, row) = (row / out_height, row % out_height);
            let read = (row * stride + ky).saturating_sub(padding[0]).min(in_height - 1);
            picture * self.source[0] + read * self.source[0] / in_height
        };
        stored(band.start, 0)..stored(band.end - 1, kernel - 1) + 1
    }
}

impl Tensor {
    /// `[b, h, w, c] → [b, h', w', n]`; the weight's inputs are in the order (ky, kx, c).
    ///
    /// # Panics
    /// When the weight's inputs are not kernel² · c, or a part of the epilogue does not fit.
    pub fn conv2d(&self, weight: &Weight, window: Window, epilogue: Epilogue<'_>) -> Tensor {
        let [batch, height, width, c] = self.shape().image();
        let n = weight.n();
        assert_eq!(weight.k(), window.kernel * window.kernel * c, "conv2d of {:?}", self.shape());
        let input = window.resize.unwrap_or([height, width]);
        let output = input.map(|length| window.output(length));
        let y = Tensor::empty(self.gpu(), [batch, output[0], output[1], n], self.precision());
        epilogue.check(self, y.shape());
        let geometry = Geometry { window, batch, source: [height, width], input, output };

        let gpu = self.gpu();
        let rows = y.shape().rows();
        let tile = Tile::choose(gpu, gpu.tuning().conv2d, [rows, n], weight.weight_type());
        let count = tile.slices([output[0] * output[1], n, weight.k()]);
        let slices = Slices::new(count, n, self.precision());
        let ends = slices.epilogue(epilogue);
        let kernel = Kernel::new(wgsl!("conv2d"), 5)
            .alias("Elem4", self.precision().vec4())
            .alias("Out4", slices.stored.vec4())
            .uint("KERNEL", window.kernel as u32)
            .uint("STRIDE", window.stride as u32)
            .flag("RESIZE", input != [height, width])
            .with(shared::reader(weight.weight_type()));
        let kernel = tile.specialise(ends.specialise(kernel), self.precision(), slices.count);
        let kernel = Rc::new(kernel);

        let [shift_row4, shift_first4] = ends.shift_row4_and_first4();
        for band in geometry.bands([self, &y], slices.row_bytes(), 2 * (weight.k() * n) as u64) {
            let of_input = geometry.input_rows(&band);
            let (x, x_first) = self.rows_aligned(&(of_input.start * width..of_input.end * width));
            let pixels = band.start * output[1]..band.end * output[1];
            let params = Params {
                first: pixels.start as u32,
                end: pixels.end as u32,
                height: input[0] as u32,
                width: input[1] as u32,
                source_height: height as u32,
                source_width: width as u32,
                out_height: output[0] as u32,
                out_width: output[1] as u32,
                c4: c as u32 / 4,
                n4: n as u32 / 4,
                x_first,
                padding: window.padding[0] as u32,
                shift_row4,
                shift_first4,
                slices: slices.count as u32,
            };
            let parts = slices.parts(gpu, pixels.len());
            let bindings = vec![
                x,
                weight.whole(),
                ends.bias.map_or(x, Tensor::whole),
                ends.shift.map_or(x, |shift| shift.x.whole()),
                ends.residual.map_or(x, |residual| residual.rows(&pixels)),
                parts.as_ref().map_or_else(|| y.rows(&pixels), Tensor::whole),
            ];
            let grid = tile.grid(gpu, [pixels.len(), n], slices.count);
            let cost =
                tile.cost(pixels.len(), weight, [self.precision(), slices.stored], slices.count);
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, cost);
            if let Some(parts) = parts {
                slices::reduce(&parts, &y, &pixels, epilogue);
            }
        }
        y
    }
}
