//! Strict parsers for the headers of a server's answer (`Content-Range`, `ETag`, `Retry-After`),
//! and the first line of the body of a refusal.

/// First byte and size of `bytes 0-99/1000`; the size may be `*`.
pub fn content_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then(|| (first, size.trim().parse().ok()))
}

/// Whether two entity tags name one version, by the weak comparison of RFC 9110, 8.8.3.2.
pub fn same_etag(one: &str, other: &str) -> bool {
    let opaque = |etag: &str| etag.trim().trim_start_matches("W/").to_owned();
    opaque(one) == opaque(other)
}

/// `Retry-After` in whole seconds; `None` for a date or anything else.
pub fn retry_seconds(header: &str) -> Option<f64> {
    let header = header.trim();
    let digits = !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit());
    header.parse().ok().filter(|_| digits)
}

/// The first line of a body that has text: shortened, and without markup and unprintable
/// characters.
pub fn first_line(body: &[u8]) -> Option<String> {
    const CHARS_MAX: usize = 120;
    let mut text = String::new();
    let mut in_tag = false;
    for c in String::from_utf8_lossy(body).chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            '\n' if !in_tag && !text.trim().is_empty() => break,
            c if in_tag || c.is_control() || is_hidden(c) => {}
            c => text.push(c),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(CHARS_MAX).collect();
    (!line.is_empty()).then_some(line)
}

/// Marks that change the direction of text, and the character that replaces invalid bytes.
fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
    turns || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fffd}')
}
