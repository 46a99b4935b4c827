//! An independent disassembler's view of our bytes.

#![allow(dead_code)]

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind, Register};
use mj_asm_x64::{Asm, Gpr, Mem, Width, Xmm};

/// The code that `write` puts into an empty buffer.
pub fn assemble(write: impl FnOnce(&mut Asm)) -> Vec<u8> {
    let mut asm = Asm::default();
    asm.reserve(4096);
    write(&mut asm);
    asm.finish_function(0xcc);
    asm.code().to_vec()
}

/// Decodes all instructions.
pub fn decode(code: &[u8]) -> Vec<Instruction> {
    Decoder::with_ip(64, code, 0, DecoderOptions::NONE).iter().collect()
}

/// One instruction a line, Intel syntax.
pub fn text(code: &[u8]) -> String {
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_rip_relative_addresses(true);
    let lines = decode(code).into_iter().map(|instruction| {
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// An operand as expected or as decoded.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    Register(Register),
    /// Base, index, scale, displacement, bytes accessed (0: an address only).
    Memory(Register, Register, u32, u64, usize),
    Immediate(u64),
}

/// A general register under its name at `width`.
pub fn gpr(register: Gpr, width: Width) -> Operand {
    let number = u32::from(register.number());
    Operand::Register(match width {
        Width::W8 if number >= 4 => Register::SPL + (number - 4),
        Width::W8 => Register::AL + number,
        Width::W16 => Register::AX + number,
        Width::W32 => Register::EAX + number,
        Width::W64 => Register::RAX + number,
    })
}

pub fn xmm(register: Xmm) -> Operand {
    Operand::Register(Register::XMM0 + u32::from(register.number()))
}

/// What the decoder reports of an instruction's operands.
pub fn operands(instruction: &Instruction) -> Vec<Operand> {
    (0..instruction.op_count()).map(|index| operand(instruction, index)).collect()
}

fn operand(instruction: &Instruction, index: u32) -> Operand {
    match instruction.op_kind(index) {
        OpKind::Register => Operand::Register(instruction.op_register(index)),
        OpKind::Memory => Operand::Memory(
            instruction.memory_base(),
            instruction.memory_index(),
            instruction.memory_index_scale(),
            instruction.memory_displacement64(),
            instruction.memory_size().size(),
        ),
        OpKind::NearBranch64 => Operand::Immediate(instruction.near_branch64()),
        // The decoder extends these two to 64 bits, as if the operation were that wide.
        OpKind::Immediate8to16 => Operand::Immediate(instruction.immediate(index) & 0xffff),
        OpKind::Immediate8to32 => Operand::Immediate(instruction.immediate(index) & 0xffff_ffff),
        _ => Operand::Immediate(instruction.immediate(index)),
    }
}

/// A memory operand of ours and what the decoder should make of it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub mem: Mem,
    pub base: Register,
    pub index: Register,
    pub scale: u32,
    pub disp: i32,
}

impl Place {
    pub fn sized(&self, bytes: usize) -> Operand {
        Operand::Memory(self.base, self.index, self.scale, self.disp as i64 as u64, bytes)
    }
}
