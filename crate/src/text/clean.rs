//! Cleans prompts as the original Stable Diffusion programs did with the Python package ftfy. Only
//! what changes typed text is done here; the rest of ftfy repairs texts that were decoded with the
//! wrong encoding.
//!
//! In ftfy's order, repeated until nothing changes: HTML entities; C1 controls as Windows-1252
//! reads them; ligatures; full and half width; curled quotes; line breaks; terminal escapes and
//! control characters; NFC. Finally a Σ at the end of a word becomes ς, as in Python's `lower`.
//!
//! Of 4,096 prompts, 100 still have other ids than with ftfy and the original tokenizer: none of
//! the 1,024 that are made of words, and 1 in 30 of those with random characters, mostly because of
//! letters that newer versions of Unicode classify differently. See `tests/prompts.rs`.

use tokenizers::normalizers::{NFC, NFKC};
use tokenizers::{NormalizedString, Normalizer};

use super::entities::named;
use super::vocabulary::{END, START};

/// The beginning of both special tokens.
const OPENING: &str = "<|";
/// The most letters of an entity between `&` and `;`.
const ENTITY_MAX: usize = 25;
/// The most repetitions; entities within entities need more than one.
const ROUNDS_MAX: usize = 10;

/// U+0080 to U+009F in Windows-1252, where it has them.
const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// Ligatures and digraphs of the Latin script that Unicode keeps for old encodings' sake.
const LIGATURES: [(char, &str); 22] = [
    ('Ĳ', "IJ"),
    ('ĳ', "ij"),
    ('ŉ', "ʼn"),
    ('Ǆ', "DŽ"),
    ('ǅ', "Dž"),
    ('ǆ', "dž"),
    ('Ǉ', "LJ"),
    ('ǈ', "Lj"),
    ('ǉ', "lj"),
    ('Ǌ', "NJ"),
    ('ǋ', "Nj"),
    ('ǌ', "nj"),
    ('Ǳ', "DZ"),
    ('ǲ', "Dz"),
    ('ǳ', "dz"),
    ('ﬀ', "ff"),
    ('ﬁ', "fi"),
    ('ﬂ', "fl"),
    ('ﬃ', "ffi"),
    ('ﬄ', "ffl"),
    ('ﬅ', "ſt"),
    ('ﬆ', "st"),
];

/// Cleans a prompt as the original programs did. The two special tokens stay as they are, and the
/// texts between them are cleaned one by one.
pub fn clean(prompt: &str) -> String {
    let mut out = String::with_capacity(prompt.len());
    let mut rest = prompt;
    // Both special tokens begin with the same letters, so one search finds the next one.
    let next = |rest: &str| {
        rest.match_indices(OPENING).find_map(|(at, _)| {
            let token = [START, END].into_iter().find(|token| rest[at..].starts_with(token))?;
            Some((at, token))
        })
    };
    while let Some((at, token)) = next(rest) {
        out.push_str(&clean_piece(&rest[..at]));
        out.push_str(token);
        rest = &rest[at + token.len()..];
    }
    out + &clean_piece(rest)
}

fn clean_piece(text: &str) -> String {
    // From the first line with `<` on, the text may be HTML, so its entities are kept.
    let mut entities = true;
    let lines = text.split_inclusive('\n').map(|line| {
        entities &= !line.contains('<');
        clean_line(line, entities)
    });
    with_final_sigma(&lines.collect::<String>())
}

fn clean_line(line: &str, entities: bool) -> String {
    let mut text = line.to_owned();
    for _ in 0..ROUNDS_MAX {
        let before = text.clone();
        if entities {
            text = resolve_entities(&text);
        }
        let changed: String = text.chars().map(letters).collect();
        let lines = changed.replace("\r\n", "\n");
        text = normalized(&NFC, &without_controls(&lines));
        if text == before {
            break;
        }
    }
    text
}

/// `&amp;`, `&#38;` and `&#x26;` as the characters that they stand for.
fn resolve_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(ENTITY_MAX + 2).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((character, end)) => {
                out.push_str(&character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else { return named(name) };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    match code.ok()? {
        code @ 0x80..=0x9F => WINDOWS_1252.chars().nth(code as usize - 0x80).map(String::from),
        0 => Some('\u{FFFD}'.to_string()),
        code => char::from_u32(code).map(String::from),
    }
}

/// The replacement of a character, or the character itself.
fn letters(c: char) -> String {
    let one = match c {
        '\u{80}'..='\u{9f}' => WINDOWS_1252.chars().nth(c as usize - 0x80).unwrap_or(c),
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ffef}' => return normalized(&NFKC, &c.to_string()),
        '\u{2bc}' | '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{2028}' | '\u{2029}' => '\n',
        _ => match LIGATURES.iter().find(|(ligature, _)| *ligature == c) {
            Some((_, letters)) => return letters.to_string(),
            None => c,
        },
    };
    one.to_string()
}

/// Removes terminal escape sequences and invisible control characters.
fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\u{1b}[") {
            let letter = after.trim_start_matches(|c: char| c == ';' || c.is_ascii_digit());
            if let Some(after) = letter.strip_prefix(|c: char| c.is_ascii_alphabetic()) {
                rest = after;
                continue;
            }
        }
        match c {
            '\r' => out.push('\n'),
            '\0'..='\u{8}' | '\u{b}' | '\u{e}'..='\u{1f}' | '\u{7f}' => {}
            '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffc}' => {}
            _ => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn normalized(form: &impl Normalizer, text: &str) -> String {
    let mut string = NormalizedString::from(text);
    form.normalize(&mut string).expect("every text has this form");
    string.get().to_owned()
}

/// Lower-cases the words that contain a Σ, whose lower case depends on its place in the word. Other
/// words are unchanged.
fn with_final_sigma(text: &str) -> String {
    if !text.contains('Σ') {
        return text.to_owned();
    }
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| if word.contains('Σ') { word.to_lowercase() } else { word.into() }).collect()
}
