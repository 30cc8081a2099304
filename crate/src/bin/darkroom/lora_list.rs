//! The LoRAs of a line of a list, as text: `style:0.8, hands#0123456789ab:1:0`. The page writes the
//! same (`web/files/loras.js`): a name, on wish the first digits of the file's SHA-256, the weight
//! in the UNet, and that in the text encoder where it is another one.

use darkroom::pipeline::Weighted;
use darkroom::{Error, Result};

/// A LoRA that a line names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    name: String,
    hash: String,
    weights: [f32; 2],
}

/// Reads the text.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(crate) fn parse(text: &str) -> std::result::Result<Vec<Named>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| one(part).ok_or_else(|| format!("`{part}` is not a LoRA and its weight")))
        .collect()
}

fn one(part: &str) -> Option<Named> {
    let mut values = part.split(':');
    let name = values.next()?;
    let (name, hash) = name.split_once('#').unwrap_or((name, ""));
    let mut number = || -> Option<Option<f32>> {
        let Some(text) = values.next() else { return Some(None) };
        let number: f32 = text.trim().parse().ok()?;
        number.is_finite().then_some(Some(number))
    };
    let weight = number()?.unwrap_or(1.0);
    let text = number()?.unwrap_or(weight);
    let name = decoded(name.trim())?;
    let fits = !name.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hash = hash.to_ascii_lowercase();
    (fits && values.next().is_none()).then_some(Named { name, hash, weights: [weight, text] })
}

/// A name without its percent signs: `%2C` is a comma.
fn decoded(name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// The given LoRAs with the weights of a line: 0 for those that it does not name.
///
/// # Errors
/// [`Error::Request`] for one that is not given.
pub(crate) fn weighted(given: &[Weighted], line: &[Named]) -> Result<Vec<Weighted>> {
    let mut all: Vec<Weighted> =
        given.iter().map(|one| Weighted::new(one.lora.clone(), 0.0)).collect();
    for Named { name, hash, weights: [weight, text] } in line {
        let is_it = |one: &&mut Weighted| match hash.is_empty() {
            true => one.name().eq_ignore_ascii_case(name),
            false => one.lora.sha256().starts_with(hash.as_str()),
        };
        let found = all.iter_mut().find(is_it).ok_or_else(|| Error::Request {
            field: "loras",
            reason: format!("has `{name}`, which is not among the files of --lora"),
        })?;
        (found.weight, found.text_encoder_weight) =
            (found.weight + weight, found.text_encoder_weight + text);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_page_writes_them() {
        let named = |name: &str, hash: &str, weights| Named {
            name: name.into(),
            hash: hash.into(),
            weights,
        };
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(
            parse("style, a%2C b%3A 100%25 %231#0123ABcd:-0.3:0"),
            Ok(vec![
                named("style", "", [1.0, 1.0]),
                named("a, b: 100% #1", "0123abcd", [-0.3, 0.0])
            ])
        );
        for wrong in ["style:", "style:x", ":0.5", "a:1:2:3", "a:NaN", "a#zz:1", "a%4"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
