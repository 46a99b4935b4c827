//! Control flow, addresses of code, padding and traps.
//!
//! A branch to a label that is bound already and out of reach goes around a `b`. One to a label that is not bound yet has its own reach; if that
//! is not enough, it leads through a veneer in an island. What a `b` back does not reach is too large, see [`Asm::take_too_large`].

use mj_asm::{FixupKind, Label};

use crate::condition::Cc;
use crate::encode::{ADDRESS19, Asm, BRANCH14, BRANCH19, BRANCH26, TABLE32};
use crate::memory::Mem;
use crate::register::{Gpr, Width};
use crate::rows::LDR_X;

/// The bit that inverts a `cbz` or `tbz`.
const NOT_ZERO: u32 = 1 << 24;

impl Asm {
    /// Jumps to a label.
    #[inline]
    pub fn b(&mut self, to: Label) {
        self.jump(0b000101 << 26, to);
    }

    /// Calls a label of the same function.
    #[inline]
    pub fn bl(&mut self, to: Label) {
        self.jump(0b100101 << 26, to);
    }

    #[inline]
    fn jump(&mut self, word: u32, to: Label) {
        match self.label_offset(to) {
            Some(target) => self.jump_between(word, BRANCH26, self.offset(), target),
            None => self.refer(word, to, BRANCH26),
        }
    }

    #[inline]
    fn jump_between(&mut self, word: u32, kind: FixupKind, from: usize, to: usize) {
        let distance = (to as i64 - from as i64) as i32;
        self.is_too_large |= !kind.fits(distance);
        self.word(kind.apply(word, distance));
    }

    /// Jumps to a label if the condition holds.
    #[inline]
    pub fn b_cond(&mut self, condition: Cc, to: Label) {
        self.branch(0b01010100 << 24 | condition as u32, 1, to, BRANCH19);
    }

    /// Jumps to a label if the register is zero.
    #[inline]
    pub fn cbz(&mut self, width: Width, register: Gpr, to: Label) {
        self.branch(width.sf() | 0b0110100 << 24 | register.or_zero(), NOT_ZERO, to, BRANCH19);
    }

    /// Jumps to a label if the register is not zero.
    #[inline]
    pub fn cbnz(&mut self, width: Width, register: Gpr, to: Label) {
        self.branch(width.sf() | 0b0110101 << 24 | register.or_zero(), NOT_ZERO, to, BRANCH19);
    }

    /// Jumps to a label if the bit of the register is zero.
    #[inline]
    pub fn tbz(&mut self, register: Gpr, bit: u32, to: Label) {
        self.branch(0b0110110 << 24 | bit_field(bit) | register.or_zero(), NOT_ZERO, to, BRANCH14);
    }

    /// Jumps to a label if the bit of the register is one.
    #[inline]
    pub fn tbnz(&mut self, register: Gpr, bit: u32, to: Label) {
        self.branch(0b0110111 << 24 | bit_field(bit) | register.or_zero(), NOT_ZERO, to, BRANCH14);
    }

    /// A branch that `inverse` inverts.
    #[inline]
    fn branch(&mut self, word: u32, inverse: u32, to: Label, kind: FixupKind) {
        let Some(target) = self.label_offset(to) else { return self.refer(word, to, kind) };
        let distance = target as i64 - self.offset() as i64;
        if kind.fits(distance as i32) {
            return self.word(kind.apply(word, distance as i32));
        }
        self.word(kind.apply(word ^ inverse, 8));
        self.b(to);
    }

    /// A jump from offset `from`, where the instruction is going to be moved, to offset `to`.
    #[inline]
    pub fn b_from(&mut self, from: usize, to: usize) {
        self.jump_between(0b000101 << 26, BRANCH26, from, to);
    }

    /// As [`b_from`](Self::b_from), if the condition holds.
    #[inline]
    pub fn b_cond_from(&mut self, from: usize, condition: Cc, to: usize) {
        self.jump_between(0b01010100 << 24 | condition as u32, BRANCH19, from, to);
    }

    /// Jumps to the address in a register.
    #[inline]
    pub fn br(&mut self, to: Gpr) {
        self.word(0xd61f_0000 | to.or_zero() << 5);
    }

    /// Calls the address in a register, which may be the link register.
    #[inline]
    pub fn blr(&mut self, to: Gpr) {
        self.word(0xd63f_0000 | to.or_zero() << 5);
    }

    /// Returns to the address in the link register.
    #[inline]
    pub fn ret(&mut self) {
        self.word(0xd65f_03c0);
    }

    /// `dst := address of a label` within 1 MiB.
    #[inline]
    pub fn adr(&mut self, dst: Gpr, to: Label) {
        self.refer(0b10000 << 24 | dst.or_zero(), to, ADDRESS19);
    }

    /// `dst := jump-table slot of a function`: `adrp`, `ldr`, and a relocation for both.
    #[inline]
    pub fn load_slot(&mut self, dst: Gpr, function: u32) {
        let at = self.offset();
        self.word(1 << 31 | 0b10000 << 24 | dst.or_zero());
        self.load_rm(LDR_X, dst, Mem::base(dst, 0));
        self.buffer.add_relocation(at, function);
    }

    /// A table of 32-bit distances from `table`, which is bound at the first one. The last one stands in front of it, as if it had the index -1.
    ///
    /// # Panics
    /// If there are no targets.
    pub fn jump_table(&mut self, table: Label, targets: &[Label]) {
        let (&last, others) = targets.split_last().expect("a jump table has entries");
        let before = self.offset();
        self.word(0);
        self.bind(table);
        let base = self.offset();
        self.buffer.use_label(last, before, base, TABLE32);
        for &target in others {
            let at = self.offset();
            self.word(0);
            self.buffer.use_label(target, at, base, TABLE32);
        }
    }

    /// Raises an undefined-instruction fault.
    #[inline]
    pub fn udf(&mut self, immediate: u16) {
        self.word(u32::from(immediate));
    }

    /// Raises a breakpoint trap.
    #[inline]
    pub fn brk(&mut self, immediate: u16) {
        self.word(0xd420_0000 | u32::from(immediate) << 5);
    }

    /// Does nothing.
    #[inline]
    pub fn nop(&mut self) {
        self.word(0xd503_201f);
    }

    /// Aligns the code with `nop`s, reserving room for them.
    pub fn align_code(&mut self, alignment: usize) {
        self.reserve(alignment);
        while !self.offset().is_multiple_of(alignment) {
            self.nop();
        }
    }
}

/// `b5` and `b40`.
#[inline]
fn bit_field(bit: u32) -> u32 {
    debug_assert!(bit < 64);
    bit >> 5 << 31 | (bit & 31) << 19
}
