//! The AArch64 encoder: one row per instruction, one method per operand shape.
//!
//! Rows hold the bits that the manual's encoding diagrams print for an instruction; a method joins a row with operands. Operands stand
//! destination first. Method names end in the operands' kinds: `r` general register, `v` vector register, `m` memory, `i` immediate, `s` shifted and
//! `e` extended register. Immediates that an instruction cannot hold are refused; [`fits_add`], [`logical_immediate`], [`float_immediate`] and [`Mem::fits`] tell.
//! The caller [reserves](Asm::reserve) room, four bytes an instruction; islands of veneers and constants are put there when a branch would not reach its label.
//!
//! ```
//! use mj_asm_aarch64::{ADD, Asm, LDR_X, Mem, Width, X0, X1, X2};
//! let mut asm = Asm::default();
//! asm.reserve(12);
//! asm.load_rm(LDR_X, X0, Mem::base(X1, 8));
//! asm.add_rrr(ADD, Width::W64, X0, X0, X2);
//! asm.ret();
//! assert_eq!(asm.code(), [0x20, 0x04, 0x40, 0xf9, 0x00, 0x00, 0x02, 0x8b, 0xc0, 0x03, 0x5f, 0xd6]);
//! ```

#![forbid(unsafe_code)]
// An instruction has as many operands as it has, and its fields are grouped as the manual groups them.
#![allow(clippy::too_many_arguments, clippy::unusual_byte_groupings)]

mod branch;
mod condition;
mod encode;
mod float;
mod immediate;
mod integer;
mod memory;
mod register;
mod rows;
mod system;
mod vector;

pub use condition::Cc;
pub use encode::Asm;
pub use immediate::{fits_add, float_immediate, logical_immediate};
pub use memory::Mem;
pub use register::*;
pub use rows::*;
