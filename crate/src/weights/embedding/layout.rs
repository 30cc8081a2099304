//! Finds the vectors in the file of a textual inversion, whichever program wrote it.
//!
//! ```text
//! string_to_param: {"*": [n, c]}    AUTOMATIC1111's .pt, and the first programs of all
//! emb_params: [n, c]                the same and kohya, as safetensors
//! "<word>": [c] or [n, c]           diffusers
//! clip_l: [n, c]                    ComfyUI; beside clip_g it is for SDXL
//! ```

use crate::weights::Archive;
use crate::weights::formats::header::TensorInfo;
use crate::weights::formats::torch;
use crate::weights::single_file::identify::{INVERSION, instead_of_sd_v1};

/// Names of tensors, and the models that they are for.
const OTHERS: [(&str, &str); 3] = [
    ("t5xxl", "Stable Diffusion 3"),
    ("clip_g", "Stable Diffusion XL"),
    ("text_encoders_1", "Stable Diffusion XL"),
];
/// Names of the tensor with the vectors that are no words.
const VECTORS: [&str; 2] = ["emb_params", "clip_l"];
/// The longest word that is taken from a file, in bytes.
const WORD_BYTES_MAX: usize = 256;

/// Where the vectors are.
pub(super) struct Vectors<'a> {
    /// `[c]` or `[n, c]`.
    pub tensor: &'a TensorInfo,
    /// The word for them, where the file has one: diffusers' token.
    pub word: Option<&'a str>,
}

/// Finds the vectors.
///
/// # Errors
/// What the file is instead, as the end of a sentence.
pub(super) fn find(archive: &Archive) -> Result<Vectors<'_>, String> {
    if let Some(reason) = for_other(archive) {
        return Err(reason);
    }
    let all = archive.tensors();
    let mut named: Vec<_> = all.iter().filter(|info| is_vectors(info)).collect();
    let by_word = named.is_empty() && all.iter().all(is_word);
    if by_word {
        named = all.iter().collect();
    }
    match named[..] {
        [tensor] => {
            let word = Some(tensor.name.as_str())
                .filter(|word| by_word && !word.trim().is_empty() && word.len() <= WORD_BYTES_MAX);
            Ok(Vectors { tensor, word })
        }
        [] => Err(instead(archive)),
        _ => {
            let (count, advice) = (named.len(), "save each in a file of its own");
            Err(format!("it is a textual inversion of {count} words: {advice}"))
        }
    }
}

/// What a textual inversion for another kind of model is for.
pub(super) fn for_other(archive: &Archive) -> Option<String> {
    let (_, kind) = OTHERS.iter().find(|(name, _)| archive.get(name).is_some())?;
    let reason = "only those for Stable Diffusion 1 fit";
    Some(format!("it is a textual inversion for {kind}; {reason}"))
}

/// Whether the name says that the tensor holds the vectors.
fn is_vectors(info: &TensorInfo) -> bool {
    let in_dictionary = info.name.strip_prefix(torch::INVERSION).is_some_and(|rest| {
        // `string_to_param.*`
        rest.starts_with('.')
    });
    info.file_type.is_float() && (in_dictionary || VECTORS.contains(&info.name.as_str()))
}

/// Whether the tensor may be the vectors of the word that is its name: names of weights have dots.
fn is_word(info: &TensorInfo) -> bool {
    let in_brackets = info.name.starts_with('<') && info.name.ends_with('>');
    let is_name = in_brackets || !info.name.contains('.');
    is_name && info.file_type.is_float() && matches!(info.shape.len(), 1 | 2)
}

/// What the file is, which is no textual inversion that is read.
fn instead(archive: &Archive) -> String {
    let known = archive.metadata().contains_key(torch::INVERSION).then(|| INVERSION.to_owned());
    match known.or_else(|| instead_of_sd_v1(archive)) {
        Some(what) if what == INVERSION => {
            let advice = "load it with the program that made it, and save it as safetensors";
            format!("it is a textual inversion whose vectors are nowhere that is known: {advice}")
        }
        Some(what) => format!("it is {what}, and no textual inversion"),
        None => "it is a whole checkpoint, and no textual inversion".into(),
    }
}
