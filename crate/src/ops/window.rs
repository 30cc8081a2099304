//! Windows of pictures, and what is laid into them; see `kernels/window.wgsl`.

use crate::gpu::kernel::Kernel;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use bytemuck::{Pod, Zeroable};
use std::rc::Rc;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Params {
    count: u32,
    height: u32,
    width: u32,
    quadruples: u32,
    x_height: u32,
    x_width: u32,
    top: u32,
    left: u32,
}

impl Tensor {
    /// The window `[height, width]` of pictures `[b, h, w, c]` from row `top` and column `left` on:
    /// `[b, height, width, c]`, a tensor of [`Tensor::kept`].
    ///
    /// # Panics
    /// When the window is not within them.
    pub fn window_kept(&self, [top, left]: [usize; 2], [height, width]: [usize; 2]) -> Tensor {
        let [b, h, w, c] = self.shape().image();
        assert!(top + height <= h && left + width <= w, "a window beyond {:?}", self.shape());
        let y = Tensor::kept(self.gpu(), [b, height, width, c], self.precision());
        dispatch(self, self, &y, [top, left], false);
        y
    }

    /// These pictures `[b, h, w, c]`, with `x` `[b, height, width, c]` added to what begins at row
    /// `top` and column `left`: a tensor of [`Tensor::kept`].
    ///
    /// # Panics
    /// When `x` is not within them, or of other pictures, channels or another precision.
    pub fn add_at_kept(&self, x: &Tensor, [top, left]: [usize; 2]) -> Tensor {
        let ([b, h, w, c], [of_b, height, width, of_c]) = (self.shape().image(), x.shape().image());
        assert!(top + height <= h && left + width <= w, "a window beyond {:?}", self.shape());
        assert_eq!(([b, c], self.precision()), ([of_b, of_c], x.precision()), "add_at");
        let y = Tensor::kept(self.gpu(), self.shape(), self.precision());
        dispatch(self, x, &y, [top, left], true);
        y
    }
}

fn dispatch(base: &Tensor, x: &Tensor, y: &Tensor, [top, left]: [usize; 2], added: bool) {
    let gpu = y.gpu();
    let kernel = Kernel::new(wgsl!("window"), 2)
        .alias("Elem4", y.precision().vec4())
        .uint("LANES", LANES)
        .uint("ADDED", u32::from(added))
        .with(shared::INDEX);
    let ([_, height, width, c], [_, x_height, x_width, _]) = (y.shape().image(), x.shape().image());
    let count = y.shape().elements() / 4;
    let [height, width, quadruples, x_height, x_width, top, left] =
        [height, width, c / 4, x_height, x_width, top, left].map(|n| n as u32);
    let count_u32 = count as u32;
    let params =
        Params { count: count_u32, height, width, quadruples, x_height, x_width, top, left };
    let bindings = vec![base.whole(), x.whole(), y.whole()];
    let grid = shared::linear_grid(gpu, count);
    let flops = if added { x.shape().elements() as u64 } else { 0 };
    gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
}
