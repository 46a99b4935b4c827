//! Standard output, where a reader that has seen enough (`| head`) is no error; and standard error, for notes.

use std::io::{Write, stderr, stdout};

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

/// Writes a line to standard error, at once and undivided.
pub(crate) fn note(text: &str) {
    // There is no better place to say that this fails.
    let _ = stderr().lock().write_all(format!("{text}\n").as_bytes());
}
