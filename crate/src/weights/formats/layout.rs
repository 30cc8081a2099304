//! The layout of a tensor in its file: contiguous (row-major), as in most files, or with other
//! strides, as a torch file has them of a tensor that was transposed or is channels-last. Readers
//! get row-major values either way.

use std::borrow::Cow;
use std::ops::Range;

use super::header::TensorInfo;

/// The number of elements from the first to the last one, both included; `None` beyond u64.
pub(in crate::weights) fn extent(shape: &[u64], strides: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    let reach = shape
        .iter()
        .zip(strides)
        .try_fold(0_u64, |sum, (n, stride)| sum.checked_add((n - 1).checked_mul(*stride)?))?;
    reach.checked_add(1)
}

/// Whether these are the strides of a contiguous, row-major tensor.
pub(in crate::weights) fn is_contiguous(shape: &[u64], strides: &[u64]) -> bool {
    if shape.contains(&0) {
        return true;
    }
    let mut expected = 1_u64;
    for (n, stride) in shape.iter().zip(strides).rev() {
        if *n != 1 && *stride != expected {
            return false;
        }
        expected = expected.saturating_mul(*n);
    }
    true
}

impl TensorInfo {
    /// Bytes of its values when they are contiguous.
    pub fn bytes(&self) -> u64 {
        self.file_type.bytes_of(self.elements() as u64).unwrap_or(0)
    }

    /// Whether a range of its rows (the entries of its first dimension) is a range of the file, so
    /// that it can be read without the others.
    pub fn has_separate_rows(&self) -> bool {
        let Some(strides) = &self.strides else { return true };
        let of_row = self.extent_of(1..self.shape.len());
        strides.first().is_some_and(|stride| *stride >= of_row)
    }

    /// The bytes of the file from the first value of `rows` to the last.
    pub fn span(&self, rows: Range<usize>) -> Range<u64> {
        let count = self.shape.first().copied().unwrap_or(1).max(1) as u64;
        let Some(strides) = &self.strides else {
            let of_row = self.bytes() / count;
            let byte = |row: usize| self.range.start + row as u64 * of_row;
            return byte(rows.start)..byte(rows.end);
        };
        if rows.is_empty() {
            return self.range.start..self.range.start;
        }
        let size = self.file_type.block().1 as u64;
        let stride = strides.first().copied().unwrap_or(0);
        let of_row = self.extent_of(1..self.shape.len());
        let first = stride * rows.start;
        let end = stride * (rows.end - 1) + of_row;
        self.range.start + first as u64 * size..self.range.start + end as u64 * size
    }

    /// The bytes of `rows` rows in row-major order, from those of their [`TensorInfo::span`].
    pub fn in_order<'a>(&self, rows: usize, span: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(strides) = &self.strides else { return Cow::Borrowed(span) };
        let size = self.file_type.block().1;
        let mut shape = self.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = rows;
        }
        let elements: usize = shape.iter().product();
        let mut ordered = Vec::with_capacity(elements * size);
        let mut index = vec![0; shape.len()];
        let mut place = 0;
        for _ in 0..elements {
            ordered.extend(&span[place * size..][..size]);
            // The next index, the last dimension fastest.
            for dim in (0..shape.len()).rev() {
                index[dim] += 1;
                place += strides[dim];
                if index[dim] < shape[dim] {
                    break;
                }
                place -= strides[dim] * shape[dim];
                index[dim] = 0;
            }
        }
        Cow::Owned(ordered)
    }

    /// The number of elements from the first to the last one of a range of the dimensions.
    fn extent_of(&self, dims: Range<usize>) -> usize {
        let strides = self.strides.iter().flat_map(|strides| &strides[dims.clone()]);
        let reach = self.shape[dims.clone()].iter().zip(strides);
        1 + reach.map(|(n, stride)| n.saturating_sub(1) * stride).sum::<usize>()
    }
}
