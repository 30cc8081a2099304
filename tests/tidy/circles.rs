//! No circles: the files of a folder import each other in one direction, and so do the folders of a
//! folder. A file counts for the folder that it lies in, a re-export for the file that it comes
//! from, and `mod.rs` for itself.

use super::source::File;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit;

/// One file needs another, both by path.
pub(super) type Import = (String, String);

/// Those of a tree of Rust modules: `root` is the file of `crate` itself.
pub(super) fn of_rust(files: &[File], root: &str) -> Vec<Import> {
    let crate_ = Crate::read(files, root);
    let mut imports = vec![];
    for names in crate_.modules.values() {
        for path in &names.used {
            let to = crate_.file_of(path);
            if to != names.file {
                imports.push((names.file.clone(), to));
            }
        }
    }
    imports
}

/// Those of ES modules, by their `import` and `export … from`.
pub(super) fn of_javascript(files: &[File]) -> Vec<Import> {
    let mut imports = vec![];
    for file in files.iter().filter(|file| ["js", "mjs"].contains(&file.kind())) {
        for line in file.text.lines() {
            let begins =
                ["import ", "export ", "} from "].iter().any(|word| line.starts_with(word));
            let quoted = line.rsplit('"').nth(1).filter(|path| path.starts_with('.'));
            if let Some(path) = quoted.filter(|_| begins && line.ends_with("\";")) {
                imports.push((file.path.clone(), beside(&file.path, path)));
            }
        }
    }
    imports
}

/// The complaints: folders in which some import each other in a circle.
pub(super) fn complaints(imports: &[Import]) -> Vec<String> {
    let mut folders = BTreeMap::<String, BTreeMap<String, BTreeSet<String>>>::new();
    for (from, to) in imports {
        let [from, to] = [from, to].map(|path| path.split('/').collect::<Vec<_>>());
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let folder = folders.entry(from[..common].join("/")).or_default();
        folder.entry(from[common].into()).or_default().insert(to[common].into());
    }
    let circles = folders.iter().flat_map(|(folder, imports)| {
        let reach: BTreeMap<_, _> =
            imports.keys().map(|one| (one, reachable(imports, one))).collect();
        let mut seen = BTreeSet::new();
        let mut found = vec![];
        for one in imports.keys().filter(|one| reach[one].contains(*one)) {
            let back = |other: &&String| reach.get(other).is_some_and(|there| there.contains(one));
            let circle: Vec<_> = reach[one].iter().filter(back).cloned().collect();
            if seen.insert(circle.clone()) {
                let list = circle.join(", ");
                let edges = circle.iter().map(|from| {
                    let to: Vec<_> =
                        imports[from].iter().filter(|to| circle.contains(to)).collect();
                    format!("\n    {from} imports {to:?}")
                });
                let edges: String = edges.collect();
                found.push(format!("{folder}: {list} import each other: let one give way{edges}"));
            }
        }
        found
    });
    circles.collect()
}

/// All that one imports, and what that imports.
fn reachable(imports: &BTreeMap<String, BTreeSet<String>>, one: &String) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![one]);
    while let Some(next) = open.pop() {
        for to in imports.get(next).into_iter().flatten() {
            if found.insert(to.clone()) {
                open.push(to);
            }
        }
    }
    found
}

/// A path as a file has it, from the project's folder.
fn beside(file: &str, path: &str) -> String {
    let mut parts: Vec<_> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A path of names, `crate` left out.
type Path = Vec<String>;

/// All modules by their paths.
struct Crate {
    modules: BTreeMap<Path, Module>,
}

/// What a module's file says.
struct Module {
    file: String,
    /// Paths of what it needs.
    used: BTreeSet<Path>,
    /// Names that it has from elsewhere, for itself or for others, with their paths.
    shown: BTreeMap<String, Path>,
}

impl Crate {
    fn read(files: &[File], root: &str) -> Crate {
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut modules = BTreeMap::new();
        for file in files.iter().filter(|file| file.kind() == "rs") {
            let Some(inner) = file.path.strip_prefix(folder) else { continue };
            let inner = inner.trim_start_matches('/').trim_end_matches(".rs");
            let inner = inner.strip_suffix("/mod").unwrap_or(inner);
            let is_root = file.path == root;
            let path: Path = match is_root {
                true => vec![],
                false => inner.split('/').map(String::from).collect(),
            };
            modules.insert(path.clone(), Module::read(file, path));
        }
        Crate { modules }
    }

    /// The file that defines what a path names.
    fn file_of(&self, path: &Path) -> String {
        let mut path = path.clone();
        // A re-export of a re-export is rare, and a circle of them no program.
        for _ in 0..8 {
            let within = (0..=path.len()).rev().find(|n| self.modules.contains_key(&path[..*n]));
            let module = &self.modules[&path[..within.unwrap_or(0)]];
            match path.get(within.unwrap_or(0)).and_then(|name| module.shown.get(name)) {
                Some(from) => path = from.clone(),
                None => return module.file.clone(),
            }
        }
        panic!("{path:?} is shown again and again")
    }
}

impl Module {
    fn read(file: &File, path: Path) -> Module {
        let parsed = syn::parse_file(&file.text).expect("sources are Rust");
        let mut reader = Reader { module: path, used: BTreeSet::new(), shown: BTreeMap::new() };
        reader.visit_file(&parsed);
        Module { file: file.path.clone(), used: reader.used, shown: reader.shown }
    }
}

/// Collects the paths of a file.
struct Reader {
    module: Path,
    used: BTreeSet<Path>,
    shown: BTreeMap<String, Path>,
}

impl Reader {
    /// From this module's view to the crate's. A name without a root may be that of a module
    /// inside this one; that of another crate comes to nothing here.
    fn absolute(&self, names: &[String]) -> Path {
        let mut base = match names.first().map(String::as_str) {
            Some("crate") => vec![],
            _ => self.module.clone(),
        };
        let mut rest = names;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = after;
        }
        base.extend(rest.iter().cloned());
        base
    }

    /// The names and paths of a `use`.
    fn tree(&mut self, tree: &syn::UseTree, before: &[String], is_shown_only: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident), is_shown_only),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(tree, before, is_shown_only));
            }
            syn::UseTree::Glob(_) => self.add(before.to_vec(), None, is_shown_only),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.add(before.to_vec(), before.last().cloned(), is_shown_only);
            }
            syn::UseTree::Name(name) => {
                self.add(with(&name.ident), Some(name.ident.to_string()), is_shown_only);
            }
            syn::UseTree::Rename(name) => {
                self.add(with(&name.ident), Some(name.rename.to_string()), is_shown_only);
            }
        }
    }

    fn add(&mut self, names: Path, shown: Option<String>, is_shown_only: bool) {
        let absolute = self.absolute(&names);
        if let Some(name) = shown {
            self.shown.insert(name, absolute.clone());
        }
        if !is_shown_only {
            self.used.insert(absolute);
        }
    }
}

impl Visit<'_> for Reader {
    fn visit_item_mod(&mut self, module: &syn::ItemMod) {
        // Tests inside a file may look anywhere; macros' modules have paths of their own.
        if module.content.is_none() {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        let is_shown_only = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&item.tree, &[], is_shown_only);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let names: Path = path.segments.iter().map(|part| part.ident.to_string()).collect();
        // One name alone is a variable, or was brought by a `use`.
        if names.len() > 1 {
            self.used.insert(self.absolute(&names));
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &syn::Visibility) {}
}
