//! An independent disassembler's view of our instructions.

#![allow(dead_code)]

use mj_asm_aarch64::{Asm, Extend, Fpr, Gpr, Mem, Shift, Width};
use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction, Operand, SIMDSizeCode, ShiftStyle, SizeCode};

/// The code that `write` puts into an empty buffer.
pub fn assemble(write: impl FnOnce(&mut Asm)) -> Vec<u8> {
    let mut asm = Asm::default();
    asm.reserve(4096);
    write(&mut asm);
    asm.finish_function(0);
    asm.code().to_vec()
}

/// Decodes all instructions.
pub fn decode(code: &[u8]) -> Vec<Instruction> {
    let one = |word: &[u8]| InstDecoder::default().decode(&mut U8Reader::new(word)).unwrap_or_else(|error| panic!("{word:02x?}: {error}"));
    code.chunks(4).map(one).collect()
}

/// One instruction a line.
pub fn text(code: &[u8]) -> String {
    decode(code).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The operands that are there.
pub fn operands(instruction: &Instruction) -> Vec<Operand> {
    instruction.operands.iter().copied().filter(|operand| *operand != Operand::Nothing).collect()
}

fn size(width: Width) -> SizeCode {
    if width == Width::W64 { SizeCode::X } else { SizeCode::W }
}

/// A general or the zero register.
pub fn gpr(width: Width, register: Gpr) -> Operand {
    Operand::Register(size(width), u16::from(register.number()))
}

/// A general register or the stack pointer.
pub fn gpr_sp(width: Width, register: Gpr) -> Operand {
    Operand::RegisterOrSP(size(width), u16::from(register.number()))
}

/// A shifted register.
pub fn shifted(width: Width, register: Gpr, shift: Shift, amount: u32) -> Operand {
    let style = [ShiftStyle::LSL, ShiftStyle::LSR, ShiftStyle::ASR, ShiftStyle::ROR][shift as usize];
    Operand::RegShift(style, amount as u8, size(width), u16::from(register.number()))
}

fn extend_style(extend: Extend) -> ShiftStyle {
    use ShiftStyle::{SXTB, SXTH, SXTW, SXTX, UXTB, UXTH, UXTW, UXTX};
    [UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX][extend as usize]
}

/// An extended register. Where nothing is extended with signs, the decoder says `lsl`.
pub fn extended(register: Gpr, extend: Extend, amount: u32) -> Operand {
    let size = if matches!(extend, Extend::Uxtx | Extend::Sxtx) { SizeCode::X } else { SizeCode::W };
    let style = if matches!(extend, Extend::Uxtw | Extend::Uxtx) { ShiftStyle::LSL } else { extend_style(extend) };
    Operand::RegShift(style, amount as u8, size, u16::from(register.number()))
}

/// A vector register as a scalar.
pub fn scalar(width: Width, register: Fpr) -> Operand {
    Operand::SIMDRegister(if width == Width::W64 { SIMDSizeCode::D } else { SIMDSizeCode::S }, u16::from(register.number()))
}

pub fn quad(register: Fpr) -> Operand {
    Operand::SIMDRegister(SIMDSizeCode::Q, u16::from(register.number()))
}

/// A vector register by its elements.
pub fn vector(bits: u32, register: Fpr, element: SIMDSizeCode) -> Operand {
    let whole = if bits == 128 { SIMDSizeCode::Q } else { SIMDSizeCode::D };
    Operand::SIMDRegisterElements(whole, u16::from(register.number()), element)
}

/// A memory operand of an access with this logarithm of bytes.
pub fn memory(mem: Mem, log2: u32) -> Operand {
    let number = |register: Gpr| u16::from(register.number());
    match mem {
        Mem::Base(base, offset) => Operand::RegPreIndex(number(base), offset, false),
        Mem::Pre(base, offset) => Operand::RegPreIndex(number(base), offset, true),
        Mem::Post(base, offset) => Operand::RegPostIndex(number(base), offset),
        Mem::Indexed(base, index, extend, scaled) => {
            let size = if matches!(extend, Extend::Uxtx | Extend::Sxtx) { SizeCode::X } else { SizeCode::W };
            let style = if extend == Extend::Uxtx { ShiftStyle::LSL } else { extend_style(extend) };
            Operand::RegRegOffset(number(base), number(index), size, style, if scaled { log2 as u8 } else { 0 })
        }
        Mem::Label(_) => unreachable!("has no fixed text"),
    }
}

pub fn immediate(value: u32) -> Operand {
    Operand::Immediate(value)
}
