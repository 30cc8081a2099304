//! The spread of guided predictions; see `kernels/rescale.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::ops::combine::Term;
use crate::ops::shared::{self, LANES};
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Params {
    count: u32,
    first: u32,
    share: f32,
}

impl Tensor {
    /// Each picture of `[b, h, w, c]`, f32, times `share · std(text) / std(self) + 1 − share`,
    /// where `text` is the prompt's own prediction of it (its coefficient is without effect).
    /// The tensor itself is changed: it must be new, and nobody else's.
    ///
    /// # Panics
    /// When the shapes differ in more than the batch, or `text` has too few pictures.
    pub fn rescaled(self, text: Term<'_>, share: f32) -> Tensor {
        let (dims, theirs) = (self.shape().dims().to_vec(), text.x.shape().dims().to_vec());
        assert_eq!(dims[1..], theirs[1..], "predictions of one shape");
        assert!(text.first + dims[0] <= theirs[0], "a text for each picture");
        assert_eq!(self.precision(), Precision::F32, "guided predictions are f32");
        let count = dims[1..].iter().product::<usize>() / 4;
        let kernel = Kernel::new(wgsl!("rescale"), 1)
            .alias("Elem4", text.x.precision().vec4())
            .uint("LANES", LANES)
            .with(shared::REDUCE);
        let params = Params { count: count as u32, first: (text.first * count) as u32, share };
        let bindings = vec![text.x.whole(), self.whole()];
        let flops = (dims[0] * count * 4 * 9) as u64;
        let grid = [dims[0] as u32, 1, 1];
        self.gpu().dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
        self
    }
}
