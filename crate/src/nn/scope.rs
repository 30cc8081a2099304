//! A place in a checkpoint: `scope.at("down_blocks").at(0)` is both the path of a layer in the code
//! and the prefix of its tensors' names in the file.
//!
//! A constructor registers tensors, the loader fills them later. A layer asks its scope for a
//! tensor; the scope checks the shape against the file's header, makes an empty tensor on the GPU,
//! writes the request down, and returns the handle. The [`Loader`](super::Loader) then reads all of
//! them in the file's own order.
//!
//! Everything on the GPU is read by four, so a picture's three channels are padded with zeros to
//! four here: as inputs of a convolution (zero columns) and as outputs (zero rows, zero biases).
//!
//! Without a file a scope grants every request and writes down name and shape: the [`Catalogue`] of
//! a model, from which the dry run knows its size and a made-up checkpoint can be written.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use std::rc::Rc;

use super::policy;
use crate::dtype::WeightType;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::tensor::Tensor;
use crate::weight::{Table, Weight};
use crate::weights::{Archive, TensorInfo};

/// A prefix of tensor names, with the list of requested tensors that all scopes of a file share.
#[derive(Clone)]
pub struct Scope {
    book: Rc<Book>,
    path: String,
}

/// What all scopes of one file share.
pub(super) struct Book {
    pub(super) gpu: Gpu,
    pub(super) archive: Option<Rc<Archive>>,
    weight_type: Option<WeightType>,
    asked: RefCell<Vec<(String, Vec<usize>)>>,
    pub(super) requests: RefCell<Vec<Request>>,
}

/// Which rows of which tensor go where.
pub(super) struct Request {
    pub(super) name: String,
    pub(super) rows: Range<usize>,
    pub(super) target: Target,
}

/// Where the rows of a tensor go.
pub(super) enum Target {
    /// To the outputs `part` of a matrix, which may be more than the file has: a row `[c_in,
    /// pixels]` of the file becomes `[pixels, c_in padded]`.
    Weight { weight: Weight, part: Range<usize>, c_in: usize, pixels: usize },
    /// To the elements `part` of a small f32 tensor, which may be more than the file has.
    Tensor { tensor: Tensor, part: Range<usize> },
    /// To a table of embeddings; to the rows that a list names when the file leaves rows out.
    Table { table: Table, listed: bool },
    /// To the CPU.
    Numbers(Numbers),
}

/// Numbers that the CPU computes with: empty until the loader has been there.
#[derive(Clone, Default)]
pub struct Numbers(Rc<RefCell<Vec<f32>>>);

impl Numbers {
    /// The numbers, row-major.
    pub fn to_vec(&self) -> Vec<f32> {
        self.0.borrow().clone()
    }

    pub(super) fn write(&self, values: &[f32]) {
        *self.0.borrow_mut() = values.to_vec();
    }
}

/// The names and shapes of all tensors that a model asks for, as a checkpoint would hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Each tensor once, in the order of the walk through the model.
    pub tensors: Vec<(String, Vec<usize>)>,
}

impl Catalogue {
    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

impl Scope {
    /// The root of an open checkpoint. Matrices are stored as `weight_type`, or as the file has
    /// them when it is `None` (f16 stays f16 and blocks become f16; all other types become f32).
    /// Where a quantised type would not fit or hurt, they are of a finer one: see `policy`.
    pub fn open(gpu: &Gpu, archive: Rc<Archive>, weight_type: Option<WeightType>) -> Scope {
        Scope::root(gpu, Some(archive), weight_type)
    }

    /// The root of a checkpoint that does not exist: every request is granted, nothing is loaded,
    /// and [`Scope::catalogue`] tells what was asked for.
    pub fn without_file(gpu: &Gpu, weight_type: WeightType) -> Scope {
        Scope::root(gpu, None, Some(weight_type))
    }

    fn root(gpu: &Gpu, archive: Option<Rc<Archive>>, weight_type: Option<WeightType>) -> Scope {
        let book = Book {
            gpu: gpu.clone(),
            archive,
            weight_type,
            asked: RefCell::default(),
            requests: RefCell::default(),
        };
        Scope { book: Rc::new(book), path: String::new() }
    }

    /// The place `name` below this one.
    pub fn at(&self, name: impl Display) -> Scope {
        Scope { book: self.book.clone(), path: self.full_name(name) }
    }

    /// The device on which the tensors are.
    pub fn gpu(&self) -> &Gpu {
        &self.book.gpu
    }

    /// What all scopes of this file have been asked for so far.
    pub fn catalogue(&self) -> Catalogue {
        Catalogue { tensors: self.book.asked.borrow().clone() }
    }

    pub(super) fn book(&self) -> &Rc<Book> {
        &self.book
    }

    /// Whether the file has the tensor `name` here; always so without a file.
    pub fn has(&self, name: &str) -> bool {
        let name = self.full_name(name);
        self.book.archive.as_ref().is_none_or(|archive| archive.get(&name).is_some())
    }

    /// The place below this one whose layer the file has under one of several `names`; the first
    /// when it has none, so that the error names the usual one.
    pub fn either(&self, names: &[&str]) -> Scope {
        let found = names.iter().find(|name| self.at(name).has("weight"));
        self.at(found.unwrap_or(&names[0]))
    }

    /// The weights `[n, k]` of a linear layer. A 1×1 convolution `[n, k, 1, 1]` is the same
    /// numbers.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn linear_weight(&self, name: &str, k: usize, n: usize) -> Result<Weight> {
        self.matrix(name, &[vec![n, k], vec![n, k, 1, 1]], 0..n, k, 1)
    }

    /// The rows `rows` of the weights `[n, c_in, kernel, kernel]` of a convolution (for a 1×1 also
    /// `[n, c_in]`), as a matrix of `kernel² · c_in` inputs in the order (ky, kx, c), both channel
    /// counts padded to four.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn conv_weight(
        &self,
        name: &str,
        c_in: usize,
        n: usize,
        kernel: usize,
        rows: Range<usize>,
    ) -> Result<Weight> {
        let mut shapes = vec![vec![n, c_in, kernel, kernel]];
        if kernel == 1 {
            shapes.push(vec![n, c_in]);
        }
        self.matrix(name, &shapes, rows, c_in, kernel * kernel)
    }

    /// A vector `[n]` of biases or scales, padded to four.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn vector(&self, name: &str, n: usize) -> Result<Tensor> {
        self.vector_part(name, n, 0..n)
    }

    /// The part `rows` of a vector `[n]`, padded to four.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn vector_part(&self, name: &str, n: usize, rows: Range<usize>) -> Result<Tensor> {
        let shape = [rows.len().next_multiple_of(4)];
        self.tensor(name, vec![n], rows, &shape)
    }

    /// A table `[rows, c]` of f32 small enough to be a tensor: the positions of tokens.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn positions(&self, name: &str, rows: usize, c: usize) -> Result<Tensor> {
        self.tensor(name, vec![rows, c], 0..rows, &[rows, c])
    }

    /// A tensor of this shape, for the CPU alone.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn numbers(&self, name: &str, shape: &[usize]) -> Result<Numbers> {
        self.check(name, &[shape.to_vec()])?;
        let numbers = Numbers::default();
        self.request(name, 0..shape[0], Target::Numbers(numbers.clone()));
        Ok(numbers)
    }

    /// A table `[rows, c]` of embeddings. A file may leave out rows of zeros: then it has m rows
    /// `[m, c]` and beside them, as `name.rows`, their m numbers (see [`Archive::row_list`]).
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn table(&self, name: &str, rows: usize, c: usize) -> Result<Table> {
        let archive = self.book.archive.as_ref();
        let listed = archive.and_then(|archive| archive.row_list(&self.full_name(name)));
        let mut shapes = vec![vec![rows, c]];
        shapes.extend(listed.map(|list| vec![list.elements(), c]));
        let weight_type = policy::table_type(self.check(name, &shapes)?);
        let table = Table::empty(&self.book.gpu, rows, c, weight_type);
        let target = Target::Table { table: table.clone(), listed: listed.is_some() };
        self.request(name, 0..listed.map_or(rows, TensorInfo::elements), target);
        Ok(table)
    }

    /// Checks that a linear layer of `k` inputs and `n` outputs is here, and tells how its weights
    /// are to be stored.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub(super) fn check_linear(&self, k: usize, n: usize, bias: bool) -> Result<WeightType> {
        let asked = self.check("weight", &[vec![n, k], vec![n, k, 1, 1]])?;
        if bias {
            self.check("bias", &[vec![n]])?;
        }
        Ok(policy::weight_type(asked, &self.full_name("weight"), k))
    }

    /// Asks for a linear layer that was checked, with `bias` `[n]`, as the outputs `part` of a
    /// larger one.
    pub(super) fn request_linear(
        &self,
        n: usize,
        weight: &Weight,
        bias: Option<&Tensor>,
        part: &Range<usize>,
    ) {
        let (part, weight, c_in) = (part.clone(), weight.clone(), weight.k());
        if let Some(bias) = bias {
            let target = Target::Tensor { tensor: bias.clone(), part: part.clone() };
            self.request("bias", 0..n, target);
        }
        self.request("weight", 0..n, Target::Weight { weight, part, c_in, pixels: 1 });
    }

    fn matrix(
        &self,
        name: &str,
        shapes: &[Vec<usize>],
        rows: Range<usize>,
        c_in: usize,
        pixels: usize,
    ) -> Result<Weight> {
        let (k, n) = (pixels * c_in.next_multiple_of(4), rows.len().next_multiple_of(4));
        // A block never reaches from one pixel of a convolution to the next.
        let asked = self.check(name, shapes)?;
        let weight_type = policy::weight_type(asked, &self.full_name(name), k / pixels);
        let weight = Weight::empty(&self.book.gpu, k, n, weight_type);
        let target = Target::Weight { weight: weight.clone(), part: 0..n, c_in, pixels };
        self.request(name, rows, target);
        Ok(weight)
    }

    fn tensor(
        &self,
        name: &str,
        in_file: Vec<usize>,
        rows: Range<usize>,
        shape: &[usize],
    ) -> Result<Tensor> {
        self.check(name, &[in_file])?;
        let tensor = Tensor::weights(&self.book.gpu, shape);
        let part = 0..tensor.shape().elements();
        self.request(name, rows, Target::Tensor { tensor: tensor.clone(), part });
        Ok(tensor)
    }

    /// Checks that the file has the tensor in one of `shapes` (the first is the usual one), and
    /// tells how it is to be stored.
    fn check(&self, name: &str, shapes: &[Vec<usize>]) -> Result<WeightType> {
        let name = self.full_name(name);
        let mut asked = self.book.asked.borrow_mut();
        if !asked.iter().any(|(known, _)| *known == name) {
            asked.push((name.clone(), shapes[0].clone()));
        }
        let Some(archive) = &self.book.archive else {
            return Ok(self.book.weight_type.unwrap_or_default());
        };
        let Some(info) = archive.get(&name) else {
            return Err(Error::MissingTensor { file: archive.file().to_string(), name });
        };
        if !shapes.contains(&info.shape) {
            return Err(Error::TensorShape {
                file: archive.file().to_string(),
                name,
                expected: shapes[0].clone(),
                found: info.shape.clone(),
            });
        }
        let of_file = match info.file_type {
            // ggml's blocks have at most as many digits.
            file_type if file_type.fits_f16() || file_type.is_block() => WeightType::F16,
            _ => WeightType::F32,
        };
        Ok(self.book.weight_type.unwrap_or(of_file))
    }

    fn request(&self, name: &str, rows: Range<usize>, target: Target) {
        if self.book.archive.is_some() {
            let name = self.full_name(name);
            self.book.requests.borrow_mut().push(Request { name, rows, target });
        }
    }

    fn full_name(&self, name: impl Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }
}
