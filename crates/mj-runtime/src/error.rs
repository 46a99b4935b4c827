//! What the operating system refused.

use std::fmt;
use std::io;

/// A request for address space, memory or a signal handler that the operating system refused.
#[derive(Debug)]
pub struct ResourceError {
    wanted: &'static str,
    bytes: usize,
    source: io::Error,
}

impl ResourceError {
    pub(crate) fn new(wanted: &'static str, bytes: usize, source: io::Error) -> Self {
        Self { wanted, bytes, source }
    }

    /// The last error of this thread's system calls.
    pub(crate) fn last(wanted: &'static str, bytes: usize) -> Self {
        Self::new(wanted, bytes, io::Error::last_os_error())
    }

    /// The operating system's own error.
    #[must_use]
    pub fn os_error(&self) -> &io::Error {
        &self.source
    }
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot get {}", self.wanted)?;
        if self.bytes > 0 {
            write!(f, " ({} bytes)", self.bytes)?;
        }
        write!(f, ": {}", self.source)?;
        if self.source.raw_os_error() == Some(libc::ENOMEM) {
            write!(f, " (is the address space limited, or vm.max_map_count or vm.overcommit_memory strict?)")?;
        }
        Ok(())
    }
}

impl std::error::Error for ResourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
