//! The LoRAs that a prompt does not name, as tags at the end of the prompt in a picture's text:
//! AUTOMATIC1111's web UI knows no others.
//!
//! ```text
//! a fox <lora:style:0.8> <lora:hands:1:0.5>
//! Steps: 20, …, Added LoRA tags: 2
//! ```
//!
//! The field says how many of them are not the prompt's own, so that it is read back as it was.

use crate::text::Tagged;

/// The field with the number of tags that are not the prompt's own.
pub const LORA_TAGS: &str = "Added LoRA tags";

const START: &str = "<lora:";

/// The prompt with a tag for each LoRA that it does not name, and how many those are. `loras`:
/// names, with the weights in the text encoder and in the UNet. Those of one name are one tag; a
/// name that no tag can hold has none.
pub fn with_tags<'a>(
    prompt: &str,
    loras: impl IntoIterator<Item = (&'a str, [f32; 2])>,
) -> (String, usize) {
    let own = Tagged::read(prompt).loras;
    let mut added: Vec<(&str, [f32; 2])> = Vec::new();
    for (name, [text, unet]) in loras {
        let is_own = own.iter().any(|tag| tag.name.eq_ignore_ascii_case(name));
        if is_own || !is_taggable(name) {
            continue;
        }
        match added.iter_mut().find(|(other, _)| *other == name) {
            Some((_, weights)) => *weights = [weights[0] + text, weights[1] + unet],
            None => added.push((name, [text, unet])),
        }
    }
    if added.is_empty() {
        return (prompt.to_owned(), 0);
    }
    let tags: Vec<_> = added.iter().map(|(name, weights)| tag(name, *weights)).collect();
    let prompt = prompt.trim_end();
    // What follows a number sign in its line is a comment there.
    let is_comment = prompt.lines().last().is_some_and(|line| line.contains('#'));
    let gap = if is_comment { "\n" } else { " " };
    let gap = if prompt.is_empty() { "" } else { gap };
    (format!("{prompt}{gap}{}", tags.join(" ")), added.len())
}

/// The prompt without so many tags at its end.
pub(super) fn without_tags(prompt: &str, count: usize) -> &str {
    let mut rest = prompt;
    for _ in 0..count {
        let inside = rest.trim_end().strip_suffix('>').and_then(|text| text.rsplit_once(START));
        let Some((before, tag)) = inside else { return rest };
        if tag.contains(['<', '>']) {
            return rest;
        }
        rest = before.trim_end();
    }
    rest
}

fn tag(name: &str, [text, unet]: [f32; 2]) -> String {
    let unet = if text == unet { String::new() } else { format!(":{unet}") };
    format!("{START}{name}:{text}{unet}>")
}

/// Whether a tag with this name is read as such.
fn is_taggable(name: &str) -> bool {
    let fits = |c: char| !matches!(c, '<' | '>' | ':' | '=') && !c.is_control();
    !name.is_empty() && name.trim() == name && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_added_and_taken_off() {
        let loras = [
            ("style", [0.8, 0.8]),
            ("hands", [1.0, 0.5]),
            ("odd: name", [1.0, 1.0]),
            ("style", [0.1, 0.1]),
        ];
        for (prompt, wanted) in [
            ("a fox", "a fox <lora:style:0.90000004> <lora:hands:1:0.5>"),
            ("", "<lora:style:0.90000004> <lora:hands:1:0.5>"),
            ("a fox <lora:x:1>", "a fox <lora:x:1> <lora:style:0.90000004> <lora:hands:1:0.5>"),
            ("a <lora:Style:1>b", "a <lora:Style:1>b <lora:hands:1:0.5>"),
            ("a\nfox # red", "a\nfox # red\n<lora:style:0.90000004> <lora:hands:1:0.5>"),
        ] {
            let (text, count) = with_tags(prompt, loras);
            assert_eq!(text, wanted);
            assert_eq!(without_tags(&text, count), prompt);
        }
        assert_eq!(with_tags(" a ", []), (" a ".to_owned(), 0));
        // A number that is not true costs no more than the tags that are there.
        assert_eq!(without_tags("a <b> <lora:c:1>", 9), "a <b>");
        assert_eq!(without_tags("a <lora:c:1> b>", 1), "a <lora:c:1> b>");
        assert_eq!(without_tags("a <lora:c:1>", 0), "a <lora:c:1>");
    }
}
