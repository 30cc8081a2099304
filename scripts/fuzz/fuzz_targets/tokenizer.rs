//! See [`darkroom_fuzz::tokenizer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::tokenizer(bytes));
