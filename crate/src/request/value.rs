//! The Rust types of a request's fields: how each is read from JSON and from plain text, and
//! written.

use super::seed;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldValue<'a> {
    /// No value: the model, or the kind of run, decides.
    Nothing,
    /// Text, or a name.
    Text(&'a str),
    /// A seed.
    Seed(u64),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Whole(u32),
    /// A number.
    Number(f64),
    /// Two numbers, start and end.
    Interval([f64; 2]),
}

impl FieldValue<'_> {
    /// The value in JSON; NaN and infinity become null.
    pub fn json(&self) -> Value {
        match *self {
            FieldValue::Nothing => Value::Null,
            FieldValue::Text(text) => text.into(),
            FieldValue::Seed(seed) => seed.to_string().into(),
            FieldValue::Flag(flag) => flag.into(),
            FieldValue::Whole(n) => n.into(),
            FieldValue::Number(n) => n.into(),
            FieldValue::Interval([start, end]) => vec![start, end].into(),
        }
    }
}

impl fmt::Display for FieldValue<'_> {
    /// The value as the text in a picture has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Nothing => Ok(()),
            FieldValue::Text(text) => f.write_str(text),
            FieldValue::Seed(seed) => seed.fmt(f),
            FieldValue::Flag(flag) => flag.fmt(f),
            FieldValue::Whole(n) => n.fmt(f),
            FieldValue::Number(n) => n.fmt(f),
            FieldValue::Interval([start, end]) => write!(f, "{start}-{end}"),
        }
    }
}

/// The input from which a field is set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    /// A value of JSON.
    Json(&'a Value),
    /// Text, as on a command line: `20`, `true`, `0.2,0.8`.
    Text(&'a str),
}

/// A Rust type that a field can have: how its value is read, and how it is given back.
pub(super) trait Entry: Sized {
    /// Whether it may be null.
    const OPTIONAL: bool = false;

    /// `None` for a value that is not of this type.
    fn read(given: Given<'_>) -> Option<Self>;

    /// The value, as [`FieldValue`].
    fn held(&self) -> FieldValue<'_>;
}

/// JSON as serde reads it, text as the type's own `FromStr` does.
fn read<T: DeserializeOwned + FromStr>(given: Given<'_>) -> Option<T> {
    match given {
        Given::Json(value) => T::deserialize(value).ok(),
        Given::Text(text) => text.trim().parse().ok(),
    }
}

impl Entry for String {
    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Json(value) => value.as_str().map(str::to_owned),
            Given::Text(text) => Some(text.to_owned()),
        }
    }

    fn held(&self) -> FieldValue<'_> {
        FieldValue::Text(self)
    }
}

impl Entry for u64 {
    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Json(value) => seed::from_any(value).ok(),
            Given::Text(text) => text.trim().parse().ok(),
        }
    }

    fn held(&self) -> FieldValue<'_> {
        FieldValue::Seed(*self)
    }
}

impl Entry for bool {
    fn read(given: Given<'_>) -> Option<Self> {
        read(given)
    }

    fn held(&self) -> FieldValue<'_> {
        FieldValue::Flag(*self)
    }
}

impl Entry for u32 {
    fn read(given: Given<'_>) -> Option<Self> {
        read(given)
    }

    fn held(&self) -> FieldValue<'_> {
        FieldValue::Whole(*self)
    }
}

impl Entry for f64 {
    fn read(given: Given<'_>) -> Option<Self> {
        read(given)
    }

    fn held(&self) -> FieldValue<'_> {
        FieldValue::Number(*self)
    }
}

impl Entry for [f64; 2] {
    /// As text `0.2,0.8`, `0.2-0.8` or `[0.2, 0.8]`.
    fn read(given: Given<'_>) -> Option<Self> {
        let text = match given {
            Given::Json(value) => return Self::deserialize(value).ok(),
            Given::Text(text) => text.trim().trim_start_matches('[').trim_end_matches(']'),
        };
        let (start, end) = text.split_once(',').or_else(|| text.split_once('-'))?;
        Some([start.trim().parse().ok()?, end.trim().parse().ok()?])
    }

    fn held(&self) -> FieldValue<'_> {
        FieldValue::Interval(*self)
    }
}

impl<T: Entry> Entry for Option<T> {
    const OPTIONAL: bool = true;

    fn read(given: Given<'_>) -> Option<Self> {
        match given {
            Given::Json(Value::Null) => Some(None),
            given => T::read(given).map(Some),
        }
    }

    fn held(&self) -> FieldValue<'_> {
        self.as_ref().map_or(FieldValue::Nothing, T::held)
    }
}
