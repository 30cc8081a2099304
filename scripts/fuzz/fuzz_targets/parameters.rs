//! See [`darkroom_fuzz::parameters`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::parameters(bytes));
