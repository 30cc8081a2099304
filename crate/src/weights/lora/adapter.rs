//! What a file's header says of a LoRA's strength: diffusers writes PEFT's config there instead of
//! an alpha beside every layer (`lora_adapter_metadata`).

use super::names::Names;
use serde_json::Value;
use std::collections::BTreeMap;

/// The key of the header's text.
const METADATA: &str = "lora_adapter_metadata";

/// PEFT's `LoraConfig` of one network, as far as it says how strong a layer is.
#[derive(Debug)]
pub(super) struct Adapter {
    lora_alpha: Option<f32>,
    /// Alphas of modules whose name ends so.
    alpha_pattern: Vec<(String, f32)>,
    /// Whether an alpha is divided by the root of the rank.
    pub use_rslora: bool,
}

impl Adapter {
    /// Of the network whose fields begin with `prefix`, such as `unet.`; none where the header has
    /// none.
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
    pub(super) fn alpha(&self, names: &Names) -> Option<f32> {
        let of_layer = |(pattern, alpha): &(String, f32)| {
            let module = format!("{pattern}.lora_");
            names.values().any(|name| name.contains(&module)).then_some(*alpha)
        };
        self.alpha_pattern.iter().find_map(of_layer).or(self.lora_alpha)
    }
}
