//! Checkpoint files of all formats: the header, then every tensor's numbers.
#![no_main]

mod memory;

use darkroom::weights::Archive;
use libfuzzer_sys::fuzz_target;
use memory::Memory;
use pollster::block_on;

fuzz_target!(|bytes: &[u8]| {
    let source = Memory(bytes);
    if let Ok(archive) = block_on(Archive::open(&source, "a")) {
        for info in archive.tensors() {
            assert!(info.range.end <= bytes.len() as u64);
            let loaded = block_on(archive.load(&source, &info.name));
            assert!(loaded.is_err() || loaded.is_ok_and(|n| n.len() == info.elements()));
        }
    }
});
