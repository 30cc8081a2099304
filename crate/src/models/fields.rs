//! Reads a published `config.json` field by field, so that every error names its field.
//!
//! An absent field has the default of the Python class that wrote the file; a field with a value
//! that this program does not compute is refused rather than ignored.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::json::from_python;

/// The largest size in a config; a larger number is a mistake, or was made to exhaust memory.
const LARGEST: usize = 1 << 20;
/// The most levels, layers of a kind, or blocks.
const MOST: usize = 256;

/// The fields of one config file.
pub(super) struct Fields<'a> {
    file: &'a str,
    map: Map<String, Value>,
    /// The prefix of field names in errors: the path of the object inside the file, with a dot.
    place: String,
}

/// One value for all levels of a model, or one for each.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum PerLevel<T> {
    One(T),
    Each(Vec<T>),
}

impl<'a> Fields<'a> {
    /// Parses `json`, the text of `file`.
    ///
    /// # Errors
    /// [`Error::BadFile`] for what is no object in JSON.
    pub(super) fn parse(file: &'a str, json: &str) -> Result<Fields<'a>> {
        let bad = |reason: String| Error::BadFile { file: file.to_string(), reason };
        match serde_json::from_slice(&from_python(json.as_bytes())) {
            Ok(Value::Object(map)) => Ok(Fields { file, map, place: String::new() }),
            Ok(_) => Err(bad("it is JSON, but not an object of fields".into())),
            Err(fault) => Err(bad(format!("it is not JSON ({fault})"))),
        }
    }

    /// The fields of the object `field`; no fields when it is absent.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no object.
    pub(super) fn object(&self, field: &str) -> Result<Fields<'a>> {
        let map = self.get(field, Map::new())?;
        Ok(Fields { file: self.file, map, place: format!("{}{field}.", self.place) })
    }

    /// The value of `field`, or `default` when it is absent.
    ///
    /// # Errors
    /// [`Error::Config`] for a value of another kind.
    pub(super) fn get<T: DeserializeOwned>(&self, field: &str, default: T) -> Result<T> {
        match self.map.get(field) {
            None => Ok(default),
            Some(value) => T::deserialize(value).map_err(|fault| {
                self.error(field, format!("has a value of the wrong kind ({fault})"))
            }),
        }
    }

    /// A size: at least one.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no size.
    pub(super) fn size(&self, field: &str, default: usize) -> Result<usize> {
        let value = self.get(field, default)?;
        self.in_range(field, value, LARGEST)?;
        Ok(value)
    }

    /// A number of channels: a size, and a multiple of four.
    ///
    /// # Errors
    /// [`Error::Config`] if the value is not a number of channels.
    pub(super) fn channels(&self, field: &str, default: usize) -> Result<usize> {
        let value = self.size(field, default)?;
        self.of_four(field, value)?;
        Ok(value)
    }

    /// The channels of each level.
    ///
    /// # Errors
    /// [`Error::Config`] for what are no numbers of channels.
    pub(super) fn level_channels(&self, field: &str, default: &[usize]) -> Result<Vec<usize>> {
        let values = self.get(field, default.to_vec())?;
        self.in_range(field, values.len(), MOST)?;
        for value in &values {
            self.in_range(field, *value, LARGEST)?;
            self.of_four(field, *value)?;
        }
        Ok(values)
    }

    /// A count: from 1 to [`MOST`].
    ///
    /// # Errors
    /// [`Error::Config`] for what is no count.
    pub(super) fn count(&self, field: &str, default: usize) -> Result<usize> {
        let value = self.get(field, default)?;
        self.in_range(field, value, MOST)?;
        Ok(value)
    }

    /// A count or a size for each of `levels` levels, from 1 to [`LARGEST`]; the file has one for
    /// all or one for each.
    ///
    /// # Errors
    /// [`Error::Config`] for other values, or too few or many.
    pub(super) fn per_level(
        &self,
        field: &str,
        default: usize,
        levels: usize,
    ) -> Result<Vec<usize>> {
        let values = match self.get(field, PerLevel::One(default))? {
            PerLevel::One(value) => vec![value; levels],
            PerLevel::Each(values) => values,
        };
        self.as_many(field, values.len(), levels)?;
        for value in &values {
            self.in_range(field, *value, LARGEST)?;
        }
        Ok(values)
    }

    /// A small positive number, added to variances.
    ///
    /// # Errors
    /// [`Error::Config`] for what is not between 0 and 1.
    pub(super) fn epsilon(&self, field: &str, default: f64) -> Result<f32> {
        let value: f64 = self.get(field, default)?;
        if value > 0.0 && value < 1.0 {
            return Ok(value as f32);
        }
        Err(self.error(field, format!("is {value}, which is not between 0 and 1")))
    }

    /// The block types of `levels` levels, as indices in `known`.
    ///
    /// # Errors
    /// [`Error::Config`] for a type that is not known, and for too few or many.
    pub(super) fn block_types(
        &self,
        field: &str,
        default: &[&str],
        known: &[&str],
        levels: usize,
    ) -> Result<Vec<usize>> {
        let default = default.iter().map(ToString::to_string).collect();
        let names: Vec<String> = self.get(field, default)?;
        self.as_many(field, names.len(), levels)?;
        let index = |name: &String| {
            known.iter().position(|known| known == name).ok_or_else(|| {
                let known = known.join("` and `");
                self.error(field, format!("has `{name}`, but only `{known}` are supported"))
            })
        };
        names.iter().map(index).collect()
    }

    /// Refuses any value but those of `allowed`; the field may be absent.
    ///
    /// # Errors
    /// [`Error::Config`] for any other.
    pub(super) fn only(&self, field: &str, allowed: &[Value]) -> Result<()> {
        let Some(value) = self.map.get(field) else { return Ok(()) };
        // 1 and 1.0 are the same number in a config.
        let same = |a: &Value| a == value || (a.is_number() && a.as_f64() == value.as_f64());
        if allowed.iter().any(same) {
            return Ok(());
        }
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        let allowed = allowed.join(" or ");
        Err(self.error(field, format!("is {value}, but only {allowed} is supported")))
    }

    /// Refuses a channel count that the groups of a norm, or the heads of an attention, do not
    /// divide.
    ///
    /// # Errors
    /// [`Error::Config`] for such a count.
    pub(super) fn divides(&self, field: &str, value: usize, channels: usize) -> Result<()> {
        if channels.is_multiple_of(value) {
            return Ok(());
        }
        Err(self.error(field, format!("is {value}, which does not divide {channels} channels")))
    }

    /// Refuses heads that do not split the channels into widths that are multiples of four.
    ///
    /// # Errors
    /// [`Error::Config`] for such heads.
    pub(super) fn heads(&self, field: &str, heads: usize, channels: usize) -> Result<()> {
        self.divides(field, heads, channels)?;
        if (channels / heads).is_multiple_of(4) {
            return Ok(());
        }
        let width = channels / heads;
        let reason = format!(
            "makes {heads} heads of {channels} channels, each {width} wide; the width of a head \
             must be a multiple of four"
        );
        Err(self.error(field, reason))
    }

    /// The error about `field`.
    pub(super) fn error(&self, field: &str, reason: impl Into<String>) -> Error {
        let (file, field) = (self.file.to_string(), format!("{}{field}", self.place));
        Error::Config { file, field, reason: reason.into() }
    }

    fn as_many(&self, field: &str, found: usize, levels: usize) -> Result<()> {
        if found == levels {
            return Ok(());
        }
        let reason = format!("has {found} entries for the {levels} of `block_out_channels`");
        Err(self.error(field, reason))
    }

    fn in_range(&self, field: &str, value: usize, largest: usize) -> Result<()> {
        if (1..=largest).contains(&value) {
            return Ok(());
        }
        Err(self.error(field, format!("has {value}, which is not between 1 and {largest}")))
    }

    fn of_four(&self, field: &str, value: usize) -> Result<()> {
        if value.is_multiple_of(4) {
            return Ok(());
        }
        Err(self.error(field, format!("has {value}, but channels must be a multiple of four")))
    }
}
