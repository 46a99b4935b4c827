//! Processors that code can be made for.

#[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
use crate::aarch64;
#[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
use crate::x64;
use crate::{Arch, CompileError};

/// An instruction set, and what of it may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Target {
    /// x86-64.
    #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
    X64(x64::Features),
    /// AArch64.
    #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
    Aarch64(aarch64::Features),
}

impl Target {
    /// The processor that runs this.
    ///
    /// # Errors
    /// If it lacks a feature that generated code needs.
    pub fn host() -> Result<Self, CompileError> {
        crate::host::Features::detect().map(Self::from)
    }

    /// Every processor of an instruction set.
    ///
    /// # Errors
    /// If this was built without its compiler (cargo feature `all-arch`).
    pub fn any(arch: Arch) -> Result<Self, CompileError> {
        match arch {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            Arch::X64 => Ok(Self::X64(x64::Features::LEAST)),
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            Arch::Aarch64 => Ok(Self::Aarch64(aarch64::Features::LEAST)),
            #[allow(unreachable_patterns, reason = "which arms there are depends on what is built")]
            _ => Err(CompileError::ArchNotBuilt(arch)),
        }
    }

    /// The instruction set.
    #[must_use]
    pub fn arch(self) -> Arch {
        match self {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            Self::X64(_) => Arch::X64,
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            Self::Aarch64(_) => Arch::Aarch64,
        }
    }

    /// The features that may be used: the debug text of a structure of booleans.
    #[must_use]
    pub fn features(self) -> String {
        match self {
            #[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
            Self::X64(features) => format!("{features:?}"),
            #[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
            Self::Aarch64(features) => format!("{features:?}"),
        }
    }
}

#[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
impl From<x64::Features> for Target {
    fn from(features: x64::Features) -> Self {
        Self::X64(features)
    }
}

#[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
impl From<aarch64::Features> for Target {
    fn from(features: aarch64::Features) -> Self {
        Self::Aarch64(features)
    }
}
