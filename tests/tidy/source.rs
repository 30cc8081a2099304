//! Source files as the house rules see them.

use std::path::Path;

/// A file of the project.
pub(super) struct File {
    /// From the project's folder, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    /// The ending of its name.
    pub(super) fn kind(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, kind)| kind)
    }

    /// The name without folder and ending.
    pub(super) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default()
    }

    /// The text with everything inside strings and comments blanked, line by line the same.
    pub(super) fn code(&self) -> String {
        blank(&self.text)
    }
}

/// Folders that hold no text of ours.
const SKIPPED: [&str; 8] =
    ["target", "dist", "node_modules", "pkg", "models", "vendor", "__pycache__", "golden"];

/// Every source file under these folders of the project.
pub(super) fn files(folders: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![];
    for folder in folders {
        if root.join(folder).is_dir() {
            walk(root, folder, &mut all);
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

fn walk(root: &Path, folder: &str, all: &mut Vec<File>) {
    for entry in std::fs::read_dir(root.join(folder)).expect("a folder can be listed") {
        let entry = entry.expect("a folder's entry can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        // crate/src/models is ours, web/models is data
        let skipped = name.starts_with('.')
            || SKIPPED.contains(&name.as_str()) && !path.starts_with("crate/src/");
        if skipped {
            continue;
        }
        if entry.path().is_dir() {
            walk(root, &path, all);
        } else if ["rs", "wgsl", "js", "mjs", "py"]
            .iter()
            .any(|kind| name.ends_with(&format!(".{kind}")))
        {
            let text = std::fs::read_to_string(entry.path()).expect("sources are UTF-8");
            all.push(File { path, text });
        }
    }
}

/// Blanks strings, characters and comments; Rust and WGSL (which has only the comments).
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = token_end(&chars, i);
        if end == i + 1 {
            out.push(chars[i]);
        } else {
            out.extend(chars[i..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
        }
        i = end;
    }
    out
}

/// Where the string, character or comment that starts at `i` ends; `i + 1` for anything else.
fn token_end(chars: &[char], i: usize) -> usize {
    let at = |j: usize| chars.get(j).copied().unwrap_or('\0');
    let find = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        (from..chars.len())
            .find(|&j| chars[j..].starts_with(&end))
            .map_or(chars.len(), |j| j + end.len())
    };
    match (at(i), at(i + 1)) {
        ('/', '/') => find(i, "\n") - 1,
        ('/', '*') => find(i + 2, "*/"),
        ('r', '"') => find(i + 2, "\""),
        ('r', '#') if at(i + 2) == '"' => find(i + 3, "\"#"),
        ('"', _) => {
            let mut j = i + 1;
            while j < chars.len() && chars[j] != '"' {
                j += if chars[j] == '\\' { 2 } else { 1 };
            }
            (j + 1).min(chars.len())
        }
        ('\'', '\\') => find(i + 3, "'"),
        ('\'', _) if at(i + 2) == '\'' => i + 3,
        _ => i + 1,
    }
    .max(i + 1)
}

/// Every function of blanked code: its name, its first line (from 1), its number of lines.
pub(super) fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = vec![];
    let mut search = 0;
    while let Some(start) = code[search..].find("fn ").map(|i| search + i) {
        search = start + 3;
        let before = code[..start].chars().next_back();
        let name: String = code[search..].chars().take_while(|&c| is_word(c)).collect();
        if name.is_empty() || before.is_some_and(is_word) {
            continue;
        }
        let Some(open) = code[search..].find(['{', ';']).map(|i| search + i) else { break };
        // an array's length in a signature: `[usize; 3]`
        let open = match code[open..].starts_with(';') {
            true => match body(&code[search..]) {
                Some(i) => search + i,
                None => continue,
            },
            false => open,
        };
        let mut depth = 0;
        let length = code[open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let end = open + length.unwrap_or(code.len() - open);
        let line = |at: usize| code[..at].matches('\n').count() + 1;
        found.push((name, line(start), line(end) - line(start) + 1));
    }
    found
}

/// Where the body of a signature opens, if it has one: the first `{` outside of brackets, before a
/// `;` outside of brackets.
fn body(signature: &str) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in signature.char_indices() {
        depth += i32::from("([".contains(c)) - i32::from(")]".contains(c));
        match c {
            '{' if depth == 0 => return Some(i),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Whether a name can hold this character.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `text` has `word` as a word of its own.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(i, _)| {
        let before = text[..i].chars().next_back();
        let after = text[i + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}
