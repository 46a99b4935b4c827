//! Machine code under construction, for any instruction set.
//!
//! A [`CodeBuffer`] takes the code of many functions one after another: bytes, the labels inside a function and the
//! fixups between them, constants out of line, and what a linker or the runtime must know by code offset: relocations and sites.
//! It knows no instruction: which bits of an instruction hold a distance is described by a [`FixupKind`].

#![forbid(unsafe_code)]

mod buffer;
mod constants;
mod fixup;
mod reach;

pub use buffer::{CodeBuffer, Label, Mark, Relocation};
pub use fixup::{Excess, FixupKind};
pub use reach::Branch;
