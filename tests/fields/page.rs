//! The page's copy of the table, which it needs before its engine is there.

use super::compare_or_write;
use darkroom::diffusion::Sampler;
use darkroom::request::{Field, FieldType, FieldValue, Form, Request, fields};
use serde_json::json;

const COLUMNS: usize = 100;

const OPENING: &str = "\
// The fields of a request, for the page, which needs them before its engine is there. Made from the
// crate's table (crate/src/request); `UPDATE_FIELDS=1 cargo test --test main fields` writes it.
";

const FIELD: &str = r#"/**
 * The values that a field takes.
 * @typedef {"text" | "seed" | "flag" | "whole" | "number" | "name" | "sampler" | "layer" | "side"
 *   | "interval"} FieldType
 *
 * A row of the table.
 * @typedef {object} Field
 * @property {FieldType} kind the values that it takes
 * @property {unknown} default
 * @property {boolean} [optional] whether it may be null
 * @property {number} [least] of a number
 * @property {number} [most]
 * @property {readonly string[]} [names] that it takes
 * @property {readonly string[]} [aliases] in lists and links
 * @property {string} [text] its name in a picture's text, which it shares where it is a part
 * @property {number} [part] of the value there, which is such as 512x768
 * @property {boolean} [faster] whether it makes the run faster and the image another
 */
"#;

const ALIASES: &str = r"
/** Fields by their other names, in lists and links. @type {Map<string, string>} */
export const ALIASES = new Map(
  [...FIELDS].flatMap(([name, { aliases = [] }]) => aliases.map((alias) => [alias, name])),
);
";

fn kind(field: &Field) -> &'static str {
    match field.info.kind {
        FieldType::Text => "text",
        FieldType::Seed => "seed",
        FieldType::Flag => "flag",
        FieldType::Whole(..) => "whole",
        FieldType::Number(..) => "number",
        FieldType::Name(_) => "name",
        FieldType::Sampler => "sampler",
        FieldType::TextLayer => "layer",
        FieldType::Side => "side",
        FieldType::Interval => "interval",
    }
}

/// The type in JavaScript: numbers may be given as typed, the engine says what is wrong with them.
fn type_of(field: &Field) -> String {
    let plain = match field.info.kind {
        FieldType::Text | FieldType::Seed | FieldType::Name(_) | FieldType::Sampler => "string",
        FieldType::Flag => "boolean",
        FieldType::Whole(..) | FieldType::TextLayer | FieldType::Side | FieldType::Number(..) => {
            "number | string"
        }
        FieldType::Interval => "[number, number]",
    };
    if field.optional { format!("{plain} | null") } else { plain.to_owned() }
}

/// A comment's line, broken where it is too long.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from(" *")];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("one line at least");
        if last.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(format!(" * {word}"));
        } else {
            *last += &format!(" {word}");
        }
    }
    lines.join("\n") + "\n"
}

/// A list as JSON, with a space behind its commas.
fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| json!(name).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

/// The same with a line for each.
fn long_list(names: &[&str]) -> String {
    let lines: String = names.iter().map(|name| format!("      {},\n", json!(name))).collect();
    format!("[\n{lines}    ]")
}

fn row(field: &Field) -> String {
    let plain = match Request::default().value(field) {
        FieldValue::Interval([start, end]) => format!("[{start}, {end}]"),
        FieldValue::Number(n) => n.to_string(),
        held => held.json().to_string(),
    };
    let mut row = vec![("kind", json!(kind(field)).to_string()), ("default", plain)];
    if field.optional {
        row.push(("optional", "true".into()));
    }
    let ends = match field.info.kind {
        FieldType::Whole(least, most) => Some((least.to_string(), most.to_string())),
        FieldType::Number(least, most) if least.is_finite() => {
            Some((least.to_string(), most.to_string()))
        }
        _ => None,
    };
    if let Some((least, most)) = ends {
        row.extend([("least", least), ("most", most)]);
    }
    let samplers = Sampler::ALL.map(Sampler::name);
    if let Some(names) = field.names(&samplers).filter(|names| !names.is_empty()) {
        let short = list(&names);
        row.push(("names", if short.len() < COLUMNS - 14 { short } else { long_list(&names) }));
    }
    if !field.info.aliases.is_empty() {
        row.push(("aliases", list(field.info.aliases)));
    }
    if let Some(text) = field.info.infotext {
        row.push(("text", json!(text.name).to_string()));
        match text.form {
            Form::Plain
            | Form::Word(_)
            | Form::Renamed(_)
            | Form::Sampler
            | Form::Sigmas
            | Form::Upscaler => {}
            Form::Part(part) => row.push(("part", part.to_string())),
        }
    }
    if field.info.faster {
        row.push(("faster", "true".into()));
    }
    let lines: String = row.iter().map(|(name, value)| format!("    {name}: {value},\n")).collect();
    format!("  {}: {{\n{lines}  }},\n", field.name)
}

#[test]
fn the_page_has_the_same_table() {
    let mut made = format!("{OPENING}\n{FIELD}\n");
    made += "/**\n * What to make. Numbers may be given as typed: the engine says what is wrong \
             with them.\n * @typedef {object} Fields\n";
    for field in fields() {
        let about = field.about.replace('`', "");
        made += &wrapped(&format!("@property {{{}}} [{}] {about}", type_of(field), field.name));
    }
    made += " */\n\n/** @type {Record<string, Field>} */\nconst TABLE = {\n";
    made.extend(fields().map(row));
    made += "};\n\n/** All of them by name, in the order in which a request is written. */\n\
             export const FIELDS = new Map(Object.entries(TABLE));\n";
    made += ALIASES;
    compare_or_write("web/engine/fields.js", &made);
}
