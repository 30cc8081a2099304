//! What a layer of a LoRA adds to a weight `[n, c·ky·kx]`, row by row, without its scale.
//!
//! ```text
//! LoRA   up [n, r] · down [r, c·k]                      arXiv:2106.09685
//! LoCon  up [n, r] · mid [r, r, k] · down [r, c]        of a convolution
//! LoHa   (a₁·b₁) ∘ (a₂·b₂)                              arXiv:2108.06098
//! LoKr   w₁ ⊗ w₂                                        arXiv:2212.10650
//! ```
//!
//! r is the rank, k = ky·kx. The last three are LyCORIS's (arXiv:2309.14859). What it calls `mid`
//! in a LoCon and `t` in the others is the Tucker core, called core here.

use std::ops::Range;

/// A row-major matrix.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix {
    pub rows: usize,
    pub columns: usize,
    pub values: Vec<f32>,
}

impl Matrix {
    /// A matrix of `values.len() / rows` columns.
    pub(super) fn new(rows: usize, values: Vec<f32>) -> Matrix {
        Matrix { rows, columns: values.len() / rows.max(1), values }
    }

    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..][..self.columns]
    }

    pub(super) fn transposed(&self) -> Matrix {
        let value = |i: usize| self.values[i % self.rows * self.columns + i / self.rows];
        Matrix::new(self.columns, (0..self.values.len()).map(value).collect())
    }

    /// Adds `factor` times a range of rows of the product with `other` to `sums`. The inner loop
    /// runs along rows of `other`, so that it becomes SIMD; four rows at once read and write the
    /// sums a fourth as often, and add in the same order.
    fn add_product(&self, rows: Range<usize>, other: &Matrix, factor: f32, sums: &mut [f32]) {
        for (row, sums) in rows.zip(sums.chunks_exact_mut(other.columns)) {
            let (fours, rest) = self.row(row).as_chunks::<4>();
            for (i, four) in fours.iter().enumerate() {
                let [a, b, c, d] = four.map(|value| factor * value);
                let [w, x, y, z] = [0, 1, 2, 3].map(|j| other.row(4 * i + j));
                let others = w.iter().zip(x).zip(y.iter().zip(z));
                for (sum, ((w, x), (y, z))) in sums.iter_mut().zip(others) {
                    *sum = *sum + a * w + b * x + c * y + d * z;
                }
            }
            for (i, value) in rest.iter().enumerate() {
                let value = factor * value;
                for (sum, x) in sums.iter_mut().zip(other.row(4 * fours.len() + i)) {
                    *sum += value * x;
                }
            }
        }
    }

    fn product(&self, other: &Matrix) -> Matrix {
        let mut values = vec![0.0; self.rows * other.columns];
        self.add_product(0..self.rows, other, 1.0, &mut values);
        Matrix::new(self.rows, values)
    }
}

/// What a layer adds, without its scale.
#[derive(Debug)]
pub(super) enum Factors {
    /// `up · down`
    Product { up: Matrix, down: Matrix },
    /// The element-wise product of two matrix products.
    Hadamard([[Matrix; 2]; 2]),
    /// `w₁ [n₁, c₁] ⊗ w₂ [n₂, c₂·k]`
    Kronecker(Matrix, Matrix),
    /// The difference as it is.
    Whole(Matrix),
}

impl Factors {
    /// A Tucker core `[i, j, k]` multiplied with a factor `b` `[j, c]`: `[i, c·k]`, where `b'[i, c,
    /// k] = Σⱼ core[i, j, k] · b[j, c]`. LoCon's `mid` is such a core of its `down`.
    pub(super) fn with_core(core: &Matrix, b: &Matrix) -> Matrix {
        let (inner, outer, c) = (core.rows, b.rows, b.columns);
        let k = core.columns / outer.max(1);
        let mut values = vec![0.0; inner * c * k];
        for i in 0..inner {
            for j in 0..outer {
                let pixels = &core.row(i)[j * k..][..k];
                for (channel, x) in b.row(j).iter().enumerate() {
                    let sums = &mut values[(i * c + channel) * k..][..k];
                    sums.iter_mut().zip(pixels).for_each(|(sum, pixel)| *sum += pixel * x);
                }
            }
        }
        Matrix::new(inner, values)
    }

    /// The product of a pair of factors.
    pub(super) fn product([a, b]: &[Matrix; 2]) -> Matrix {
        a.product(b)
    }

    /// Rows and columns of what it adds.
    pub(super) fn shape(&self) -> [usize; 2] {
        match self {
            Factors::Product { up, down } => [up.rows, down.columns],
            Factors::Hadamard([[a, b], _]) => [a.rows, b.columns],
            Factors::Kronecker(a, b) => {
                [a.rows.saturating_mul(b.rows), a.columns.saturating_mul(b.columns)]
            }
            Factors::Whole(whole) => [whole.rows, whole.columns],
        }
    }

    /// Whether the factors fit one another.
    pub(super) fn fit(&self) -> bool {
        match self {
            Factors::Product { up, down } => up.columns == down.rows,
            Factors::Hadamard([[a1, b1], [a2, b2]]) => {
                a1.columns == b1.rows
                    && a2.columns == b2.rows
                    && (a1.rows, b1.columns) == (a2.rows, b2.columns)
            }
            Factors::Kronecker(..) | Factors::Whole(_) => true,
        }
    }

    /// Adds some rows, times `scale`, to `values`.
    pub(super) fn add_to(&self, rows: Range<usize>, scale: f32, values: &mut [f32]) {
        match self {
            Factors::Product { up, down } => up.add_product(rows, down, scale, values),
            Factors::Whole(whole) => {
                let added = &whole.values[rows.start * whole.columns..];
                values.iter_mut().zip(added).for_each(|(value, x)| *value += scale * x);
            }
            Factors::Hadamard([[a1, b1], [a2, b2]]) => {
                let mut products = [vec![0.0; values.len()], vec![0.0; values.len()]];
                a1.add_product(rows.clone(), b1, 1.0, &mut products[0]);
                a2.add_product(rows, b2, 1.0, &mut products[1]);
                let [first, second] = products;
                let pairs = first.into_iter().zip(second);
                values.iter_mut().zip(pairs).for_each(|(value, (x, y))| *value += scale * x * y);
            }
            Factors::Kronecker(first, second) => {
                let columns = first.columns * second.columns;
                for (row, values) in rows.zip(values.chunks_exact_mut(columns)) {
                    let (outer_row, inner_row) = (row / second.rows, row % second.rows);
                    let block = second.row(inner_row);
                    // The k pixels of a convolution's kernel stay together: they are the last
                    // dimension of w₂ and of the result.
                    let blocks = values.chunks_exact_mut(second.columns);
                    for (values, x) in blocks.zip(first.row(outer_row)) {
                        values.iter_mut().zip(block).for_each(|(v, y)| *v += scale * x * y);
                    }
                }
            }
        }
    }
}
