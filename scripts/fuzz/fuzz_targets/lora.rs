//! See [`darkroom_fuzz::lora`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::lora(bytes));
