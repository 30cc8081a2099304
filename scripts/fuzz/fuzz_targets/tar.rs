//! See [`darkroom_fuzz::tar`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::tar(bytes));
