//! See [`darkroom_fuzz::single_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::single_file(bytes));
