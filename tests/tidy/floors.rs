//! The floors of the crate: a module imports only lower ones.

use super::source::{File, is_word};

/// From the bottom up. Siblings of a floor do not import each other, but for those of floor 2 and
/// of the shells.
const FLOORS: [&[&str]; 9] = [
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

/// Floors whose modules may import each other.
const OPEN: [usize; 2] = [2, 8];

/// What `lib.rs` shows of floor 0, and macros, which Rust puts there.
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
    // the root imports all; in a program `crate` is the program
    if ["lib", "bin"].contains(&module) {
        return vec![];
    }
    let Some(own) = floor(module) else {
        return vec![format!("{}: `{module}` stands on no floor: give it one", file.path)];
    };
    let mut complaints: Vec<String> = imported(&file.code())
        .iter()
        .map(|name| ROOT.iter().find(|(root, _)| root == name).map_or(&name[..], |(_, m)| m))
        .filter(|&name| name != module)
        .filter_map(|name| match floor(name) {
            None => Some(format!("imports `{name}`, which stands on no floor")),
            Some(other) if other > own => Some(format!("imports `{name}` from floor {other}")),
            Some(other) if other == own && !OPEN.contains(&own) => {
                Some(format!("imports its sibling `{name}`"))
            }
            Some(_) => None,
        })
        .map(|what| format!("{} (floor {own}) {what}: move what both need down a floor", file.path))
        .collect();
    complaints.dedup();
    complaints
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The first names of every path that starts with `crate::`, those of `crate::{…}` among them.
fn imported(code: &str) -> Vec<String> {
    let mut names = vec![];
    for (i, _) in code.match_indices("crate::") {
        let dollar = code[..i].ends_with('$');
        let rest = &code[i + "crate::".len()..];
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
