//! The shape of a tensor: row-major and contiguous, always. There are no strides.

use std::fmt;

/// Up to four dimensions, slowest first. An image is `[b, h, w, c]`, tokens are `[b, t, c]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; 4],
    rank: usize,
}

impl Shape {
    /// The dimensions, slowest first.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// Product of all dimensions.
    pub fn elements(&self) -> usize {
        self.dims().iter().product()
    }

    /// The last dimension: channels.
    pub fn channels(&self) -> usize {
        *self.dims().last().expect("a shape has a dimension")
    }

    /// Product of all but the last dimension: the number of tokens or pixels.
    pub fn rows(&self) -> usize {
        self.dims()[..self.rank - 1].iter().product()
    }

    /// `[b, h, w, c]`.
    ///
    /// # Panics
    /// When the shape has another rank.
    pub fn image(&self) -> [usize; 4] {
        assert_eq!(self.rank, 4, "expected [b, h, w, c], got {self:?}");
        self.dims
    }

    /// `[b, t, c]`; an image's pixels are its tokens.
    ///
    /// # Panics
    /// When the shape has neither three nor four dimensions.
    pub fn tokens(&self) -> [usize; 3] {
        match *self.dims() {
            [b, t, c] => [b, t, c],
            [b, h, w, c] => [b, h * w, c],
            _ => panic!("expected [b, t, c], got {self:?}"),
        }
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape::from(&dims[..])
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        assert!((1..=4).contains(&dims.len()), "a shape has one to four dimensions, got {dims:?}");
        let mut padded = [1; 4];
        padded[..dims.len()].copy_from_slice(dims);
        Shape { dims: padded, rank: dims.len() }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}
