//! Which textual inversions prompts may call: they can be others for each request, without opening
//! the model again.

use super::checkpoint::NamedEmbedding;
use super::model::{Machine, Pipeline};
use crate::error::Result;
use std::rc::Rc;

impl Pipeline {
    /// The textual inversions that later prompts may call, in place of those before.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for one that is for another model,
    /// [`Request`](crate::Error::Request) for a word that is a word already; those of the source
    /// and of the device. Those before then stay.
    pub async fn set_embeddings(&self, embeddings: &[NamedEmbedding]) -> Result<()> {
        let before = self.files();
        let mut files = (*before).clone();
        files.set_embeddings(embeddings)?;
        if before.embeddings() == files.embeddings() {
            return Ok(());
        }
        let tokenizer = files.tokenizer(&*self.source).await?;
        match &self.machine {
            Machine::Gpu(engine) => engine.set_rows(&files).await?,
            Machine::Cpu(engine) => {
                engine.networks.borrow_mut().set_rows(files.embeddings().rows());
            }
        }
        *self.files.borrow_mut() = Rc::new(files);
        *self.tokenizer.borrow_mut() = Rc::new(tokenizer);
        Ok(())
    }
}
