//! See [`darkroom_fuzz::taesd`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::taesd(bytes));
