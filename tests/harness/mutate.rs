//! Damaged files: a valid one with some bytes changed, the same ones in every run.

use super::random::Random;

/// Values that parsers stumble over.
const NASTY: [u8; 12] = [0, 1, 9, 0x20, 0x22, 0x2c, 0x30, 0x39, 0x7b, 0x7d, 0x7f, 0xff];

/// Mutation `index` of `valid`: one to four of: a bit flipped, a byte replaced, bytes removed,
/// repeated or inserted, the end cut off.
pub(crate) fn mutate(valid: &[u8], random: &Random, index: usize) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    let word = |n: usize| random.word(index * 32 + n) as usize;
    for round in 0..1 + word(0) % 4 {
        if bytes.is_empty() {
            break;
        }
        let (kind, place, value) = (word(round * 4 + 1), word(round * 4 + 2), word(round * 4 + 3));
        let place = place % bytes.len();
        let end = (place + 1 + value % 16).min(bytes.len());
        match kind % 7 {
            0 => bytes[place] ^= 1 << (value % 8),
            1 => bytes[place] = NASTY[value % NASTY.len()],
            2 => bytes[place] = value as u8,
            3 => drop(bytes.drain(place..end)),
            4 => {
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
            5 => bytes.insert(place, NASTY[value % NASTY.len()]),
            _ => bytes.truncate(place),
        }
    }
    bytes
}
