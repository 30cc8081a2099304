//! The fields of a JSON request, taken one by one: what is left at the end is unknown.

use super::fault::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::pipeline::Request;
use darkroom::request::field_called;
use serde_json::{Map, Value};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// The first bytes of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The most characters of a value that a fault tells.
const TOLD_MAX: usize = 80;

/// The fields of a request that were not taken yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Null is as good as nothing.
    pub(super) fn new(mut all: Map<String, Value>) -> Fields {
        all.retain(|_, value| !value.is_null());
        Fields(all)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        self.typed(name, "must be text", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn whole(&mut self, name: &str) -> Result<Option<u32>, Fault> {
        let read = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        self.typed(name, "must be a whole number from 0 on", read)
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        self.typed(name, "must be true or false", Value::as_bool)
    }

    fn typed<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| Fault::field(name, wanted))
    }

    /// A PNG file in base64, also as a data URL.
    pub(super) fn png(&mut self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.text(name)?.map(|text| png(name, &text)).transpose()
    }

    /// Refuses a field unless it has one of these values, which change nothing.
    pub(super) fn only(&mut self, name: &str, usual: &[Value]) -> Result<(), Fault> {
        match self.0.remove(name) {
            Some(value) if !usual.iter().any(|one| is_same(one, &value)) => {
                let value = short(&value.to_string());
                Err(Fault::field(name, &format!("cannot be {value}: it is not supported here")))
            }
            _ => Ok(()),
        }
    }

    /// Drops fields that do not change the picture.
    pub(super) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    /// Sets a field of the request to the value under this name.
    pub(super) fn put(
        &mut self,
        request: &mut Request,
        theirs: &str,
        ours: &str,
    ) -> Result<(), Fault> {
        let Some(value) = self.0.remove(theirs) else { return Ok(()) };
        set(request, theirs, ours, value)
    }

    /// A seed; -1 is one by chance, and so is none where `by_chance` says so.
    pub(super) fn seed(&mut self, request: &mut Request, by_chance: bool) -> Result<(), Fault> {
        let value = self.0.remove("seed");
        let is_minus = value.as_ref().is_some_and(|seed| seed == -1 || seed == "-1");
        if is_minus || value.is_none() && by_chance {
            // As many bits as every client's numbers hold, and AUTOMATIC1111's web UI draws.
            request.seed = RandomState::new().hash_one(0) >> 32;
            return Ok(());
        }
        value.map_or(Ok(()), |value| set(request, "seed", "seed", value))
    }

    /// Takes what the request has no field for, and returns the names.
    pub(super) fn unknown(&mut self) -> Vec<String> {
        let names = self.0.keys().filter(|name| field_called(name).is_none());
        let names: Vec<_> = names.cloned().collect();
        names.iter().for_each(|name| drop(self.0.remove(name)));
        names
    }

    /// Sets the request's own fields by their own names, and refuses what is left.
    pub(super) fn rest(self, request: &mut Request) -> Result<(), Fault> {
        for (name, value) in self.0 {
            let field =
                field_called(&name).ok_or_else(|| Fault::field(&name, "is not known here"))?;
            set(request, &name, field.name, value)?;
        }
        Ok(())
    }
}

/// An API's names of a request's fields, beside ours: ours, its own. Of several the first that a
/// client sent is meant.
pub(super) type Names = [(&'static str, &'static str)];

/// A fault that was found with the whole request, about the field by the name that a client sent,
/// or would have sent.
pub(super) fn renamed(fault: Fault, names: &Names, sent: &Map<String, Value>) -> Fault {
    let Some(ours) = fault.field.as_deref() else { return fault };
    let was_sent = |name: &str| sent.get(name).is_some_and(|value| !value.is_null());
    let theirs = || names.iter().filter(|(name, _)| *name == ours).map(|(_, theirs)| *theirs);
    let other = |name: &&String| field_called(name).is_some_and(|field| field.name == ours);
    let name = theirs()
        .find(|name| was_sent(name))
        .or_else(|| sent.keys().find(other).map(String::as_str).filter(|name| was_sent(name)))
        .or_else(|| theirs().next());
    match name {
        Some(name) if name != ours => {
            let message = format!("`{name}`: {}", fault.message);
            Fault { field: Some(name.to_owned()), message, ..fault }
        }
        _ => fault,
    }
}

/// Sets a field by JSON; the fault has the client's name of it.
pub(super) fn set(
    request: &mut Request,
    theirs: &str,
    ours: &str,
    value: Value,
) -> Result<(), Fault> {
    let named = |fault: darkroom::Error| match fault {
        darkroom::Error::Request { reason, .. } => {
            Fault::field(theirs, reason.trim_end_matches('.'))
        }
        other => Fault::from(other),
    };
    let mut all = serde_json::to_value(&*request).unwrap_or_default();
    if let Some(all) = all.as_object_mut() {
        all.insert(ours.to_owned(), value);
    }
    *request = Request::from_json(&all.to_string()).map_err(named)?;
    Ok(())
}

/// The beginning of a value that is told: it may be a picture's file.
fn short(text: &str) -> String {
    match text.char_indices().nth(TOLD_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Numbers are equal by value: 1 is 1.0.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Reads a PNG file in base64.
pub(super) fn png(name: &str, text: &str) -> Result<Vec<u8>, Fault> {
    let plain = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,").map_or("", |(_, plain)| plain),
        None => text,
    };
    let bytes = STANDARD.decode(plain.trim());
    let bytes = bytes.map_err(|_| Fault::field(name, "must be a PNG file in base64"))?;
    is_png(name, &bytes)?;
    Ok(bytes)
}

/// # Errors
/// What is no PNG file.
pub(super) fn is_png(name: &str, bytes: &[u8]) -> Result<(), Fault> {
    match bytes.starts_with(PNG) {
        true => Ok(()),
        false => Err(Fault::field(name, "must be a PNG file")),
    }
}

/// A file as JSON has it.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
