//! The tiers of the crate: a module imports only lower ones; and the order of the program.

use super::circles::Import;
use super::source::{File, is_word};

/// From the bottom up. Siblings of a tier do not import each other, but for those of tier 2 and
/// of the shells.
const TIERS: [&[&str]; 9] = [
    &["error", "dtype", "json", "shape", "activation"],
    &["gpu", "weights", "text", "image", "diffusion"],
    &["tensor", "weight", "ops", "request"],
    &["measure", "nn"],
    &["models"],
    &["reference"],
    &["pipeline"],
    &["judge"],
    &["web", "store", "bin"],
];

/// Tiers whose modules may import each other.
const OPEN: [usize; 2] = [2, 8];

/// What `lib.rs` shows of tier 0, and macros, which Rust puts there.
const ROOT: [(&str, &str); 5] = [
    ("Precision", "dtype"),
    ("WeightType", "dtype"),
    ("Error", "error"),
    ("Result", "error"),
    ("wgsl", "gpu"),
];

/// The complaints about one file of `crate/src`.
pub(super) fn imports(file: &File) -> Vec<String> {
    let Some(inner) = file.path.strip_prefix("crate/src/") else { return vec![] };
    let module = inner.split(['/', '.']).next().unwrap_or_default();
    // the root imports all
    if module == "lib" {
        return vec![];
    }
    let Some(own) = tier(module) else {
        return vec![format!("{}: `{module}` stands on no tier: give it one", file.path)];
    };
    // in a program `crate` is the program, and the library goes by its name
    let root = if module == "bin" { "darkroom::" } else { "crate::" };
    let mut complaints: Vec<String> = imported(&file.code(), root)
        .iter()
        .map(|name| ROOT.iter().find(|(root, _)| root == name).map_or(&name[..], |(_, m)| m))
        .filter(|&name| name != module)
        .filter_map(|name| match tier(name) {
            None => Some(format!("imports `{name}`, which stands on no tier")),
            Some(other) if other > own => Some(format!("imports `{name}` from tier {other}")),
            Some(other) if other == own && !OPEN.contains(&own) => {
                Some(format!("imports its sibling `{name}`"))
            }
            Some(_) => None,
        })
        .map(|what| format!("{} (tier {own}) {what}: move what both need down a tier", file.path))
        .collect();
    complaints.dedup();
    complaints
}

fn tier(module: &str) -> Option<usize> {
    TIERS.iter().position(|modules| modules.contains(&module))
}

/// The program, from the bottom up: what its commands share, those for users, those for developers.
const PROGRAM: [&str; 3] =
    ["crate/src/bin/darkroom/", "crate/src/bin/darkroom/commands/", "crate/src/bin/darkroom/lab/"];

/// The complaints about imports of the program's files: what is shared knows no command, and a
/// command for users none for developers. `main.rs` knows all.
pub(super) fn of_program(imports: &[Import]) -> Vec<String> {
    let level = |path: &str| PROGRAM.iter().rposition(|folder| path.starts_with(folder));
    let upward = imports
        .iter()
        .filter(|(from, to)| level(from) < level(to) && *from != format!("{}main.rs", PROGRAM[0]));
    upward
        .map(|(from, to)| format!("{from} imports {to}: move what both need beside main.rs"))
        .collect()
}

/// The first names of every path that starts with `root`, those of `root{…}` among them.
fn imported(code: &str, root: &str) -> Vec<String> {
    let mut names = vec![];
    for (i, _) in code.match_indices(root) {
        let dollar = code[..i].ends_with('$');
        let rest = &code[i + root.len()..];
        if code[..i].chars().next_back().is_some_and(is_word) || dollar {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => names.extend(of_group(group)),
            None => names.push(rest.chars().take_while(|&c| is_word(c)).collect()),
        }
    }
    names
}

/// The first names of `a::b, c::{d, e}}…`.
fn of_group(group: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let (mut depth, mut within) = (0, false);
    for c in group.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match c {
            _ if depth < 0 => break,
            ',' if depth == 0 => {
                names.push(String::new());
                within = false;
            }
            ':' => within = true,
            c if is_word(c) && !within && depth == 0 => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
