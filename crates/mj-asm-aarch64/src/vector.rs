//! The few vector instructions that scalar code needs.

use crate::encode::Asm;
use crate::register::{Fpr, Width};
use crate::rows::{Across, VORR, VectorLogical, VectorShift, VectorSign};

/// The bit that makes it 128 bits.
const Q: u32 = 1 << 30;

impl Asm {
    /// `dst := dst, a row b`, 128 bits. `bsl`: bits of `a` where `dst` has ones, else of `b`; `bit`: bits of `a` where `b` has ones; `bif`: where it has zeros.
    #[inline]
    pub fn vector_vvv(&mut self, row: VectorLogical, dst: Fpr, a: Fpr, b: Fpr) {
        self.word(
            Q | row.u << 29 | 0b01110 << 24 | row.size << 22 | 1 << 21 | 0b000111 << 10 | b.bits() << 16 | a.bits() << 5 | dst.bits(),
        );
    }

    /// `dst := src`, 128 bits.
    #[inline]
    pub fn mov_vv(&mut self, dst: Fpr, src: Fpr) {
        self.vector_vvv(VORR, dst, src, src);
    }

    /// Shifts every element of `width` by an immediate: to the right by 1 to all bits, to the left by 0 to all but one. 64 bits of `src` are looked at for `W32`
    /// (two elements), one for `W64`. `sri` and `sli` leave the bits of `dst` that the shift would fill.
    #[inline]
    pub fn vector_shift(&mut self, row: VectorShift, width: Width, dst: Fpr, src: Fpr, amount: u32) {
        let bits = width.bits();
        debug_assert!(if row.right == 1 { (1..=bits).contains(&amount) } else { amount < bits });
        let immediate = if row.right == 1 { 2 * bits - amount } else { bits + amount };
        // A single element of 64 bits is the scalar form.
        let form = if width == Width::W64 { 0b01_0_111110 << 23 } else { 0b00_0_011110 << 23 };
        self.word(form | row.u << 29 | immediate << 16 | row.opcode << 11 | 1 << 10 | src.bits() << 5 | dst.bits());
    }

    /// Signs of the floats of `width` in 128 bits.
    #[inline]
    pub fn vector_sign(&mut self, row: VectorSign, width: Width, dst: Fpr, src: Fpr) {
        self.word(
            Q | row.u << 29
                | 0b01110 << 24
                | 1 << 23
                | width.ftype()
                | 0b10000 << 17
                | row.opcode << 12
                | 0b10 << 10
                | src.bits() << 5
                | dst.bits(),
        );
    }

    /// `dst := number of ones in each of 8 bytes`.
    #[inline]
    pub fn cnt(&mut self, dst: Fpr, src: Fpr) {
        self.word(0b01110 << 24 | 0b10000_00101_10 << 10 | src.bits() << 5 | dst.bits());
    }

    /// `dst := sum of 8 bytes`, as a byte (`addv`) or 16 bits (`uaddlv`).
    #[inline]
    pub fn across(&mut self, row: Across, dst: Fpr, src: Fpr) {
        self.word(row.u << 29 | 0b01110 << 24 | 0b11000 << 17 | row.opcode << 12 | 0b10 << 10 | src.bits() << 5 | dst.bits());
    }

    /// `dst := 64 bits of all zeros or ones in each byte`, as the bits of `mask` say (`movi`); the others are zero.
    #[inline]
    pub fn movi_bytes(&mut self, dst: Fpr, mask: u8) {
        let (high, low) = (u32::from(mask >> 5), u32::from(mask & 31));
        self.word(1 << 29 | 0b01111 << 24 | high << 16 | 0b1110_01 << 10 | low << 5 | dst.bits());
    }

    /// `dst := immediate << shift` in both of two elements of 32 bits (`movi`); the shift is a multiple of 8.
    #[inline]
    pub fn movi_words(&mut self, dst: Fpr, immediate: u8, shift: u32) {
        debug_assert!(shift < 32 && shift.is_multiple_of(8));
        let (high, low) = (u32::from(immediate >> 5), u32::from(immediate & 31));
        self.word(0b01111 << 24 | high << 16 | (shift / 8) << 13 | 0b01 << 10 | low << 5 | dst.bits());
    }
}
