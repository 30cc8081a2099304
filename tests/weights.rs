//! Checkpoint files: read as others write them, written as others read them, and damaged in every
//! way that a download can be.

use std::cell::Cell;
use std::ops::Range;
use std::path::PathBuf;

use darkroom::dtype::FileType;
use darkroom::weights::{
    Archive, FileSource, LocalFuture, SafetensorsWriter, Source, decode, npy, read_all,
};
use darkroom::{Error, Result};
use serde_json::Value;

use crate::harness::golden;
use crate::harness::mutate::mutate;
use crate::harness::random::Random;

/// A source of one file, which counts what is read of it.
struct Memory {
    bytes: Vec<u8>,
    read: Cell<u64>,
}

impl Memory {
    fn new(bytes: Vec<u8>) -> Self {
        Memory { bytes, read: Cell::new(0) }
    }

    fn open(&self) -> Result<Archive> {
        pollster::block_on(Archive::open(self, "memory.safetensors"))
    }

    fn load(&self, archive: &Archive, name: &str) -> Result<Vec<f32>> {
        pollster::block_on(archive.load(self, name))
    }
}

impl Source for Memory {
    fn size<'a>(&'a self, _: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async { Ok(self.bytes.len() as u64) })
    }

    fn read<'a>(&'a self, _: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let bytes = self.bytes.get(range.start as usize..range.end as usize);
            let bytes = bytes.expect("a range inside the file").to_vec();
            self.read.set(self.read.get() + bytes.len() as u64);
            Ok(bytes)
        })
    }
}

/// A file with this header and `data` bytes after it.
fn file(header: &str, data: usize) -> Memory {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 7);
    Memory::new(bytes)
}

#[track_caller]
fn assert_bad<T>(result: Result<T>, words: &str) {
    match result {
        Err(Error::BadFile { reason, .. }) => assert!(reason.contains(words), "{reason}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was read"),
    }
}

#[test]
fn reads_what_safetensors_writes() {
    let source = Memory::new(golden::bytes("weights.safetensors"));
    let archive = source.open().expect("a valid file");
    let size = source.bytes.len() as u64;
    let data: u64 = archive.tensors().iter().map(|t| t.range.end - t.range.start).sum();
    assert_eq!(source.read.get(), size - data, "only the header is read");
    let made_by = archive.metadata().get("made_by").map(String::as_str);
    assert_eq!(made_by, Some("scripts/golden.py weights"));

    let floats = [0.0, -1.5, 65504.0, 2f32.powi(-14), 2f32.powi(-24), 0.333_251_95];
    for (name, exact) in [("f32", 6), ("f16", 6), ("bf16", 2), ("f64", 6)] {
        let name = format!("floats.{name}");
        assert_eq!(archive.get(&name).expect("there").shape, [2, 3]);
        let loaded = source.load(&archive, &name).expect("floats");
        assert_eq!(loaded[..exact], floats[..exact], "{name}");
        let near = loaded.iter().zip(floats).all(|(a, b)| (a - b).abs() <= b.abs() / 256.0);
        assert!(near, "{name}: {loaded:?}");
    }
    assert_eq!(source.load(&archive, "scalar"), Ok(vec![7.0]));
    assert_eq!(source.load(&archive, "empty"), Ok(vec![]));
    let ids = archive.get("position_ids").expect("there");
    assert_eq!((ids.file_type, &ids.shape[..], ids.elements()), (FileType::I64, &[1, 5][..], 5));
    assert_bad(source.load(&archive, "position_ids"), "does not hold floats");
    assert!(matches!(source.load(&archive, "none"), Err(Error::MissingTensor { .. })));
    let mut ends =
        archive.tensors().windows(2).map(|pair| pair[0].range.end == pair[1].range.start);
    assert!(ends.all(|adjacent| adjacent), "file order");
}

#[test]
fn f16_is_widened_exactly() {
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let mut numbers = Vec::new();
    decode(FileType::F16, &bytes, &mut numbers).expect("floats");
    for (bits, number) in (0..=u16::MAX).zip(numbers) {
        let expected = half::f16::from_bits(bits).to_f32();
        let same = number.to_bits() == expected.to_bits() || number.is_nan() && expected.is_nan();
        assert!(same, "{bits:#06x}: {number} against {expected}");
    }
    let mut numbers = vec![1.0];
    decode(FileType::BF16, &[0x80, 0x3f, 0xc0, 0xff], &mut numbers).expect("floats");
    assert_eq!(numbers[..2], [1.0, 1.0], "appended");
    assert!(numbers[2].is_nan());
    assert_bad(decode(FileType::F32, &[0; 7], &mut numbers), "7 bytes");
    assert_bad(decode(FileType::U8, &[0; 7], &mut numbers), "not a float");
}

#[test]
fn writes_what_it_reads() {
    let list = [
        ("b", FileType::F16, vec![3]),
        ("a \"quoted\" \u{732b}", FileType::F32, vec![2, 2]),
        ("none", FileType::F32, vec![0, 9]),
    ];
    let metadata = [("format", "pt")];
    let data: Vec<u8> = (0..22).collect();
    let mut writer =
        SafetensorsWriter::new(Vec::new(), "w", &list, &metadata).expect("a valid list");
    for piece in data.chunks(5) {
        writer.write(piece).expect("bytes that were announced");
    }
    let bytes = writer.finish().expect("all bytes came");
    let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
    assert!(header.is_multiple_of(8));
    let source = Memory::new(bytes);
    let archive = source.open().expect("our own file");
    assert_eq!(archive.metadata().get("format").map(String::as_str), Some("pt"));
    for ((name, file_type, shape), tensor) in list.iter().zip(archive.tensors()) {
        assert_eq!((&tensor.name[..], tensor.file_type, &tensor.shape), (*name, *file_type, shape));
    }
    let first = archive.tensors()[0].range.start as usize;
    assert_eq!(source.bytes[first..], data);

    let start = || SafetensorsWriter::new(Vec::new(), "w", &list, &[]).expect("a valid list");
    assert!(matches!(start().finish(), Err(Error::Write { .. })), "bytes are missing");
    assert!(matches!(start().write(&[0; 23]), Err(Error::Write { .. })), "one byte too many");
    for list in [vec![("a", vec![1]), ("a", vec![1])], vec![("a", vec![usize::MAX, 2])]] {
        let list: Vec<_> =
            list.into_iter().map(|(name, shape)| (name, FileType::F32, shape)).collect();
        let writer = SafetensorsWriter::new(Vec::new(), "w", &list, &[]);
        assert!(matches!(writer, Err(Error::Write { .. })));
    }
}

#[test]
fn false_headers_are_refused() {
    let tensor = |rest: &str| format!(r#"{{"a":{{"dtype":"F32",{rest}}}}}"#);
    let good = tensor(r#""shape":[2],"data_offsets":[0,8]"#);
    file(&good, 8).open().expect("valid");
    file("{}", 0).open().expect("valid and empty");
    // A type that nobody knows hinders only who asks for it; odd values say nothing.
    let unknown = file(&good.replace("F32", "F31"), 8);
    let archive = unknown.open().expect("nobody has asked for it");
    assert_bad(unknown.load(&archive, "a"), "does not hold floats");
    for metadata in [r#"{"a":1,"b":"c"}"#, r#"{"a":{"c":[null]},"b":"c"}"#] {
        let archive = file(&format!(r#"{{"__metadata__":{metadata}}}"#), 0).open().expect("valid");
        assert_eq!(archive.metadata().len(), 1, "{metadata}");
    }
    for metadata in ["null", "[1]", "3"] {
        let archive = file(&format!(r#"{{"__metadata__":{metadata}}}"#), 0).open().expect("valid");
        assert!(archive.metadata().is_empty(), "{metadata}");
    }
    for (header, data, words) in [
        (good.clone(), 7, "lies at bytes"),
        (good.clone(), 9, "end at byte"),
        (tensor(r#""shape":[3],"data_offsets":[0,8]"#), 8, "cannot have"),
        (tensor(r#""shape":[2],"data_offsets":[8,0]"#), 8, "lies at bytes"),
        (tensor(r#""shape":[1],"data_offsets":[4,8]"#), 8, "gap"),
        (tensor(r#""shape":[-2],"data_offsets":[0,8]"#), 8, "not safetensors"),
        (tensor(r#""shape":[2.0],"data_offsets":[0,8]"#), 8, "not safetensors"),
        (tensor(r#""shape":[2]"#), 8, "not safetensors"),
        (tensor(r#""shape":[4294967296,4294967296,2],"data_offsets":[0,0]"#), 0, "cannot have"),
        (tensor(r#""shape":[0,4294967296,4294967296],"data_offsets":[0,0]"#), 0, "cannot have"),
        (tensor(r#""shape":[2],"data_offsets":[0,18446744073709551615]"#), 8, "lies at bytes"),
        (
            r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                "b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#
                .to_owned(),
            3,
            "overlaps",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                "a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
                .to_owned(),
            2,
            "appears twice",
        ),
        ("[]".to_owned(), 0, "not safetensors"),
        ("[".repeat(5000), 0, "not safetensors"),
        (String::new(), 0, "not safetensors"),
        (format!("{good}x"), 8, "not safetensors"),
    ] {
        assert_bad(file(&header, data).open(), words);
    }
    for bytes in [vec![], vec![0; 7], vec![0xff; 8], [vec![9, 0, 0, 0, 0, 0, 0, 0, b'{']].concat()]
    {
        assert_bad(Memory::new(bytes).open(), "");
    }
}

/// A source that answers with fewer bytes than were asked for is a fault of the source.
#[test]
fn short_answers_are_noticed() {
    struct Short(Memory);
    impl Source for Short {
        fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
            self.0.size(path)
        }
        fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
            self.0.read(path, range.start..range.end - 1)
        }
    }
    let source = Short(file("{}", 0));
    let opened = pollster::block_on(Archive::open(&source, "a"));
    assert!(matches!(opened, Err(Error::Source { .. })), "{opened:?}");
}

/// A folder of this process alone, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("darkroom-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("unet")).expect("a folder for tests");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn folders_are_sources() {
    let folder = Folder::new("source");
    std::fs::write(folder.0.join("unet/config.json"), b"0123456789").expect("a file");
    let source = FileSource::new(folder.0.join("unet"));
    pollster::block_on(async {
        assert_eq!(source.size("config.json").await, Ok(10));
        assert_eq!(source.read("config.json", 3..5).await, Ok(b"34".to_vec()));
        assert_eq!(source.read("config.json", 10..10).await, Ok(vec![]));
        assert_eq!(read_all(&source, "config.json", 10).await, Ok(b"0123456789".to_vec()));
        assert_bad(read_all(&source, "config.json", 9).await, "at most 9");
        for range in [5..11, 11..12, Range { start: 5, end: 4 }, 0..u64::MAX] {
            let read = source.read("config.json", range).await;
            assert!(matches!(read, Err(Error::Source { .. })), "{read:?}");
        }
        for path in ["none.json", "a/b/c", "."] {
            assert!(source.size(path).await.is_err(), "{path}");
        }
        assert!(matches!(source.size("none").await, Err(Error::NotFound { .. })));
        let outside =
            ["../unet/config.json", "/etc/hostname", "", "..", "a/../../x", "..\\x", "a\0"];
        for path in outside {
            let size = source.size(path).await;
            assert!(matches!(size, Err(Error::Source { .. })), "{path}: {size:?}");
        }
        let whole = FileSource::new(&folder.0);
        assert_eq!(whole.size("unet/config.json").await, Ok(10));
        assert!(matches!(whole.size("unet").await, Err(Error::NotFound { .. })), "a folder");
    });
}

fn hex(value: &Value, key: &str) -> Vec<u8> {
    let text = golden::text(value, key);
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(byte).collect()
}

#[test]
fn npy_files_are_numpys() {
    let golden = golden::json("npy.json");
    assert_eq!(npy::write_f32(&[1, 3], &[1.5, -2.0, 3.25]), hex(&golden, "f32"));
    assert_eq!(npy::write_i64(&[4], &[0, 1, 2, 3]), hex(&golden, "i64"));
    let f32s = npy::read("f32", &hex(&golden, "f32")).expect("f32");
    assert_eq!((&f32s.shape[..], &f32s.data[..]), (&[1, 3][..], &[1.5, -2.0, 3.25][..]));
    let f64s = npy::read("f64", &hex(&golden, "f64")).expect("f64");
    assert_eq!((&f64s.shape[..], &f64s.data[..]), (&[2, 1][..], &[0.1, 2.0][..]));
    let scalar = npy::write_f32(&[], &[4.0]);
    assert!(npy::read("scalar", &scalar).expect("scalar").shape.is_empty());
    for (key, words) in
        [("i64", "neither"), ("column_order", "column by column"), ("big_endian", "neither")]
    {
        assert_bad(npy::read(key, &hex(&golden, key)), words);
    }
    let valid = npy::write_f32(&[2, 3], &[0.5; 6]);
    let random = Random::new("npy");
    for index in 0..5_000 {
        if let Ok(array) = npy::read("damaged", &mutate(&valid, &random, index)) {
            assert_eq!(array.shape.iter().product::<usize>(), array.data.len());
        }
    }
}
