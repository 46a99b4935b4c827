//! From opcode and operands to bytes.
//!
//! Prefixes, opcode, ModRM and SIB are at most eight bytes, so they are built in one word from the back and put at once;
//! displacement and immediate are at most eight together and follow in a second word.

use core::ops::{Deref, DerefMut};

use mj_asm::{CodeBuffer, FixupKind, Label};

use crate::memory::{BASE_LABEL, BASE_NONE, INDEX_NONE, Mem};

/// A 32-bit distance, counted from the end of the instruction.
pub(crate) const REL32: FixupKind = FixupKind::new(0, 32, 0);
/// An 8-bit distance, counted from the end of the instruction.
pub(crate) const REL8: FixupKind = FixupKind::new(0, 8, 0);

/// Mandatory prefix, escape bytes and opcode of an instruction.
#[derive(Clone, Copy)]
pub(crate) struct Opcode {
    prefix: u8,
    /// Escape bytes and opcode, first byte lowest.
    bytes: u32,
    length: u32,
}

impl Opcode {
    /// One opcode byte.
    #[inline]
    pub(crate) const fn one(prefix: u8, opcode: u8) -> Self {
        Self { prefix, bytes: opcode as u32, length: 1 }
    }

    /// `0F opcode`.
    #[inline]
    pub(crate) const fn two(prefix: u8, opcode: u8) -> Self {
        Self { prefix, bytes: 0x0f | (opcode as u32) << 8, length: 2 }
    }

    /// `0F map opcode`.
    #[inline]
    pub(crate) const fn three(prefix: u8, map: u8, opcode: u8) -> Self {
        Self { prefix, bytes: 0x0f | (map as u32) << 8 | (opcode as u32) << 16, length: 3 }
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
pub(crate) struct Addressing {
    /// REX.X and REX.B.
    pub(crate) rex: u8,
    /// ModRM without `reg`, and SIB above it.
    modrm_sib: u64,
    length: u32,
    disp: u64,
    disp_length: usize,
    label: Option<Label>,
}

impl Addressing {
    #[inline(always)]
    pub(crate) fn new(mem: Mem) -> Self {
        if mem.base >= BASE_LABEL {
            return Self::without_base(mem);
        }
        let low = u64::from(mem.base & 7);
        let rex = mem.base >> 3 | (mem.index >> 3) << 1;
        // `rbp`/`r13` with mode 0 would mean pc-relative, so they always carry a displacement.
        let mode = if mem.disp == 0 && low != 5 { 0 } else { 2 - u64::from(mem.disp == i32::from(mem.disp as i8)) };
        let disp_length = (mode * mode) as usize;
        // `rsp`/`r12` as `rm` would mean that a SIB follows, so they always have one.
        let (modrm_sib, length) = if mem.index != INDEX_NONE || low == 4 {
            let sib = low | u64::from(mem.index & 7) << 3 | u64::from(mem.scale_log2) << 6;
            (mode << 6 | 4 | sib << 8, 2)
        } else {
            (mode << 6 | low, 1)
        };
        Self { rex, modrm_sib, length, disp: u64::from(mem.disp as u32), disp_length, label: None }
    }

    #[cold]
    fn without_base(mem: Mem) -> Self {
        if mem.base == BASE_NONE {
            let sib = 5 | u64::from(mem.index & 7) << 3 | u64::from(mem.scale_log2) << 6;
            let disp = u64::from(mem.disp as u32);
            return Self { rex: (mem.index >> 3) << 1, modrm_sib: 4 | sib << 8, length: 2, disp, disp_length: 4, label: None };
        }
        let label = Some(Label::from_number(mem.disp as u32));
        Self { rex: 0, modrm_sib: 5, length: 1, disp: 0, disp_length: 4, label }
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

    /// Prefixes, opcode and ModRM (with SIB). `rex` has the bits W, R, X and B, and 0x40 if a REX prefix is needed anyway.
    #[inline(always)]
    fn head(&mut self, opcode: Opcode, rex: u8, modrm_sib: u64, length: u32) {
        let mut word = u64::from(opcode.bytes) | modrm_sib << (8 * opcode.length);
        let mut length = opcode.length + length;
        // Without branches: half of all instructions have a REX prefix, and nobody can tell which.
        let has_rex = u32::from(rex != 0);
        word = word << (8 * has_rex) | u64::from(rex | 0x40) * u64::from(has_rex);
        length += has_rex;
        if opcode.prefix != 0 {
            word = word << 8 | u64::from(opcode.prefix);
            length += 1;
        }
        self.buffer.put(word, length as usize);
    }

    /// `reg` and a register as `rm`. `rex` has W, or 0x40 if REX is needed anyway.
    #[inline(always)]
    pub(crate) fn encode_rr(&mut self, opcode: Opcode, rex: u8, reg: u8, rm: u8) {
        let modrm = 0xc0 | u64::from(reg & 7) << 3 | u64::from(rm & 7);
        self.head(opcode, rex | (reg >> 3) << 2 | rm >> 3, modrm, 1);
    }

    /// `reg` and a memory operand, and an immediate. `rex` as for [`Asm::encode_rr`].
    #[inline(always)]
    pub(crate) fn encode_rm(&mut self, opcode: Opcode, rex: u8, reg: u8, mem: Mem, immediate: Immediate) {
        let addressing = Addressing::new(mem);
        let modrm_sib = addressing.modrm_sib | u64::from(reg & 7) << 3;
        self.head(opcode, rex | (reg >> 3) << 2 | addressing.rex, modrm_sib, addressing.length);
        self.displacement(&addressing, immediate);
    }

    /// What follows ModRM and SIB.
    #[inline(always)]
    fn displacement(&mut self, addressing: &Addressing, immediate: Immediate) {
        let length = addressing.disp_length + immediate.length;
        let low = addressing.disp & !(!0u64 << (8 * addressing.disp_length as u32));
        let at = self.offset();
        self.buffer.put(low | immediate.bits << (8 * addressing.disp_length), length);
        if let Some(label) = addressing.label {
            self.buffer.use_label(label, at, at + length, REL32);
        }
    }

    /// An immediate behind an instruction without memory operand.
    #[inline]
    pub(crate) fn immediate(&mut self, immediate: Immediate) {
        self.buffer.put(immediate.bits, immediate.length);
    }

    /// `reg` and a memory operand behind a VEX prefix (`C4` or `C5`).
    #[inline]
    pub(crate) fn encode_vex_rm(&mut self, vex: Vex, reg: u8, vvvv: u8, mem: Mem, immediate: Immediate) {
        let addressing = Addressing::new(mem);
        let modrm_sib = addressing.modrm_sib | u64::from(reg & 7) << 3;
        self.vex_head(vex, (reg >> 3) << 2 | addressing.rex, vvvv, modrm_sib, addressing.length);
        self.displacement(&addressing, immediate);
    }

    /// `reg` and a register as `rm` behind a VEX prefix.
    #[inline]
    pub(crate) fn encode_vex_rr(&mut self, vex: Vex, reg: u8, vvvv: u8, rm: u8) {
        let modrm = 0xc0 | u64::from(reg & 7) << 3 | u64::from(rm & 7);
        self.vex_head(vex, (reg >> 3) << 2 | rm >> 3, vvvv, modrm, 1);
    }

    #[inline]
    fn vex_head(&mut self, vex: Vex, rxb: u8, vvvv: u8, modrm_sib: u64, length: u32) {
        // R, X, B and vvvv are stored inverted. L is 0: scalars and 128 bits.
        let last = (!vvvv & 15) << 3 | vex.pp;
        let tail = u64::from(vex.opcode) | modrm_sib << 8;
        if vex.map == 1 && !vex.is_w && rxb & 3 == 0 {
            let second = (!rxb & 4) << 5 | last;
            self.buffer.put(0xc5 | u64::from(second) << 8 | tail << 16, 3 + length as usize);
        } else {
            let second = (!rxb & 7) << 5 | vex.map;
            let third = u8::from(vex.is_w) << 7 | last;
            self.buffer.put(0xc4 | u64::from(second) << 8 | u64::from(third) << 16 | tail << 24, 4 + length as usize);
        }
    }
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
