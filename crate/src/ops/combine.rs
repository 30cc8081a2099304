//! Linear combinations; see `kernels/combine.wgsl`.

use crate::dtype::Precision;
use crate::gpu::kernel::Kernel;
use crate::ops::bands::row_bands;
use crate::ops::shared::{self, LANES};
use crate::shape::Shape;
use crate::tensor::Tensor;
use crate::wgsl;
use std::rc::Rc;

/// One term: `coefficient · x[first..]`, by batch index. If the output's batch is larger than that,
/// these elements are repeated.
#[derive(Clone, Copy)]
pub struct Term<'a> {
    /// `[b, …]`; all dimensions but the batch are the output's.
    pub x: &'a Tensor,
    /// The first index of the batch that is read.
    pub first: usize,
    /// The factor of `x`.
    pub coefficient: f32,
}

impl<'a> Term<'a> {
    /// `coefficient · x` with all of the batch; any shape.
    pub fn new(coefficient: f32, x: &'a Tensor) -> Term<'a> {
        Term { x, first: 0, coefficient }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Default, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct TermParams {
    pub coefficient: f32,
    pub first: u32,
    pub period: u32,
    pub start: u32,
}

#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct Params {
    count: u32,
    unused_a: u32,
    unused_b: u32,
    unused_c: u32,
    terms: [TermParams; TERMS_MAX],
}

impl Params {
    /// `count`: outputs / 4.
    pub(super) fn new(count: u32, terms: [TermParams; TERMS_MAX]) -> Params {
        Params { count, unused_a: 0, unused_b: 0, unused_c: 0, terms }
    }
}

/// The most terms of one dispatch: the kernel has a binding for each.
pub const TERMS_MAX: usize = 5;
pub(super) const TYPES: [&str; TERMS_MAX] = ["Type0", "Type1", "Type2", "Type3", "Type4"];

impl Tensor {
    /// `Σ coefficient · x`, one to five terms `[b, …] → [batch, …]`: guidance, every sampler's
    /// step, a cast. The output has the terms' shape but for the batch. Terms may differ in
    /// precision.
    ///
    /// # Panics
    /// When the terms' shapes differ in more than the batch, or there are none or too many.
    pub fn combine(batch: usize, precision: Precision, terms: &[Term<'_>]) -> Tensor {
        assert!((1..=TERMS_MAX).contains(&terms.len()), "{} terms", terms.len());
        let mut dims = terms[0].x.shape().dims().to_vec();
        dims[0] = batch;
        Tensor::empty(terms[0].x.gpu(), Shape::from(&dims[..]), precision).set(terms, &[])
    }

    /// [`Tensor::combine`], `[b, …] → [batch, …]`, where only the outputs from an index of the
    /// batch on get a term: each with that index.
    ///
    /// # Panics
    /// As [`Tensor::combine`].
    pub fn combine_from(batch: usize, precision: Precision, terms: &[(Term<'_>, usize)]) -> Tensor {
        assert!((1..=TERMS_MAX).contains(&terms.len()), "{} terms", terms.len());
        let (terms, starts): (Vec<_>, Vec<_>) = terms.iter().copied().unzip();
        let mut dims = terms[0].x.shape().dims().to_vec();
        dims[0] = batch;
        let y = Tensor::empty(terms[0].x.gpu(), Shape::from(&dims[..]), precision);
        y.set(&terms, &starts)
    }

    /// [`Tensor::combine`] in f32, `[batch, …]`, into a tensor of [`Tensor::kept`].
    ///
    /// # Panics
    /// As [`Tensor::combine`].
    pub fn combine_kept(batch: usize, terms: &[Term<'_>]) -> Tensor {
        assert!((1..=TERMS_MAX).contains(&terms.len()), "{} terms", terms.len());
        let mut dims = terms[0].x.shape().dims().to_vec();
        dims[0] = batch;
        Tensor::kept(terms[0].x.gpu(), Shape::from(&dims[..]), Precision::F32).set(terms, &[])
    }

    /// Writes a combination of terms to this tensor; `starts`: the first output of each, or 0.
    fn set(self, terms: &[Term<'_>], starts: &[usize]) -> Tensor {
        let (y, gpu, precision) = (&self, self.gpu(), self.precision());
        let dims = self.shape().dims().to_vec();
        let batch = dims[0];
        let picture4 = dims[1..].iter().product::<usize>() / 4;
        let mut kernel = Kernel::new(wgsl!("combine"), TERMS_MAX)
            .alias("Elem4", precision.vec4())
            .uint("LANES", LANES)
            .uint("TERMS", terms.len() as u32)
            .with(shared::INDEX);
        let count = batch * picture4;
        let mut params = Params::new(count as u32, Default::default());
        for (i, name) in TYPES.iter().enumerate() {
            let term = terms.get(i).unwrap_or(&terms[0]);
            let of_term = term.x.shape();
            assert_eq!(of_term.dims()[1..], dims[1..], "terms of one shape");
            assert!(term.first < of_term.dims()[0], "a term begins after its tensor");
            kernel = kernel.alias(name, term.x.precision().vec4());
            params.terms[i] = TermParams {
                coefficient: term.coefficient,
                first: (term.first * picture4) as u32,
                period: ((of_term.dims()[0] - term.first) * picture4) as u32,
                start: (starts.get(i).unwrap_or(&0) * picture4) as u32,
            };
        }
        let mut bindings: Vec<_> =
            (0..TERMS_MAX).map(|i| terms.get(i).unwrap_or(&terms[0]).x.whole()).collect();
        bindings.push(y.whole());
        let grid = shared::linear_grid(gpu, count);
        let flops = (8 * count * terms.len()) as u64;
        gpu.dispatch(&Rc::new(kernel), bytemuck::bytes_of(&params), bindings, grid, flops);
        self
    }

    /// The sum of two tensors of one shape; in row bands, if they are larger than a binding.
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn add(&self, other: &Tensor) -> Tensor {
        assert_eq!(self.shape().dims(), other.shape().dims(), "add");
        let gpu = self.gpu();
        let y = Tensor::empty(gpu, self.shape(), self.precision());
        let mut kernel = Kernel::new(wgsl!("combine"), TERMS_MAX)
            .alias("Elem4", self.precision().vec4())
            .uint("LANES", LANES)
            .uint("TERMS", 2)
            .with(shared::INDEX);
        for (i, name) in TYPES.iter().enumerate() {
            let precision = if i == 1 { other.precision() } else { self.precision() };
            kernel = kernel.alias(name, precision.vec4());
        }
        let kernel = Rc::new(kernel);
        let row_bytes = self.row_bytes().max(other.row_bytes());
        for band in row_bands(gpu, self.shape().rows(), row_bytes, 0) {
            let count = band.len() * self.shape().channels() / 4;
            let term = TermParams { coefficient: 1.0, first: 0, period: count as u32, start: 0 };
            let params = Params::new(count as u32, [term; TERMS_MAX]);
            let (a, b) = (self.rows(&band), other.rows(&band));
            let bindings = vec![a, b, a, a, a, y.rows(&band)];
            let grid = shared::linear_grid(gpu, count);
            let flops = 4 * count as u64;
            gpu.dispatch(&kernel, bytemuck::bytes_of(&params), bindings, grid, flops);
        }
        y
    }

    /// The same values in another precision, of any shape.
    pub fn cast(&self, precision: Precision) -> Tensor {
        if self.precision() == precision {
            return self.clone();
        }
        Tensor::combine(self.shape().dims()[0], precision, &[Term::new(1.0, self)])
    }
}
