//! Why a function cannot be compiled.

use std::fmt;

use crate::Arch;

/// A function that cannot be compiled: an implementation limit, or a machine that lacks something.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CompileError {
    /// The processor lacks a feature that all generated code needs.
    MissingCpuFeature(&'static str),
    /// The compiler for this instruction set was not built.
    ArchNotBuilt(Arch),
    /// The code of one function is too large for the instruction set's jumps.
    FunctionTooLarge {
        /// Index of the function.
        function: u32,
    },
    /// Optimizing the function would take too much memory.
    TooLargeToOptimize {
        /// Index of the function.
        function: u32,
    },
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileError::MissingCpuFeature(feature) => write!(f, "this processor has no {feature}, which compiled code needs"),
            CompileError::ArchNotBuilt(arch) => {
                write!(f, "the compiler for {} was not built: it needs the cargo feature `all-arch`", arch.name())
            }
            CompileError::FunctionTooLarge { function } => {
                write!(f, "function {function} is too large: jumps would not reach through its machine code")
            }
            CompileError::TooLargeToOptimize { function } => write!(f, "function {function} is too large to be optimized"),
        }
    }
}

impl std::error::Error for CompileError {}
