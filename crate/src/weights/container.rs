//! Which kind of file it is, from its first bytes; and what it is instead, when it is none that
//! holds a checkpoint. Downloads end as web pages, pointers and halves more often than as damage.

use super::source::{Source, read_exact};
use crate::error::{Result, bad_file};

/// Bytes that tell a kind: a tar's mark is the last, at 257.
const HEAD: u64 = 512;

/// A kind of file that can hold a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// JSON of this length, numbers.
    Safetensors(u64),
    /// ggml's file.
    Gguf,
    /// torch's file since version 1.6: a zip with a pickle inside.
    Zip,
}

impl Container {
    /// Looks at the beginning of `path`.
    pub async fn of(source: &dyn Source, path: &str) -> Result<Container> {
        let size = source.size(path).await?;
        if size < 8 {
            return Err(bad_file(path, format!("it has only {size} bytes")));
        }
        let head = read_exact(source, path, 0..4).await?;
        if head == b"GGUF" {
            return Ok(Container::Gguf);
        }
        // "PK" alone could be the length of a header.
        if head == b"PK\x03\x04" {
            return Ok(Container::Zip);
        }
        let head = [head, read_exact(source, path, 4..8).await?].concat();
        let length = head.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if length <= super::safetensors::MAX_HEADER_BYTES && length <= size - 8 {
            return Ok(Container::Safetensors(length));
        }
        let head = read_exact(source, path, 0..size.min(HEAD)).await?;
        let reason = instead(&head).map_or_else(
            || format!("a header of {length} bytes in a file of {size}"),
            |what| format!("it is {what}"),
        );
        Err(bad_file(path, reason))
    }
}

/// What a file is that begins so.
fn instead(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head).trim_start().to_ascii_lowercase();
    let texts = [
        ("<!doctype", WEB_PAGE),
        ("<html", WEB_PAGE),
        ("<?xml", "an XML text, perhaps a server's answer in place of the file"),
        ("version https://git-lfs", "a Git-LFS pointer: run `git lfs pull` to get the weights"),
        ("{", "a JSON text"),
    ];
    let bytes: [(&[u8], _); 10] = [
        (b"ggml", OLD_GGML),
        (b"lmgg", OLD_GGML),
        (b"fmgg", OLD_GGML),
        (b"tjgg", OLD_GGML),
        (b"\x1f\x8b", "packed with gzip: unpack it first"),
        (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
        (b"Rar!", "a RAR archive: unpack it first"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (&[0; 16], "nothing but zeros at its beginning: the download was not finished"),
    ];
    let of_text = texts.iter().find(|(start, _)| text.starts_with(start));
    let of_bytes = || bytes.iter().find(|(start, _)| head.starts_with(start));
    if let Some((_, what)) = of_text {
        return Some(what);
    }
    if let Some((_, what)) = of_bytes() {
        return Some(what);
    }
    let pickle = matches!(head, [0x80, 2..=5, ..]);
    let tar = head.get(257..262) == Some(b"ustar");
    (pickle || tar).then_some(OLD_TORCH)
}

const WEB_PAGE: &str = "a web page, not the file: its address may need a login, or lead to a page \
                        about the file";
const OLD_GGML: &str = "a ggml file from before GGUF: convert it anew";
const OLD_TORCH: &str = "a torch file from before torch 1.6: load it in a current torch and save \
                         it again, best as safetensors";
