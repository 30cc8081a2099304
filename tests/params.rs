//! The parameters of every kernel, as Rust lays them out and as WGSL reads them: the same names,
//! types and places. A field that one side has moved would be read as another, without an error.

use crate::kernels::kernels;
use naga::{ScalarKind, TypeInner};
use std::collections::{BTreeMap, HashMap};
use syn::{Expr, Fields, Item, Lit, Type};

/// Byte, name and type of each number; an array's are numbered: `terms.2.first`.
type Layout = Vec<(u32, String, &'static str)>;

/// The `Params` of a WGSL text.
fn of_wgsl(text: &str) -> Layout {
    let module = naga::front::wgsl::parse_str(text).expect("kernels are WGSL");
    let (params, _) = module
        .types
        .iter()
        .find(|(_, one)| one.name.as_deref() == Some("Params"))
        .expect("a kernel has Params");
    let mut layout = Vec::new();
    flatten_wgsl(&module, params, 0, "", &mut layout);
    layout
}

fn flatten_wgsl(
    module: &naga::Module,
    handle: naga::Handle<naga::Type>,
    at: u32,
    name: &str,
    layout: &mut Layout,
) {
    let inner = |i: &dyn std::fmt::Display| match name {
        "" => i.to_string(),
        _ => format!("{name}.{i}"),
    };
    match &module.types[handle].inner {
        TypeInner::Scalar(scalar) => {
            let kind = match (scalar.kind, scalar.width) {
                (ScalarKind::Uint, 4) => "u32",
                (ScalarKind::Sint, 4) => "i32",
                (ScalarKind::Float, 4) => "f32",
                other => panic!("{name} is {other:?}"),
            };
            layout.push((at, name.to_owned(), kind));
        }
        TypeInner::Struct { members, .. } => {
            for member in members {
                let name = inner(&member.name.as_deref().unwrap_or_default());
                flatten_wgsl(module, member.ty, at + member.offset, &name, layout);
            }
        }
        &TypeInner::Array { base, size: naga::ArraySize::Constant(count), stride } => {
            for i in 0..count.get() {
                flatten_wgsl(module, base, at + i * stride, &inner(&i), layout);
            }
        }
        other => panic!("{name} is {other:?}: parameters are numbers, arrays of them, structs"),
    }
}

/// What the sources of the ops define.
#[derive(Default)]
struct Sources {
    /// Fields of every `#[repr(C)]` struct, by file and name.
    structs: BTreeMap<(String, String), Vec<(String, Type)>>,
    /// Numbers by file and name.
    constants: HashMap<(String, String), u32>,
}

impl Sources {
    /// Reads a text of Rust.
    fn read(&mut self, file: &str, text: &str) {
        for item in syn::parse_file(text).expect("sources are Rust").items {
            match item {
                Item::Struct(one) => {
                    let is_c = one.attrs.iter().any(|attribute| {
                        attribute.path().is_ident("repr")
                            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "C")
                    });
                    let Fields::Named(fields) = one.fields else { continue };
                    let fields = fields.named.into_iter();
                    let named = |f: syn::Field| (f.ident.expect("named").to_string(), f.ty);
                    if is_c {
                        let key = (file.to_owned(), one.ident.to_string());
                        self.structs.insert(key, fields.map(named).collect());
                    }
                }
                Item::Const(one) => {
                    if let Expr::Lit(syn::ExprLit { lit: Lit::Int(value), .. }) = *one.expr
                        && let Ok(value) = value.base10_parse()
                    {
                        self.constants.insert((file.to_owned(), one.ident.to_string()), value);
                    }
                }
                _ => {}
            }
        }
    }

    /// The layout of `repr(C)`, whose numbers are all of four bytes: one after the other.
    fn layout(&self, file: &str, fields: &[(String, Type)]) -> Layout {
        let mut layout = Vec::new();
        for (name, kind) in fields {
            self.flatten(file, kind, name, &mut layout);
        }
        layout
    }

    fn flatten(&self, file: &str, kind: &Type, name: &str, layout: &mut Layout) {
        match kind {
            Type::Path(path) => {
                let word = path.path.segments.last().expect("a name").ident.to_string();
                let numbers = ["u32", "i32", "f32"];
                if let Some(number) = numbers.into_iter().find(|one| *one == word) {
                    layout.push((4 * layout.len() as u32, name.to_owned(), number));
                    return;
                }
                let fields = self.structs.get(&(file.to_owned(), word.clone()));
                for (inner, kind) in fields.unwrap_or_else(|| panic!("{name} is {word}")) {
                    self.flatten(file, kind, &format!("{name}.{inner}"), layout);
                }
            }
            Type::Array(array) => {
                let count = match &array.len {
                    Expr::Lit(syn::ExprLit { lit: Lit::Int(value), .. }) => {
                        value.base10_parse().expect("a number")
                    }
                    Expr::Path(path) => {
                        let name = path.path.segments.last().expect("a name").ident.to_string();
                        let value = self.constants.get(&(file.to_owned(), name.clone()));
                        *value.unwrap_or_else(|| panic!("{name} is a number"))
                    }
                    _ => panic!("{name}: an array's length is a number or a constant"),
                };
                for i in 0..count {
                    self.flatten(file, &array.elem, &format!("{name}.{i}"), layout);
                }
            }
            _ => panic!("{name}: parameters are numbers, arrays of them, structs"),
        }
    }
}

/// Structs of the ops that are parameters, by file and name.
fn of_rust(sources: &Sources) -> BTreeMap<(String, String), Layout> {
    let all = sources.structs.iter();
    all.map(|(key, fields)| (key.clone(), sources.layout(&key.0, fields))).collect()
}

fn sources() -> Sources {
    let mut sources = Sources::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crate/src/ops");
    for entry in std::fs::read_dir(folder).expect("the ops are there") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("Rust is text");
            sources.read(&path.file_name().expect("a name").to_string_lossy(), &text);
        }
    }
    sources
}

#[test]
fn every_kernel_reads_what_its_op_writes() {
    let structs = of_rust(&sources());
    let mut used = Vec::new();
    for kernel in kernels() {
        let wanted = of_wgsl(&kernel.wgsl());
        // A single number is written as it is.
        if wanted.len() == 1 {
            assert_eq!(wanted[0].2, "u32", "{}", kernel.name());
            continue;
        }
        let same = structs.iter().find(|(_, layout)| **layout == wanted);
        let Some((key, _)) = same else {
            panic!("no struct of the ops is as the Params of {}: {wanted:?}", kernel.name());
        };
        used.push(key.clone());
    }
    for (file, name) in structs.keys() {
        let is_used = used.iter().any(|key| key == &(file.clone(), name.clone()));
        assert!(is_used || name == "TermParams", "{file}: no kernel reads a {name}");
    }
}

/// The comparison, on pairs that must differ.
#[test]
fn fields_that_moved_are_seen() {
    let wgsl = |fields: &str| {
        of_wgsl(&format!("struct Term {{ k: f32, n: u32 }}\nstruct Params {{ {fields} }}"))
    };
    let rust = |fields: &str| {
        let mut sources = Sources::default();
        let text = format!(
            "const TWO: usize = 2;\n#[repr(C)]\nstruct Term {{ k: f32, n: u32 }}\n\
             #[repr(C)]\nstruct Params {{ {fields} }}"
        );
        sources.read("a.rs", &text);
        of_rust(&sources).remove(&("a.rs".into(), "Params".into())).expect("it is there")
    };
    let good = wgsl("rows: u32, eps: f32, terms: array<Term, 2>");
    assert_eq!(rust("rows: u32, eps: f32, terms: [Term; TWO]"), good);
    for other in [
        "eps: f32, rows: u32, terms: [Term; TWO]",
        "rows: u32, eps: u32, terms: [Term; TWO]",
        "rows: u32, epsilon: f32, terms: [Term; TWO]",
        "rows: u32, eps: f32, terms: [Term; 3]",
        "rows: u32, eps: f32",
    ] {
        assert_ne!(rust(other), good, "{other}");
    }
    // WGSL may leave a gap where Rust has none.
    assert_ne!(rust("a: u32, b: f32"), wgsl("a: u32, @align(16) b: f32"));
}
