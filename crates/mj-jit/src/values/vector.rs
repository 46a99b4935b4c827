//! 128-bit vectors.

use std::fmt;

/// A 128-bit vector.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct V128(u128);

impl V128 {
    /// The bits, lane 0 lowest.
    #[must_use]
    pub fn as_u128(&self) -> u128 {
        self.0
    }
}

impl From<u128> for V128 {
    fn from(bits: u128) -> Self {
        V128(bits)
    }
}

impl From<V128> for u128 {
    fn from(value: V128) -> Self {
        value.0
    }
}

impl fmt::Debug for V128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
