//! See [`darkroom_fuzz::parsers::single_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::parsers::single_file(bytes));
