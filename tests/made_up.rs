//! Made-up checkpoints for the tests of the whole pipeline: made by the program itself, from
//! nothing but names and a seed, so that no weights need be kept. `scripts/golden` makes the same
//! ones.

use crate::harness::golden::{path, place};
use darkroom::weights::{Archive, FileSource};
use pollster::block_on;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Runs the program.
pub(crate) fn program(arguments: &[&str]) -> Output {
    let program = place("CARGO_BIN_EXE_darkroom", env!("CARGO_BIN_EXE_darkroom"));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(path(""));
    command.output().expect("the program was built with this test")
}

/// A folder that only this run of the tests uses.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let all = place("CARGO_TARGET_TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    let folder = format!("{all}/{}-{name}", std::process::id());
    std::fs::create_dir_all(&folder).unwrap();
    folder.into()
}

/// The tiny checkpoint.
pub(crate) fn tiny() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| synth("tiny", "tiny"))
}

/// Makes a checkpoint of seed 1 in a folder of this name.
pub(crate) fn synth(config: &str, name: &str) -> PathBuf {
    synth_with(config, name, &[])
}

/// The same with further arguments.
pub(crate) fn synth_with(config: &str, name: &str, more: &[&str]) -> PathBuf {
    let folder = scratch(name);
    let out = folder.to_str().unwrap();
    let common = ["synth", "--config", config, "--seed", "1", "--out", out];
    let made = program(&[&common[..], more].concat());
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// The tiny checkpoint once more, with one file changed.
pub(crate) fn spoiled(name: &str, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let folder = scratch(name);
    copy(tiny(), &folder);
    let mut bytes = std::fs::read(folder.join(file)).unwrap();
    change(&mut bytes);
    std::fs::write(folder.join(file), bytes).unwrap();
    folder
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A file of tests/golden with arrays and texts.
pub(crate) struct Golden {
    source: FileSource,
    archive: Archive,
}

impl Golden {
    pub(crate) fn open(file: &str) -> Golden {
        let source = FileSource::new(path("tests/golden"));
        let archive = block_on(Archive::open(&source, file)).unwrap();
        Golden { source, archive }
    }

    /// A text of the header.
    pub(crate) fn text(&self, name: &str) -> &str {
        &self.archive.metadata()[name]
    }

    /// The numbers of an array.
    pub(crate) fn array(&self, name: &str) -> Vec<f32> {
        block_on(self.archive.load(&self.source, name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The shape of an array.
    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        &self.archive.get(name).unwrap_or_else(|| panic!("no {name}")).shape
    }

    /// The names of arrays that begin so, without the beginning.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let names = self.archive.tensors().iter().map(|tensor| tensor.name.as_str());
        names.filter_map(|name| name.strip_prefix(prefix)).map(str::to_string).collect()
    }
}

/// Σ(a−b)² / Σb²
pub(crate) fn nmse(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len());
    let pairs = || got.iter().zip(want).map(|(g, w)| (f64::from(*g), f64::from(*w)));
    let noise: f64 = pairs().map(|(g, w)| (g - w) * (g - w)).sum();
    noise / pairs().map(|(_, w)| w * w).sum::<f64>()
}
