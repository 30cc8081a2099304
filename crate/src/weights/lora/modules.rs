//! The layers of a network that a LoRA can change, by the spellings of their names.

use crate::weights::Archive;
use std::collections::HashMap;

/// Modules of a network by all spellings of their names.
pub(super) type Modules = HashMap<String, String>;

/// The modules of an archive that have a weight of two dimensions or more, by their name with dots
/// and by that with underscores.
pub(super) fn modules(archive: &Archive) -> Modules {
    let weights = archive.tensors().iter().filter(|tensor| tensor.shape.len() >= 2);
    let modules = weights.filter_map(|tensor| tensor.name.strip_suffix(".weight"));
    modules
        .flat_map(|name| [name.to_owned(), name.replace('.', "_")].map(|s| (s, name.into())))
        .collect()
}

/// A module by a LoRA's name of it: newer text encoders are saved without `text_model.`.
pub(super) fn find<'a>(modules: &'a Modules, name: &str) -> Option<&'a String> {
    let without = || {
        let rest = name.strip_prefix("text_model.").or_else(|| name.strip_prefix("text_model_"))?;
        modules.get(rest)
    };
    modules.get(name).or_else(without)
}
