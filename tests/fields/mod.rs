//! The fields of a request: each is written once, in the crate's table, and every other list of
//! them is made from it or compared with it. `UPDATE_FIELDS=1 cargo test --test main fields` writes
//! the files that are made from it.

mod documents;
mod names;
mod page;

use crate::harness::golden;
use crate::made_up::{program, scratch};
use darkroom::diffusion::Sampler;
use darkroom::image::parameters::Parameters;
use darkroom::image::png::{DARKROOM, PARAMETERS, decode};
use darkroom::image::{Rgba, png};
use darkroom::pipeline::{Picture, Safety};
use darkroom::request::{
    Allowed, Applied, Field, FieldType, FieldValue, Request, field, fields, schema,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file that is made from the table is as the table makes it.
fn compare_or_write(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_FIELDS").is_some() {
        fs::write(&path, made).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == made,
        "{} is not what the table of fields makes: write it with UPDATE_FIELDS=1",
        path.display()
    );
}

/// A request with no field at its default, and the text in its PNG.
fn unusual() -> (Map<String, Value>, String) {
    let golden = golden::json("request.json");
    let request = golden["request"].as_object().unwrap().clone();
    (request, golden::text(&golden, "text").to_owned())
}

/// The same as the crate has it.
fn unusual_request() -> Request {
    Request::from_json(&Value::Object(unusual().0).to_string()).unwrap()
}

#[test]
fn no_field_of_the_sample_has_its_default() {
    let (request, plain) = (unusual_request(), Request::default());
    for field in fields() {
        assert!(unusual().0.contains_key(field.name), "{} is not in the sample", field.name);
        assert_ne!(request.value(field), plain.value(field), "{}", field.name);
    }
    assert_eq!(unusual().0.len(), fields().count());
    let samplers = Sampler::ALL.map(Sampler::name);
    let allowed = Allowed {
        factor: 8,
        size: [64, 64],
        samplers: &samplers,
        text_layers: 12,
        embeds_guidance: false,
    };
    assert_eq!(request.validate(&allowed), Ok(()));
}

#[test]
fn every_field_survives_json() {
    let (json, _) = unusual();
    let written = serde_json::to_value(unusual_request()).unwrap();
    assert_eq!(written, Value::Object(json));
    assert_eq!(serde_json::from_value::<Request>(written).unwrap(), unusual_request());
}

#[test]
fn every_field_survives_a_picture() {
    let request = Request { count: 1, ..unusual_request() };
    let picture = Picture {
        width: 320,
        height: 448,
        rgba: vec![255; 4 * 320 * 448],
        request: request.clone(),
        notices: vec![],
        safety: Safety::Passed,
        kernels: None,
        model: None,
        loras: vec![],
        decoder: None,
        embeddings: vec![],
        parts: vec![],
        controls: Vec::new(),
        upscaler: None,
        applied: Applied::default(),
        ended_early: None,
    };
    let file = decode("a.png", &picture.png().unwrap()).unwrap();
    assert_eq!(file.text(PARAMETERS), Some(&unusual().1[..]));
    assert_eq!(Request::from_json(file.text(DARKROOM).unwrap()), Ok(request.clone()));
    let text = Parameters::parse(file.text(PARAMETERS).unwrap());
    assert_eq!(Request::from_infotext(&text), Ok(request.clone()));
    let golden = golden::json("request.json");
    let earlier = Parameters::parse(golden::text(&golden, "earlier_text"));
    assert_eq!(Request::from_infotext(&earlier), Ok(request));
    // What is at its default is not written, and read as such.
    let plain = Request { width: Some(64), height: Some(64), ..Request::default() };
    let line: Vec<_> =
        plain.infotext([64, 64], &Applied::default()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(line, ["Steps", "Sampler", "CFG scale", "Seed", "Size", "RNG"]);
    let text = Parameters::parse("a\nSteps: many, Sampler: ddim, Seed: 1");
    assert!(Request::from_infotext(&text).unwrap_err().to_string().contains("steps must be"));
}

/// The options of the program that say a request.
fn options(request: &Request) -> Vec<String> {
    let option = |field: &'static Field| {
        let flag = format!("--{}", field.flag());
        match request.value(field) {
            FieldValue::Nothing => vec![],
            FieldValue::Flag(false) if !field.optional => vec![],
            FieldValue::Flag(true) if !field.optional => vec![flag],
            FieldValue::Interval([start, end]) => vec![flag, format!("{start},{end}")],
            held => vec![flag, held.to_string()],
        }
    };
    fields().flat_map(option).collect()
}

fn printed(arguments: &[String]) -> Value {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = program(&[&["request"], &arguments[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Another program's words can mean something else: nothing of them is taken, and what can be done
/// is said.
#[test]
fn a_request_is_taken_from_pictures_of_ours_alone() {
    let folder = scratch("foreign");
    let path = folder.join("a.png");
    let pixels = Rgba::new(1, 1, vec![0; 4]);
    let infotext = "a (red:1.4) fox\nSteps: 25, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 7";
    let fooocus = r#"{"prompt": "a fox", "seed": "12345", "version": "Fooocus v2.5"}"#;
    for (texts, what) in [
        (vec![(PARAMETERS, infotext)], "another program's"),
        (vec![(PARAMETERS, fooocus)], "another program's"),
        (vec![("Comment", "{}")], "no request of this program"),
        (vec![], "no request of this program"),
    ] {
        fs::write(&path, png::encode(&pixels, &texts).unwrap()).unwrap();
        let output = program(&["request", "--from", path.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{texts:?}");
        assert!(said.contains(what) && said.contains("drop the picture there"), "{said}");
        assert!(!said.contains("Fetch"), "{said}");
    }
}

#[test]
fn every_field_is_an_option_of_the_program() {
    let request = unusual_request();
    assert_eq!(printed(&options(&request)), serde_json::to_value(&request).unwrap());
    assert_eq!(printed(&[]), serde_json::to_value(Request::default()).unwrap());
    let folder = scratch("fields");
    let pixels = Rgba::new(1, 1, vec![0; 4]);
    for (keyword, text) in [
        (PARAMETERS, unusual().1),
        (DARKROOM, serde_json::to_string(&Request { count: 1, ..request.clone() }).unwrap()),
    ] {
        let path = folder.join("a.png");
        fs::write(&path, png::encode(&pixels, &[(keyword, &text)]).unwrap()).unwrap();
        let from = ["--from", path.to_str().unwrap(), "--steps", "9"].map(String::from);
        let expected = Request { count: 1, steps: 9, ..request.clone() };
        assert_eq!(printed(&from), serde_json::to_value(expected).unwrap(), "{keyword}");
    }
    let help = program(&["generate", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    for field in fields() {
        assert!(help.contains(&format!("--{} ", field.flag())) || help.contains(field.name));
    }
}

#[test]
fn names_are_those_of_one_field() {
    let mut seen = BTreeSet::new();
    for one in fields() {
        for name in [one.name].iter().chain(one.info.aliases) {
            assert!(seen.insert(*name), "{name} stands for two fields");
        }
        assert_eq!(one.words, one.name.replace('_', " "));
        assert!(one.about.ends_with('.') && one.about.len() > 15, "{}", one.name);
        assert_eq!(one.optional, one.info.without.is_some(), "{}", one.name);
        assert_eq!(field(one.name).map(|field| field.name), Some(one.name));
    }
    let flags: BTreeSet<_> = fields().map(Field::flag).collect();
    assert_eq!(flags.len(), fields().count());
    let texts: BTreeSet<_> =
        fields().filter_map(|field| field.info.infotext).map(|t| t.place).collect();
    let names: BTreeSet<_> =
        fields().filter_map(|field| field.info.infotext).map(|t| t.name).collect();
    assert_eq!(texts.len(), names.len(), "a name of the shared text has two places");
}

#[test]
fn a_value_of_another_type_names_its_field() {
    for one in fields().filter(|field| !matches!(field.info.kind, FieldType::Text)) {
        for wrong in ["{}", "[[]]", "\"\\u0000\""] {
            let json = format!("{{\"{}\": {wrong}}}", one.name);
            let names = matches!(one.info.kind, FieldType::Name(_) | FieldType::Sampler);
            // A name is text; that it is none of the names is told with the model's.
            if names && wrong.starts_with('"') {
                continue;
            }
            let error = Request::from_json(&json).unwrap_err().to_string();
            let told = format!("The {} must be {}", one.words, one.wanted());
            assert!(error.contains(&told), "{json}: {error}");
        }
    }
}

#[test]
fn the_schema_is_published() {
    let any = schema(None);
    let names: BTreeSet<_> = any["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, fields().map(|field| field.name.to_owned()).collect());
    compare_or_write("docs/request.schema.json", &format!("{any:#}\n"));
    let output = program(&["schema"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), any);
    // That of a model knows more.
    let allowed = Allowed {
        factor: 8,
        size: [64, 64],
        samplers: &["ddim"],
        text_layers: 5,
        embeds_guidance: false,
    };
    let one = schema(Some(&allowed));
    assert_eq!(one["properties"]["clip_skip"]["maximum"], 5);
    assert_eq!(one["properties"]["sampler"]["enum"], serde_json::json!(["ddim"]));
    assert_eq!(one["properties"]["width"]["multipleOf"], 8);
    // Defaults are of the schema's own types.
    for (name, property) in any["properties"].as_object().unwrap() {
        let types = match &property["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        let type_of = match &property["default"] {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(n) if n.is_u64() && !types.contains(&"number".into()) => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(types.contains(&type_of.into()), "{name}: {type_of} is not of {types:?}");
    }
}
