//! What is wrong with a module.

use std::fmt;

/// Why a module was refused: not well-formed, not valid, or in need of a proposal that is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeError {
    /// What is wrong, without the place.
    pub message: String,
    /// Byte offset in the module.
    pub offset: u64,
    /// The proposal that would make the module pass this place; `None`: the module is wrong with any.
    pub proposal: Option<&'static str>,
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>, offset: u64) -> Self {
        Self { message: message.into(), offset, proposal: None }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {:#x})", self.message, self.offset)
    }
}

impl std::error::Error for DecodeError {}

impl From<wasmparser::Error> for DecodeError {
    fn from(error: wasmparser::Error) -> Self {
        Self::new(error.message(), error.offset())
    }
}
