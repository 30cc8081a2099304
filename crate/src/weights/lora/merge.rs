//! A LoRA with a weight, as a [`Change`] of one part of a model.

use super::file::Lora;
use super::layer::LayerDelta;
use super::modules::{Modules, find, modules, unet_modules};
use super::names::{self, Network};
use crate::error::{Result, bad_file};
use crate::weights::names::UnetLevel;
use crate::weights::{Archive, Change, LocalFuture, Product, TensorInfo};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

/// A LoRA for one part of a model: those of its layers that the part has, and the LoRA's weight.
#[derive(Debug)]
pub struct Merge {
    lora: Arc<Lora>,
    weight: f32,
    /// The layers by the name of the tensor that they change.
    targets: HashMap<String, names::LayerKey>,
    /// The tensors that are changed only as a whole.
    whole: HashSet<String>,
    /// The ranks of the products that are all that it adds to a tensor.
    ranks: HashMap<String, usize>,
    /// The layer that was read last: a tensor is changed in several ranges of rows.
    latest: Mutex<Option<(String, Arc<LayerDelta>)>>,
}

impl Merge {
    /// For the archive of a UNet with these levels.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for a LoRA of a model with other shapes.
    pub async fn into_unet(
        lora: &Arc<Lora>,
        (unet, levels): (&Archive, &[UnetLevel]),
        weight: f32,
    ) -> Result<Merge> {
        Merge::new(lora, Network::Unet, unet, &unet_modules(unet, levels), weight).await
    }

    /// For a text encoder's archive.
    ///
    /// # Errors
    /// As [`Merge::into_unet`].
    pub async fn into_text_encoder(lora: &Arc<Lora>, text: &Archive, weight: f32) -> Result<Merge> {
        Merge::new(lora, Network::TextEncoder, text, &modules(text, None), weight).await
    }

    async fn new(
        lora: &Arc<Lora>,
        network: Network,
        archive: &Archive,
        known: &Modules,
        weight: f32,
    ) -> Result<Merge> {
        let (mut targets, mut whole) = (HashMap::new(), HashSet::new());
        let mut ranks = HashMap::new();
        for (key, names) in lora.layers.iter().filter(|(key, _)| key.network == network) {
            let Some(module) = find(known, &key.module) else { continue };
            if names.contains_key(&names::Role::DiffBias) {
                let bias = format!("{module}.bias");
                lora.check_bias(archive, &bias, key).await?;
                targets.insert(bias, key.clone());
            }
            if names.keys().any(|role| role.is_of_weight()) {
                let tensor = format!("{module}.weight");
                let layer = lora.check(archive, &tensor, key).await?;
                if layer.needs_all_rows() {
                    whole.insert(tensor.clone());
                }
                ranks.extend(layer.product_rank().map(|rank| (tensor.clone(), rank)));
                targets.insert(tensor, key.clone());
            }
        }
        let lora = lora.clone();
        Ok(Merge { lora, weight, targets, whole, ranks, latest: Mutex::default() })
    }

    /// How many tensors it changes.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    async fn layer(&self, tensor: &str) -> Result<Arc<LayerDelta>> {
        if let Some((_, layer)) = self.latest().as_ref().filter(|(name, _)| name == tensor) {
            return Ok(layer.clone());
        }
        let layer = Arc::new(self.lora.layer(&self.targets[tensor]).await?);
        *self.latest() = Some((tensor.to_owned(), layer.clone()));
        Ok(layer)
    }

    fn latest(&self) -> MutexGuard<'_, Option<(String, Arc<LayerDelta>)>> {
        self.latest.lock().expect("nobody panics while it is held")
    }
}

impl Change for Merge {
    fn concerns(&self, tensor: &TensorInfo) -> bool {
        // A LoRA of weight 0 changes nothing, not even by rounding.
        self.weight != 0.0 && self.targets.contains_key(&tensor.name)
    }

    fn needs_all_rows(&self, tensor: &TensorInfo) -> bool {
        self.whole.contains(&tensor.name)
    }

    fn product<'a>(&'a self, tensor: &'a TensorInfo) -> Option<(usize, LocalFuture<'a, Product>)> {
        let rank = *self.ranks.get(&tensor.name)?;
        let read = async move {
            let layer = self.layer(&tensor.name).await?;
            Ok(layer.product(self.weight).expect("a product when it was opened"))
        };
        Some((rank, Box::pin(read)))
    }

    fn key(&self) -> String {
        format!("{} {}", self.lora.sha256(), self.weight)
    }

    fn apply<'a>(
        &'a self,
        tensor: &'a TensorInfo,
        rows: Range<usize>,
        values: &'a mut [f32],
    ) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            if tensor.name.ends_with(".bias") {
                let added = self.lora.bias(&self.targets[&tensor.name]).await?;
                let added = added.get(rows).unwrap_or_default();
                values.iter_mut().zip(added).for_each(|(value, x)| *value += self.weight * x);
                return Ok(());
            }
            let layer = self.layer(&tensor.name).await?;
            let all = 0..tensor.shape.first().copied().unwrap_or(1);
            if layer.needs_all_rows() && rows != all {
                let reason = format!("its change of `{}` needs the whole layer", tensor.name);
                return Err(bad_file(self.lora.file(), reason));
            }
            layer.apply(rows, self.weight, values);
            Ok(())
        })
    }
}
