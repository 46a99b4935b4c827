//! Decisions that bytes make.

use crate::Random;

/// Bytes that decide, one after the other; where they end, a generator of random numbers goes on that their first ones seed.
pub(super) struct Choices {
    bytes: Vec<u8>,
    at: usize,
    random: Random,
}

impl Choices {
    pub fn new(bytes: &[u8]) -> Self {
        let seed = bytes.first_chunk().map_or(bytes.len() as u64, |first| u64::from_le_bytes(*first));
        Self { bytes: bytes.to_vec(), at: 0, random: Random::new(seed) }
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        match self.bytes.get(self.at) {
            Some(&byte) if bound <= 256 => {
                self.at += 1;
                usize::from(byte) % bound
            }
            _ => self.random.below(bound),
        }
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Once in so many times.
    pub fn chance(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Any 64 bits.
    pub fn word(&mut self) -> u64 {
        self.random.next()
    }
}
