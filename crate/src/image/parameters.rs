//! The request as readable text, in the form that Stable Diffusion programs share (infotext).
//!
//! ```text
//! a red cat on a yellow background
//! Negative prompt: blurry
//! Steps: 20, Sampler: Euler, CFG scale: 7.5, Seed: 42, Size: 512x512
//! ```
//!
//! There is no written standard; the form is that of AUTOMATIC1111's `infotext`. As there, a value
//! with a comma, a colon or a line break is written as a JSON string. Extensions add lines below
//! the fields (`Template: …`). The page reads the same text in the same way
//! (`web/files/parameters.js`), and reading gives back exactly what was written here, in time
//! linear in its length.

const NEGATIVE: &str = "Negative prompt: ";

/// The parts of such a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The prompt; it may have several lines.
    pub prompt: String,
    /// The negative prompt; empty when there was none.
    pub negative_prompt: String,
    /// Names and values, such as `Steps` and `20`, in their order.
    pub fields: Vec<(String, String)>,
    /// The lines below the fields, which extensions of other programs write.
    pub extra: String,
}

impl Parameters {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The text.
    pub fn format(&self) -> String {
        let mut text = self.prompt.trim().to_owned();
        let fields = self.fields.iter().map(|(name, value)| format!("{name}: {}", quote(value)));
        let fields = fields.collect::<Vec<_>>().join(", ");
        let negative = self.negative_prompt.trim();
        // If the prompt's last line looks like a line of fields, something must follow it, so that
        // it is not read as one.
        let misread = || parse_fields(text.lines().last().unwrap_or_default()).is_some();
        if !negative.is_empty() || (fields.is_empty() && misread()) {
            text.push_str(&format!("\n{NEGATIVE}{negative}"));
        }
        for line in [fields.as_str(), self.extra.trim()] {
            if !line.is_empty() {
                text.push_str(&format!("\n{line}"));
            }
        }
        text
    }

    /// Parses such a text, also another program's. It never fails: a text without a line of fields
    /// is a prompt as a whole.
    pub fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.trim().split('\n').map(|l| l.trim_end_matches('\r')).collect();
        let (end, fields) = find_fields(&lines).unwrap_or((lines.len(), Vec::new()));
        let (lines, below) = lines.split_at(end);
        let negative = lines.iter().position(|line| line.starts_with(NEGATIVE.trim_end()));
        let (prompt, negative) = lines.split_at(negative.unwrap_or(lines.len()));
        let negative = negative.join("\n");
        let negative = negative.strip_prefix(NEGATIVE.trim_end()).unwrap_or_default();
        Parameters {
            prompt: prompt.join("\n").trim().to_owned(),
            negative_prompt: negative.trim().to_owned(),
            fields,
            extra: below.get(1..).unwrap_or_default().join("\n").trim().to_owned(),
        }
    }
}

fn quote(value: &str) -> String {
    let marks = |c: char| matches!(c, ',' | ':' | '"') || c.is_control();
    if value.contains(marks) || value != value.trim() {
        serde_json::Value::from(value).to_string()
    } else {
        value.to_owned()
    }
}

/// The fields and the number of their line: the last line of the text, or else the last line that
/// begins with `Steps` and has further fields.
fn find_fields(lines: &[&str]) -> Option<(usize, Vec<(String, String)>)> {
    let last = lines.len().checked_sub(1)?;
    if let Some(fields) = parse_fields(lines[last]) {
        return Some((last, fields));
    }
    let steps = |line: &&str| line.trim_start().starts_with("Steps: ");
    let mut found = lines.iter().enumerate().rev().filter(|(_, line)| steps(line));
    found.find_map(|(at, line)| Some((at, parse_fields(line).filter(|fields| fields.len() >= 3)?)))
}

/// `Name: value, Name: "quoted, value"`; `None` when the line does not begin with `Steps` and has
/// fewer than three fields or other words, as a prompt with a colon would. A piece that is no
/// field, or a quoted value that cannot be read, is skipped alone.
fn parse_fields(line: &str) -> Option<Vec<(String, String)>> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut odd = false;
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (value, next) = match rest.find([':', ',']) {
            Some(at) if rest[at..].starts_with(':') => {
                let (name, after) = (rest[..at].trim(), rest[at + 1..].trim_start());
                let (value, next) = value(after);
                (value.filter(|_| is_name(name)).map(|value| (name, value)), next)
            }
            Some(at) => (None, &rest[at + 1..]),
            None => (None, ""),
        };
        match value {
            Some((name, value)) => fields.push((name.to_owned(), value)),
            None => odd = true,
        }
        let steps_first = fields.first().is_some_and(|(name, _)| name == "Steps");
        if odd && !steps_first {
            return None;
        }
        rest = next.trim_start();
    }
    let (first, _) = fields.first()?;
    let others = fields.len() >= 3 && first != NEGATIVE.trim_end_matches([':', ' ']);
    (first == "Steps" || others).then_some(fields)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || " -/_".contains(c))
}

/// The value at the beginning of a text (`None` where it cannot be read), and the rest after its
/// comma.
fn value(text: &str) -> (Option<String>, &str) {
    if let Some(end) = closing_quote(text) {
        let after = text[end..].trim_start();
        if let Some(next) = after.strip_prefix(',').or_else(|| after.is_empty().then_some("")) {
            return (serde_json::from_str(&text[..end]).ok(), next);
        }
    }
    let (value, next) = text.split_once(',').unwrap_or((text, ""));
    (Some(value.trim().to_owned()), next)
}

/// The position after the closing quote of a quoted text.
fn closing_quote(text: &str) -> Option<usize> {
    let mut letters = text.strip_prefix('"')?.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    None
}
