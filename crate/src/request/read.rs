//! Reads a request from JSON and from text, with the names that other programs and earlier versions
//! have for the same.

use super::value::Given;
use super::{Field, Request, field, names};
use crate::error::{Error, Result};
use serde_json::Value;

/// Fields of earlier versions: the name, that of the field now, and its values for true and false.
const FORMER: [(&str, &str, [&str; 2]); 2] = [
    ("karras", "sigmas", ["karras", "normal"]),
    ("prompt_weights", "prompt_syntax", ["a1111", "plain"]),
];

impl Request {
    /// Reads JSON; a field that does not fit is an error that names it.
    ///
    /// # Errors
    /// [`Error::Request`] for what is no JSON object, a value of another type, an unknown field.
    pub fn from_json(text: &str) -> Result<Request> {
        let wrong = |reason: String| Error::Request { field: "request", reason };
        let value: Value =
            serde_json::from_str(text).map_err(|e| wrong(format!("is not JSON ({e})")))?;
        let Value::Object(mut fields) = value else {
            return Err(wrong("must be a JSON object".into()));
        };
        for (former, now, _) in FORMER {
            if fields.get(now).is_some_and(|value| !value.is_null()) {
                fields.remove(former);
            }
        }
        let mut request = Request::default();
        // A sampler's name may say the sigmas too; if they are given, they are put after it.
        let first = fields.remove_entry("sampler");
        for (name, value) in first.into_iter().chain(fields) {
            let former = FORMER.iter().find(|(former, ..)| *former == name);
            let field = field(former.map_or(&name, |(_, now, _)| now))
                .ok_or_else(|| wrong(format!("has an unknown field `{name}`")))?;
            if !(field.optional && value.is_null()) {
                request.put(field, Given::Json(&value))?;
            }
        }
        Ok(request)
    }

    /// Sets a field from text, as on a command line: `20`, `true`, `0.2,0.8`.
    ///
    /// # Errors
    /// [`Error::Request`] for text that is not of the field's type.
    pub fn set_text(&mut self, field: &Field, text: &str) -> Result<()> {
        self.put(field, Given::Text(text))
    }

    fn put(&mut self, field: &Field, given: Given<'_>) -> Result<()> {
        if !self.set(field.name, in_words_of_today(field.name, given)) {
            return Err(field.refused(format!("must be {}", field.wanted())));
        }
        if field.name == "sampler"
            && let Some((sampler, sigmas)) = names::sampler_named(&self.sampler)
        {
            self.sampler = sampler.name().to_owned();
            self.sigmas = sigmas.map(|one| one.name().to_owned()).or(self.sigmas.take());
        }
        if field.name == "sigmas" {
            let named = self.sigmas.as_deref().and_then(names::sigmas_named);
            self.sigmas = named.map(|one| one.name().to_owned()).or(self.sigmas.take());
        }
        Ok(())
    }
}

/// The value of a field that was true or false in earlier versions.
fn in_words_of_today<'a>(field: &str, given: Given<'a>) -> Given<'a> {
    let flag = match given {
        Given::Json(Value::String(text)) => text.trim().parse().ok(),
        Given::Json(value) => value.as_bool(),
        Given::Text(text) => text.trim().parse().ok(),
    };
    let former = FORMER.iter().find(|(_, now, _)| *now == field);
    match (former, flag) {
        (Some((.., [yes, no])), Some(flag)) => Given::Text(if flag { yes } else { no }),
        _ => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_and_other_words_are_read() {
        let read = |json: &str| {
            let request = Request::from_json(json).unwrap();
            (request.sampler, request.sigmas)
        };
        let dpmpp = |sigmas: Option<&str>| ("dpmpp_2m".to_owned(), sigmas.map(str::to_owned));
        for (json, wanted) in [
            (r#"{"sampler": "dpmpp_2m", "karras": true}"#, Some("karras")),
            (r#"{"sampler": "dpmpp_2m", "karras": false}"#, Some("normal")),
            (r#"{"sampler": "dpmpp_2m", "karras": null}"#, None),
            (r#"{"sampler": "dpmpp_2m", "karras": true, "sigmas": null}"#, Some("karras")),
            (r#"{"sampler": "DPM++ 2M Karras", "sigmas": null}"#, Some("karras")),
            (r#"{"sampler": "DPM++ 2M Karras", "sigmas": "SGM Uniform"}"#, Some("sgm_uniform")),
            (r#"{"sampler": "DPM++ 2M"}"#, None),
        ] {
            assert_eq!(read(json), dpmpp(wanted), "{json}");
        }
        // What is not known stays, and is refused with the other fields.
        assert_eq!(read(r#"{"sampler": "magic"}"#).0, "magic");
    }
}
