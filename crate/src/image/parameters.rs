//! The request as readable text, in the form that Stable Diffusion programs share.
//!
//! ```text
//! a red cat on a yellow background
//! Negative prompt: blurry
//! Steps: 20, Sampler: Euler, CFG scale: 7.5, Seed: 42, Size: 512x512
//! ```
//!
//! There is no standard but habit; the form is that of AUTOMATIC1111's `infotext`. A value with a
//! comma, a colon or a line break is written as a JSON string, as there.

const NEGATIVE: &str = "Negative prompt: ";

/// The parts of such a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// What was asked for; it may have several lines.
    pub prompt: String,
    /// What was to be avoided; empty when there was nothing.
    pub negative_prompt: String,
    /// Names with values, such as `Steps` with `20`, in their order.
    pub fields: Vec<(String, String)>,
}

impl Parameters {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The text.
    pub fn format(&self) -> String {
        let mut text = self.prompt.trim().to_owned();
        if !self.negative_prompt.trim().is_empty() {
            text.push_str(&format!("\n{NEGATIVE}{}", self.negative_prompt.trim()));
        }
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {}", quote(value)));
        let fields = fields.collect::<Vec<_>>().join(", ");
        if !fields.is_empty() {
            text.push_str(&format!("\n{fields}"));
        }
        text
    }

    /// Reads such a text, also another program's. Any text can be read: without a last line of
    /// fields everything is prompt.
    pub fn parse(text: &str) -> Self {
        let mut lines: Vec<&str> = text.trim().lines().collect();
        let fields = lines.last().and_then(|line| parse_fields(line)).unwrap_or_default();
        if !fields.is_empty() {
            lines.pop();
        }
        let negative = lines.iter().position(|line| line.starts_with(NEGATIVE.trim_end()));
        let (prompt, negative) = lines.split_at(negative.unwrap_or(lines.len()));
        let negative = negative.join("\n");
        let negative = negative.strip_prefix(NEGATIVE.trim_end()).unwrap_or_default();
        Parameters {
            prompt: prompt.join("\n").trim().to_owned(),
            negative_prompt: negative.trim().to_owned(),
            fields,
        }
    }
}

fn quote(value: &str) -> String {
    if value.contains([',', ':', '\n', '"']) {
        serde_json::Value::from(value).to_string()
    } else {
        value.to_owned()
    }
}

/// `Name: value, Name: "quoted, value"`; nothing when the line is not of this form, or has fewer
/// than three fields and does not begin with `Steps`, as a prompt with a colon would.
fn parse_fields(line: &str) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once(':')?;
        let name_is_plain = |c: char| c.is_alphanumeric() || " -/_".contains(c);
        if name.is_empty() || !name.chars().all(name_is_plain) {
            return None;
        }
        let after = after.trim_start();
        let (value, next) = match quoted(after) {
            Some(parts) => parts,
            None => {
                let (value, next) = after.split_once(',').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        fields.push((name.trim().to_owned(), value));
        rest = next.trim_start();
    }
    let first_is_steps = fields.first().is_some_and(|(name, _)| name == "Steps");
    (first_is_steps || fields.len() >= 3).then_some(fields)
}

/// A JSON string at the beginning of `text`, up to a comma or the end, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = strings.next()?.ok()?;
    let rest = text.get(strings.byte_offset()..)?.trim_start();
    match rest.strip_prefix(',') {
        Some(next) => Some((value, next)),
        None => rest.is_empty().then_some((value, "")),
    }
}
