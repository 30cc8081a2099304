//! The text of a kernel without its comments, made when the crate is compiled: they are for readers
//! of the files, and a quarter of their bytes. Lines stay where they are, so that a compiler's
//! message names the line of the file. WGSL has no texts of its own that could contain `//`.

/// The length of a text without its comments.
pub const fn bare_length(text: &str) -> usize {
    let (text, mut length, mut in_comment, mut i) = (text.as_bytes(), 0, false, 0);
    while i < text.len() {
        in_comment = goes_on(text, i, in_comment);
        if !in_comment {
            length += 1;
        }
        i += 1;
    }
    length
}

/// The bytes of a text without its comments, which are N.
pub const fn bare<const N: usize>(text: &str) -> [u8; N] {
    let (text, mut bytes, mut length, mut in_comment, mut i) =
        (text.as_bytes(), [0; N], 0, false, 0);
    while i < text.len() {
        in_comment = goes_on(text, i, in_comment);
        if !in_comment {
            bytes[length] = text[i];
            length += 1;
        }
        i += 1;
    }
    bytes
}

/// These bytes as text.
///
/// # Panics
/// When they are not UTF-8, which is found when the crate is compiled.
pub const fn as_text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a comment ends with its line"),
    }
}

/// Whether the byte at `i` is in a comment, where the one before it was in one or not.
const fn goes_on(text: &[u8], i: usize, in_comment: bool) -> bool {
    let begins = text[i] == b'/' && i + 1 < text.len() && text[i + 1] == b'/';
    (in_comment || begins) && text[i] != b'\n'
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// Σ\nlet a = b / c; // a sum\n\n/// d\n    e /";
    const BARE: [u8; bare_length(TEXT)] = bare(TEXT);

    #[test]
    fn comments_go_and_lines_stay() {
        assert_eq!(as_text(&BARE), "\nlet a = b / c; \n\n\n    e /");
    }
}
