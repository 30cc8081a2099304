//! See [`darkroom_fuzz::npy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| darkroom_fuzz::npy(bytes));
