//! The compilers: from a validated module's function bodies to machine code.
//!
//! `isa` is the seam: what an instruction set supplies, in one trait; `x64` and `aarch64` implement it. Without the feature `all-arch`, the host's is there
//! alone. `baseline` drives it forward over
//! the operators; `optimizing` drives it backward and forward over SSA. Nothing here executes anything: the result is bytes, relocations and sites in a [`Unit`].

#![forbid(unsafe_code)]

#[cfg(any(target_arch = "aarch64", feature = "all-arch"))]
pub mod aarch64;
mod arch;
mod baseline;
mod compile;
mod cond;
mod error;
mod forms;
pub mod host;
mod isa;
mod optimizing;
mod options;
mod stubs;
mod target;
#[cfg(any(target_arch = "x86_64", feature = "all-arch"))]
pub mod x64;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("compiled code runs on x86-64 and AArch64 only");

pub use arch::Arch;
pub use compile::{Compiler, Entry, FunctionCode, ModulePlan, Relocation, Unit};
pub use cond::Cond;
pub use error::CompileError;
pub use optimizing::{Stage, StageDone, Watch};
pub use options::{Bounds, Effort, Options};
pub use stubs::{StubFunctions, Stubs};
pub use target::Target;
