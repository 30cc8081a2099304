//! The tokenizer's tables, `vocab.json` and `merges.txt` with a NUL between them, or a
//! `tokenizer.json`; then a prompt by them.
#![no_main]

use darkroom::text::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let tokenizer = match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => Tokenizer::new(&bytes[..at], &bytes[at + 1..]),
        None => Tokenizer::from_tokenizer_json(bytes),
    };
    if let Ok(tokenizer) = tokenizer {
        let tokens = tokenizer.encode("a red cat, \u{1f408}").expect("any text can be split");
        assert!(tokens.ids.iter().all(|id| *id < tokenizer.id_limit()));
    }
});
