//! Torch files of before torch 1.6, damaged or made to do harm, and tensors in other orders.

use crate::harness::golden;
use crate::harness::mutate::mutate;
use crate::harness::random::Random;
use crate::hostile::{dictionary, open, open_all, tensor, text};

/// Files of before torch 1.6: mutated in the pickles at their beginning, where all but the numbers
/// is.
#[test]
fn damaged_legacy_torch_files() {
    let valid = legacy(&tensor(0, &[2, 2]), &[1, 2, 3, 4]);
    open_all("legacy", &valid, |valid, random, index| {
        let mut bytes = valid.to_vec();
        let head = bytes.len() - 24;
        let mut changed = mutate(&valid[..head], random, index);
        // Every other keeps its length, so that the storages stay where they were.
        if index % 2 == 0 {
            changed.resize(head, b'.');
        }
        bytes.splice(..head, changed);
        bytes
    });
    let whole = golden::bytes("foreign/eight.ckpt");
    let random = Random::new("eight");
    for index in 0..200 {
        open("eight bits", mutate_end(&whole, &random, index));
    }
}

/// Mutates the directory at the end of a zip.
fn mutate_end(valid: &[u8], random: &Random, index: usize) -> Vec<u8> {
    let start = valid.len() - 4_000;
    let changed = mutate(&valid[start..], random, index);
    [&valid[..start], &changed].concat()
}

/// A file of before torch 1.6 with one tensor, and its one storage of f32.
fn legacy(value: &[u8], numbers: &[u32]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let writer = [b"\x80\x02}", &text("little_endian")[..], b"\x88s."].concat();
    let keys = [b"\x80\x02]", &text("0")[..], b"a."].concat();
    let numbers: Vec<u8> = [
        (numbers.len() as u64).to_le_bytes().to_vec(),
        numbers.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect(),
    ]
    .concat();
    [&magic[..], b"\x80\x02M\xe9\x03.", &writer, &dictionary(value), &keys, &numbers].concat()
}

#[test]
fn legacy_torch_files_that_mean_harm() {
    let good = legacy(&tensor(0, &[2, 2]), &[1, 2, 3, 4]);
    assert!(open("a good one", good.clone()));
    let mut endless = good.clone();
    let count = endless.len() - 24;
    endless[count..count + 8].fill(0xff);
    assert!(!open("2^64 numbers", endless));
    assert!(!open("cut", good[..good.len() - 1].to_vec()));
    assert!(!open("beyond its storage", legacy(&tensor(1, &[2, 2]), &[1, 2, 3, 4])));
    let big = [&good[..15], b"\x80\x02M\xe9\x03.", b"\x80\x02}", &text("little_endian"), b"\x89s."];
    let rest = &good[15 + 6 + 3 + text("little_endian").len() + 3..];
    assert!(!open("big-endian", [&big.concat()[..], rest].concat()));
    // Pickles without an end are read for so long and no longer.
    let endless = [&good[..15], &b"\x80\x02]"[..], &vec![b'N'; 3_000_000]].concat();
    assert!(!open("no end", endless));
    // Numbers in another order, and a view that repeats one number a million times.
    let strided = |shape: [u8; 2], strides: [u8; 2]| {
        let tuple = |n: [u8; 2]| vec![b'K', n[0], b'K', n[1], 0x86];
        let storage =
            [b"(", &text("storage")[..], b"ctorch\nFloatStorage\n", &text("0"), b"NNtQ"].concat();
        let parts = [storage, b"K\x00".to_vec(), tuple(shape), tuple(strides)].concat();
        legacy(
            &[b"ctorch._utils\n_rebuild_tensor_v2\n(", &parts[..], b"tR"].concat(),
            &[1, 2, 3, 4],
        )
    };
    assert!(open("transposed", strided([2, 2], [1, 2])));
    assert!(!open("transposed beyond its storage", strided([2, 2], [1, 3])));
    assert!(!open("one number, again and again", strided([255, 255], [0, 0])));
}
