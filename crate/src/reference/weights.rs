//! The tensors of a checkpoint file in the CPU's memory, from which candle builds networks.

use crate::error::{Error, Result};
use crate::weights::{Archive, Source, Zeros};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::collections::HashMap;

/// The tensors of one checkpoint file, in f32.
pub struct Weights {
    file: String,
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    /// Reads all float tensors of a file. A table of which the file has only some rows gets all of
    /// its `table_rows` again. `progress` is called with the bytes done after each tensor; its
    /// error (such as a cancel) ends the load.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a file that has too many zeros; those of the source and of
    /// `progress`.
    pub async fn read(
        source: &dyn Source,
        archive: &Archive,
        table_rows: usize,
        progress: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Weights> {
        let mut tensors = HashMap::new();
        let mut zeros = Zeros::default();
        let mut done = 0;
        for info in archive.tensors() {
            // Other tensors, such as `position_ids`, are no weights.
            if info.file_type.is_float() {
                let mut values = archive.load(source, &info.name).await?;
                if !info.is_table() {
                    zeros.add_piece(info.bytes(), values.iter().all(|value| *value == 0.0));
                }
                let mut shape = info.shape.clone();
                if let Some(list) = archive.row_list(&info.name) {
                    let rows = archive.load_row_list(source, list, table_rows).await?;
                    values = spread(&values, &rows, table_rows);
                    shape[0] = table_rows;
                }
                let tensor = Tensor::from_vec(values, shape, &Device::Cpu);
                let tensor = tensor.map_err(|fault| refused(archive.file(), &fault))?;
                tensors.insert(info.name.clone(), tensor);
            }
            done += info.range.end - info.range.start;
            progress(done)?;
        }
        zeros.check(archive.file())?;
        Ok(Weights { file: archive.file().to_string(), tensors })
    }

    /// Builds a network from them.
    ///
    /// # Errors
    /// [`Error::BadFile`] for a tensor that is missing or has another shape.
    pub(super) fn build<T>(
        self,
        new: impl FnOnce(VarBuilder) -> candle_core::Result<T>,
    ) -> Result<T> {
        let builder = VarBuilder::from_tensors(self.tensors, DType::F32, &Device::Cpu);
        new(builder).map_err(|fault| refused(&self.file, &fault))
    }
}

/// A table of `count` rows with these `values` in the listed `rows`; all other rows are zero.
fn spread(values: &[f32], rows: &[usize], count: usize) -> Vec<f32> {
    let c = values.len() / rows.len().max(1);
    let mut table = vec![0.0; count * c];
    for (row, from) in rows.iter().zip(values.chunks_exact(c.max(1))) {
        table[row * c..][..c].copy_from_slice(from);
    }
    table
}

fn refused(file: &str, fault: &candle_core::Error) -> Error {
    let first_line = fault.to_string().lines().next().unwrap_or_default().to_string();
    Error::BadFile { file: file.to_string(), reason: first_line }
}
