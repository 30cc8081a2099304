//! Token embeddings: `x[b, t] = token_embedding[ids[b, t]] + position_embedding[t]`.

use super::scope::Scope;
use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::tensor::Tensor;
use crate::weight::Table;

/// The sum of the embeddings of a token and of its position. transformers: `CLIPTextEmbeddings`.
pub struct TokenEmbedding {
    token_embedding: Table,
    /// Rows behind those of the table: the vectors of textual inversions.
    learned: Option<Table>,
    position_embedding: Tensor,
}

impl TokenEmbedding {
    /// A table `[vocab, c]` of tokens and one `[positions, c]` of positions.
    ///
    /// # Errors
    /// [`MissingTensor`](crate::Error::MissingTensor), [`TensorShape`](crate::Error::TensorShape).
    pub fn new(scope: &Scope, vocab: usize, positions: usize, c: usize) -> Result<TokenEmbedding> {
        Ok(TokenEmbedding {
            token_embedding: scope.table("token_embedding.weight", vocab, c)?,
            learned: None,
            position_embedding: scope.positions("position_embedding.weight", positions, c)?,
        })
    }

    /// Sets the rows `[n, c]` behind those of the table; the first has the id `vocab`. They are
    /// f32, whatever the table is. Nothing may be recorded that uses those before.
    ///
    /// # Panics
    /// When they are not whole rows.
    pub fn set_rows(&mut self, rows: &[f32]) {
        self.learned = None;
        if rows.is_empty() {
            return;
        }
        let (table, c) = (&self.token_embedding, self.token_embedding.c());
        assert!(rows.len().is_multiple_of(c), "rows of {c} channels");
        let learned = Table::empty(table.gpu(), rows.len() / c, c, WeightType::F32);
        learned.write(0, rows);
        self.learned = Some(learned);
    }

    /// `ids` of b rows, each as long as there are positions → `[b, positions, c]`.
    ///
    /// # Panics
    /// When an id is in no table, or a row is incomplete.
    pub fn forward(&self, ids: &[u32], precision: Precision) -> Tensor {
        let tables: Vec<_> = [&self.token_embedding].into_iter().chain(&self.learned).collect();
        Tensor::embedding(&tables, ids, &self.position_embedding, precision)
    }
}
