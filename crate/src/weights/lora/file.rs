//! An opened LoRA file: its layers by name. The whole file is held in memory.

use super::adapter::Adapter;
use super::layer::LayerDelta;
use super::modules::{find, modules, unet_modules};
use super::names::{self, Network, Role, TensorNames};
use crate::error::{Result, bad_file, unfit};
use crate::weights::names::UnetLevel;
use crate::weights::{Archive, MemorySource, Source, is_sha256, read_all, sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The largest file that is read: LoRAs of rank 128 over all layers have 300 MB.
const BYTES_MAX: u64 = 1 << 30;

/// An opened LoRA: its layers by name.
pub struct Lora {
    file: MemorySource,
    archive: Archive,
    pub(super) layers: BTreeMap<names::LayerKey, TensorNames>,
    /// TensorNames of tensors that belong to no layer.
    others: Vec<String>,
    /// PEFT's configs of the UNet and of the text encoder, where the metadata has them.
    adapters: [Option<Adapter>; 2],
    sha256: String,
    model_hash: String,
}

impl fmt::Debug for Lora {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lora({}, {} layers)", self.file.file(), self.layers.len())
    }
}

impl Lora {
    /// Reads the file `path`.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for a file that is no LoRA;
    /// [`Unfit`](crate::Error::Unfit) for one of another kind of model (SDXL, Flux, SD 3); those of
    /// the source.
    pub async fn open(source: &dyn Source, path: &str) -> Result<Arc<Lora>> {
        let file = MemorySource::new(path, read_all(source, path, BYTES_MAX).await?);
        let archive = Archive::open(&file, path).await?;
        let (mut layers, mut others) = (BTreeMap::<_, TensorNames>::new(), Vec::new());
        for tensor in archive.tensors() {
            match names::parse(&tensor.name) {
                Some((layer, role)) => {
                    let parts = layers.entry(layer).or_default();
                    // The same part under two names.
                    others.extend(parts.insert(role, tensor.name.clone()));
                }
                None => others.push(tensor.name.clone()),
            }
        }
        if layers.is_empty() {
            return Err(bad_file(path, "no layer of a LoRA is in it"));
        }
        let mut networks = layers.keys().map(|layer| layer.network);
        if let Some(Network::Other(kind)) = networks.find(|one| matches!(one, Network::Other(_))) {
            let reason = format!("it is a LoRA for {kind}; only those for Stable Diffusion 1 fit");
            return Err(unfit(path, reason));
        }
        let sha256 = sha256(file.bytes());
        let model_hash = model_hash(file.bytes(), archive.metadata(), &sha256);
        let adapters =
            ["unet.", "text_encoder."].map(|prefix| Adapter::read(archive.metadata(), prefix));
        Ok(Arc::new(Lora { file, archive, layers, others, adapters, sha256, model_hash }))
    }

    /// The path it was opened from.
    pub fn file(&self) -> &str {
        self.file.file()
    }

    /// SHA-256 of the file.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The hash by which AUTOMATIC1111's web UI and kohya's scripts know it: the header's
    /// `sshs_model_hash`; else SHA-256 of what follows the header of a safetensors file, so that
    /// changes of the metadata leave it as it is; else that of the whole file.
    pub fn model_hash(&self) -> &str {
        &self.model_hash
    }

    /// The metadata of its header, pairs of texts: kohya writes `ss_…` there.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        self.archive.metadata()
    }

    /// Reads every layer and checks what can be checked without a model.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for tensors that are missing or do not fit one another.
    pub async fn read_all_layers(&self) -> Result<()> {
        for (key, names) in &self.layers {
            if names.keys().any(|role| role.is_of_weight()) {
                self.layer(key).await?;
            }
        }
        Ok(())
    }

    /// The names of tensors that belong to no layer, and of layers that neither of these archives
    /// (of UNet and text encoder) has.
    pub fn unmatched(
        &self,
        (unet, levels): (&Archive, &[UnetLevel]),
        text_encoder: &Archive,
    ) -> Vec<String> {
        let (unet, text) = (unet_modules(unet, levels), modules(text_encoder, None));
        let unknown = self.layers.keys().filter(|layer| {
            let known = if layer.network == Network::Unet { &unet } else { &text };
            find(known, &layer.module).is_none()
        });
        let unknown = unknown.map(|layer| layer.module.clone());
        self.others.iter().cloned().chain(unknown).collect()
    }

    /// Reads a layer.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for tensors that are missing or do not fit one another.
    pub(super) async fn layer(&self, key: &names::LayerKey) -> Result<LayerDelta> {
        let [unet, text] = &self.adapters;
        let adapter = if key.network == Network::Unet { unet } else { text };
        LayerDelta::read((&self.file, &self.archive), &self.layers[key], adapter.as_ref()).await
    }

    /// The difference of a bias.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) where it does not hold floats.
    pub(super) async fn bias(&self, key: &names::LayerKey) -> Result<Vec<f32>> {
        self.archive.load(&self.file, &self.layers[key][&Role::DiffBias]).await
    }

    /// Checks that the difference of a bias has the length of that bias.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) where it has not.
    pub(super) async fn check_bias(
        &self,
        archive: &Archive,
        bias: &str,
        key: &names::LayerKey,
    ) -> Result<()> {
        let wanted = archive.get(bias).map(|info| info.elements());
        if wanted == Some(self.bias(key).await?.len()) {
            return Ok(());
        }
        Err(bad_file(self.file(), format!("its change of `{bias}` does not fit this model")))
    }

    /// Reads a layer and checks that it has the shape of the tensor that it changes.
    ///
    /// # Errors
    /// [`Unfit`](crate::Error::Unfit) where it has not, which says for which model the LoRA is;
    /// [`BadFile`](crate::Error::BadFile) for tensors that do not fit one another.
    pub(super) async fn check(
        &self,
        archive: &Archive,
        tensor: &str,
        key: &names::LayerKey,
    ) -> Result<LayerDelta> {
        let layer = self.layer(key).await?;
        let info = archive.get(tensor).expect("modules are found by their weights");
        let rows = info.shape.first().copied().unwrap_or(1);
        let wanted = [rows, info.elements() / rows.max(1)];
        if layer.shape() != wanted {
            let context = if tensor.contains("attn2.to_k") { layer.shape()[1] } else { 0 };
            let kind = match context {
                1024 => "it is a LoRA for Stable Diffusion 2".into(),
                2048 => "it is a LoRA for SDXL".into(),
                _ => format!(
                    "it is a LoRA for another model: its `{tensor}` is {:?}, not {wanted:?}",
                    layer.shape()
                ),
            };
            return Err(unfit(self.file(), kind));
        }
        let kernel = info.shape.get(2..).unwrap_or_default().iter().product();
        if !layer.fits_kernel(kernel) {
            let reason = format!("its change of `{tensor}` does not fit {:?}", info.shape);
            return Err(bad_file(self.file(), reason));
        }
        Ok(layer)
    }
}

/// See [`Lora::model_hash`]. The web UI: `NetworkOnDisk`, `hashes.addnet_hash_safetensors`.
fn model_hash(bytes: &[u8], metadata: &BTreeMap<String, String>, whole: &str) -> String {
    if let Some(known) = metadata.get("sshs_model_hash").filter(|hash| is_sha256(hash)) {
        return known.clone();
    }
    // Of the other formats none begins with the length of a header.
    let length = bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let end = length.and_then(|length| usize::try_from(length).ok()?.checked_add(8));
    let after_header = end.and_then(|end| bytes.get(end..));
    after_header.map_or_else(|| whole.to_owned(), sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_other_programs_leaves_the_header_out() {
        let numbers = [1, 2, 3, 4];
        let file = [&2_u64.to_le_bytes()[..], b"{}", &numbers].concat();
        let none = BTreeMap::new();
        assert_eq!(model_hash(&file, &none, "whole"), sha256(&numbers));
        let of_header = |hash: &str| {
            let metadata = [("sshs_model_hash".to_owned(), hash.to_owned())].into();
            model_hash(&file, &metadata, "whole")
        };
        assert_eq!(of_header(&"ab".repeat(32)), "ab".repeat(32));
        assert_eq!(of_header("no hash"), sha256(&numbers));
        assert_eq!(model_hash(b"PK\x03\x04\x14\x00\x08\x08\x00", &none, "whole"), "whole");
    }
}
