//! Reads lists of requests: JSON lines (JSONL); tables (CSV) with commas, semicolons or tabs; the
//! text of AUTOMATIC1111's "Prompts from file" (`--prompt "a fox" --steps 20`); or plain prompts,
//! one a line. In UTF-8 or UTF-16. The page reads the same formats (`web/files/table.js`).

use darkroom::Error;
use darkroom::request::{Field, FieldType, field, field_called};
use serde_json::{Map, Number, Value};
use std::io;
use std::path::Path;

/// The fields of one request.
type Row = Map<String, Value>;
/// The number of a line, from 1, and its request, or what is wrong there.
type Line = (usize, Result<Row, String>);

/// Fields that the page's export has beside those of a request; they are ignored.
const ABOUT: [&str; 7] =
    ["model", "provenance", "parts", "engine", "seconds", "safety", "enlarged"];

/// A list that cannot be read at all.
pub(crate) fn unreadable(path: &Path, fault: &io::Error) -> Error {
    let (path, reason) = (path.display().to_string(), fault.to_string());
    match fault.kind() {
        io::ErrorKind::NotFound => {
            Error::Request { field: "list", reason: format!("{path} was not found ({reason})") }
        }
        _ => Error::Source { path, reason },
    }
}

/// The lines of a list that have a request.
///
/// # Errors
/// What is wrong with the whole list.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Line>, String> {
    let text = decode(bytes)?;
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if is_json(first) {
        return Ok(json_lines(&text));
    }
    if let Some(mark) = separator(first) {
        return Ok(table(&text, mark));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row = |(index, line): (usize, &str)| {
        let line = line.trim();
        let row = match line.starts_with("--") {
            true => options(line),
            false => Ok(Map::from_iter([("prompt".to_owned(), line.into())])),
        };
        (index + 1, row)
    };
    Ok(lines.map(row).collect())
}

/// Decodes UTF-8 or UTF-16; the error says what else the file is.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let wide = |bytes: &[u8], number: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| number(*pair)).collect();
        String::from_utf16(&units).map_err(|_| "it is not whole UTF-16 text".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8(rest.to_vec()).map_err(|fault| {
            let line = rest[..fault.utf8_error().valid_up_to()].iter();
            let line = line.filter(|byte| **byte == b'\n').count() + 1;
            format!("its text is not UTF-8 (in line {line}). Save the list as UTF-8")
        }),
    }
}

/// Whether a list is JSON, from its first line. `[cat:dog:0.5]` and `{a|b}` are prompts.
fn is_json(first: &str) -> bool {
    let inside = |open: char| first.strip_prefix(open).map(str::trim_start);
    inside('{').is_some_and(|rest| rest.is_empty() || rest.starts_with(['"', '}']))
        || inside('[').is_some_and(|rest| rest.is_empty() || rest.starts_with(['{', ']', '"']))
}

fn json_lines(text: &str) -> Vec<Line> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row = |line: &str| match serde_json::from_str(line) {
        Ok(Value::Object(mut row)) => {
            row.retain(|name, _| !ABOUT.contains(&name.as_str()));
            Ok(with_own_names(row))
        }
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(fault) => Err(fault.to_string()),
    };
    lines.map(|(index, line)| (index + 1, row(line))).collect()
}

/// The name of a field that has this one, or is called so elsewhere.
fn own_name(name: &str) -> &str {
    field_called(name).map_or(name, |field| field.name)
}

/// Fields under their own names. Of several values of one the first counts that has its own name
/// and is not null, or else the first that is not null.
fn with_own_names(row: Row) -> Row {
    let mut own = Row::new();
    for (name, value) in row {
        let known = own_name(&name);
        let counts = known == name && !value.is_null();
        if counts || own.get(known).is_none_or(Value::is_null) {
            own.insert(known.to_owned(), value);
        }
    }
    own
}

/// The separator of a table, from its first line; `None` if no column is called `prompt`.
fn separator(first: &str) -> Option<char> {
    let named = |mark: &char| first.split(*mark).any(|name| column(name) == "prompt");
    [',', ';', '\t'].into_iter().find(named)
}

fn column(name: &str) -> String {
    name.trim().trim_matches('"').trim().to_lowercase().replace(' ', "_")
}

/// Parses a table (RFC 4180); its first line has the names of the columns.
fn table(text: &str, mark: char) -> Vec<Line> {
    let mut rows = cells(text, mark)
        .into_iter()
        .filter(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty()));
    let (_, head) = rows.next().unwrap_or_default();
    let names: Vec<String> = head.iter().map(|name| own_name(&column(name)).to_owned()).collect();
    let row = |cells: Vec<String>| {
        let mut row = Row::new();
        for (name, cell) in names.iter().zip(cells) {
            if !cell.trim().is_empty() && !name.is_empty() {
                row.insert(name.clone(), value(name, &cell));
            }
        }
        if row.contains_key("prompt") { Ok(row) } else { Err("it has no prompt".to_owned()) }
    };
    rows.map(|(line, cells)| (line, row(cells))).collect()
}

/// The cells of each line, with its number in the file.
fn cells(text: &str, mark: char) -> Vec<(usize, Vec<String>)> {
    let mut rows = Vec::new();
    let (mut row, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let (mut line, mut begun) = (1, 1);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        line += usize::from(letter == '\n');
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            _ if quoted => cell.push(letter),
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push((begun, std::mem::take(&mut row)));
                begun = line;
            }
            '\r' if letters.peek() == Some(&'\n') => {}
            _ if letter == mark => row.push(std::mem::take(&mut cell)),
            _ => cell.push(letter),
        }
    }
    row.push(cell);
    rows.push((begun, row));
    rows
}

/// Parses `--prompt "a fox" --steps 20`, with the names of AUTOMATIC1111's web UI.
fn options(line: &str) -> Result<Row, String> {
    let mut row = Row::new();
    let mut words = words(line)?.into_iter();
    while let Some(option) = words.next() {
        let name = option.strip_prefix("--").ok_or_else(|| format!("`{option}` is no option"))?;
        let name = own_name(name);
        let text = words.next().ok_or_else(|| format!("{option} has no value"))?;
        row.insert(name.to_owned(), value(name, &text));
    }
    Ok(row)
}

/// Splits a line at spaces outside of quotes, as a shell does.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut inside) = (None, false);
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(mark)) if mark == letter => quote = None,
            (' ' | '\t', None) => {
                inside = false;
                continue;
            }
            _ => {
                let letter = if letter == '\\' && quote != Some('\'') {
                    letters.next().unwrap_or(letter)
                } else {
                    letter
                };
                if !inside {
                    words.push(String::new());
                }
                words.last_mut().expect("one was just begun").push(letter);
                inside = true;
                continue;
            }
        }
        if !inside {
            words.push(String::new());
            inside = true;
        }
    }
    if quote.is_some() { Err("a quote is not closed".to_owned()) } else { Ok(words) }
}

/// A field's value from its text; the field itself checks it later.
fn value(name: &str, text: &str) -> Value {
    let text = text.trim();
    let is_text = |field: &Field| {
        use FieldType::{Name, Sampler, Seed, Text};
        matches!(field.info.kind, Text | Seed | Name(_) | Sampler)
    };
    if ["file", "init", "mask", "id", "custom_id"].contains(&name)
        || field(name).is_some_and(is_text)
    {
        return text.into();
    }
    match text.to_lowercase().as_str() {
        "true" => true.into(),
        "false" => false.into(),
        _ => serde_json::from_str::<Number>(text).map_or_else(|_| text.into(), Value::Number),
    }
}
