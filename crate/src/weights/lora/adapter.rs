//! The alphas of a LoRA from the file's metadata: diffusers writes PEFT's config there
//! (`lora_adapter_metadata`), instead of a tensor `alpha` for each layer.

use super::names::TensorNames;
use serde_json::Value;
use std::collections::BTreeMap;

/// The key in the metadata.
const METADATA: &str = "lora_adapter_metadata";

/// PEFT's `LoraConfig` of one network: the fields that set the scale of a layer.
#[derive(Debug)]
pub(super) struct Adapter {
    lora_alpha: Option<f32>,
    /// Ends of module names, and the alphas of these modules.
    alpha_pattern: Vec<(String, f32)>,
    /// Whether alpha is divided by the square root of the rank, instead of the rank.
    pub use_rslora: bool,
}

impl Adapter {
    /// The config of the network whose fields begin with `prefix`, such as `unet.`; `None` where
    /// the metadata has none.
    pub(super) fn read(metadata: &BTreeMap<String, String>, prefix: &str) -> Option<Adapter> {
        let json: Value = serde_json::from_str(metadata.get(METADATA)?).ok()?;
        let field = |name: &str| json.get(format!("{prefix}{name}"));
        let pattern = field("alpha_pattern").and_then(Value::as_object);
        let lora_alpha = field("lora_alpha").and_then(Value::as_f64).map(|alpha| alpha as f32);
        Some(Adapter {
            lora_alpha,
            alpha_pattern: pattern
                .into_iter()
                .flatten()
                .filter_map(|(name, alpha)| Some((name.clone(), alpha.as_f64()? as f32)))
                .collect(),
            use_rslora: field("use_rslora").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    /// The alpha of a layer with tensors of these names.
    pub(super) fn alpha(&self, names: &TensorNames) -> Option<f32> {
        let of_layer = |(pattern, alpha): &(String, f32)| {
            let module = format!("{pattern}.lora_");
            names.values().any(|name| name.contains(&module)).then_some(*alpha)
        };
        self.alpha_pattern.iter().find_map(of_layer).or(self.lora_alpha)
    }
}
