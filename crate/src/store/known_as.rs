//! By which hash other programs know a stored LoRA. It is computed when the file is imported; for
//! one that was fetched, or stored before this was kept, when it is first asked for.

use super::chunks::Store;
use super::source::StoreSource;
use super::watch::Watch;
use crate::error::Result;
use crate::weights::{Kind, Lora, MemorySource};
use std::rc::Rc;

/// [`Lora::model_hash`] of a stored LoRA, which is kept in its record; `None` for anything else.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) for one that is not stored whole; those of the store
/// and of [`Lora::open`].
pub async fn model_hash(store: &Store, id: &str) -> Result<Option<String>> {
    let model = store.model(id).await?;
    let path = model.manifest.checkpoint().filter(|_| model.manifest.kind == Kind::Lora);
    let Some(path) = path.map(str::to_owned) else { return Ok(None) };
    if let Some(known) = model.files.get(&path).and_then(|state| state.model_hash.clone()) {
        return Ok(Some(known));
    }
    let no_tokenizer = Rc::new(MemorySource::new("", Vec::new()));
    let watch = Rc::new(Watch::new(Box::new(|_| {})));
    let source = StoreSource::open(id, false, no_tokenizer, watch).await?;
    let hash = Lora::open(&source, &path).await?.model_hash().to_owned();
    // Another call may have changed the record meanwhile.
    let mut model = store.model(id).await?;
    model.files.entry(path).or_default().model_hash = Some(hash.clone());
    store.save(&model).await?;
    Ok(Some(hash))
}
