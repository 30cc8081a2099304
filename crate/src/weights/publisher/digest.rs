//! Two checksums over bytes that come piece by piece: SHA-256, which shows that the bytes are the
//! publisher's, and a fast sum of 64 bits, which shows that the browser's storage returns what was
//! stored.

use sha2::{Digest as _, Sha256};

/// The most bytes of one call: a browser runs a wasm function at first in a slow, quickly compiled
/// version, and one very long call would never leave it.
pub const PIECE_BYTES: usize = 64 << 10;

/// SHA-256 and the fast sum of the same bytes.
#[derive(Clone, Default)]
pub struct Digest {
    sha256: Sha256,
    sum: Sum64,
}

impl Digest {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.sha256.update(piece);
            self.sum.update(piece);
        }
    }

    /// SHA-256 as 64 hexadecimal digits in lower case, and the fast sum as 16.
    pub fn finish(self) -> (String, String) {
        (hex(&self.sha256.finalize()), self.sum.finish())
    }
}

/// SHA-256 of `bytes` as 64 hexadecimal digits in lower case.
pub fn sha256(bytes: &[u8]) -> String {
    let mut sum = Sha256::new();
    bytes.chunks(PIECE_BYTES).for_each(|piece| sum.update(piece));
    hex(&sum.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `text` is a SHA-256 as [`Digest::finish`] writes it.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// 2⁶⁴ divided by the golden ratio. It is odd, so multiplying by it can be inverted.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A checksum for storage, not against an adversary: four lanes of
///
/// ```text
/// lane ← rotate((lane ⊕ word) · FACTOR, 29)
/// ```
///
/// over little-endian words of 64 bits. Each step is a bijection of the lane for a given word and
/// of the word for a given lane, so a change within one word is always seen.
#[derive(Clone, Default)]
pub struct Sum64 {
    lanes: [u64; 4],
    rest: Vec<u8>,
    length: u64,
}

impl Sum64 {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if !self.rest.is_empty() {
            let take = bytes.len().min(32 - self.rest.len());
            self.rest.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.rest.len() < 32 {
                return;
            }
            let block = std::mem::take(&mut self.rest);
            mix(&mut self.lanes, &block);
        }
        let whole = bytes.len() / 32 * 32;
        mix(&mut self.lanes, &bytes[..whole]);
        self.rest.extend_from_slice(&bytes[whole..]);
    }

    /// The sum as 16 hexadecimal digits; it depends on the number of bytes too.
    pub fn finish(mut self) -> String {
        self.rest.resize(32, 0);
        mix(&mut self.lanes, &self.rest);
        let step = |sum: u64, lane: &u64| (sum ^ lane).wrapping_mul(FACTOR).rotate_left(29);
        format!("{:016x}", self.lanes.iter().fold(self.length, step))
    }
}

/// Blocks of 32 bytes.
fn mix(lanes: &mut [u64; 4], blocks: &[u8]) {
    let mut sums = *lanes;
    for block in blocks.chunks_exact(32) {
        for (sum, word) in sums.iter_mut().zip(block.chunks_exact(8)) {
            let word = u64::from_le_bytes(word.try_into().expect("chunks of eight"));
            *sum = (*sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
        }
    }
    *lanes = sums;
}
