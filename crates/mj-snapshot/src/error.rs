//! Why there is no snapshot.

use std::fmt;

use wasmparser::ExternalKind;

use crate::parts::Part;

/// Why a program cannot be written as a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError {
    reason: Reason,
    message: String,
}

/// What kind of thing is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A memory, table or mutable global that belongs to the host, or to an instance that is not part of the snapshot.
    Import,
    /// A reference in a table, global or segment to something that is not part of the snapshot.
    Reference,
    /// More than modules may have.
    Limit,
    /// A module uses a proposal that snapshots cannot express.
    Proposal,
    /// The engine does not accept the new module.
    Unacceptable,
}

impl SnapshotError {
    pub(crate) fn new(reason: Reason, message: impl fmt::Display) -> Self {
        Self { reason, message: message.to_string() }
    }

    /// What kind of thing is in the way.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SnapshotError {}

/// Modules of instances are valid: reading them does not fail, unless the parsers of engine and snapshot disagree.
impl From<wasmparser::Error> for SnapshotError {
    fn from(error: wasmparser::Error) -> Self {
        Self::new(Reason::Proposal, format!("a module of the program cannot be read: {error}"))
    }
}

impl From<wasm_encoder::reencode::Error> for SnapshotError {
    fn from(error: wasm_encoder::reencode::Error) -> Self {
        match error {
            wasm_encoder::reencode::Error::ParseError(error) => error.into(),
            error => Self::new(Reason::Proposal, format!("a module of the program cannot be written again: {error}")),
        }
    }
}

/// The engine refused the new module: says what the parts bring along that may be the reason.
pub(crate) fn unacceptable(parts: &[Part<'_>], error: &mj_jit::Error) -> SnapshotError {
    let mut message = format!("the engine does not accept the snapshot: {error:#}");
    let owners: Vec<&str> = parts.iter().filter(|part| !part.own(ExternalKind::Memory).is_empty()).map(|part| &*part.label).collect();
    if owners.len() > 1 {
        message += &format!("; {} each define a memory, while generated modules are to import the program's", owners.join(" and "));
    }
    SnapshotError::new(Reason::Unacceptable, message)
}
