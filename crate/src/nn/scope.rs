//! A path in a checkpoint: `scope.at("down_blocks").at(0)` is both the path of a layer in the code
//! and the prefix of its tensors' names in the file (as candle's `VarBuilder`).
//!
//! A layer's constructor asks its scope for tensors. The scope checks the shape against the file's
//! header, makes an empty tensor on the GPU, records the request, and returns the handle. Later the
//! [`Loader`](super::Loader) fills all of them in the file's own order.
//!
//! Kernels read four channels at a time, so the three channels of pictures are padded with zeros to
//! four here: as inputs of a convolution (zero columns) and as outputs (zero rows, zero biases).
//!
//! Without a file a scope accepts every request and records name and shape. The result is the
//! [`Catalogue`] of a model, from which the dry run takes its size and checkpoints with invented
//! weights are written.

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

/// A prefix of tensor names. All scopes of a file share one list of requests.
#[derive(Clone)]
pub struct Scope {
    shared: Rc<Shared>,
    path: String,
}

/// The state that all scopes of one file share.
pub(super) struct Shared {
    pub(super) gpu: Gpu,
    pub(super) archive: Option<Rc<Archive>>,
    pub(super) weight_type: Option<WeightType>,
    requested: RefCell<Vec<(String, Vec<usize>)>>,
    pub(super) requests: RefCell<Vec<Request>>,
}

/// A request: rows of a tensor, and where the loader puts them.
pub(super) struct Request {
    pub(super) name: String,
    pub(super) rows: Range<usize>,
    pub(super) target: Target,
}

/// Where the loader puts the rows of a tensor.
pub(super) enum Target {
    /// The outputs `part` of a matrix, which may be more than the file has (padding): a row `[c_in,
    /// pixels]` of the file becomes `[pixels, c_in padded]`.
    Weight { weight: Weight, part: Range<usize>, c_in: usize, pixels: usize },
    /// The elements `part` of a small f32 tensor, which may be more than the file has (padding).
    Tensor { tensor: Tensor, part: Range<usize> },
    /// A table of embeddings; `listed` if the file has only some rows and a list of them.
    Table { table: Table, listed: bool },
    /// Memory of the CPU.
    Numbers(Numbers),
}

/// A tensor in the CPU's memory, empty until the loader has filled it.
#[derive(Clone, Default)]
pub struct Numbers(Rc<RefCell<Vec<f32>>>);

impl Numbers {
    /// The values, row-major.
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
    /// Each tensor once, in the order in which the model's constructors asked for them.
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
    /// Some get a type of more bits than a quantised `weight_type`: see `policy`.
    pub fn open(gpu: &Gpu, archive: Rc<Archive>, weight_type: Option<WeightType>) -> Scope {
        Scope::root(gpu, Some(archive), weight_type)
    }

    /// The root of a checkpoint that does not exist: every request is accepted, nothing is loaded,
    /// and [`Scope::catalogue`] lists the requests.
    pub fn without_file(gpu: &Gpu, weight_type: WeightType) -> Scope {
        Scope::root(gpu, None, Some(weight_type))
    }

    fn root(gpu: &Gpu, archive: Option<Rc<Archive>>, weight_type: Option<WeightType>) -> Scope {
        let shared = Shared {
            gpu: gpu.clone(),
            archive,
            weight_type,
            requested: RefCell::default(),
            requests: RefCell::default(),
        };
        Scope { shared: Rc::new(shared), path: String::new() }
    }

    /// The scope `name` below this one.
    pub fn at(&self, name: impl Display) -> Scope {
        Scope { shared: self.shared.clone(), path: self.full_name(name) }
    }

    /// The device on which the tensors are.
    pub fn gpu(&self) -> &Gpu {
        &self.shared.gpu
    }

    /// The requests of all scopes of this file so far.
    pub fn catalogue(&self) -> Catalogue {
        Catalogue { tensors: self.shared.requested.borrow().clone() }
    }

    pub(super) fn shared(&self) -> &Rc<Shared> {
        &self.shared
    }

    /// Whether the file has the tensor `name` in this scope; always true without a file.
    pub fn has(&self, name: &str) -> bool {
        let name = self.full_name(name);
        self.shared.archive.as_ref().is_none_or(|archive| archive.get(&name).is_some())
    }

    /// The scope of the layer that the file has under one of several `names`; the first name if it
    /// has none, so that the error names the usual one.
    pub fn either(&self, names: &[&str]) -> Scope {
        let found = names.iter().find(|name| self.at(name).has("weight"));
        self.at(found.unwrap_or(&names[0]))
    }

    /// The weights `[n, k]` of a linear layer. Those of a 1×1 convolution `[n, k, 1, 1]` are the
    /// same values.
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

    /// A table `[rows, c]` that becomes an f32 tensor, since it is small: position embeddings.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn positions(&self, name: &str, rows: usize, c: usize) -> Result<Tensor> {
        self.tensor(name, vec![rows, c], 0..rows, &[rows, c])
    }

    /// A tensor of this shape in the CPU's memory.
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
    /// `[m, c]`, and their m indices as the tensor `name.rows` (see [`Archive::row_list`]).
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub fn table(&self, name: &str, rows: usize, c: usize) -> Result<Table> {
        let archive = self.shared.archive.as_ref();
        let listed = archive.and_then(|archive| archive.row_list(&self.full_name(name)));
        let mut shapes = vec![vec![rows, c]];
        shapes.extend(listed.map(|list| vec![list.elements(), c]));
        let weight_type = policy::table_type(self.check(name, &shapes)?);
        let table = Table::empty(&self.shared.gpu, rows, c, weight_type);
        let target = Target::Table { table: table.clone(), listed: listed.is_some() };
        self.request(name, 0..listed.map_or(rows, TensorInfo::elements), target);
        Ok(table)
    }

    /// Checks that this scope has a linear layer of `k` inputs and `n` outputs, and returns the
    /// type that its weights will have.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::TensorShape`].
    pub(super) fn check_linear(&self, k: usize, n: usize, bias: bool) -> Result<WeightType> {
        let requested = self.check("weight", &[vec![n, k], vec![n, k, 1, 1]])?;
        if bias {
            self.check("bias", &[vec![n]])?;
        }
        Ok(policy::weight_type(requested, &self.full_name("weight"), k))
    }

    /// Requests a linear layer that was checked, with `bias` `[n]`, as the outputs `part` of a
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
        // A block must not contain inputs of two pixels of a convolution.
        let requested = self.check(name, shapes)?;
        let weight_type = policy::weight_type(requested, &self.full_name(name), k / pixels);
        let weight = Weight::empty(&self.shared.gpu, k, n, weight_type);
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
        let tensor = Tensor::weights(&self.shared.gpu, shape);
        let part = 0..tensor.shape().elements();
        self.request(name, rows, Target::Tensor { tensor: tensor.clone(), part });
        Ok(tensor)
    }

    /// Checks that the file has the tensor in one of `shapes` (the first is the usual one), and
    /// returns the type that it will have.
    fn check(&self, name: &str, shapes: &[Vec<usize>]) -> Result<WeightType> {
        let name = self.full_name(name);
        let mut requested = self.shared.requested.borrow_mut();
        if !requested.iter().any(|(known, _)| *known == name) {
            requested.push((name.clone(), shapes[0].clone()));
        }
        let Some(archive) = &self.shared.archive else {
            return Ok(self.shared.weight_type.unwrap_or_default());
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
            // f16 has at least the precision of ggml's blocks.
            file_type if file_type.fits_f16() || file_type.is_block() => WeightType::F16,
            _ => WeightType::F32,
        };
        Ok(self.shared.weight_type.unwrap_or(of_file))
    }

    fn request(&self, name: &str, rows: Range<usize>, target: Target) {
        if self.shared.archive.is_some() {
            let name = self.full_name(name);
            self.shared.requests.borrow_mut().push(Request { name, rows, target });
        }
    }

    fn full_name(&self, name: impl Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }
}
