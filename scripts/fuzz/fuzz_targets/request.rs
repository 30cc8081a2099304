//! See [`darkroom_fuzz::request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::request(bytes));
