//! Memory that could not be had.

use std::fmt;

/// The host has no memory left for something of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    size: usize,
}

impl OutOfMemory {
    /// An error for an allocation of so many bytes.
    #[must_use]
    pub const fn new(requested_allocation_size: usize) -> Self {
        Self { size: requested_allocation_size }
    }

    /// Bytes that were asked for.
    #[must_use]
    pub fn requested_allocation_size(&self) -> usize {
        self.size
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out of memory (failed to allocate {} bytes)", self.size)
    }
}

impl std::error::Error for OutOfMemory {}
