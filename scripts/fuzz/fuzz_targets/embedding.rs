//! See [`darkroom_fuzz::embedding`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::embedding(bytes));
