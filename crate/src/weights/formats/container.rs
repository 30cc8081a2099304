//! Finds the format of a file from its first bytes; and when no checkpoint has this format, what
//! the file is instead. A failed download is most often a web page, a Git LFS pointer or half a
//! file.

use super::legacy_torch;
use super::safetensors::MAX_HEADER_BYTES;
use crate::error::{Result, bad_file};
use crate::weights::source::{Source, read_exact};

/// Bytes that are needed to find the format: the last mark is a tar's, at 257.
const HEAD: u64 = 512;
/// Characters of a server's answer that are shown.
const SHOWN: usize = 60;

/// A kind of file that can hold a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) enum Container {
    /// JSON of this length, then the values.
    Safetensors(u64),
    /// ggml's file.
    Gguf,
    /// torch's file since version 1.6: a zip with a pickle inside.
    Zip,
    /// torch's file before that: pickles, and the numbers after them.
    LegacyTorch,
}

impl Container {
    /// Reads the beginning of `path`.
    ///
    /// # Errors
    /// Those of the source; [`Error::BadFile`](crate::Error::BadFile) for what is no checkpoint,
    /// which says what it is.
    pub(crate) async fn of(source: &dyn Source, path: &str) -> Result<Container> {
        let size = source.size(path).await?;
        let start = read_exact(source, path, 0..size.min(8)).await?;
        let length = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        match length {
            Some(_) if start.starts_with(b"GGUF") => return Ok(Container::Gguf),
            // "PK" alone could be the length of a header.
            Some(_) if start.starts_with(b"PK\x03\x04") => return Ok(Container::Zip),
            // A header of length 0 has no tensors: a longer file is not safetensors.
            Some(0) if size > 8 => {}
            Some(length) if length <= MAX_HEADER_BYTES && length <= size - 8 => {
                return Ok(Container::Safetensors(length));
            }
            _ => {}
        }
        let head = read_exact(source, path, 0..size.min(HEAD)).await?;
        if head.starts_with(&legacy_torch::MAGIC) {
            return Ok(Container::LegacyTorch);
        }
        if let Some(what) = answer(&head) {
            return Err(bad_file(path, format!("it is {what}")));
        }
        let Some(length) = length else {
            return Err(bad_file(path, format!("it has only {size} bytes")));
        };
        let reason = instead(&head).map_or_else(
            || format!("a header of {length} bytes in a file of {size}"),
            |what| format!("it is {what}"),
        );
        Err(bad_file(path, reason))
    }
}

/// What a text file is that has the name of a model. No file of weights begins with eight letters:
/// the length of a safetensors header has zero bytes, and the other formats have their marks.
fn answer(head: &[u8]) -> Option<String> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // The end may cut a character in two.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(fault) if fault.error_len().is_none() => {
            std::str::from_utf8(&head[..fault.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return None,
    };
    let readable = |c: char| !c.is_control() || c.is_ascii_whitespace();
    let text = text.trim_start();
    let (start, known) = (text.to_ascii_lowercase(), [b"GGUF", b"ggml", b"lmgg", b"fmgg", b"tjgg"]);
    if text.len() < 8 || !text.chars().all(readable) || known.iter().any(|k| head.starts_with(*k)) {
        return None;
    }
    if start.starts_with("version https://git-lfs") {
        let what = "a Git-LFS pointer: run `git lfs pull` to get the weights";
        return Some(what.to_owned());
    }
    let kind = match start.as_bytes() {
        page if page.starts_with(b"<!doctype") || start.contains("<html") => {
            "a web page, a server's answer in place of the file: its address may need a login, or \
             lead to a page about the file"
        }
        [b'<', ..] => "an XML text, perhaps a server's answer in place of the file",
        [b'{' | b'[', ..] => "a JSON text, perhaps a server's answer in place of the file",
        _ => "a text, perhaps a server's answer in place of the file",
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.join(" ");
    let shown: String = words.chars().take(SHOWN).collect();
    let more = if shown.len() < words.len() { "…" } else { "" };
    Some(format!("{kind}. It begins with “{shown}{more}”"))
}

/// Names the other format that a file beginning with `head` has.
fn instead(head: &[u8]) -> Option<&'static str> {
    if head.iter().all(|byte| *byte == 0) {
        return Some("nothing but zeros at its beginning: an unfinished download");
    }
    let bytes: [(&[u8], _); 9] = [
        (b"ggml", OLD_GGML),
        (b"lmgg", OLD_GGML),
        (b"fmgg", OLD_GGML),
        (b"tjgg", OLD_GGML),
        (b"\x1f\x8b", "packed with gzip: unpack it first"),
        (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
        (b"Rar!", "a RAR archive: unpack it first"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
    ];
    if let Some((_, what)) = bytes.iter().find(|(start, _)| head.starts_with(start)) {
        return Some(what);
    }
    if matches!(head, [0x80, 2..=5, ..]) {
        return Some("a pickle that is not torch's");
    }
    let tar = head.get(257..262) == Some(b"ustar");
    tar.then_some(
        "a tar archive: unpack it first, or, if torch 0.1 has written it, load it in a current \
         torch and save it again",
    )
}

const OLD_GGML: &str = "a ggml file from before GGUF: convert it anew";
