//! The map of `crate/ARCHITECTURE.md` against the files that there are, path by path: a name counts
//! for the folder under which it stands.

use super::source::{File, has_word};
use std::collections::BTreeMap;

/// What the map says of each folder, by the folder's path.
type Folders = BTreeMap<String, String>;

/// The complaints: files that are not on the map, and names on it that are no files.
pub(super) fn complaints(map: &str, files: &[File]) -> Vec<String> {
    let folders = folders(map);
    let mut complaints: Vec<_> = files.iter().filter_map(|file| unnamed(&folders, file)).collect();
    complaints.extend(gone(&folders, files));
    complaints
}

/// What is wrong with the place of a file on the map.
fn unnamed(folders: &Folders, file: &File) -> Option<String> {
    let (folder, _) = file.path.rsplit_once('/')?;
    let text = folders.get(folder);
    let stem = file.stem();
    // These two are what a folder is, so the folder's own name is theirs.
    let is_named = match stem {
        "mod" | "lib" => text.is_some(),
        _ => text.is_some_and(|text| has_word(text, stem)),
    };
    let advice = "in crate/ARCHITECTURE.md, or remove it";
    (!is_named).then(|| {
        format!("{} is not on the map: name `{stem}` under `{folder}/` {advice}", file.path)
    })
}

/// Names of Rust files under folders of the crate where no such file is.
fn gone(folders: &Folders, files: &[File]) -> Vec<String> {
    let mut complaints = vec![];
    for (folder, text) in folders.iter().filter(|(folder, _)| folder.starts_with("crate/")) {
        let words = text.split(|c: char| c.is_whitespace() || "();:,·→".contains(c));
        for name in words.filter(|word| word.ends_with(".rs")) {
            let path = format!("{folder}/{name}");
            if !files.iter().any(|file| file.path == path) {
                complaints.push(format!("{path} is on the map, and there is no such file"));
            }
        }
    }
    complaints
}

/// Reads the fenced blocks of a page. A line that begins with `folder/` opens it, below the folder
/// of the last line that is indented less; other lines belong to the folder that they are indented
/// below. Within a line, `folder/ (…)` is a folder of its own.
fn folders(page: &str) -> Folders {
    let mut folders = Folders::new();
    let mut open: Vec<(usize, String)> = vec![];
    let mut fenced = false;
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            open.clear();
            continue;
        }
        let text = line.trim_start();
        if !fenced || text.is_empty() {
            continue;
        }
        let indent = line.len() - text.len();
        while open.last().is_some_and(|(outer, _)| *outer >= indent) {
            open.pop();
        }
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        let text = match first.strip_suffix('/') {
            Some(name) => {
                let path = open.last().map_or(name.into(), |(_, outer)| format!("{outer}/{name}"));
                open.push((indent, path));
                rest
            }
            None => text,
        };
        if let Some((_, folder)) = open.last() {
            let said = folders.entry(folder.clone()).or_default();
            said.push_str(text);
            said.push('\n');
        }
    }
    let outer: Vec<_> = std::mem::take(&mut folders).into_iter().collect();
    for (folder, text) in outer {
        let own = take_inner(&folder, &text, &mut folders);
        folders.entry(folder).or_default().push_str(&own);
    }
    folders
}

/// Puts every `name/ (…)` of a folder's text where it belongs; what is left.
fn take_inner(folder: &str, text: &str, folders: &mut Folders) -> String {
    let mut own = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("/ (") {
        let name = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
        let mut depth = 1;
        let end = after.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let (inner, left) = after.split_at(end.unwrap_or(after.len()));
        let path = format!("{folder}/{name}");
        let inner = take_inner(&path, inner, folders);
        folders.entry(path).or_default().push_str(&inner);
        own.push_str(before);
        own.push('\n');
        rest = left;
    }
    own + rest
}
