//! The Mersenne Twister MT19937 (Matsumoto & Nishimura, 1998): 32-bit integers from 624 words of
//! state. torch's CPU generator and numpy's `RandomState` are both based on it.

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// The generator.
#[derive(Clone)]
pub struct Mt19937 {
    state: [u32; WORDS],
    next: usize,
}

impl Mt19937 {
    /// Seeded by the paper's `init_genrand`.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for i in 1..WORDS {
            let previous = state[i - 1];
            state[i] =
                1_812_433_253_u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(i as u32);
        }
        Mt19937 { state, next: WORDS }
    }

    /// The next integer, all 32 bits random.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..WORDS {
            let (high, low) = (self.state[i], self.state[(i + 1) % WORDS]);
            let joined = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + MIDDLE) % WORDS] ^ (joined >> 1) ^ odd;
        }
        self.next = 0;
    }
}
