//! Token embeddings: `x[b, t] = token_embedding[ids[b, t]] + position_embedding[t]`.

use super::scope::Scope;
use crate::dtype::Precision;
use crate::error::Result;
use crate::tensor::Tensor;
use crate::weight::Table;

/// The sum of the embeddings of a token and of its position. transformers: `CLIPTextEmbeddings`.
pub struct TokenEmbedding {
    token_embedding: Table,
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
            position_embedding: scope.positions("position_embedding.weight", positions, c)?,
        })
    }

    /// `ids` of b rows, each as long as there are positions → `[b, positions, c]`.
    ///
    /// # Panics
    /// When an id is not in the table, or a row is incomplete.
    pub fn forward(&self, ids: &[u32], precision: Precision) -> Tensor {
        Tensor::embedding(&self.token_embedding, ids, &self.position_embedding, precision)
    }
}
