//! See [`darkroom_fuzz::parsers::npy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::parsers::npy(bytes));
