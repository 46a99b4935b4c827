//! Where random bytes come from: the operating system, or a source an embedder supplies.

use crate::errno::Errno;
use crate::system;
use rustix::io::retry_on_intr;

/// A source of bytes for a guest's `random_get`.
pub trait Rng {
    /// Fills all of `bytes`.
    fn fill_bytes(&mut self, bytes: &mut [u8]);
}

/// A source that repeats the same bytes for ever: for tests and reproducible runs.
#[derive(Clone, Debug)]
pub struct Deterministic {
    cycle: Vec<u8>,
    next: usize,
}

impl Deterministic {
    /// A source that repeats `bytes`, or zero bytes if there are none.
    pub fn new(bytes: Vec<u8>) -> Self {
        let cycle = if bytes.is_empty() { vec![0] } else { bytes };
        Deterministic { cycle, next: 0 }
    }
}

impl Rng for Deterministic {
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.cycle[self.next];
            self.next = (self.next + 1) % self.cycle.len();
        }
    }
}

/// Fills `bytes` from the operating system's generator, which may deliver large requests in parts.
pub(crate) fn fill_from_host(bytes: &mut [u8]) -> Result<(), Errno> {
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        filled += retry_on_intr(|| system::random(rest))?;
    }
    Ok(())
}
