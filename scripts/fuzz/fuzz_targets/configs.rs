//! See [`darkroom_fuzz::configs`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::configs(bytes));
