//! A kernel: plain WGSL, specialised by a prelude.
//!
//! The prelude is one generated line of `enable`, `alias` and `const` declarations. It stands
//! before the kernel's own file, so that a compiler's line numbers stay the file's own; shared
//! fragments follow after it, which WGSL allows because module scope has no order. There is no
//! preprocessor: `if CONSTANT { … }` does what an ifdef would.
//!
//! Bindings are the same everywhere: 0 the parameters (uniform), then the inputs, last the output.

use std::fmt::Write;
use std::hash::{Hash, Hasher};

/// A WGSL file of `crate/kernels`.
#[derive(Debug, Clone, Copy)]
pub struct WgslFile {
    /// The file's name without its ending.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl PartialEq for WgslFile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for WgslFile {}

impl Hash for WgslFile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// Reads a file of `crate/kernels` into a [`WgslFile`], without its comments.
#[macro_export]
macro_rules! wgsl {
    ($name:literal) => {{
        use $crate::gpu::wgsl_text::{as_text, bare, bare_length};
        const TEXT: &str = include_str!(concat!("../../kernels/", $name, ".wgsl"));
        const BARE: [u8; bare_length(TEXT)] = bare(TEXT);
        $crate::gpu::kernel::WgslFile { name: $name, text: as_text(&BARE) }
    }};
}

/// The value of a name in the prelude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// `alias NAME = TYPE;`
    Type(&'static str),
    /// `const NAME: u32 = …u;`
    Uint(u32),
    /// `const NAME: bool = …;`
    Bool(bool),
}

/// A specialised kernel: what a pipeline is cached by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Kernel {
    source: WgslFile,
    fragments: Vec<WgslFile>,
    constants: Vec<(&'static str, Value)>,
    f16: bool,
    matrix_units: bool,
    inputs: usize,
}

impl Kernel {
    /// A kernel that reads `inputs` storage buffers and writes one.
    pub fn new(source: WgslFile, inputs: usize) -> Kernel {
        Kernel {
            source,
            fragments: Vec::new(),
            constants: Vec::new(),
            f16: false,
            matrix_units: false,
            inputs,
        }
    }

    /// Appends a shared fragment.
    pub fn with(mut self, fragment: WgslFile) -> Kernel {
        self.fragments.push(fragment);
        self
    }

    /// `const NAME: u32`.
    pub fn uint(mut self, name: &'static str, value: u32) -> Kernel {
        self.constants.push((name, Value::Uint(value)));
        self
    }

    /// `const NAME: bool`.
    pub fn flag(mut self, name: &'static str, value: bool) -> Kernel {
        self.constants.push((name, Value::Bool(value)));
        self
    }

    /// `alias NAME = …`; a type of halves asks for the adapter's `shader-f16`.
    pub fn alias(mut self, name: &'static str, wgsl_type: &'static str) -> Kernel {
        self.f16 |= wgsl_type.contains("f16");
        self.constants.push((name, Value::Type(wgsl_type)));
        self
    }

    /// Asks for the adapter's matrix units, and for `shader-f16`, whose numbers they multiply.
    pub fn on_matrix_units(mut self) -> Kernel {
        self.f16 = true;
        self.matrix_units = true;
        self
    }

    /// The file's name.
    pub fn name(&self) -> &'static str {
        self.source.name
    }

    /// Storage buffers that it reads.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Whether it needs `shader-f16`.
    pub fn needs_f16(&self) -> bool {
        self.f16
    }

    /// Whether it needs the adapter's matrix units.
    pub fn needs_matrix_units(&self) -> bool {
        self.matrix_units
    }

    /// The whole WGSL: prelude, file, fragments.
    pub fn wgsl(&self) -> String {
        let mut text = String::new();
        if self.f16 {
            text.push_str("enable f16; ");
        }
        if self.matrix_units {
            // naga's name; browsers have no such extension that is not experimental.
            text.push_str("enable wgpu_cooperative_matrix; ");
        }
        for (name, value) in &self.constants {
            match value {
                Value::Type(t) => write!(text, "alias {name} = {t}; "),
                Value::Uint(u) => write!(text, "const {name}: u32 = {u}u; "),
                Value::Bool(b) => write!(text, "const {name}: bool = {b}; "),
            }
            .expect("a String accepts all text");
        }
        text.push_str(self.source.text);
        for fragment in &self.fragments {
            text.push('\n');
            text.push_str(fragment.text);
        }
        text
    }
}
