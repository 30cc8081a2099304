//! See [`darkroom_fuzz::picture`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::picture(bytes));
