//! Tags in a prompt, with the syntax of AUTOMATIC1111's web UI: which LoRAs to use. They are no
//! part of what the text encoder sees.
//!
//! ```text
//! <lora:name>            weight 1                  <lora:name:0.8>        in both networks
//! <lora:name:1:0.5>      text encoder, UNet        <lora:name:te=0:unet=1>
//! <lyco:…>               the same                  any other <kind:…> is left out
//! ```

/// A LoRA that a prompt names.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraTag {
    /// The name of its file without extension.
    pub name: String,
    /// Its weight in the UNet.
    pub weight: f32,
    /// Its weight in the text encoder.
    pub text_encoder_weight: f32,
}

/// A prompt without its tags, and the tags.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tagged {
    /// What the text encoder sees.
    pub text: String,
    /// The LoRAs, in the prompt's order.
    pub loras: Vec<LoraTag>,
    /// Tags of another kind, or with a weight that is no finite number, as they were written.
    pub unknown: Vec<String>,
}

impl Tagged {
    /// Separates a prompt from its tags.
    pub fn read(prompt: &str) -> Tagged {
        let mut tagged = Tagged::default();
        let mut rest = prompt;
        while let Some(start) = rest.find('<') {
            tagged.text.push_str(&rest[..start]);
            rest = &rest[start..];
            let Some((tag, kind, values)) = tag(rest) else {
                tagged.text.push('<');
                rest = &rest[1..];
                continue;
            };
            match lora(kind, values) {
                Some(lora) => tagged.loras.push(lora),
                None => tagged.unknown.push(tag.to_owned()),
            }
            rest = &rest[tag.len()..];
        }
        tagged.text.push_str(rest);
        tagged
    }
}

/// The tag at the beginning of a text, its kind and its values: `<(\w+):([^>]+)>`.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find('>')?;
    let (kind, values) = text[1..end].split_once(':')?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let fits = !kind.is_empty() && kind.chars().all(is_word) && !values.is_empty();
    fits.then(|| (&text[..=end], kind, values))
}

/// A LoRA's values: its name, then weights by place (text encoder, UNet) or by name (te, unet).
fn lora(kind: &str, values: &str) -> Option<LoraTag> {
    if kind != "lora" && kind != "lyco" {
        return None;
    }
    let mut values = values.split(':');
    let name = values.next()?.trim();
    let (mut places, mut named) = (Vec::new(), [None; 2]);
    for value in values {
        match value.split_once('=') {
            Some(("te", number)) => named[0] = Some(number.trim().parse::<f32>().ok()?),
            Some(("unet", number)) => named[1] = Some(number.trim().parse::<f32>().ok()?),
            // Other named values are for other kinds of files.
            Some(_) => {}
            None => places.push(value.trim().parse::<f32>().ok()?),
        }
    }
    let text = named[0].or(places.first().copied()).unwrap_or(1.0);
    let unet = named[1].or(places.get(1).copied()).unwrap_or(text);
    let fits = !name.is_empty() && text.is_finite() && unet.is_finite();
    fits.then(|| LoraTag { name: name.into(), weight: unet, text_encoder_weight: text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(prompt: &str) -> Vec<(String, f32, f32)> {
        let of = |tag: LoraTag| (tag.name, tag.weight, tag.text_encoder_weight);
        Tagged::read(prompt).loras.into_iter().map(of).collect()
    }

    #[test]
    fn weights_are_given_by_place_or_by_name() {
        for (prompt, unet, text) in [
            ("<lora:a>", 1.0, 1.0),
            ("<lora:a:0.8>", 0.8, 0.8),
            ("<lyco:a:-1>", -1.0, -1.0),
            ("<lora:a:1:0.5>", 0.5, 1.0),
            ("<lora:a:te=0:unet=0.5>", 0.5, 0.0),
            ("<lora:a:0.7:te=0.2:dyn=4>", 0.2, 0.2),
        ] {
            assert_eq!(weights(prompt), [("a".to_owned(), unet, text)], "{prompt}");
        }
    }

    #[test]
    fn tags_are_no_part_of_the_text() {
        let tagged = Tagged::read("a <lora:one:0.5>cat, <hypernet:h:1> 1 < 2 <b> <lora:x:NaN>");
        assert_eq!(tagged.text, "a cat,  1 < 2 <b> ");
        assert_eq!(tagged.loras.len(), 1);
        assert_eq!(tagged.unknown, ["<hypernet:h:1>", "<lora:x:NaN>"]);
        for plain in ["", "<", "<lora:", "<lora:>", "<:a>", "a < b:c"] {
            assert_eq!(Tagged::read(plain).text, plain);
        }
    }
}
