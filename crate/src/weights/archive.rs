//! A checkpoint, opened: its tensors by name, in file order, whatever the files are.
//!
//! Opening reads only headers. The bytes of a tensor are a range of a file; a loader that goes
//! through [`Archive::tensors`] in order reads each file once, from front to back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::change::{Change, Product};
use super::formats::container::Container;
use super::formats::header::{Header, TensorInfo};
use super::formats::{gguf, legacy_torch, safetensors, shards, torch};
use super::quantise::decode::decode;
use super::source::{Source, read_exact};
use crate::dtype::FileType;
use crate::error::{Error, Result, bad_file};

/// About how many bytes [`Archive::load`] reads at once.
const WINDOW: u64 = 8 << 20;

/// The index of a checkpoint of one file or of several: what its headers say of the tensors,
/// without their numbers. (Not a tar or zip file.)
#[derive(Debug, Clone)]
pub struct Archive {
    file: String,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
    metadata: BTreeMap<String, String>,
    changes: Vec<Arc<dyn Change>>,
}

impl Archive {
    /// Reads and checks the header of `path`, a file of safetensors, GGUF or torch; which of them
    /// is found from its bytes, not from its name. Every type, shape and byte range is checked
    /// against the others and against the file's size.
    ///
    /// # Errors
    /// [`Error::BadFile`] for anything that is not a whole file of one of these formats; where
    /// possible it says what the file is instead. And the source's own errors.
    pub async fn open(source: &dyn Source, path: &str) -> Result<Archive> {
        let header = match Container::of(source, path).await? {
            Container::Safetensors(length) => safetensors::read(source, path, length).await?,
            Container::Gguf => gguf::read(source, path).await?,
            Container::Zip => torch::read(source, path).await?,
            Container::LegacyTorch => legacy_torch::read(source, path).await?,
        };
        Ok(Archive::new(path, header))
    }

    /// Opens a checkpoint in several files: `index` is its `…​.index.json`, which names a file for
    /// every tensor (Hugging Face's sharded checkpoints).
    ///
    /// # Errors
    /// [`Error::BadFile`] for an index that is no such map or contradicts its files;
    /// [`Error::NotFound`] for a missing file; and as [`Archive::open`].
    pub async fn open_shards(source: &dyn Source, index: &str) -> Result<Archive> {
        let files = shards::read(source, index).await?;
        let folder =
            index.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let mut all = Header { tensors: Vec::new(), metadata: BTreeMap::new() };
        for (file, names) in files {
            let shard = Archive::open(source, &format!("{folder}{file}")).await?;
            if let Some(name) = names.iter().find(|name| shard.get(name).is_none()) {
                return Err(bad_file(index, format!("`{name}` is not in {file}")));
            }
            let listed: HashSet<&str> = names.iter().map(String::as_str).collect();
            let tensors = shard.tensors.iter().filter(|info| listed.contains(info.name.as_str()));
            all.tensors.extend(tensors.cloned());
        }
        Ok(Archive::new(index, all))
    }

    fn new(file: &str, header: Header) -> Archive {
        let Header { mut tensors, metadata } = header;
        tensors.sort_by(|a, b| {
            let place = |info: &TensorInfo| (info.range.start, info.range.end);
            (&a.file, place(a)).cmp(&(&b.file, place(b)))
        });
        let names = tensors.iter().enumerate();
        let by_name = names.map(|(index, tensor)| (tensor.name.clone(), index)).collect();
        Archive { file: file.to_owned(), tensors, by_name, metadata, changes: Vec::new() }
    }

    /// The header of a file that does not exist, for dry runs: tensors of these names and shapes,
    /// all of one type, one behind the other.
    pub fn of_shapes(
        file: &str,
        file_type: FileType,
        shapes: Vec<(String, Vec<usize>)>,
    ) -> Archive {
        let shared = Arc::<str>::from(file);
        let (mut tensors, mut end) = (Vec::new(), 0);
        for (name, shape) in shapes {
            let elements = shape.iter().product::<usize>() as u64;
            let range = end..end + file_type.bytes_of(elements).expect("whole blocks");
            end = range.end;
            let file = shared.clone();
            tensors.push(TensorInfo { name, file_type, shape, file, range, strides: None });
        }
        Archive::new(file, Header { tensors, metadata: BTreeMap::new() })
    }

    /// The archive of the tensors for which `rename` returns a name (and perhaps another shape of
    /// as many elements). For one part of a checkpoint that has several.
    pub(super) fn part(
        &self,
        rename: impl Fn(&TensorInfo) -> Option<(String, Vec<usize>)>,
    ) -> Archive {
        let renamed = |info: &TensorInfo| {
            let (name, shape) = rename(info)?;
            // A new shape only leaves out dimensions of size 1 at the end.
            let strides = info.strides.as_ref().map(|strides| strides[..shape.len()].into());
            Some(TensorInfo { name, shape, strides, ..info.clone() })
        };
        let tensors = self.tensors.iter().filter_map(renamed).collect();
        Archive::new(&self.file, Header { tensors, metadata: self.metadata.clone() })
    }

    /// The path it was opened from: the file's, or the index's of several files.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|index| &self.tensors[*index])
    }

    /// For a table of which the file has only some rows (all others are zeros): the tensor
    /// `NAME.rows` of U32, which lists them. The table `NAME` itself is then `[m, c]`, with one row
    /// for each entry.
    pub fn row_list(&self, name: &str) -> Option<&TensorInfo> {
        let list = self.get(&format!("{name}.rows"))?;
        let is_list = list.file_type == FileType::U32 && list.shape.len() == 1;
        (is_list && list.strides.is_none()).then_some(list)
    }

    /// The row indices in [`Archive::row_list`]'s tensor: ascending, all below `rows`.
    ///
    /// # Errors
    /// [`Error::BadFile`] for any other list, and the source's own errors.
    pub async fn load_row_list(
        &self,
        source: &dyn Source,
        list: &TensorInfo,
        rows: usize,
    ) -> Result<Vec<usize>> {
        let bytes = read_exact(source, &list.file, list.range.clone()).await?;
        let numbers = bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b) as usize);
        let numbers: Vec<usize> = numbers.collect();
        if !numbers.is_sorted_by(|a, b| a < b) || numbers.last().is_some_and(|last| *last >= rows) {
            let reason = format!("`{}` does not list rows of a table of {rows}", list.name);
            return Err(bad_file(&self.file, reason));
        }
        Ok(numbers)
    }

    /// All tensors, in the order of their bytes in each file.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The metadata of the header: pairs of texts (`__metadata__`; in GGUF those whose value is
    /// text).
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The same archive with one more change, which is applied after those that it has.
    #[must_use]
    pub fn changed(&self, change: Arc<dyn Change>) -> Archive {
        let mut changed = self.clone();
        changed.changes.push(change);
        changed
    }

    /// The same archive without its changes.
    #[must_use]
    pub fn unchanged(&self) -> Archive {
        Archive { changes: Vec::new(), ..self.clone() }
    }

    /// The names of the tensors whose values differ from those of `other`, the same archive with
    /// other changes.
    pub fn changed_since(&self, other: &Archive) -> HashSet<String> {
        let keys = |archive: &Archive, tensor: &TensorInfo| {
            archive.changes_of(tensor).map(|change| change.key()).collect::<Vec<_>>()
        };
        let differs = |tensor: &&TensorInfo| keys(self, tensor) != keys(other, tensor);
        self.tensors.iter().filter(differs).map(|tensor| tensor.name.clone()).collect()
    }

    /// Whether the rows of a tensor can be read apart from one another: they do not overlap in the
    /// file, and no change needs all of them.
    pub fn has_separate_rows(&self, tensor: &TensorInfo) -> bool {
        let whole = |change: &Arc<dyn Change>| change.needs_all_rows(tensor);
        tensor.has_separate_rows() && !self.changes_of(tensor).any(whole)
    }

    /// The rank of the product that its changes add to a tensor, where they do nothing else; `None`
    /// where they do, or there is none.
    pub fn product_rank(&self, tensor: &TensorInfo) -> Option<usize> {
        let rank = |change: &Arc<dyn Change>| change.product(tensor).map(|(rank, _)| rank);
        let ranks: Option<Vec<usize>> = self.changes_of(tensor).map(rank).collect();
        ranks.map(|ranks| ranks.iter().sum()).filter(|rank| *rank > 0)
    }

    /// The product of [`Archive::product_rank`].
    ///
    /// # Errors
    /// Those of the changes.
    pub async fn product(&self, tensor: &TensorInfo) -> Result<Product> {
        let mut products = Vec::new();
        for change in self.changes_of(tensor) {
            if let Some((_, product)) = change.product(tensor) {
                products.push(product.await?);
            }
        }
        Ok(Product::sum(&products))
    }

    fn changes_of(&self, tensor: &TensorInfo) -> impl Iterator<Item = &Arc<dyn Change>> {
        self.changes.iter().filter(|change| change.concerns(tensor))
    }

    /// Whether it has any change.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Appends some rows of a tensor to `values` as f32, changed as the archive's changes say;
    /// `span` is the file's bytes from the first of these rows to the last. Both loaders (for the
    /// GPU and for the CPU) use this.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it does not hold floats; those of the changes.
    pub async fn decode_rows(
        &self,
        tensor: &TensorInfo,
        rows: Range<usize>,
        span: &[u8],
        values: &mut Vec<f32>,
    ) -> Result<()> {
        let first = values.len();
        self.decode_unchanged(tensor, rows.len(), span, values)?;
        self.change(tensor, rows, &mut values[first..]).await
    }

    /// [`Archive::decode_rows`] of so many rows without the changes, for who adds their
    /// [`Archive::product`] himself.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it does not hold floats.
    pub fn decode_unchanged(
        &self,
        tensor: &TensorInfo,
        rows: usize,
        span: &[u8],
        values: &mut Vec<f32>,
    ) -> Result<()> {
        self.decode(tensor, &tensor.in_order(rows, span), values)
    }

    fn decode(&self, tensor: &TensorInfo, bytes: &[u8], values: &mut Vec<f32>) -> Result<()> {
        let fault = |_| bad_file(&self.file, format!("`{}` does not hold floats", tensor.name));
        decode(tensor.file_type, bytes, values).map_err(fault)
    }

    async fn change(
        &self,
        tensor: &TensorInfo,
        rows: Range<usize>,
        values: &mut [f32],
    ) -> Result<()> {
        for change in self.changes_of(tensor) {
            change.apply(tensor, rows.clone(), values).await?;
        }
        Ok(())
    }

    /// One tensor's values as f32, row-major, after the archive's changes.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::BadFile`] when it does not hold floats, and the source's
    /// own errors.
    pub async fn load(&self, source: &dyn Source, name: &str) -> Result<Vec<f32>> {
        let tensor = self.get(name).ok_or_else(|| Error::MissingTensor {
            file: self.file.clone(),
            name: name.to_owned(),
        })?;
        let rows = 0..tensor.shape.first().copied().unwrap_or(1);
        let mut numbers = Vec::with_capacity(tensor.elements());
        if tensor.strides.is_some() {
            let bytes = read_exact(source, &tensor.file, tensor.range.clone()).await?;
            self.decode_rows(tensor, rows, &bytes, &mut numbers).await?;
            return Ok(numbers);
        }
        let mut start = tensor.range.start;
        loop {
            let end = tensor.range.end.min(start + window_of(tensor.file_type));
            let bytes = read_exact(source, &tensor.file, start..end).await?;
            self.decode(tensor, &bytes, &mut numbers)?;
            start = end;
            if start == tensor.range.end {
                self.change(tensor, rows, &mut numbers).await?;
                return Ok(numbers);
            }
        }
    }
}

/// The window's size, rounded to whole blocks of this type.
fn window_of(file_type: FileType) -> u64 {
    let block = file_type.block().1 as u64;
    WINDOW / block * block
}
