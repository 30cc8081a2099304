//! Makes standard JSON from what Python writes: every config and index of a model is read through
//! here.
//!
//! Python's `json` writes `NaN`, `Infinity` and `-Infinity`, which standard JSON does not have:
//! every scheduler that diffusers saved with DPM-Solver says `"lambda_min_clipped": -Infinity`.
//! Editors of Windows put a byte order mark in front.

use std::borrow::Cow;

/// Python's words that are not JSON, longest first, and what replaces them: NaN becomes null, and
/// infinity the largest double, which is as good for every use of a config.
const WORDS: [(&[u8], &[u8]); 3] = [
    (b"-Infinity", b"-1.7976931348623157e308"),
    (b"Infinity", b"1.7976931348623157e308"),
    (b"NaN", b"null"),
];

/// The same text without a byte order mark, with these words replaced outside of strings.
pub fn from_python(json: &[u8]) -> Cow<'_, [u8]> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut written: Option<Vec<u8>> = None;
    let (mut at, mut kept, mut quoted) = (0, 0, false);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b'-' | b'I' | b'N' if !quoted => {
                let word = WORDS.iter().find(|(word, _)| json[at..].starts_with(word));
                if let Some((word, number)) = word {
                    let out = written.get_or_insert_default();
                    out.extend(&json[kept..at]);
                    out.extend(*number);
                    kept = at + word.len();
                    at = kept;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    match written {
        None => Cow::Borrowed(json),
        Some(mut out) => {
            out.extend(&json[kept..]);
            Cow::Owned(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::from_python;

    #[test]
    fn words_of_python_become_numbers_outside_of_texts_only() {
        let read =
            |text: &str| String::from_utf8(from_python(text.as_bytes()).into_owned()).unwrap();
        assert_eq!(
            read(r#"{"a": -Infinity, "b": [NaN,Infinity]}"#),
            r#"{"a": -1.7976931348623157e308, "b": [null,1.7976931348623157e308]}"#
        );
        for same in
            [r#"{"NaN": "-Infinity \" Infinity, NaN"}"#, r#"{"a": -1, "b": "\\"}"#, "", "\""]
        {
            assert_eq!(read(same), same);
        }
        assert_eq!(read(r#"{"a\\": NaN, "b": "NaN"}"#), r#"{"a\\": null, "b": "NaN"}"#);
        assert_eq!(read("\u{feff}{}"), "{}");
        let value: serde_json::Value =
            serde_json::from_slice(&from_python(b"[-Infinity]")).unwrap();
        assert_eq!(value[0].as_f64(), Some(f64::MIN));
    }
}
