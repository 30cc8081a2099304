//! What other programs answered: the files of tests/golden, written by scripts/golden.py.

use std::path::PathBuf;

use serde_json::Value;

/// The folder of a path inside the repository.
pub(crate) fn path(relative: &str) -> PathBuf {
    PathBuf::from(place("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))).join(relative)
}

/// What a variable says now, else what it was when the tests were built: the tests of the kernels
/// are also run on other machines, by `scripts/bench/gpu`.
pub(crate) fn place(variable: &str, built: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| built.into())
}

/// The bytes of a golden file.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = path("tests/golden").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A golden JSON file.
pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).expect("a golden is JSON")
}

/// The members of a list.
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("no list `{key}`"))
}

/// A text.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}`"))
}

/// A number.
pub(crate) fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("no number `{key}`"))
}

/// FNV-1a over little-endian words, as the scripts hash long arrays.
pub(crate) fn fnv(words: impl IntoIterator<Item = u32>) -> String {
    fnv_bytes(words.into_iter().flat_map(u32::to_le_bytes))
}

/// FNV-1a over bytes.
pub(crate) fn fnv_bytes(bytes: impl IntoIterator<Item = u8>) -> String {
    let hash = bytes.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
