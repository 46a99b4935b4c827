//! From opcode and operands to bytes.
//!
//! Prefixes, opcode, ModRM and SIB are at most eight bytes, so they are built in one word from the back and put at once;
//! displacement and immediate are at most eight together and follow in a second word.

use core::ops::{Deref, DerefMut};

use mj_asm::{CodeBuffer, FixupKind, Label};

use crate::memory::{BASE_LABEL, INDEX_NONE, Mem};

/// A 32-bit distance, counted from the end of the instruction.
pub(crate) const REL32: FixupKind = FixupKind::new(0, 32, 0);
/// An 8-bit distance, counted from the end of the instruction.
pub(crate) const REL8: FixupKind = FixupKind::new(0, 8, 0);

/// Mandatory prefix, escape bytes and opcode of an instruction, packed so that it travels in one register.
#[derive(Clone, Copy)]
pub(crate) struct Opcode {
    /// Escape bytes and opcode, first byte lowest.
    bytes: u32,
    /// Bits of `bytes`.
    bits: u8,
    prefix: u8,
}

impl Opcode {
    /// One opcode byte.
    #[inline(always)]
    pub(crate) const fn one(prefix: u8, opcode: u8) -> Self {
        Self { prefix, bytes: opcode as u32, bits: 8 }
    }

    /// `0F opcode`.
    #[inline(always)]
    pub(crate) const fn two(prefix: u8, opcode: u8) -> Self {
        Self { prefix, bytes: 0x0f | (opcode as u32) << 8, bits: 16 }
    }

    /// `0F map opcode`.
    #[inline(always)]
    pub(crate) const fn three(prefix: u8, map: u8, opcode: u8) -> Self {
        Self { prefix, bytes: 0x0f | (map as u32) << 8 | (opcode as u32) << 16, bits: 24 }
    }
}

/// An immediate operand: its bits and how many bytes of them follow the instruction.
#[derive(Clone, Copy)]
pub(crate) struct Immediate {
    pub(crate) bits: u64,
    pub(crate) length: usize,
}

impl Immediate {
    pub(crate) const NONE: Immediate = Immediate { bits: 0, length: 0 };

    #[inline]
    pub(crate) const fn new(value: i64, length: usize) -> Self {
        Self { bits: value as u64 & (u64::MAX >> (64 - 8 * length as u32)), length }
    }

    #[inline]
    pub(crate) const fn byte(value: u8) -> Self {
        Self { bits: value as u64, length: 1 }
    }
}

/// An encoded memory operand.
struct Addressing {
    /// REX.X and REX.B.
    rex: u8,
    /// ModRM without `reg`, and SIB above it.
    modrm_sib: u64,
    /// Bits of `modrm_sib`.
    bits: u32,
    disp: u64,
    /// Bits of `disp`.
    disp_bits: u32,
}

impl Addressing {
    #[inline(always)]
    fn new(mem: Mem) -> Self {
        let low = u64::from(mem.base & 7);
        let rex = mem.base >> 3 | (mem.index >> 3) << 1;
        // `rbp`/`r13` with mode 0 would mean pc-relative, so they always carry a displacement.
        let mode = if mem.disp == 0 && low != 5 { 0 } else { 2 - u32::from(mem.disp == i32::from(mem.disp as i8)) };
        // Modes 0, 1 and 2 have 0, 8 and 32 bits of it.
        let disp_bits = mode * mode * 8;
        let disp = u64::from(mem.disp as u32) & ((1 << disp_bits) - 1);
        let mode = u64::from(mode) << 6;
        // `rsp`/`r12` as `rm` would mean that a SIB follows, so they always have one.
        if mem.index != INDEX_NONE || low == 4 {
            let sib = low | u64::from(mem.index & 7) << 3 | u64::from(mem.scale_log2) << 6;
            Self { rex, modrm_sib: mode | 4 | sib << 8, bits: 16, disp, disp_bits }
        } else {
            Self { rex, modrm_sib: mode | low, bits: 8, disp, disp_bits }
        }
    }

    /// A label, or no base. These always have 32 bits of displacement.
    #[cold]
    fn without_base(mem: Mem) -> Self {
        if mem.base == BASE_LABEL {
            return Self { rex: 0, modrm_sib: 5, bits: 8, disp: 0, disp_bits: 32 };
        }
        let sib = 5 | u64::from(mem.index & 7) << 3 | u64::from(mem.scale_log2) << 6;
        Self { rex: (mem.index >> 3) << 1, modrm_sib: 4 | sib << 8, bits: 16, disp: u64::from(mem.disp as u32), disp_bits: 32 }
    }
}

/// The bytes of an instruction up to displacement and immediate.
struct Head {
    word: u64,
    bits: u32,
}

impl Head {
    /// Prefixes, opcode and ModRM (with SIB). `rex` has the bits W, R, X and B, and 0x40 if a REX prefix is needed anyway.
    #[inline(always)]
    fn new(opcode: Opcode, rex: u8, modrm_sib: u64, bits: u32) -> Self {
        let mut word = u64::from(opcode.bytes) | modrm_sib << opcode.bits;
        let mut bits = u32::from(opcode.bits) + bits;
        // Without branches: half of all instructions have a REX prefix, and nobody can tell which.
        let rex_bits = 8 * u32::from(rex != 0);
        word = word << rex_bits | if rex == 0 { 0 } else { u64::from(rex | 0x40) };
        bits += rex_bits;
        if opcode.prefix != 0 {
            word = word << 8 | u64::from(opcode.prefix);
            bits += 8;
        }
        Self { word, bits }
    }

    /// VEX prefix, opcode and ModRM (with SIB). R, X, B and vvvv are stored inverted; L is 0: scalars and 128 bits.
    #[inline(always)]
    fn vex(vex: Vex, rxb: u8, vvvv: u8, modrm_sib: u64, bits: u32) -> Self {
        let last = (!vvvv & 15) << 3 | vex.pp;
        let tail = u64::from(vex.opcode) | modrm_sib << 8;
        if vex.map == 1 && !vex.is_w && rxb & 3 == 0 {
            let second = (!rxb & 4) << 5 | last;
            Self { word: 0xc5 | u64::from(second) << 8 | tail << 16, bits: 24 + bits }
        } else {
            let second = (!rxb & 7) << 5 | vex.map;
            let third = u8::from(vex.is_w) << 7 | last;
            Self { word: 0xc4 | u64::from(second) << 8 | u64::from(third) << 16 | tail << 24, bits: 32 + bits }
        }
    }
}

/// An assembler: a [`CodeBuffer`] that knows x86-64 instructions.
#[derive(Default, Debug)]
pub struct Asm {
    /// The code.
    pub buffer: CodeBuffer,
}

impl Deref for Asm {
    type Target = CodeBuffer;

    #[inline]
    fn deref(&self) -> &CodeBuffer {
        &self.buffer
    }
}

impl DerefMut for Asm {
    #[inline]
    fn deref_mut(&mut self) -> &mut CodeBuffer {
        &mut self.buffer
    }
}

impl Asm {
    /// An assembler that appends to `buffer`.
    #[must_use]
    pub fn new(buffer: CodeBuffer) -> Self {
        Self { buffer }
    }

    /// `reg` and a register as `rm`. `rex` has W, or 0x40 if REX is needed anyway.
    #[inline(always)]
    pub(crate) fn encode_rr(&mut self, opcode: Opcode, rex: u8, reg: u8, rm: u8) {
        let head = Head::new(opcode, rex | (reg >> 3) << 2 | rm >> 3, modrm_rr(reg, rm), 8);
        self.buffer.put(head.word, (head.bits / 8) as usize);
    }

    /// As [`Asm::encode_rr`], and an immediate.
    #[inline(always)]
    pub(crate) fn encode_rri(&mut self, opcode: Opcode, rex: u8, reg: u8, rm: u8, immediate: Immediate) {
        let head = Head::new(opcode, rex | (reg >> 3) << 2 | rm >> 3, modrm_rr(reg, rm), 8);
        self.buffer.put_pair(head.word, (head.bits / 8) as usize, immediate.bits, immediate.length);
    }

    /// `reg` and a memory operand. `rex` as for [`Asm::encode_rr`].
    #[inline(always)]
    pub(crate) fn encode_rm(&mut self, opcode: Opcode, rex: u8, reg: u8, mem: Mem) {
        self.encode_rmi(opcode, rex, reg, mem, Immediate::NONE);
    }

    /// As [`Asm::encode_rm`], and an immediate.
    #[inline(always)]
    pub(crate) fn encode_rmi(&mut self, opcode: Opcode, rex: u8, reg: u8, mem: Mem, immediate: Immediate) {
        let rex = rex | (reg >> 3) << 2;
        if mem.base >= BASE_LABEL {
            return self.encode_without_base(opcode, rex, reg, mem, immediate);
        }
        let addressing = Addressing::new(mem);
        let modrm_sib = addressing.modrm_sib | u64::from(reg & 7) << 3;
        self.finish(Head::new(opcode, rex | addressing.rex, modrm_sib, addressing.bits), &addressing, immediate);
    }

    #[cold]
    #[inline(never)]
    fn encode_without_base(&mut self, opcode: Opcode, rex: u8, reg: u8, mem: Mem, immediate: Immediate) {
        let addressing = Addressing::without_base(mem);
        let modrm_sib = addressing.modrm_sib | u64::from(reg & 7) << 3;
        self.finish(Head::new(opcode, rex | addressing.rex, modrm_sib, addressing.bits), &addressing, immediate);
        self.refer(mem, immediate);
    }

    /// Displacement and immediate are at most eight bytes together.
    #[inline(always)]
    fn finish(&mut self, head: Head, addressing: &Addressing, immediate: Immediate) {
        let rest = addressing.disp | immediate.bits << addressing.disp_bits;
        let length = (addressing.disp_bits / 8) as usize + immediate.length;
        self.buffer.put_pair(head.word, (head.bits / 8) as usize, rest, length);
    }

    /// Lets the displacement of the instruction that was just put refer to its label, if it has one.
    fn refer(&mut self, mem: Mem, immediate: Immediate) {
        if mem.base == BASE_LABEL {
            let end = self.offset();
            self.buffer.use_label(Label::from_number(mem.disp as u32), end - immediate.length - 4, end, REL32);
        }
    }

    /// An immediate behind an instruction without ModRM.
    #[inline(always)]
    pub(crate) fn encode_immediate(&mut self, opcode: u64, length: usize, immediate: Immediate) {
        self.buffer.put_pair(opcode, length, immediate.bits, immediate.length);
    }

    /// `reg` and a memory operand behind a VEX prefix.
    #[inline(never)]
    pub(crate) fn encode_vex_rm(&mut self, vex: Vex, reg: u8, vvvv: u8, mem: Mem, immediate: Immediate) {
        let addressing = if mem.base >= BASE_LABEL { Addressing::without_base(mem) } else { Addressing::new(mem) };
        let modrm_sib = addressing.modrm_sib | u64::from(reg & 7) << 3;
        let head = Head::vex(vex, (reg >> 3) << 2 | addressing.rex, vvvv, modrm_sib, addressing.bits);
        self.finish(head, &addressing, immediate);
        self.refer(mem, immediate);
    }

    /// `reg` and a register as `rm` behind a VEX prefix, and an immediate.
    #[inline]
    pub(crate) fn encode_vex_rr(&mut self, vex: Vex, reg: u8, vvvv: u8, rm: u8, immediate: Immediate) {
        let head = Head::vex(vex, (reg >> 3) << 2 | rm >> 3, vvvv, modrm_rr(reg, rm), 8);
        self.buffer.put_pair(head.word, (head.bits / 8) as usize, immediate.bits, immediate.length);
    }
}

/// ModRM of two registers.
#[inline(always)]
fn modrm_rr(reg: u8, rm: u8) -> u64 {
    0xc0 | u64::from(reg & 7) << 3 | u64::from(rm & 7)
}

/// What a VEX prefix and the opcode behind it say.
#[derive(Clone, Copy)]
pub(crate) struct Vex {
    /// 0: none, 1: 66, 2: F3, 3: F2.
    pub(crate) pp: u8,
    /// 1: 0F, 2: 0F38, 3: 0F3A.
    pub(crate) map: u8,
    pub(crate) is_w: bool,
    pub(crate) opcode: u8,
}
