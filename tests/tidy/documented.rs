//! What documentation has to say: the faults of a function that can fail, the shapes of a function
//! on tensors. (That every public item has documentation at all is the lint `missing_docs`; clippy
//! looks for `# Errors` only where an item can be reached from outside the crate.)

use super::source::File;
use syn::visit::Visit;

/// Where functions work on tensors.
const ON_TENSORS: [&str; 4] =
    ["crate/src/tensor.rs", "crate/src/ops/", "crate/src/nn/", "crate/src/models/"];

/// How a shape is said without its dimensions.
const IN_WORDS: [&str; 4] = ["any shape", "any other shape", "same shape", "one shape"];

/// The complaints: functions for others that can fail and do not say how.
pub(super) fn errors(file: &File) -> Vec<String> {
    let fails = |function: &&Function| {
        let returns = &function.returns;
        returns.iter().any(|name| ["Result", "LocalFuture"].contains(&name.as_str()))
    };
    let silent = |function: &&Function| !function.docs.contains("# Errors");
    let all = functions(file);
    let found = all.iter().filter(fails).filter(silent);
    found
        .map(|function| {
            let (path, name) = (&file.path, &function.name);
            format!("{path}: `{name}` can fail: say which errors and when under `# Errors`")
        })
        .collect()
}

/// The complaints: functions on tensors that do not say which shapes they take and give.
pub(super) fn shapes(file: &File) -> Vec<String> {
    if !ON_TENSORS.iter().any(|place| file.path.starts_with(place)) {
        return vec![];
    }
    let says = |docs: &str| {
        let mut code = docs.split('`').skip(1).step_by(2);
        code.any(|span| span.contains('[')) || IN_WORDS.iter().any(|words| docs.contains(words))
    };
    let all = functions(file);
    let on_tensors = all.iter().filter(|function| function.names("Tensor"));
    on_tensors
        .filter(|function| !says(&function.docs))
        .map(|function| {
            let (path, name) = (&file.path, &function.name);
            format!("{path}: `{name}` works on tensors: say of which shape, such as `[b, h, w, c]`")
        })
        .collect()
}

/// A function that other files can call.
struct Function {
    name: String,
    /// Its documentation, line after line.
    docs: String,
    /// Names in the types that it takes, and in the type that it returns.
    takes: Vec<String>,
    returns: Vec<String>,
}

impl Function {
    fn names(&self, name: &str) -> bool {
        self.takes.iter().chain(&self.returns).any(|other| other == name)
    }
}

fn functions(file: &File) -> Vec<Function> {
    let mut reader = Reader { found: vec![] };
    reader.visit_file(&syn::parse_file(&file.text).expect("a source file is Rust"));
    reader.found
}

struct Reader {
    found: Vec<Function>,
}

impl Reader {
    fn add(&mut self, vis: &syn::Visibility, attributes: &[syn::Attribute], sig: &syn::Signature) {
        if matches!(vis, syn::Visibility::Inherited) {
            return;
        }
        let mut takes = Names(vec![]);
        sig.inputs.iter().for_each(|input| takes.visit_fn_arg(input));
        let mut returns = Names(vec![]);
        returns.visit_return_type(&sig.output);
        let docs = attributes.iter().filter_map(line).collect::<Vec<_>>().join("\n");
        let (name, takes, returns) = (sig.ident.to_string(), takes.0, returns.0);
        self.found.push(Function { name, docs, takes, returns });
    }
}

impl Visit<'_> for Reader {
    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        self.add(&item.vis, &item.attrs, &item.sig);
    }

    fn visit_impl_item_fn(&mut self, item: &syn::ImplItemFn) {
        self.add(&item.vis, &item.attrs, &item.sig);
    }
}

/// The names in a type.
struct Names(Vec<String>);

impl Visit<'_> for Names {
    fn visit_path_segment(&mut self, segment: &syn::PathSegment) {
        self.0.push(segment.ident.to_string());
        syn::visit::visit_path_segment(self, segment);
    }
}

/// A line of documentation.
fn line(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
        return None;
    };
    pair.path.is_ident("doc").then(|| text.value())
}
