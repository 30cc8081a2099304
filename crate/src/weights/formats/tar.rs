//! A model as one file: headers of the `ustar` format (POSIX.1-1988), which every system's `tar`
//! reads. Owner, mode and time are always the same, so that the same files make the same tar file,
//! byte for byte.

/// The unit of the format: a header is one block, and contents are padded with zeros to whole
/// blocks.
pub const BLOCK: u64 = 512;

/// Where the fields of a header are: name, size, sum, kind, magic.
const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const SUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: std::ops::Range<usize> = 257..265;
const PREFIX: std::ops::Range<usize> = 345..500;

/// The header of a file; `None` for a path that is too long for the format.
pub fn header(path: &str, size: u64) -> Option<[u8; BLOCK as usize]> {
    let mut block = [0; BLOCK as usize];
    let name = path.as_bytes();
    if name.len() > NAME.len() {
        return None;
    }
    block[..name.len()].copy_from_slice(name);
    for (at, field) in [(100, "0000644\0"), (108, "0000000\0"), (116, "0000000\0")] {
        block[at..at + 8].copy_from_slice(field.as_bytes());
    }
    if size < 1 << 33 {
        block[SIZE].copy_from_slice(format!("{size:011o}\0").as_bytes());
    } else {
        // GNU's encoding of sizes beyond eleven octal digits: big-endian, with the first bit set.
        block[SIZE.start] = 0x80;
        block[SIZE.end - 8..SIZE.end].copy_from_slice(&size.to_be_bytes());
    }
    block[136..148].copy_from_slice(b"00000000000\0");
    block[KIND] = b'0';
    block[MAGIC].copy_from_slice(b"ustar\x0000");
    let sum = format!("{:06o}\0 ", sum(&block));
    block[SUM].copy_from_slice(sum.as_bytes());
    Some(block)
}

/// Path and size from a header; `None` at the end of the tar file.
///
/// # Errors
/// What is wrong with it.
pub fn parse(block: &[u8; BLOCK as usize]) -> Result<Option<(String, u64)>, String> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    if &block[MAGIC.start..MAGIC.start + 5] != b"ustar" || octal(&block[SUM]) != Some(sum(block)) {
        return Err("it is not a tar archive, or damaged".into());
    }
    if !matches!(block[KIND], b'0' | 0) {
        return Err("it holds something that is not a plain file".into());
    }
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8(field[..end].to_vec()).map_err(|_| "a name in it is not text".to_owned())
    };
    let (prefix, name) = (text(&block[PREFIX])?, text(&block[NAME])?);
    let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    let field = &block[SIZE];
    let size = match field[0] {
        0x80 => field[4..].iter().try_fold(0_u64, |size, byte| {
            size.checked_mul(256).map(|size| size | u64::from(*byte))
        }),
        _ => octal(field),
    };
    let size = size.ok_or_else(|| format!("the size of {path} cannot be read"))?;
    Ok(Some((path, size)))
}

/// The checksum of a header: the sum of all bytes, with spaces in place of the checksum's own
/// field.
fn sum(block: &[u8; BLOCK as usize]) -> u64 {
    let byte = |(i, byte): (usize, &u8)| u64::from(if SUM.contains(&i) { b' ' } else { *byte });
    block.iter().enumerate().map(byte).sum()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}
