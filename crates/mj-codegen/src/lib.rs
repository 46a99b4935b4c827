//! The compilers: from a validated module's function bodies to machine code.
//!
//! `isa` is the seam: what an instruction set supplies, in one trait; `x64` implements it. `baseline` drives it forward over
//! the operators; `optimizing` drives it backward and forward over SSA. Nothing here executes anything: the result is bytes, relocations and sites in a [`Unit`].

#![forbid(unsafe_code)]

pub mod aarch64;
mod arch;
mod baseline;
mod compile;
mod cond;
mod error;
pub mod host;
mod isa;
mod optimizing;
mod options;
mod stubs;
mod target;
pub mod x64;

pub use arch::Arch;
pub use compile::{Compiler, Entry, FunctionCode, ModulePlan, Relocation, Unit};
pub use cond::Cond;
pub use error::CompileError;
pub use options::{Bounds, Effort, Options};
pub use stubs::{StubFunctions, Stubs};
pub use target::Target;
