//! The table of fields as a JSON Schema, for other programs: for any model, or for one model.
//!
//! Beside the schema's own words a field has `x-unit`, `x-without` (what null means),
//! `x-diffusers`, `x-infotext` (its name in a PNG's text), `x-flag` (the program's option),
//! `x-aliases`, and `x-faster` if it is a shortcut.

use super::field::{Allowed, Field, FieldType, SIDE_MAX};
use super::{Request, fields};
use serde_json::{Map, Value, json};

/// The schema of a request; `allowed` narrows it to what a model can do.
pub fn schema(allowed: Option<&Allowed<'_>>) -> Value {
    let plain = Request::default();
    let properties = fields().map(|field| {
        let mut property = property(field, allowed);
        property.insert("default".into(), plain.value(field).json());
        (field.name.to_owned(), Value::Object(property))
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A request for an image",
        "type": "object",
        "properties": Map::from_iter(properties),
        "additionalProperties": false,
    })
}

fn property(field: &Field, allowed: Option<&Allowed<'_>>) -> Map<String, Value> {
    let info = field.info;
    let mut all = Map::new();
    all.insert("description".into(), field.about.into());
    let type_of = match info.kind {
        FieldType::Text | FieldType::Name(_) | FieldType::Sampler => "string",
        FieldType::Seed => "string",
        FieldType::Flag => "boolean",
        FieldType::Whole(..) | FieldType::TextLayer | FieldType::Side => "integer",
        FieldType::Number(..) => "number",
        FieldType::Interval => "array",
    };
    let types = match info.kind {
        // A number is accepted too, if the program that reads the JSON keeps all of its digits.
        FieldType::Seed => json!(["string", "integer"]),
        _ if field.optional => json!([type_of, "null"]),
        _ => type_of.into(),
    };
    all.insert("type".into(), types);
    for (name, value) in bounds(field, allowed) {
        all.insert(name.into(), value);
    }
    for (name, value) in [
        ("x-unit", info.unit),
        ("x-without", info.without),
        ("x-diffusers", info.diffusers),
        ("x-infotext", info.infotext.map(|text| text.name)),
    ] {
        if let Some(value) = value {
            all.insert(name.into(), value.into());
        }
    }
    all.insert("x-flag".into(), format!("--{}", field.flag()).into());
    if !info.aliases.is_empty() {
        all.insert("x-aliases".into(), json!(info.aliases));
    }
    if info.faster {
        all.insert("x-faster".into(), true.into());
    }
    all
}

/// The schema's keywords for a field's values, beside their type.
fn bounds(field: &Field, allowed: Option<&Allowed<'_>>) -> Vec<(&'static str, Value)> {
    let samplers = allowed.map(|allowed| allowed.samplers).unwrap_or_default();
    let names = field.names(samplers).filter(|names| !names.is_empty());
    match (field.info.kind, names) {
        (FieldType::Whole(least, most), _) => {
            vec![("minimum", least.into()), ("maximum", most.into())]
        }
        (FieldType::Number(least, most), _) if least.is_finite() && most.is_finite() => {
            vec![("minimum", least.into()), ("maximum", most.into())]
        }
        (FieldType::Seed, _) => vec![("pattern", "^[0-9]{1,20}$".into()), ("minimum", 0.into())],
        (FieldType::TextLayer, _) => {
            let most = allowed.map(|allowed| ("maximum", allowed.text_layers.into()));
            [("minimum", 1.into())].into_iter().chain(most).collect()
        }
        (FieldType::Side, _) => {
            let factor = allowed.map(|allowed| ("multipleOf", allowed.factor.into()));
            let ends = [("minimum", 1.into()), ("maximum", SIDE_MAX.into())];
            ends.into_iter().chain(factor).collect()
        }
        (FieldType::Interval, _) => vec![
            ("items", json!({ "type": "number", "minimum": 0, "maximum": 1 })),
            ("minItems", 2.into()),
            ("maxItems", 2.into()),
        ],
        (_, Some(names)) => {
            let mut names: Vec<Value> = names.into_iter().map(Value::from).collect();
            names.extend(field.optional.then_some(Value::Null));
            vec![("enum", names.into())]
        }
        _ => vec![],
    }
}
