//! The table of options in the documents.

use super::compare_or_write;
use darkroom::diffusion::Sampler;
use darkroom::request::{Field, FieldType, FieldValue, Request, fields};
use std::fs;

const PAGE: &str = "docs/options.md";

/// Code in a table's cell.
fn code(text: &str) -> String {
    format!("`{text}`")
}

fn values(field: &Field) -> String {
    match field.names(&Sampler::ALL.map(Sampler::name)) {
        Some(names) => names.into_iter().map(code).collect::<Vec<_>>().join(" "),
        None => match field.info.kind {
            FieldType::TextLayer => "whole number, 1 to the layers of the text encoder".into(),
            FieldType::Side => "multiple of 8, up to 8192".into(),
            FieldType::Interval => "two numbers, 0 to 1".into(),
            FieldType::Number(least, _) if least.is_infinite() => "number".into(),
            _ => field.wanted().trim_start_matches("a ").replace(" from ", ", "),
        },
    }
}

fn default(field: &Field) -> String {
    match (Request::default().value(field), field.info.without) {
        (FieldValue::Nothing, without) => without.unwrap_or_default().into(),
        (FieldValue::Text(""), _) => "empty".into(),
        (FieldValue::Interval([start, end]), _) => code(&format!("[{start}, {end}]")),
        (held @ FieldValue::Number(_), _) => code(&held.to_string()),
        (held, _) => code(held.json().to_string().trim_matches('"')),
    }
}

fn row(field: &Field) -> String {
    let info = field.info;
    let unit = info.unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
    let cells = [
        code(field.name),
        code(&format!("--{}", field.flag())),
        values(field) + &unit,
        default(field),
        info.infotext.map(|text| text.name).unwrap_or_default().into(),
        info.diffusers.map(code).unwrap_or_default(),
        field.about.to_owned(),
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn fields_table() -> String {
    let head = "| field | option | values | default | in a PNG’s text | diffusers | \
                what it does |\n|---|---|---|---|---|---|---|\n";
    head.to_owned() + &fields().map(row).collect::<String>()
}

fn samplers_table() -> String {
    let yes = |can: bool| if can { "yes" } else { "" };
    let row = |sampler: Sampler| {
        let can = sampler.abilities();
        let cells = [
            yes(can.eta),
            yes(can.sigmas),
            yes(can.final_sigmas),
            yes(can.rescale_betas_zero_snr),
            yes(can.spacing),
        ];
        format!("| `{sampler}` | {} |\n", cells.join(" | "))
    };
    let head = "| sampler | `eta` | `sigmas` | `final_sigmas` | `rescale_betas_zero_snr` | \
                `spacing` |\n|---|---|---|---|---|---|\n";
    head.to_owned() + &Sampler::ALL.map(row).concat()
}

/// The page with what stands between two marks made anew.
fn with(page: &str, mark: &str, table: &str) -> String {
    let [begins, ends] = [format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->")];
    let (before, rest) = page.split_once(&begins).expect("the mark where a table begins");
    let (_, after) = rest.split_once(&ends).expect("the mark where a table ends");
    format!("{before}{begins}{table}{ends}{after}")
}

#[test]
fn the_documents_have_the_same_table() {
    let page = fs::read_to_string(format!("{}/{PAGE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let made = with(&page, "fields", &fields_table());
    compare_or_write(PAGE, &with(&made, "samplers", &samplers_table()));
}
