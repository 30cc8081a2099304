//! The ops that are measured: those of an evaluation of the UNet of Stable Diffusion v1.4 with
//! batch 2 (one picture with guidance), a matrix product of 1024³ for comparison, and what a LoRA
//! adds.

use crate::gpu::Gpu;
use crate::ops::{Activation, Epilogue, Mask, Window};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::weight::Weight;
use crate::{Precision, WeightType};

/// Records an op once.
pub(super) type Record = Box<dyn Fn()>;

/// An op to measure; its tensors are made by [`Op::ready`].
pub(super) struct Op {
    /// The kernel and the shape.
    pub name: String,
    make: Box<dyn FnOnce() -> Record>,
}

/// An op whose tensors exist.
pub(super) struct Ready {
    pub name: String,
    pub record: Record,
}

impl Op {
    fn new(name: String, make: impl FnOnce() -> Record + 'static) -> Op {
        Op { name, make: Box::new(make) }
    }

    pub(super) fn ready(self) -> Ready {
        Ready { name: self.name, record: (self.make)() }
    }
}

/// The device, and the types of what is measured on it.
#[derive(Clone)]
pub(super) struct On {
    pub gpu: Gpu,
    pub precision: Precision,
    pub weights: WeightType,
}

impl On {
    fn tensor(&self, shape: impl Into<Shape>) -> Tensor {
        Tensor::empty(&self.gpu, shape, self.precision)
    }

    fn weight(&self, k: usize, n: usize) -> Weight {
        Weight::empty(&self.gpu, k, n, self.weights)
    }
}

/// The ops of an evaluation of v1.4's UNet with batch 2, after a matrix product of 1024³ and before
/// what LoRAs add. The rows of each are divided by `divide`.
pub(super) fn of_the_unet(on: &On, divide: usize) -> Vec<Op> {
    let mut ops = vec![];
    for (rows, k, n) in [(1024, 1024, 1024), (8192, 320, 320), (2048, 640, 640), (512, 1280, 1280)]
    {
        ops.push(matmul(on, (rows / divide).max(16), k, n));
    }
    for (rows, c) in [(8192, 320), (512, 1280)] {
        ops.push(gated(on, (rows / divide).max(16), c));
    }
    for (side, c, n) in
        [(64, 320, 320), (64, 960, 320), (32, 640, 640), (16, 1280, 1280), (8, 2560, 1280)]
    {
        ops.push(conv2d(on, [(side / divide).max(4), side], c, n));
    }
    for (tokens, keys, width) in
        [(4096, 4096, 40), (4096, 77, 40), (1024, 1024, 80), (256, 256, 160)]
    {
        ops.push(attention(on, [(tokens / divide).max(16), keys], width));
    }
    for (side, c) in [(64, 320), (32, 640), (16, 1280)] {
        ops.push(norms(on, side, c));
    }
    if Weight::takes_products(on.weights) {
        for (k, n) in [(320, 320), (1280, 1280), (9 * 1280, 1280)] {
            ops.push(product(on, k, n / divide));
        }
    }
    ops
}

fn matmul(on: &On, rows: usize, k: usize, n: usize) -> Op {
    let on = on.clone();
    Op::new(format!("matmul {rows}×{k} → {n}"), move || {
        let x = on.tensor([1, rows, k]);
        let weight = on.weight(k, n);
        Box::new(move || drop(x.matmul(&weight, Epilogue::default())))
    })
}

fn gated(on: &On, rows: usize, c: usize) -> Op {
    let on = on.clone();
    Op::new(format!("matmul_gated {rows}×{c} → {}", 4 * c), move || {
        let x = on.tensor([1, rows, c]);
        let weight = on.weight(c, 8 * c);
        Box::new(move || drop(x.matmul_gated(&weight, None, Activation::Gelu)))
    })
}

fn conv2d(on: &On, [h, w]: [usize; 2], c: usize, n: usize) -> Op {
    let on = on.clone();
    Op::new(format!("conv2d 3×3 2×{h}×{w}×{c} → {n}"), move || {
        let x = on.tensor([2, h, w, c]);
        let weight = on.weight(9 * c, n);
        let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
        Box::new(move || drop(x.conv2d(&weight, window, Epilogue::default())))
    })
}

fn attention(on: &On, [queries, keys]: [usize; 2], width: usize) -> Op {
    let on = on.clone();
    Op::new(format!("attention 2×{queries} to {keys}, 8 heads of {width}"), move || {
        const HEADS: usize = 8;
        let q = on.tensor([2, queries, HEADS * width]);
        let k = on.tensor([2, keys, HEADS * width]);
        Box::new(move || drop(q.attention(&k, &k, HEADS, Mask::None)))
    })
}

/// What a LoRA of rank 64 adds to a matrix while a model loads.
fn product(on: &On, k: usize, n: usize) -> Op {
    const RANK: usize = 64;
    let on = on.clone();
    Op::new(format!("add_product {k} → {n}, rank {RANK}"), move || {
        let n = n.next_multiple_of(Weight::PANEL);
        let weight = on.weight(k, n);
        let (up, down) = (vec![0.0; RANK * n], vec![0.0; RANK * k]);
        Box::new(move || weight.add_product(0..n, [&up, &down]))
    })
}

fn norms(on: &On, side: usize, c: usize) -> Op {
    let on = on.clone();
    Op::new(format!("group_norm 2×{side}×{side}×{c}"), move || {
        let x = on.tensor([2, side, side, c]);
        let one = Tensor::empty(&on.gpu, [c], Precision::F32);
        Box::new(move || drop(x.group_norm(32, &one, &one, 1e-5, Activation::Silu)))
    })
}
