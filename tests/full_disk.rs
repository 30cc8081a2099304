//! The native program on a disk that is full: it says which file could not be written, leaves no
//! part of one under its name, and what was there stays.

use crate::made_up::{program, scratch, tiny};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the program in a shell whose files may not grow beyond so many kilobytes, as on a disk that
/// is full.
fn limited(kilobytes: usize, arguments: &[&str]) -> Output {
    // The signal that a file is too large is ignored, so that the write fails.
    let shell = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
    let program = env!("CARGO_BIN_EXE_darkroom");
    Command::new("bash").args(["-c", &shell, program]).args(arguments).output().unwrap()
}

/// Fails unless the program ended with a sentence that has `part`.
fn assert_fault(output: &Output, part: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{error}");
    assert!(error.contains(part) && !error.contains("panicked"), "no {part:?} in {error:?}");
}

/// Paths of all files of a folder and of those in it, from there, in order.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(one) = folders.pop() {
        for entry in std::fs::read_dir(one).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative: PathBuf = path.strip_prefix(folder).unwrap().to_owned();
                found.push(relative.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_full_disk_ends_the_run_and_leaves_what_was_there() {
    let folder = scratch("full");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (list, out) = (path("jobs.jsonl"), path("out"));
    std::fs::create_dir(&out).unwrap();
    let line = "{\"prompt\": \"a cat\"}\n";
    std::fs::write(&list, line.repeat(3)).unwrap();
    std::fs::write(path("old.png"), "an old picture").unwrap();
    let model = tiny().to_str().unwrap();
    let generate = |arguments: &[&str]| {
        let common = ["generate", "--model", model, "--steps", "1"];
        limited(1, &[&common[..], arguments].concat())
    };
    let output = generate(&["--jobs", &list, "--out-dir", &out]);
    assert_fault(&output, "00000.png could not be written");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!error.contains("2 of 3"), "it went on: {error}");
    let output = generate(&["--prompt", "a", "--out", &path("old.png")]);
    assert_fault(&output, "old.png could not be written");
    assert_eq!(std::fs::read(path("old.png")).unwrap(), b"an old picture");
    assert_eq!(files(&folder), ["jobs.jsonl", "old.png"]);
    std::fs::remove_dir_all(folder).unwrap();
}

/// A file that was there stays, and a new one is not there by half.
#[test]
fn what_converts_and_makes_models_leaves_no_half_file() {
    let folder = scratch("full-models");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let model = tiny().to_str().unwrap();
    for name in ["old.safetensors", "old.gguf"] {
        std::fs::write(path(name), "an old model").unwrap();
    }
    for (to, part) in [
        ("old.safetensors", "old.safetensors could not be written"),
        ("old.gguf", "old.gguf could not be written"),
        ("new.gguf", "new.gguf could not be written"),
        ("folder", "could not be written"),
    ] {
        let output = limited(100, &["convert", "--model", model, "--to", &path(to)]);
        assert_fault(&output, part);
    }
    let output = limited(100, &["synth", "--config", "tiny", "--out", &path("made")]);
    assert_fault(&output, "could not be written");
    // The same with room: what the full disk has is as it should be, file by file.
    let whole = scratch("full-models-whole");
    let to = |name: &str| whole.join(name).to_str().unwrap().to_string();
    for arguments in [
        &["convert", "--model", model, "--to", &to("folder")][..],
        &["synth", "--config", "tiny", "--out", &to("made")],
    ] {
        let output = program(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (left, all) = (files(&folder), files(&whole));
    for name in &left {
        let bytes = std::fs::read(path(name)).unwrap();
        match name.as_str() {
            "old.safetensors" | "old.gguf" => assert_eq!(bytes, b"an old model", "{name}"),
            _ => assert_eq!(bytes, std::fs::read(whole.join(name)).unwrap(), "half of {name}"),
        }
    }
    for made in ["folder/", "made/"] {
        let count = |files: &[String]| files.iter().filter(|name| name.starts_with(made)).count();
        assert!(count(&left) < count(&all), "{made} did not fit: {left:?} of {all:?}");
    }
    std::fs::remove_dir_all(whole).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

/// A manifest is written whole or not at all: the one that was there stays.
#[test]
fn a_manifest_that_does_not_fit_leaves_the_old_one() {
    let folder = scratch("full-manifest");
    std::fs::write(folder.join("model.safetensors"), vec![7; 4 << 20]).unwrap();
    std::fs::write(folder.join("manifest.json"), "an old manifest").unwrap();
    let model = folder.to_str().unwrap();
    let words = ["manifest", "--model", model, "--licence", "MIT", "--write"];
    // 64 hashes: the list is longer than the limit.
    let output = limited(1, &[&words[..], &["--chunk-bytes", "65536"]].concat());
    assert_fault(&output, "manifest.json could not be written");
    let old = std::fs::read(folder.join("manifest.json")).unwrap();
    assert_eq!(old, b"an old manifest");
    assert_eq!(files(&folder), ["manifest.json", "model.safetensors"]);
    std::fs::remove_dir_all(folder).unwrap();
}
