//! What the program itself makes of the request that the tests of the service ask.

use crate::made_up::{program, scratch};

/// The picture that `darkroom generate` makes, in a folder of this name.
pub(super) fn generated(name: &str, more: &[&str]) -> Vec<u8> {
    let folder = scratch(name);
    let out = folder.join("a.png");
    let common = ["generate", "--model", "web/models/demo", "--device", "cpu", "--steps", "2"];
    let own = ["--prompt", "a red cat", "--seed", "7", "--out", out.to_str().unwrap()];
    let output = program(&[&common[..], &own, more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = std::fs::read(&out).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    file
}
