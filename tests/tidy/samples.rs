//! Bad samples for the house rules: a rule that never complains is no rule.

use super::source::{File, functions};
use super::tiers::{self, imports};
use super::{circles, documented, map};
use super::{exceptions, globals, lengths, manners, opening, targets, triples};

/// A file of tier 2.
fn op(text: &str) -> File {
    File::new("crate/src/ops/add.rs", text)
}

#[test]
fn an_opening() {
    assert_eq!(opening(&op("use std::rc::Rc;\n")).len(), 1);
    assert_eq!(opening(&op("//! What it is.\n")).len(), 0);
    assert_eq!(opening(&File::new("scripts/a.py", "import os\n")).len(), 1);
    assert_eq!(opening(&File::new("scripts/a.py", "\"\"\"What it is.\"\"\"\n")).len(), 0);
    assert_eq!(opening(&File::new("web/a.js", "const a = 1;\n")).len(), 1);
    assert_eq!(opening(&File::new("crate/kernels/a.wgsl", "fn main() {}\n")).len(), 1);
}

#[test]
fn lengths_of_files_lines_and_functions() {
    assert_eq!(lengths(&op(&"x\n".repeat(400))).len(), 0);
    assert_eq!(lengths(&op(&"x\n".repeat(401))).len(), 1);
    assert_eq!(lengths(&op(&"é".repeat(100))).len(), 0);
    assert_eq!(lengths(&op(&"é".repeat(101))).len(), 1);
    let function =
        |lines: usize| format!("fn long(a: [u8; 2]) {{\n{}}}\n", "    a();\n".repeat(lines - 2));
    assert_eq!(lengths(&op(&function(70))).len(), 0);
    assert_eq!(lengths(&op(&function(71))).len(), 1);
}

#[test]
fn functions_are_found_by_their_braces() {
    let text = [
        "trait T {\n    fn none(&self) -> u8;\n}",
        "fn a() { \"}\"; '{'; // }\n}",
        "fn b<'a>(x: [u8; 2])\nwhere\n    T: U,\n{\n    { }\n}",
    ];
    let code = op(&text.join("\n")).code();
    let found: Vec<_> = functions(&code).into_iter().map(|(name, _, n)| (name, n)).collect();
    assert_eq!(found, [("a".to_string(), 2), ("b".to_string(), 6)]);
}

#[test]
fn tiers() {
    assert_eq!(imports(&op("use crate::gpu::Gpu;\nuse crate::tensor::Tensor;")).len(), 0);
    assert_eq!(imports(&op("use crate::{Result, Precision, wgsl};")).len(), 0);
    assert_eq!(imports(&op("// use crate::nn::Scope;")).len(), 0);
    assert_eq!(imports(&op("use crate::nn::Scope;")).len(), 1);
    assert_eq!(imports(&op("fn a() { crate::pipeline::run() }")).len(), 1);
    assert_eq!(imports(&op("use crate::{gpu::{Gpu, a}, models::Unet};")).len(), 1);
    assert_eq!(imports(&op("use crate::elsewhere::A;")).len(), 1);
    let sibling = File::new("crate/src/text/mod.rs", "use crate::image::Rgba;");
    assert_eq!(imports(&sibling).len(), 1);
    assert_eq!(imports(&File::new("crate/src/misc/mod.rs", "")).len(), 1);
}

#[test]
fn kernels_without_op_or_proof() {
    let all = ["crate/kernels/a.wgsl", "crate/kernels/a_stats.wgsl", "crate/kernels/shared/s.wgsl"];
    let paths = |more: &[&str]| all.iter().chain(more).map(|p| p.to_string()).collect::<Vec<_>>();
    assert_eq!(triples(&paths(&["crate/src/ops/a.rs", "tests/ops/a.rs"])).len(), 0);
    assert_eq!(triples(&paths(&["crate/src/ops/a.rs"])).len(), 2);
    assert_eq!(triples(&paths(&[])).len(), 4);
}

#[test]
fn globals_of_every_sort() {
    assert_eq!(globals(&op("fn a(b: &'static str) -> &'static str { b }")).len(), 0);
    assert_eq!(globals(&op("// no thread_local! here\n")).len(), 0);
    for bad in [
        "static A: u8 = 1;",
        "pub static A: u8 = 1;",
        "thread_local! { }",
        "use std::sync::OnceLock;",
    ] {
        assert_eq!(globals(&op(bad)).len(), 1, "{bad}");
    }
}

#[test]
fn targets_outside_of_shells() {
    let text = "#[cfg(target_arch = \"wasm32\")]\nfn a() {}";
    assert_eq!(targets(&op(text)).len(), 1);
    assert_eq!(targets(&File::new("crate/src/gpu/engine.rs", text)).len(), 0);
}

#[test]
fn bad_manners() {
    assert_eq!(manners(&op("pub use a::b;\nuse a::*;\nlet dbg = 1; // println!")).len(), 0);
    for bad in ["pub use a::*;", "dbg!(1);", "println!();", "eprintln!(\"a\");", "todo!()"] {
        assert_eq!(manners(&op(bad)).len(), 1, "{bad}");
    }
    let program = |text: &str| manners(&File::new("crate/src/bin/darkroom/main.rs", text)).len();
    assert_eq!(program("println!()"), 0);
    assert_eq!(program("dbg!(1)"), 1);
}

#[test]
fn exceptions_without_a_reason() {
    assert_eq!(exceptions(&op("#[allow(dead_code)]\nfn a() {}")).len(), 1);
    assert_eq!(exceptions(&op("#![allow(dead_code)]")).len(), 1);
    assert_eq!(exceptions(&op("#[allow(dead_code, reason = \"b\")]\nfn a() {}")).len(), 0);
    assert_eq!(exceptions(&op("#[ignore]\nfn a() {}")).len(), 1);
    assert_eq!(exceptions(&op("#[ignore = \"slow\"]\nfn a() {}")).len(), 0);
}

#[test]
fn files_that_the_map_does_not_name() {
    let map = "A page about `concat`.\n```text\ncrate/src/\n  ops/     add: a sum\n           \
               of two\n  nn/      norm.rs · deep/ (conv.rs: (one) more)\n  tensor.rs\n```\n";
    let complaints = |paths: &[&str]| -> Vec<String> {
        let always = ["crate/src/nn/norm.rs", "crate/src/nn/deep/conv.rs", "crate/src/tensor.rs"];
        let files: Vec<_> = always.iter().chain(paths).map(|path| File::new(path, "")).collect();
        map::complaints(map, &files)
    };
    assert_eq!(complaints(&["crate/src/ops/mod.rs", "crate/src/ops/add.rs"]), [""; 0]);
    assert_eq!(complaints(&["crate/src/nn/deep/mod.rs", "crate/src/lib.rs"]), [""; 0]);
    for unnamed in [
        "crate/src/ops/concat.rs",
        "crate/src/misc/mod.rs",
        // on the map, but in another folder
        "crate/src/ops/norm.rs",
        "crate/src/nn/add.rs",
        "crate/src/nn/conv.rs",
        "crate/src/nn/deep/norm.rs",
    ] {
        assert_eq!(complaints(&[unnamed]).len(), 1, "{unnamed}");
    }
    let gone = map::complaints(map, &[File::new("crate/src/tensor.rs", "")]);
    assert_eq!(gone.len(), 2, "{gone:?}");
}

#[test]
fn faults_that_are_not_told() {
    let told = |text: &str| documented::errors(&op(text)).len();
    assert_eq!(told("/// It adds.\npub fn a() -> Result<()> {}"), 1);
    assert_eq!(told("pub(super) async fn a() -> crate::Result<Vec<u8>, String> {}"), 1);
    assert_eq!(told("impl A { pub fn a(&self) -> LocalFuture<'_, u8> {} }"), 1);
    assert_eq!(told("/// It adds.\n///\n/// # Errors\n/// None.\npub fn a() -> Result<()> {}"), 0);
    assert_eq!(told("fn a() -> Result<()> {}\npub fn b(c: Result<()>) {}"), 0);
}

#[test]
fn shapes_that_are_not_told() {
    let told = |text: &str| documented::shapes(&op(text)).len();
    assert_eq!(told("/// The sum.\npub fn a(x: &Tensor) {}"), 1);
    assert_eq!(told("/// As [`Tensor::add`].\npub fn a() -> Option<Tensor> {}"), 1);
    assert_eq!(told("impl A { pub(super) fn a(make: impl Fn(&Tensor)) {} }"), 1);
    assert_eq!(told("/// The sum of `[b, c]`.\npub fn a(x: &Tensor) {}"), 0);
    assert_eq!(told("/// Of the same shape.\npub fn a(x: &Tensor) {}"), 0);
    assert_eq!(told("fn a(x: &Tensor) {}\npub fn b(x: usize) {}"), 0);
    let elsewhere = File::new("crate/src/pipeline/a.rs", "pub fn a(x: &Tensor) {}");
    assert_eq!(documented::shapes(&elsewhere).len(), 0);
}

#[test]
fn imports_of_a_program() {
    let program = |text: &str| imports(&File::new("crate/src/bin/darkroom/jobs.rs", text)).len();
    assert_eq!(
        program("use darkroom::pipeline::Picture; use crate::lists; use darkroom::Error;"),
        0
    );
    assert_eq!(program("use darkroom::elsewhere::A;"), 1);
    assert_eq!(program("fn a() { darkroom::misc::b() }"), 1);
    let order = |from: &str, text: &str| -> Vec<String> {
        let folder = "crate/src/bin/darkroom";
        let file = |path: &str, text| File::new(&format!("{folder}/{path}"), text);
        let files = ["main.rs", "disk.rs", "commands/mod.rs", "commands/a.rs", "lab/mod.rs"];
        let mut files: Vec<_> = files.map(|path| file(path, "")).into();
        files.retain(|file| !file.path.ends_with(from));
        files.push(file(from, text));
        tiers::of_program(&circles::of_rust(&files, &format!("{folder}/main.rs")))
    };
    assert_eq!(order("main.rs", "use commands::a; use lab::b;"), [""; 0]);
    assert_eq!(order("lab/mod.rs", "use crate::commands::a::A; use crate::disk;"), [""; 0]);
    assert_eq!(order("disk.rs", "use crate::commands::a::A;").len(), 1);
    assert_eq!(order("disk.rs", "use super::lab::A;").len(), 1);
    assert_eq!(order("commands/a.rs", "use crate::disk::b; use super::super::lab::A;").len(), 1);
}

#[test]
fn circles_of_modules() {
    let crate_ = |files: &[(&str, &str)]| -> Vec<String> {
        let root = [("crate/src/lib.rs", "mod room; pub use room::A;")];
        let files = root.iter().chain(files).map(|(path, text)| File::new(path, text));
        circles::complaints(&circles::of_rust(&files.collect::<Vec<_>>(), "crate/src/lib.rs"))
    };
    let room = ("crate/src/room/mod.rs", "mod a; mod b; pub use a::A; use b::B; fn f(_: B) {}");
    let a =
        ("crate/src/room/a.rs", "pub struct A; #[cfg(test)] mod tests { use super::super::b::B; }");
    let b = |text| ("crate/src/room/b.rs", text);
    assert_eq!(crate_(&[room, a, b("use super::A; pub struct B(A);")]), [""; 0]);
    // by the room's re-export, by the crate's, by a path in a body
    let from_b = "pub struct B; pub struct A { b: super::b::B }";
    for text in ["use super::A;", "use crate::A;", "fn f(_: super::a::A) {}"] {
        let told = crate_(&[room, ("crate/src/room/a.rs", from_b), b(text)]);
        assert_eq!(told.len(), 1, "{text}");
        assert!(told[0].starts_with("crate/src/room: a.rs, b.rs import each other"), "{told:?}");
    }
    // with the room's own file
    let told = crate_(&[room, a, b("pub struct B; fn g() { super::f(B) }")]);
    assert!(told[0].starts_with("crate/src/room: b.rs, mod.rs import each other"), "{told:?}");
}

#[test]
fn circles_of_scripts() {
    let told = |a: &str, b: &str| -> Vec<String> {
        let files = [File::new("web/views/a.js", a), File::new("web/views/b.js", b)];
        circles::complaints(&circles::of_javascript(&files))
    };
    let b = "import { b } from \"./b.js\";\n";
    assert_eq!(told(b, "import { c } from \"../c.js\";\n"), [""; 0]);
    assert_eq!(told(b, "import {\n  a,\n} from \"./a.js\";\n").len(), 1);
    assert_eq!(told(b, "export { a } from \"../views/a.js\";\n").len(), 1);
}
