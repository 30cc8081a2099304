//! The documents: links lead somewhere, commands are the program's, every error has its row.

use crate::made_up::program;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document for people, with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = ["", "docs", "docs/developing", "docs/measured", "crate", "scripts/package"];
    let mut all = vec![];
    for folder in folders {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "md") {
                all.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(all.len() > 15, "only {} documents", all.len());
    all
}

/// The targets of the links in a text, images among them.
fn links(text: &str) -> Vec<&str> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The anchor that a heading has, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let joined = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    joined.chars().filter(|c| kept(*c)).collect()
}

/// What of a document's links leads nowhere.
fn broken(path: &Path, text: &str) -> Vec<String> {
    let missing = |link: &&str| {
        let (file, part) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() { path.to_owned() } else { path.with_file_name(file) };
        let has =
            |text: String| text.lines().any(|line| line.starts_with('#') && anchor(line) == part);
        !target.exists() || !part.is_empty() && !fs::read_to_string(target).is_ok_and(has)
    };
    let ours = links(text).into_iter().filter(|link| !link.contains("://"));
    ours.filter(missing).map(|link| format!("{}: {link}", path.display())).collect()
}

#[test]
fn links_lead_somewhere() {
    let all: Vec<_> = documents().iter().flat_map(|(path, text)| broken(path, text)).collect();
    assert!(all.is_empty(), "{all:#?}");
    let readme = root().join("README.md");
    for text in ["[a](docs/nowhere.md)", "[a](docs/page.md#nowhere)", "![a](none.png)"] {
        assert_eq!(broken(&readme, text).len(), 1, "{text}");
    }
    assert_eq!(broken(&readme, "[a](docs/page.md#views) [b](https://a.example)"), [""; 0]);
}

/// The program's commands in a text, each as its words: `cargo run … -- generate --model M`, or
/// `darkroom generate`.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let marks = ["cargo run --release -- ", "darkroom "];
    let lines = joined.lines().flat_map(|line| line.split('`'));
    let found =
        lines.filter_map(|line| marks.iter().find_map(|mark| line.trim_start().strip_prefix(mark)));
    let words = found.map(|rest| {
        let words = rest.split_whitespace().take_while(|word| !word.starts_with('#'));
        words.map(String::from).collect::<Vec<_>>()
    });
    words.filter(|words| !words.is_empty()).collect()
}

#[test]
fn commands_and_their_flags_exist() {
    let mut help = BTreeMap::<String, BTreeSet<String>>::new();
    let mut count = 0;
    for (path, text) in documents() {
        for words in commands(&text) {
            let [command, rest @ ..] = &words[..] else { continue };
            let flags = help.entry(command.clone()).or_insert_with(|| {
                let output = program(&[command, "--help"]);
                assert!(output.status.success(), "{}: {command} is no command", path.display());
                let text = String::from_utf8(output.stdout).unwrap();
                let parts = text.split(|c: char| c.is_whitespace() || ",=<[]".contains(c));
                parts.filter(|part| part.starts_with("--")).map(String::from).collect()
            });
            for flag in rest.iter().filter(|word| word.starts_with("--")) {
                assert!(flags.contains(flag), "{}: {command} has no {flag}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 30, "only {count} flags");
    assert!(!help["generate"].contains("--nowhere"));
}

#[test]
fn every_error_has_its_row() {
    let source = fs::read_to_string(root().join("crate/src/error.rs")).unwrap();
    let named = source.lines().filter_map(|line| line.split_once("=> \""));
    let kinds: Vec<_> = named.filter_map(|(_, rest)| rest.split('"').next()).collect();
    assert!(kinds.len() > 20, "{kinds:?}");
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    for kind in kinds {
        assert!(page.contains(&format!("| `{kind}` |")), "{kind} has no row");
    }
}

/// What the page says, each run of spaces as one: its texts as JavaScript has them, its markup.
fn page_text() -> String {
    let strings = root().join("web/strings");
    let files = fs::read_dir(strings).unwrap().map(|entry| entry.unwrap().path());
    let all = files.chain(["web/strings.js", "web/index.html"].map(|name| root().join(name)));
    let text: String = all.map(|path| fs::read_to_string(path).unwrap()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("> ", ">").replace(" <", "<")
}

/// Whether a control, a heading or a label of the page has exactly this text, or goes on with "…",
/// with a remark in parentheses, or with a value.
fn is_named(page: &str, name: &str) -> bool {
    let name = name.trim_end_matches('…');
    let between = [("\"", "\""), ("\"", "…\""), (">", "<"), (">", "…<"), (">", " ("), ("\"", ": ")];
    between.into_iter().any(|(before, after)| page.contains(&format!("{before}{name}{after}")))
}

/// Words in single stars: a control of the page, by its name. A whole sentence is emphasised.
fn controls(text: &str) -> Vec<String> {
    let plain: String = text.split("```").step_by(2).collect();
    let plain: String = plain.split('`').step_by(2).collect();
    let plain = plain.replace("**", "");
    let parts = plain.split('*').skip(1).step_by(2);
    let words = parts.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|words| !words.ends_with('.')).collect()
}

/// A button that is renamed is renamed in the documents too.
#[test]
fn controls_are_on_the_page() {
    let page = page_text();
    let missing = |text: &str| -> Vec<String> {
        let names = controls(text).into_iter();
        names.filter(|name| !is_named(&page, name)).collect()
    };
    let mut known = 0;
    for (path, text) in documents() {
        let folder = path.parent().unwrap().strip_prefix(root()).unwrap();
        if folder == Path::new("") || folder == Path::new("docs") {
            assert_eq!(missing(&text), [""; 0], "{}", path.display());
            known += controls(&text).len();
        }
    }
    assert!(known > 10, "only {known} controls are named");
    assert_eq!(missing("`https://*.a` *Use without\nstoring* **now** or *Verify*").len(), 1);
}
