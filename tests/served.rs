//! Folders that `darkroom convert` writes are ready to be served: whole, with their licence and a
//! manifest that is true; and a licence goes with the weights wherever they go.

use darkroom::weights::{Digest, Manifest};
use std::fs;
use std::path::Path;

use crate::formats::{convert, fixture};
use crate::made_up::scratch;

const LICENCE: &str = "A licence.\n\nDo no harm: \"nothing\" else.\n";

fn sha256(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.finish().0
}

/// The manifest of a folder, compared with what is there.
fn manifest(folder: &Path) -> Manifest {
    let json = fs::read(folder.join(Manifest::FILE)).unwrap();
    let manifest = Manifest::parse("written", &json).unwrap();
    for file in &manifest.files {
        let bytes = fs::read(folder.join(&file.path)).unwrap();
        assert_eq!(file.bytes, Some(bytes.len() as u64), "{}", file.path);
        assert_eq!(file.sha256, Some(sha256(&bytes)), "{}", file.path);
    }
    manifest
}

#[test]
fn a_converted_folder_is_served_as_it_is() {
    let folder = scratch("served");
    let at = |name: &str| folder.join(name);
    fs::write(at("terms"), LICENCE).unwrap();
    let terms = at("terms");
    let given = ["--licence-file", terms.to_str().unwrap()];
    convert(&fixture("tiny.ckpt"), &at("Half_Size"), &[&["--type", "f16"][..], &given].concat());
    let half = manifest(&at("Half_Size"));
    assert_eq!((half.id.as_str(), half.precision.as_deref()), ("half-size", Some("f16")));
    assert_eq!(half.licence.file.as_deref(), Some("LICENSE.txt"));
    assert_eq!(half.licence.sha256, Some(sha256(LICENCE.as_bytes())), "to be accepted first");
    assert_eq!(half.checkpoint(), None);
    assert!(half.file("tokenizer/vocab.json").is_some());

    // Where it is from is told again.
    let told = fs::read_to_string(at("Half_Size/manifest.json")).unwrap();
    let told =
        told.replace("\"half-size\",\n  \"title\": \"half-size\"", "\"a\", \"title\": \"A\"");
    fs::write(at("Half_Size/manifest.json"), told).unwrap();
    convert(&at("Half_Size"), &at("small"), &["--type", "q8_0"]);
    let small = manifest(&at("small"));
    assert_eq!((small.id.as_str(), small.title.as_str()), ("small", "A"));
    assert_eq!(small.precision.as_deref(), Some("q8_0"));
    assert_eq!(small.checkpoint(), Some("model.gguf"));
    assert_eq!(small.licence.sha256, half.licence.sha256);
    assert!(small.file("tokenizer/merges.txt").is_some());

    // From the same source the same bytes.
    convert(&at("Half_Size"), &at("again"), &["--type", "q8_0"]);
    assert!(fs::read(at("small/model.gguf")).unwrap() == fs::read(at("again/model.gguf")).unwrap());

    // The header of a single file carries the licence on, and what lies beside it does not.
    convert(&at("small/model.gguf"), &at("one.safetensors"), &[]);
    fs::write(at("LICENSE.txt"), "of something else").unwrap();
    convert(&at("one.safetensors"), &at("back"), &[]);
    assert_eq!(fs::read_to_string(at("back/LICENSE.txt")).unwrap(), LICENCE);
    convert(&fixture("tiny.ckpt"), &at("free"), &[]);
    assert_eq!(manifest(&at("free")).licence.file, None);
    fs::remove_dir_all(folder).unwrap();
}
