//! Files made to do harm, and files that are merely damaged: the answer is a typed error or a
//! correct load, never a panic, and never more memory than the file's own size justifies.
//!
//! Ten thousand seeded mutations of each kind; PNG files are in `png`, the tokenizer's in
//! `tokenizer`. `scripts/fuzz` has the same parsers for a fuzzer that looks for more.

use crate::harness::allocations::most_held;
use crate::harness::bytes::Bytes;
use crate::harness::golden;
use crate::harness::mutate::mutate;
use crate::harness::random::Random;
use darkroom::diffusion::Schedule;
use darkroom::models::clip::TextConfig;
use darkroom::models::sd_v1_4;
use darkroom::models::taesd::TaesdConfig;
use darkroom::models::unet::UnetConfig;
use darkroom::models::vae::VaeConfig;
use darkroom::pipeline::Files;
use darkroom::weights::{Archive, Taesd};
use darkroom::{Error, Result};
use pollster::block_on;

pub(crate) const MUTATIONS: usize = 10_000;
/// Bytes that may be held for a byte of the file. A pickle's instruction of one byte makes an
/// object of 32, in a list that doubles as it grows; a block of Q2_K becomes twelve times as
/// many bytes of f32, beside candle's copy and the file's own.
pub(crate) const FACTOR: usize = 80;
/// And for any file at all.
pub(crate) const BASE: usize = 256 << 10;

/// Opens bytes and reads every tensor; whether it could be opened.
#[track_caller]
pub(crate) fn open(what: &str, bytes: Vec<u8>) -> bool {
    let size = bytes.len();
    let source = Bytes::checkpoint(bytes);
    let (opened, held) = most_held(|| {
        let archive = block_on(Archive::open(&source, "a"))?;
        for info in archive.tensors() {
            assert!(info.range.start <= info.range.end && info.range.end <= size as u64);
            let loaded = block_on(archive.load(&source, &info.name));
            assert!(matches!(loaded, Ok(_) | Err(Error::BadFile { .. })), "{loaded:?}");
            assert_eq!(loaded.map_or(info.elements(), |numbers| numbers.len()), info.elements());
        }
        Ok(())
    });
    let most = FACTOR * size + BASE;
    assert!(held <= most, "{what}: {held} bytes held for a file of {size}");
    match opened {
        Ok(()) => true,
        Err(Error::BadFile { .. }) => false,
        Err(other) => panic!("{what}: {other:?}"),
    }
}

/// Opens all mutations of a file; some must still be whole, or the damage is too coarse to prove
/// anything, and some must not.
pub(crate) fn open_all(
    name: &str,
    valid: &[u8],
    change: impl Fn(&[u8], &Random, usize) -> Vec<u8>,
) {
    let random = Random::new(name);
    let whole = (0..MUTATIONS)
        .filter(|index| open(&format!("{name} {index}"), change(valid, &random, *index)))
        .count();
    println!("{name}: {whole} of {MUTATIONS} could be opened");
    assert!((10..MUTATIONS - 500).contains(&whole), "{name}: {whole}");
}

#[test]
fn damaged_safetensors() {
    open_all("safetensors", &golden::bytes("weights.safetensors"), mutate);
}

#[test]
fn damaged_gguf() {
    open_all("gguf", &golden::bytes("formats/blocks.gguf"), mutate);
}

/// Where the pickle lies in torch's file.
fn pickle_of(ckpt: &[u8]) -> std::ops::Range<usize> {
    let field = |at: usize| usize::from(u16::from_le_bytes([ckpt[at], ckpt[at + 1]]));
    let start = 30 + field(26) + field(28);
    assert!(ckpt[30..].starts_with(b"vae/data.pkl"));
    let length = ckpt[start..].windows(3).position(|window| window == b".PK").unwrap();
    start..start + length + 1
}

/// Mutates the pickle, keeping its length; every fourth time the directory at the end, or all.
fn mutate_ckpt(valid: &[u8], random: &Random, index: usize) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    let part = match index % 8 {
        0 => return mutate(valid, random, index),
        1 => bytes.len() - 12_000..bytes.len(),
        _ => pickle_of(valid),
    };
    let mut changed = mutate(&valid[part.clone()], random, index);
    changed.resize(part.len(), b'.');
    bytes.splice(part, changed);
    bytes
}

#[test]
fn damaged_ckpt() {
    open_all("ckpt", &golden::bytes("formats/vae.bin"), mutate_ckpt);
}

/// The whole way from a damaged header, where configs and names are, to a model's files.
#[test]
fn damaged_single_files() {
    let valid = golden::bytes("formats/tiny.gguf");
    let random = Random::new("single file");
    // The list of tensors, with the configs before it; the numbers begin where it ends.
    let header = valid.windows(9).rposition(|window| window == b"attn_1.q.").unwrap_or(20_000);
    let mut opened = 0;
    for index in 0..2_000 {
        let mut bytes = valid.clone();
        let mut changed = mutate(&valid[..header], &random, index);
        changed.resize(header, 0);
        bytes.splice(..header, changed);
        let (size, source) = (bytes.len(), Bytes::checkpoint(bytes));
        let (files, held) = most_held(|| block_on(Files::open(&source)));
        assert!(held <= FACTOR * size + BASE, "{index}: {held} bytes held for {size}");
        match files {
            Ok(_) => opened += 1,
            Err(
                Error::BadFile { .. }
                | Error::OtherModel { .. }
                | Error::MissingTensor { .. }
                | Error::Config { .. },
            ) => {}
            Err(other) => panic!("{index}: {other:?}"),
        }
    }
    println!("single file: {opened} of 2000 could be opened");
    assert!((10..1_990).contains(&opened), "{opened}");
}

/// From a damaged header to the sizes of a TAESD.
#[test]
fn damaged_taesds() {
    let valid = golden::bytes("taesd/theirs/merged.safetensors");
    let header = 8 + u64::from_le_bytes(valid[..8].try_into().unwrap()) as usize;
    let random = Random::new("taesd");
    let mut opened = 0;
    for index in 0..MUTATIONS {
        let mut bytes = valid.clone();
        let mut changed = mutate(&valid[8..header], &random, index);
        changed.resize(header - 8, b' ');
        bytes.splice(8..header, changed);
        let (size, source) = (bytes.len(), Bytes::checkpoint(bytes));
        let open = || block_on(Taesd::open(&source, "a")).and_then(|one| TaesdConfig::of(&one));
        let (config, held) = most_held(open);
        assert!(held <= FACTOR * size + BASE, "{index}: {held} bytes held for {size}");
        match config {
            Ok(_) => opened += 1,
            Err(Error::BadFile { .. }) => {}
            Err(other) => panic!("{index}: {other:?}"),
        }
    }
    println!("TAESD: {opened} of {MUTATIONS} could be opened");
    assert!((10..MUTATIONS - 50).contains(&opened), "{opened}");
}

#[test]
fn damaged_configs() {
    type Parse = fn(&str) -> Result<()>;
    let parsers: [(&str, &str, Parse); 4] = [
        ("unet", sd_v1_4::UNET, |json| UnetConfig::parse("a", json).map(drop)),
        ("vae", sd_v1_4::VAE, |json| VaeConfig::parse("a", json).map(drop)),
        ("text", sd_v1_4::TEXT_ENCODER, |json| TextConfig::parse("a", json).map(drop)),
        ("scheduler", sd_v1_4::SCHEDULER, |json| {
            Schedule::from_json("a", json.as_bytes()).map(drop)
        }),
    ];
    for (name, valid, parse) in parsers {
        let random = Random::new(name);
        let mut parsed = 0;
        for index in 0..MUTATIONS {
            let bytes = mutate(valid.as_bytes(), &random, index);
            let text = String::from_utf8_lossy(&bytes);
            let (answer, held) = most_held(|| parse(&text));
            // The scheduler's tables have an entry for each of its timesteps, however it says that.
            assert!(held <= FACTOR * text.len() + (1 << 20), "{name} {index}: {held} bytes");
            match answer {
                Ok(()) => parsed += 1,
                Err(Error::BadFile { .. } | Error::Config { .. }) => {}
                Err(other) => panic!("{name} {index}: {other:?}"),
            }
        }
        println!("{name}: {parsed} of {MUTATIONS} were still valid");
        assert!((10..MUTATIONS - 500).contains(&parsed), "{name}: {parsed}");
    }
}

#[test]
fn damaged_index_of_a_folder() {
    let random = Random::new("model index");
    let files = |index: Vec<u8>| {
        let configs = [
            ("scheduler/scheduler_config.json", sd_v1_4::SCHEDULER),
            ("text_encoder/config.json", sd_v1_4::TEXT_ENCODER),
            ("unet/config.json", sd_v1_4::UNET),
            ("vae/config.json", sd_v1_4::VAE),
        ];
        let texts = configs.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        let files = [vec![("model_index.json".to_owned(), index)], texts.to_vec()].concat();
        Bytes { files, checkpoint: None }
    };
    let mut passed = 0;
    for index in 0..MUTATIONS {
        let source = files(mutate(sd_v1_4::MODEL_INDEX.as_bytes(), &random, index));
        match block_on(Files::open(&source)).map(drop) {
            // An index that is accepted lacks only the weights.
            Err(Error::NotFound { path, .. }) => {
                assert_eq!(path, "text_encoder/model.safetensors");
                passed += 1;
            }
            Err(Error::BadFile { .. } | Error::Config { .. }) => {}
            other => panic!("{index}: {other:?}"),
        }
    }
    assert!((10..MUTATIONS - 500).contains(&passed), "{passed}");
}

/// A zip of stored files, as torch and the page write it.
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let (size, at) = ((bytes.len() as u32).to_le_bytes(), (zip.len() as u32).to_le_bytes());
        let name_length = (name.len() as u16).to_le_bytes();
        // From the flags to the length of the extra field: the same in both headers.
        let common = [&[0; 12][..], &size, &size, &name_length, &[0; 2]].concat();
        zip.extend([b"PK\x03\x04\x00\x00", &common[..]].concat());
        zip.extend(name.as_bytes());
        zip.extend(*bytes);
        directory.extend([b"PK\x01\x02\x00\x00\x00\x00", &common[..]].concat());
        directory.extend([&[0; 10][..], &at, name.as_bytes()].concat());
    }
    let (length, at) = ((directory.len() as u32).to_le_bytes(), (zip.len() as u32).to_le_bytes());
    zip.extend(&directory);
    zip.extend([&b"PK\x05\x06"[..], &[0; 8], &length, &at, &[0; 2]].concat());
    zip
}

fn ckpt(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zip_of(&[("a/data.pkl", pickle), ("a/data/0", storage)])
}

/// Instructions that push a text.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// Instructions that push a tensor of f32 in storage 0 of this shape, row by row.
pub(crate) fn tensor(offset: i32, shape: &[i32]) -> Vec<u8> {
    let int = |n: i32| [b"J", &n.to_le_bytes()[..]].concat();
    let tuple = |numbers: Vec<i32>| {
        [b"(", &numbers.into_iter().flat_map(int).collect::<Vec<_>>()[..], b"t"].concat()
    };
    let stride = |i: usize| shape[i + 1..].iter().fold(1_i32, |n, dim| n.saturating_mul(*dim));
    let strides = (0..shape.len()).map(stride).collect();
    let storage =
        [b"(", &text("storage")[..], b"ctorch\nFloatStorage\n", &text("0"), b"NNtQ"].concat();
    let parts = [storage, int(offset), tuple(shape.to_vec()), tuple(strides)].concat();
    [b"ctorch._utils\n_rebuild_tensor_v2\n(", &parts[..], b"tR"].concat()
}

/// A pickle of a dictionary with one entry.
pub(crate) fn dictionary(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}", &text("w")[..], value, b"s."].concat()
}

#[test]
fn pickles_that_mean_harm() {
    let storage = [1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    assert!(open("a good one", ckpt(&dictionary(&tensor(0, &[2, 2])), &storage)));
    assert!(open("a view", ckpt(&dictionary(&tensor(1, &[3])), &storage)));
    let refused = |what: &str, pickle: &[u8]| {
        assert!(!open(what, ckpt(pickle, &storage)), "{what} was opened");
    };
    refused("beyond its storage", &dictionary(&tensor(1, &[2, 2])));
    refused("before its storage", &dictionary(&tensor(-1, &[1])));
    refused("a negative size", &dictionary(&tensor(0, &[-1, 2])));
    refused("an endless size", &dictionary(&tensor(0, &[i32::MAX; 4])));
    refused("too many dimensions", &dictionary(&tensor(0, &[1; 100])));
    refused("a text of 4 GB", b"\x80\x02X\xff\xff\xff\xffabc.");
    refused("a text of 2^63 bytes", b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.");
    refused("no end", b"\x80\x02}");
    refused("an empty stack", b"\x80\x02R.");
    refused("no mark", b"\x80\x02t.");
    refused("a number of 255 bytes", &[&b"\x80\x02\x8a\xff"[..], &[7; 255], b"."].concat());
    refused("a list that holds itself", b"\x80\x02]q\x00h\x00a.");
    let nested = [&b"\x80\x02)"[..], &vec![0x85; 300_000], b"."].concat();
    refused("300 000 tuples in one another", &nested);
    let doubling = [&b"\x80\x02]q\x00"[..], &b"h\x00h\x00\x86q\x00".repeat(200), b"."].concat();
    refused("2^200 references", &doubling);
    let many = [&b"\x80\x02"[..], &vec![b'N'; 1_100_000], b"."].concat();
    refused("a million objects", &many);

    // A dictionary in itself is walked once; a thousand tensors on one storage are too many.
    let nested = [b"\x80\x02}q\x00", &text("a")[..], b"h\x00s", &tensor(0, &[4]), b"0."].concat();
    assert!(open("a dictionary that holds itself", ckpt(&nested, &storage)));
    let large = vec![0; 16_384];
    let entry = |i: usize| [text(&i.to_string()), b"h\x00".to_vec()].concat();
    let entries: Vec<u8> = (0..1000).flat_map(entry).collect();
    let shared = [b"\x80\x02", &tensor(0, &[4096])[..], b"q\x000}(", &entries, b"u."].concat();
    assert!(!open("a thousand views of one storage", ckpt(&shared, &large)));
}

#[test]
fn texts_beside_tensors_are_read_in_each_dictionary_around_them() {
    let dict = |entries: &[(&str, Vec<u8>)]| {
        let entry = |(key, value): &(&str, Vec<u8>)| [text(key), value.clone()].concat();
        [b"}(", &entries.iter().flat_map(entry).collect::<Vec<u8>>()[..], b"u"].concat()
    };
    let innermost = dict(&[("w", tensor(0, &[1])), ("a", text("innermost"))]);
    let middle = dict(&[("state_dict", innermost), ("a", text("middle")), ("b", text("middle"))]);
    let outer = dict(&[("state_dict", middle), ("b", text("outer"))]);
    let file = ckpt(&[b"\x80\x02", &outer[..], b"."].concat(), &1.0_f32.to_le_bytes());
    let archive = block_on(Archive::open(&Bytes::checkpoint(file), "a")).unwrap();
    assert!(archive.get("w").is_some());
    assert_eq!(archive.metadata()["a"], "middle");
    assert_eq!(archive.metadata()["b"], "outer");
}

/// What a pickle would call in Python is not called here.
#[test]
fn pickles_are_not_run() {
    let witness = std::env::temp_dir().join(format!("darkroom-pickle-{}", std::process::id()));
    let command = text(&format!("touch {}", witness.display()));
    let call = [b"cos\nsystem\n", &command[..], b"\x85R"].concat();
    let alone = [b"\x80\x02", &call[..], b"."].concat();
    assert!(!open("a call", ckpt(&alone, &[])));
    assert!(open("a call as a value", ckpt(&dictionary(&call), &[])), "it is no tensor");
    assert!(!witness.exists(), "it ran");
}

#[test]
fn other_headers_that_mean_harm() {
    let gguf = |tensors: u64, pairs: u64, rest: &[u8]| {
        let counts = [tensors.to_le_bytes(), pairs.to_le_bytes()].concat();
        [b"GGUF\x03\0\0\0", &counts[..], rest].concat()
    };
    let key = |name: &str| [&(name.len() as u64).to_le_bytes()[..], name.as_bytes()].concat();
    let long = (1_u64 << 62).to_le_bytes();
    let array = [&[9, 0, 0, 0][..], &[9, 0, 0, 0], &1_u64.to_le_bytes()].concat();
    let info = |dims: &[u64], kind: u32, offset: u64| {
        let dims_bytes: Vec<u8> = dims.iter().flat_map(|n| n.to_le_bytes()).collect();
        let count = (dims.len() as u32).to_le_bytes();
        [&key("w")[..], &count, &dims_bytes, &kind.to_le_bytes(), &offset.to_le_bytes()].concat()
    };
    let nested = [&key("k")[..], &array.repeat(5000)].concat();
    for (what, bytes) in [
        ("2^64 tensors", gguf(u64::MAX, 0, &[])),
        ("2^64 pairs", gguf(0, u64::MAX, &[])),
        ("a key of 2^62 bytes", gguf(0, 1, &long)),
        (
            "an array of 2^62",
            gguf(0, 1, &[&key("k")[..], &[9, 0, 0, 0, 0, 0, 0, 0], &long].concat()),
        ),
        ("arrays in one another", gguf(0, 1, &nested)),
        ("an endless size", gguf(1, 0, &info(&[1 << 40; 4], 0, 0))),
        ("no elements, endless", gguf(1, 0, &info(&[0, 1 << 40, 1 << 40], 0, 0))),
        ("five dimensions", gguf(1, 0, &info(&[1; 5], 0, 0))),
        ("half a block", gguf(1, 0, &info(&[16, 2], 8, 0))),
        ("far away", gguf(1, 0, &info(&[1], 0, u64::MAX - 2))),
        ("an unknown type", gguf(1, 0, &info(&[256], 19, 0))),
    ] {
        assert!(!open(what, bytes), "{what} was opened");
    }
    let safetensors =
        |json: &str| [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat();
    for json in [
        "[".repeat(100_000),
        format!("{{\"a\":{}", "{\"a\":".repeat(100_000)),
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#.into(),
        r#"{"a":{"dtype":"Q8_0","shape":[32],"data_offsets":[0,34]}}"#.into(),
    ] {
        assert!(!open("safetensors", safetensors(&json)));
    }
    let mut far = ckpt(&dictionary(b"N"), &[]);
    let end = far.len() - 6;
    far[end - 4..end + 2].fill(0xff);
    assert!(!open("a directory beyond the end", far));
}
