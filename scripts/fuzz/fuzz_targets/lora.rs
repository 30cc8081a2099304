//! See [`darkroom_fuzz::parsers::lora`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::parsers::lora(bytes));
