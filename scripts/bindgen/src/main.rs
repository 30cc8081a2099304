//! `bindgen <in.wasm> <out-dir>`: writes `darkroom.js`, its types and `darkroom_bg.wasm`, as
//! `wasm-bindgen --target web` does. A crate of its own because the published command takes long to
//! install, and because its version must be the one that the wasm was compiled with.

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, out_dir] = &arguments[..] else {
        eprintln!("usage: bindgen <in.wasm> <out-dir>");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let web = match bindgen.input_path(input).out_name("darkroom").typescript(true).web(true) {
        Ok(web) => web,
        Err(error) => return fail(&error),
    };
    match web.generate(out_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::fmt::Debug) -> ExitCode {
    eprintln!("wasm-bindgen failed: {error:?}");
    ExitCode::FAILURE
}
