//! The parsers of everything from outside, for libFuzzer: the same functions that the crate's tests
//! run on seeded mutations. `scripts/fuzz/run` builds and runs them.

#[allow(dead_code, reason = "the list of all is for the crate's tests")]
#[path = "../../../tests/harness/parsers.rs"]
mod parsers;

/// Functions of `parsers` that the fuzz targets can call; to the tests they are not public.
macro_rules! targets {
    ($($name:ident)*) => {
        $(
            /// Hands the bytes to the parsers of this name. A panic is a fault.
            pub fn $name(bytes: &[u8]) {
                parsers::$name(bytes);
            }
        )*
    };
}

targets!(archive single_file lora embedding taesd configs request tokenizer);
targets!(prompt picture parameters manifest npy tar);
