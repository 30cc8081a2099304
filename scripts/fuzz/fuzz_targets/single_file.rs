//! A checkpoint in one file, up to its configs: names, shapes, what else it could be.
#![no_main]

mod memory;

use darkroom::pipeline::Files;
use libfuzzer_sys::fuzz_target;
use memory::Memory;
use pollster::block_on;

fuzz_target!(|bytes: &[u8]| {
    let source = Memory(bytes);
    if let Ok(files) = block_on(Files::open(&source)) {
        assert!(files.describe().parameters > 0);
    }
});
