//! See [`darkroom_fuzz::prompt`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::prompt(bytes));
