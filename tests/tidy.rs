//! The house rules, as a test: each rule says what to do instead, and is tried on bad samples.

mod circles;
mod documented;
mod map;
mod samples;
mod source;
mod tiers;

use source::{File, files, functions, has_word};

/// Lines of a file, columns of a line, lines of a function.
const FILE_LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;
/// A kernel keeps its sums in registers, which cannot be handed to a function.
const KERNEL_LINES_MAX: usize = 120;

/// All that is ours.
const EVERYWHERE: [&str; 4] = ["crate", "tests", "web", "scripts"];

/// Fails with all complaints of a rule.
fn expect_none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The complaints of a rule that looks at one file at a time.
fn of_each(files: &[File], rule: impl Fn(&File) -> Vec<String>) -> Vec<String> {
    files.iter().flat_map(rule).collect()
}

#[test]
fn every_file_says_what_it_is() {
    expect_none(of_each(&files(&EVERYWHERE), opening));
}

fn opening(file: &File) -> Vec<String> {
    let openings: &[&str] = match file.kind() {
        "rs" => &["//", "#![doc"],
        "py" => &["\"\"\"", "#"],
        _ => &["//", "/*", "#!"],
    };
    if openings.iter().any(|opening| file.text.starts_with(opening)) {
        return vec![];
    }
    vec![format!("{}: open it with a comment that says what the file is", file.path)]
}

#[test]
fn files_lines_and_functions_are_short() {
    expect_none(of_each(&files(&EVERYWHERE), lengths));
}

fn lengths(file: &File) -> Vec<String> {
    let path = &file.path;
    let mut complaints = vec![];
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        complaints.push(format!(
            "{path} has {lines} lines of {FILE_LINES_MAX}: split it where it has two subjects"
        ));
    }
    for (i, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            let place = format!("{path}:{}", i + 1);
            complaints.push(format!("{place} has {columns} columns of {COLUMNS_MAX}: break it"));
        }
    }
    let most = if file.kind() == "wgsl" { KERNEL_LINES_MAX } else { FUNCTION_LINES_MAX };
    if ["rs", "wgsl"].contains(&file.kind()) {
        for (name, line, lines) in functions(&file.code()) {
            if lines > most {
                complaints.push(format!(
                    "{path}:{line}: `{name}` has {lines} lines of {most}: give its \
                     parts names of their own"
                ));
            }
        }
    }
    complaints
}

/// Rust without the program.
fn library() -> Vec<File> {
    let ours = |file: &File| file.kind() == "rs" && !file.path.contains("/bin/");
    files(&["crate/src"]).into_iter().filter(ours).collect()
}

#[test]
fn modules_import_only_lower_floors() {
    expect_none(of_each(&files(&["crate/src"]), tiers::imports));
}

#[test]
fn no_folder_has_a_circle() {
    let mut imports = circles::of_rust(&library(), "crate/src/lib.rs");
    imports.extend(of_program());
    imports.extend(circles::of_javascript(&files(&["web"])));
    assert!(imports.len() > 1000, "only {} imports were found", imports.len());
    expect_none(circles::complaints(&imports));
}

/// Imports among the program's own files.
fn of_program() -> Vec<circles::Import> {
    circles::of_rust(&files(&["crate/src/bin"]), "crate/src/bin/darkroom/main.rs")
}

#[test]
fn the_program_is_in_order() {
    let imports = of_program();
    assert!(imports.len() > 30, "only {} imports were found", imports.len());
    expect_none(tiers::of_program(&imports));
}

#[test]
fn functions_say_how_they_fail() {
    expect_none(of_each(&library(), documented::errors));
}

#[test]
fn functions_on_tensors_say_their_shapes() {
    expect_none(of_each(&library(), documented::shapes));
}

#[test]
fn every_kernel_has_an_op_and_a_proof() {
    let paths: Vec<String> =
        files(&["crate", "tests/ops"]).into_iter().map(|file| file.path).collect();
    expect_none(triples(&paths));
}

fn triples(paths: &[String]) -> Vec<String> {
    let has = |path: String| paths.contains(&path);
    let mut complaints = vec![];
    for path in paths {
        let Some(name) = path.strip_prefix("crate/kernels/").and_then(|p| p.strip_suffix(".wgsl"))
        else {
            continue;
        };
        if name.starts_with("shared/") {
            continue;
        }
        // An op of several kernels: `group_norm_stats` belongs to `group_norm`.
        let ends = name.match_indices('_').map(|(i, _)| i).chain([name.len()]);
        let names: Vec<&str> = ends.map(|end| &name[..end]).collect();
        for (folder, what) in [("crate/src/ops", "an op"), ("tests/ops", "a proof")] {
            if !names.iter().any(|name| has(format!("{folder}/{name}.rs"))) {
                complaints.push(format!("{path} has no {what}: add {folder}/{name}.rs"));
            }
        }
    }
    complaints
}

#[test]
fn nothing_is_global() {
    expect_none(of_each(&files(&["crate/src"]), globals));
}

fn globals(file: &File) -> Vec<String> {
    let code = file.code();
    let cells = ["thread_local", "lazy_static", "OnceLock", "OnceCell", "LazyLock", "LazyCell"];
    let mut found: Vec<&str> = cells.into_iter().filter(|name| has_word(&code, name)).collect();
    let statics = ["static mut ", "static ref "];
    let item = |line: &str| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.starts_with("static ") || statics.iter().any(|s| line.contains(s))
    };
    if code.lines().any(item) {
        found.push("static");
    }
    let path = &file.path;
    let advice = "pass the value explicitly, in `Gpu` if it belongs to the device";
    found.into_iter().map(|name| format!("{path} has `{name}`: {advice}")).collect()
}

/// Where code may differ between the web and a desktop.
const SHELLS: [&str; 6] = [
    "crate/src/gpu/",
    "crate/src/lib.rs",
    "crate/src/web/",
    "crate/src/store/",
    "crate/src/weights/",
    "crate/src/bin/",
];

#[test]
fn only_shells_know_the_target() {
    expect_none(of_each(&files(&["crate/src"]), targets));
}

fn targets(file: &File) -> Vec<String> {
    let shell = SHELLS.iter().any(|path| file.path.starts_with(path));
    if shell || !has_word(&file.code(), "target_arch") {
        return vec![];
    }
    vec![format!(
        "{} asks for the target: only {} may; take what differs as a parameter",
        file.path,
        SHELLS.join(", ")
    )]
}

#[test]
fn the_library_is_quiet_and_names_what_it_exports() {
    expect_none(of_each(&files(&["crate/src"]), manners));
}

fn manners(file: &File) -> Vec<String> {
    let code = file.code();
    let mut complaints = vec![];
    let glob = |line: &&str| line.trim_start().starts_with("pub use") && line.contains("::*");
    complaints.extend(
        code.lines()
            .filter(glob)
            .map(|line| format!("{} has `{}`: name what is exported", file.path, line.trim())),
    );
    let program = file.path.starts_with("crate/src/bin/");
    for name in ["dbg", "todo", "unimplemented", "println", "eprintln", "print", "eprint"] {
        let allowed = program && name.contains("print");
        if !allowed && has_word(&code, name) && code.contains(&format!("{name}!")) {
            let advice = match name {
                "todo" | "unimplemented" => "write it, or leave it out",
                _ => "return a value, an `Error`, or an event of `Progress`",
            };
            complaints.push(format!("{} has `{name}!`: {advice}", file.path));
        }
    }
    complaints
}

#[test]
fn every_exception_has_a_reason() {
    expect_none(of_each(&files(&["crate/src", "tests"]), exceptions));
}

fn exceptions(file: &File) -> Vec<String> {
    let code = file.code();
    let mut complaints = vec![];
    for attribute in ["[allow(", "[expect(", "[ignore]"] {
        for (i, _) in code.match_indices(attribute) {
            let end = code[i..].find(']').map_or(code.len(), |end| i + end);
            if code[..i].ends_with(['#', '!']) && !has_word(&code[i..end], "reason") {
                let line = code[..i].matches('\n').count() + 1;
                let advice = "say why with `reason = \"…\"`, or mend the cause";
                complaints.push(format!("{}:{line}: {advice}", file.path));
            }
        }
    }
    complaints
}

#[test]
fn the_map_names_every_file() {
    let root = env!("CARGO_MANIFEST_DIR");
    let map = std::fs::read_to_string(format!("{root}/crate/ARCHITECTURE.md"))
        .expect("crate/ARCHITECTURE.md is there");
    expect_none(map::complaints(&map, &files(&["crate/src", "crate/kernels"])));
}
