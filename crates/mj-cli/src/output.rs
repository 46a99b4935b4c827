//! Standard output, where a reader that has seen enough (`| head`) is no error.

use std::io::{Write, stdout};

/// Writes a line.
pub(crate) fn line(text: &str) {
    bytes(format!("{text}\n").as_bytes());
}

/// Writes bytes.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = stdout().lock();
    // The reader is gone if this fails.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}
