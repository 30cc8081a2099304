//! See [`darkroom_fuzz::manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::manifest(bytes));
