//! The compilers: from a validated module's function bodies to machine code.
//!
//! `isa` is the seam: what an instruction set supplies, in one trait; `x64` implements it. `baseline` drives it forward over
//! the operators; `optimizing` drives it backward and forward over SSA. Nothing here executes anything: the result is bytes, relocations and sites in a [`Unit`].

#![forbid(unsafe_code)]

mod baseline;
mod compile;
mod cond;
mod error;
mod isa;
mod optimizing;
mod options;
pub mod x64;

pub use compile::{Compiler, Entry, FunctionCode, ModulePlan, Relocation, Unit, relocate};
pub use cond::Cond;
pub use error::CompileError;
pub use optimizing::{Stage, StageDone, Watch};
pub use options::{Bounds, Effort, Options};
