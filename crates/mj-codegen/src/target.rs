//! Processors that code can be made for.

use crate::x64;
use crate::{Arch, CompileError};

/// An instruction set, and what of it may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Target {
    /// x86-64.
    X64(x64::Features),
}

impl Target {
    /// The processor that runs this.
    ///
    /// # Errors
    /// If it lacks a feature that generated code needs.
    pub fn host() -> Result<Self, CompileError> {
        crate::x64::Features::detect().map(Self::from)
    }

    /// Every processor of an instruction set.
    ///
    /// # Errors
    /// If this was built without its compiler (cargo feature `all-arch`).
    pub fn any(arch: Arch) -> Result<Self, CompileError> {
        match arch {
            Arch::X64 => Ok(Self::X64(x64::Features::LEAST)),
            #[allow(unreachable_patterns, reason = "which arms there are depends on what is built")]
            _ => Err(CompileError::ArchNotBuilt(arch)),
        }
    }

    /// The instruction set.
    #[must_use]
    pub fn arch(self) -> Arch {
        match self {
            Self::X64(_) => Arch::X64,
        }
    }

    /// The features that may be used: the debug text of a structure of booleans.
    #[must_use]
    pub fn features(self) -> String {
        match self {
            Self::X64(features) => format!("{features:?}"),
        }
    }
}

impl From<x64::Features> for Target {
    fn from(features: x64::Features) -> Self {
        Self::X64(features)
    }
}
