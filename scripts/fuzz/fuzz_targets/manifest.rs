//! See [`darkroom_fuzz::parsers::manifest`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::parsers::manifest(bytes));
