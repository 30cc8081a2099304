//! Numbers without state: the value at an index depends on a name and the index, nothing else.

/// A stream of numbers, seeded by a name.
pub(crate) struct Random {
    seed: u64,
}

impl Random {
    /// The stream of this name.
    pub(crate) fn new(name: &str) -> Random {
        // FNV-1a
        let seed = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Random { seed }
    }

    /// 64 bits: the finaliser of SplitMix64 over seed and index.
    pub(crate) fn word(&self, index: usize) -> u64 {
        let mut z = self.seed.wrapping_add((index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer below `n`.
    pub(crate) fn below(&self, index: usize, n: usize) -> usize {
        (self.word(index) % n as u64) as usize
    }

    /// Mean 0, variance 1, within ±2√3: the sum of the word's four 16-bit numbers, near enough to
    /// a normal one and much cheaper.
    pub(crate) fn normal(&self, index: usize) -> f32 {
        let word = self.word(index);
        let sum: u64 = (0..4).map(|i| (word >> (16 * i)) & 0xffff).sum();
        let uniforms = (sum as f32 + 2.0) / 65536.0; // 0…4, variance 4/12
        (uniforms - 2.0) * 3f32.sqrt()
    }
}
