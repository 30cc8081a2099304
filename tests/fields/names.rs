//! The table of other programs' names, for the page's import.

use super::compare_or_write;
use darkroom::diffusion::{Sampler, SigmaSchedule};
use darkroom::request::{Names, sampler_names, sigma_names};
use serde_json::json;

/// The longest line of the page's code.
const COLUMNS: usize = 100;

const OPENING: &str = "\
// What other programs call samplers and schedules of sigma; `nearest`: names of what is not here,
// to which this one is the nearest. Made from the crate's table (crate/src/request/names.rs);
// `UPDATE_FIELDS=1 cargo test --test main fields` writes it.

/**
 * @typedef {{ a1111: readonly string[], comfyui: readonly string[], invokeai: readonly string[],
 *   diffusers: readonly string[], nearest: readonly string[] }} Names
 */
";

fn line(program: &str, names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| json!(name).to_string()).collect();
    let short = format!("    {program}: [{}],\n", quoted.join(", "));
    if short.trim_end().chars().count() <= COLUMNS {
        return short;
    }
    let lines: String = quoted.iter().map(|name| format!("      {name},\n")).collect();
    format!("    {program}: [\n{lines}    ],\n")
}

fn row((name, names): (&str, Names)) -> String {
    let lines = [
        line("a1111", names.a1111),
        line("comfyui", names.comfyui),
        line("invokeai", names.invokeai),
        line("diffusers", names.diffusers),
        line("nearest", names.nearest),
    ];
    format!("  {name}: {{\n{}  }},\n", lines.concat())
}

#[test]
fn the_page_has_the_same_names() {
    let samplers = Sampler::ALL.map(|one| row((one.name(), sampler_names(one)))).concat();
    let sigmas = SigmaSchedule::ALL.map(|one| row((one.name(), sigma_names(one)))).concat();
    let made = format!(
        "{OPENING}\n/** @type {{Record<string, Names>}} */\nexport const SAMPLER_NAMES = \
         {{\n{samplers}}};\n\n/** @type {{Record<string, Names>}} */\nexport const SIGMA_NAMES = \
         {{\n{sigmas}}};\n"
    );
    compare_or_write("web/files/sampler_names.js", &made);
}
