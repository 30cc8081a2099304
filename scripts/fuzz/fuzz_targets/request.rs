//! See [`darkroom_fuzz::parsers::request`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::parsers::request(bytes));
