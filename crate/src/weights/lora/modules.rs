//! The layers of a network that a LoRA can change, by all spellings of their names.

use crate::weights::Archive;
use crate::weights::names::{Names, UnetLevel};
use std::collections::HashMap;

/// The module's name in the archive, by each of its spellings.
pub(super) type Modules = HashMap<String, String>;

/// The table of a text encoder's tokens, which is no layer that LoRAs are made for.
const TABLE: &str = "token_embedding";

/// The modules of an archive that have a weight: by diffusers' name, by that of a single-file
/// checkpoint where `names` knows it, and by both with underscores.
pub(super) fn modules(archive: &Archive, names: Option<&Names>) -> Modules {
    let modules = archive.tensors().iter().filter_map(|info| info.name.strip_suffix(".weight"));
    let modules = modules.filter(|module| !module.ends_with(TABLE));
    let mut known = HashMap::new();
    for module in modules {
        let ldm = names.and_then(|names| names.to_ldm(&format!("{module}.weight")));
        let ldm = ldm.as_ref().and_then(|name| Some(name.strip_suffix(".weight")?.to_owned()));
        for name in [Some(module.to_owned()), ldm].into_iter().flatten() {
            known.insert(name.replace('.', "_"), module.to_owned());
            known.insert(name, module.to_owned());
        }
    }
    known
}

/// Those of a UNet with these levels. The layers of a distilled UNet without a middle have the
/// names that they have in v1.4, which count in threes.
pub(super) fn unet_modules(unet: &Archive, levels: &[UnetLevel]) -> Modules {
    let has_middle = unet.tensors().iter().any(|info| info.name.starts_with("mid_block."));
    let in_threes = !has_middle && levels.iter().all(|level| level.layers == 1);
    let names = if in_threes { Names::unet_in_threes(levels) } else { Names::unet(levels) };
    modules(unet, Some(&names))
}

/// The module with this name in a LoRA. Some text encoders are saved without `text_model.`, so the
/// name is looked for with and without it.
pub(super) fn find<'a>(modules: &'a Modules, name: &str) -> Option<&'a String> {
    let other = || {
        for beginning in ["text_model.", "text_model_"] {
            if let Some(rest) = name.strip_prefix(beginning) {
                return modules.get(rest);
            }
        }
        modules
            .get(&format!("text_model.{name}"))
            .or_else(|| modules.get(&format!("text_model_{name}")))
    };
    modules.get(name).or_else(other)
}
