//! The x86-64 encoder: one row per instruction, one method per operand shape.
//!
//! Rows hold what the manual prints in an instruction's opcode column; a method joins a row with operands. Operands stand
//! destination first. Method names end in the operands' kinds: `r` general register, `x` vector register, `m` memory, `i` immediate.
//! No method makes room: the caller [reserves](mj_asm::CodeBuffer::reserve) 16 bytes an instruction (the most an instruction can
//! take is 15).
//!
//! ```
//! use mj_asm_x64::{ADD, Asm, Mem, RAX, RBX, Width};
//! let mut asm = Asm::default();
//! asm.reserve(32);
//! asm.alu_rm(ADD, Width::W64, RAX, Mem::base(RBX, 8));
//! asm.ret();
//! assert_eq!(asm.code(), [0x48, 0x03, 0x43, 0x08, 0xc3]);
//! ```

#![forbid(unsafe_code)]

mod branch;
mod condition;
mod encode;
mod float;
mod integer;
mod memory;
mod register;
mod rows;
mod vex;

pub use condition::Cc;
pub use encode::Asm;
pub use memory::Mem;
pub use register::*;
pub use rows::*;
