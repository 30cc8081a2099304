//! Tier 2: weights on the GPU, in the order in which kernels read them.
//!
//! [`Weight`] is a matrix of `n` outputs by `k` inputs, stored in panels of 32 outputs:
//! `[n / 32][k][32]`. Neighbouring invocations compute neighbouring outputs, so they read a panel's
//! row side by side; and any 32 rows of a checkpoint's `[n, k]` matrix are one contiguous piece of
//! it, so a model streams in through a small window. The last panel is padded with zeros.
//!
//! Quantised weights come in panels too, cut along the inputs into *cells* of 32 outputs by 32
//! inputs: a cell is one block of each of its outputs. ggml stores a block in one piece; here the
//! blocks of a cell are woven together, so that an invocation gets 4 inputs of 4 outputs with one
//! load and its neighbour reads the next bytes. No bit is lost or added. In a cell, o is the output
//! and i the input; a *patch* is 4 × 4 of them and has the number `i / 4 · 8 + o / 4`:
//!
//! ```text
//! q8_0   64 patches of 16 bytes, byte `i % 4 · 4 + o % 4`
//! q4_0   64 patches of 16 nibbles, nibble `i % 4 · 4 + o % 4`
//! q5_0   as q4_0; then the high bits of 4 patches that follow each other along the inputs:
//!        16 times 4 · 16 bits, number `i / 16 · 8 + o / 4`
//! all    at last 32 scales, f16
//! ```

use crate::dtype::WeightType;
use crate::gpu::recording::Binding;
use crate::gpu::{Buffer, Gpu};
use crate::weights::quantise;
use half::f16;
use std::ops::Range;
use std::rc::Rc;

/// The weights of a linear layer or a convolution.
#[derive(Clone)]
pub struct Weight {
    gpu: Gpu,
    buffer: Rc<Buffer>,
    k: usize,
    n: usize,
    /// The first output in the buffer: 0, except for a [`Weight::part`].
    first: usize,
    weight_type: WeightType,
}

impl Weight {
    /// Outputs of a panel.
    pub const PANEL: usize = 32;

    /// Several layers' weights in one matrix begin at multiples of so many outputs, so that each
    /// can also be bound alone, with its biases.
    pub const JOINT: usize = 64;

    /// Uninitialised weights of `n` outputs from `k` inputs.
    ///
    /// # Panics
    /// When one of them is not a multiple of four, or the inputs are no whole blocks.
    pub fn empty(gpu: &Gpu, k: usize, n: usize, weight_type: WeightType) -> Weight {
        assert!(k.is_multiple_of(4) && n.is_multiple_of(4), "weights come by four, got {k} × {n}");
        let whole = !weight_type.is_quantised() || k.is_multiple_of(WeightType::BLOCK);
        assert!(whole, "{k} inputs are not whole blocks of {weight_type}");
        let bytes = weight_type.bytes(n.next_multiple_of(Self::PANEL) * k) as u64;
        let buffer = Rc::new(gpu.alloc_weights(bytes));
        Weight { gpu: gpu.clone(), buffer, k, n, first: 0, weight_type }
    }

    /// Writes the outputs `first..`, each a row of `k` values in input order, before any op has
    /// used the weights.
    ///
    /// # Panics
    /// When `first` is not a multiple of [`Weight::PANEL`], or the rows neither fill whole panels
    /// nor reach the last output.
    pub fn write(&self, first: usize, rows: &[f32]) {
        let count = rows.len() / self.k;
        assert_eq!(rows.len(), count * self.k, "rows of {} inputs", self.k);
        assert_eq!(self.first, 0, "the whole is written");
        let fits = count.is_multiple_of(Self::PANEL) || first + count == self.n;
        assert!(first.is_multiple_of(Self::PANEL) && fits && first + count <= self.n, "panels");
        let offset = self.weight_type.bytes(first * self.k) as u64;
        if self.weight_type.is_quantised() {
            let cells = weave(self.weight_type, rows, self.k);
            return self.gpu.write(&self.buffer, offset, &cells);
        }
        let panels = count.div_ceil(Self::PANEL);
        let mut packed = vec![0.0f32; panels * Self::PANEL * self.k];
        for (output, row) in rows.chunks_exact(self.k).enumerate() {
            let panel = &mut packed[output / Self::PANEL * Self::PANEL * self.k..];
            for (input, &value) in row.iter().enumerate() {
                panel[input * Self::PANEL + output % Self::PANEL] = value;
            }
        }
        self.gpu.write(&self.buffer, offset, &encode(self.weight_type, &packed));
    }

    /// The bytes that [`Weight::write`] sends for so many rows.
    pub(crate) fn bytes_of_rows(&self, rows: usize) -> u64 {
        self.weight_type.bytes(rows.next_multiple_of(Self::PANEL) * self.k) as u64
    }

    /// Inputs.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Outputs.
    pub fn n(&self) -> usize {
        self.n
    }

    /// How they are stored.
    pub fn weight_type(&self) -> WeightType {
        self.weight_type
    }

    /// The outputs `outputs` alone, in the same buffer.
    ///
    /// # Panics
    /// When they do not begin at a multiple of [`Weight::JOINT`].
    pub fn part(&self, outputs: Range<usize>) -> Weight {
        assert!(outputs.start.is_multiple_of(Self::JOINT) && outputs.end <= self.n, "{outputs:?}");
        Weight { first: self.first + outputs.start, n: outputs.len(), ..self.clone() }
    }

    pub(crate) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// These panels of the buffer as a binding.
    pub(crate) fn panels(&self, panels: Range<usize>) -> Binding {
        let bytes = |panels: usize| self.weight_type.bytes(panels * Self::PANEL * self.k) as u64;
        let first = self.first / Self::PANEL + panels.start;
        self.buffer.range(bytes(first), bytes(panels.len()))
    }

    pub(crate) fn whole(&self) -> Binding {
        let bytes = |outputs: usize| self.weight_type.bytes(outputs * self.k) as u64;
        self.buffer.range(bytes(self.first), bytes(self.n.next_multiple_of(Self::PANEL)))
    }
}

/// A table of `rows` rows of `c` values: token embeddings.
#[derive(Clone)]
pub struct Table {
    gpu: Gpu,
    buffer: Rc<Buffer>,
    rows: usize,
    c: usize,
    weight_type: WeightType,
}

impl Table {
    /// An uninitialised table.
    ///
    /// # Panics
    /// When `c` is not a multiple of four, or the type is quantised: a table's rows are looked up
    /// and not multiplied, so f16 costs no time and blocks would win little.
    pub fn empty(gpu: &Gpu, rows: usize, c: usize, weight_type: WeightType) -> Table {
        assert!(c.is_multiple_of(4), "channels come by four, got {c}");
        assert!(!weight_type.is_quantised(), "a table is f32 or f16");
        let buffer = Rc::new(gpu.alloc_weights(weight_type.bytes(rows * c) as u64));
        Table { gpu: gpu.clone(), buffer, rows, c, weight_type }
    }

    /// Writes the rows `first..`, before any op has used the table.
    ///
    /// # Panics
    /// When the rows do not fit.
    pub fn write(&self, first: usize, rows: &[f32]) {
        assert!(rows.len().is_multiple_of(self.c) && first + rows.len() / self.c <= self.rows);
        let offset = self.weight_type.bytes(first * self.c) as u64;
        self.gpu.write(&self.buffer, offset, &encode(self.weight_type, rows));
    }

    /// Makes every row zero, before any op has used the table.
    pub fn clear(&self) {
        const ROWS: usize = 1024;
        let zeros = vec![0.0; ROWS.min(self.rows) * self.c];
        for first in (0..self.rows).step_by(ROWS) {
            self.write(first, &zeros[..ROWS.min(self.rows - first) * self.c]);
        }
    }

    /// The bytes that [`Table::write`] sends for so many rows.
    pub(crate) fn bytes_of_rows(&self, rows: usize) -> u64 {
        self.weight_type.bytes(rows * self.c) as u64
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values of a row.
    pub fn c(&self) -> usize {
        self.c
    }

    /// How they are stored.
    pub fn weight_type(&self) -> WeightType {
        self.weight_type
    }

    pub(crate) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The rows `first..first + count` as a binding; `first` is a multiple of 64.
    pub(crate) fn range(&self, first: usize, count: usize) -> Binding {
        let bytes = |rows: usize| self.weight_type.bytes(rows * self.c) as u64;
        self.buffer.range(bytes(first), bytes(count))
    }
}

/// Encodes values as `weight_type`; f16 is rounded to nearest even.
fn encode(weight_type: WeightType, values: &[f32]) -> Vec<u8> {
    if weight_type == WeightType::F32 {
        return bytemuck::cast_slice(values).to_vec();
    }
    assert_eq!(weight_type, WeightType::F16, "blocks are woven");
    let halves: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
    bytemuck::cast_slice(&halves).to_vec()
}

/// Rows of `k` inputs, quantised, as panels of cells.
fn weave(weight_type: WeightType, rows: &[f32], k: usize) -> Vec<u8> {
    const BLOCK: usize = WeightType::BLOCK;
    let size = weight_type.bytes(BLOCK);
    let cell_bytes = Weight::PANEL * size;
    let panels = (rows.len() / k).div_ceil(Weight::PANEL);
    let mut cells = vec![0; panels * (k / BLOCK) * cell_bytes];
    let mut blocks = Vec::new();
    for (output, row) in rows.chunks_exact(k).enumerate() {
        blocks.clear();
        quantise(weight_type, row, &mut blocks);
        let panel = output / Weight::PANEL * (k / BLOCK) * cell_bytes;
        let cells = cells[panel..].chunks_exact_mut(cell_bytes);
        for (block, cell) in blocks.chunks_exact(size).zip(cells) {
            place(weight_type, block, output % Weight::PANEL, cell);
        }
    }
    cells
}

/// Puts a block of ggml's in its places in a cell.
fn place(weight_type: WeightType, block: &[u8], output: usize, cell: &mut [u8]) {
    let (scale, data) = block.split_at(2);
    let scales = cell.len() - 2 * Weight::PANEL;
    cell[scales + 2 * output..][..2].copy_from_slice(scale);
    let (column, of_column) = (output / 4, output % 4);
    if weight_type == WeightType::Q8_0 {
        for (input, byte) in data.iter().enumerate() {
            let patch = input / 4 * 8 + column;
            cell[16 * patch + input % 4 * 4 + of_column] = *byte;
        }
        return;
    }
    let (high, nibbles) = data.split_at(data.len() - 16);
    for input in 0..WeightType::BLOCK {
        let in_patch = input % 4 * 4 + of_column;
        let nibble = nibbles[input % 16] >> (input / 16 * 4) & 15;
        let patch = input / 4 * 8 + column;
        cell[8 * patch + in_patch / 2] |= nibble << (in_patch % 2 * 4);
        if weight_type == WeightType::Q5_0 {
            let bit = high[input / 8] >> (input % 8) & 1;
            let at = 512 + 8 * (input / 16 * 8 + column) + input / 4 % 4 * 2 + in_patch / 8;
            cell[at] |= bit << (in_patch % 8);
        }
    }
}
