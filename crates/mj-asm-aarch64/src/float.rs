//! Scalar float instructions. They set the bits of the register above the result to zero.

use crate::condition::Cc;
use crate::encode::Asm;
use crate::immediate::float_immediate;
use crate::register::{Fpr, Gpr, Width};
use crate::rows::{FMOV, FloatCompare, FloatOneSource, FloatToInt, FloatTwoSource, IntToFloat};

const FLOAT: u32 = 0b11110 << 24 | 1 << 21;

impl Asm {
    /// `dst := a row b`.
    #[inline]
    pub fn float_vvv(&mut self, row: FloatTwoSource, width: Width, dst: Fpr, a: Fpr, b: Fpr) {
        self.word(FLOAT | width.ftype() | row.opcode << 12 | 0b10 << 10 | b.bits() << 16 | a.bits() << 5 | dst.bits());
    }

    /// `dst := row(src)`.
    #[inline]
    pub fn float_vv(&mut self, row: FloatOneSource, width: Width, dst: Fpr, src: Fpr) {
        self.word(FLOAT | width.ftype() | row.opcode << 15 | 0b10000 << 10 | src.bits() << 5 | dst.bits());
    }

    /// `dst := src`.
    #[inline]
    pub fn fmov_vv(&mut self, width: Width, dst: Fpr, src: Fpr) {
        self.float_vv(FMOV, width, dst, src);
    }

    /// Float of `from` to the other width.
    #[inline]
    pub fn fcvt(&mut self, from: Width, dst: Fpr, src: Fpr) {
        let opcode = 0b000100 | (1 - from as u32);
        self.word(FLOAT | from.ftype() | opcode << 15 | 0b10000 << 10 | src.bits() << 5 | dst.bits());
    }

    /// The float with these bits.
    ///
    /// # Panics
    /// If it is no [`float_immediate`].
    #[inline]
    pub fn fmov_vi(&mut self, width: Width, dst: Fpr, bits: u64) {
        let immediate = float_immediate(width, bits).expect("a float immediate");
        self.word(FLOAT | width.ftype() | u32::from(immediate) << 13 | 0b100 << 10 | dst.bits());
    }

    /// Bits from a general register.
    #[inline]
    pub fn fmov_vr(&mut self, width: Width, dst: Fpr, src: Gpr) {
        self.convert(width, width, 0b00, 0b111, src.or_zero() << 5 | dst.bits());
    }

    /// Bits to a general register; 32 are zero-extended.
    #[inline]
    pub fn fmov_rv(&mut self, width: Width, dst: Gpr, src: Fpr) {
        self.convert(width, width, 0b00, 0b110, src.bits() << 5 | dst.or_zero());
    }

    /// Float of `from` to integer of `to`; what does not fit becomes the nearest that does, NaN becomes 0.
    #[inline]
    pub fn float_to_int(&mut self, row: FloatToInt, to: Width, from: Width, dst: Gpr, src: Fpr) {
        self.convert(to, from, row.rmode, row.opcode, src.bits() << 5 | dst.or_zero());
    }

    /// Integer of `from` to float of `to`.
    #[inline]
    pub fn int_to_float(&mut self, row: IntToFloat, to: Width, from: Width, dst: Fpr, src: Gpr) {
        self.convert(from, to, 0b00, row.opcode, src.or_zero() << 5 | dst.bits());
    }

    #[inline]
    fn convert(&mut self, int: Width, float: Width, rmode: u32, opcode: u32, registers: u32) {
        self.word(int.sf() | FLOAT | float.ftype() | rmode << 19 | opcode << 16 | registers);
    }

    /// Flags of `a ? b`: less sets N, equal Z and C, greater C, unordered C and V.
    #[inline]
    pub fn fcmp(&mut self, row: FloatCompare, width: Width, a: Fpr, b: Fpr) {
        self.word(FLOAT | width.ftype() | 0b1000 << 10 | row.op << 4 | b.bits() << 16 | a.bits() << 5);
    }

    /// Flags of `a ? 0.0`.
    #[inline]
    pub fn fcmp_zero(&mut self, row: FloatCompare, width: Width, a: Fpr) {
        self.word(FLOAT | width.ftype() | 0b1000 << 10 | row.op << 4 | 1 << 3 | a.bits() << 5);
    }

    /// Flags of `a ? b` if the condition holds, else `flags` (N, Z, C, V from bit 3 down).
    #[inline]
    pub fn fccmp(&mut self, width: Width, a: Fpr, b: Fpr, flags: u32, condition: Cc) {
        debug_assert!(flags < 16);
        self.word(FLOAT | width.ftype() | (condition as u32) << 12 | 0b01 << 10 | b.bits() << 16 | a.bits() << 5 | flags);
    }

    /// `dst := condition ? a : b`.
    #[inline]
    pub fn fcsel(&mut self, width: Width, dst: Fpr, a: Fpr, b: Fpr, condition: Cc) {
        self.word(FLOAT | width.ftype() | (condition as u32) << 12 | 0b11 << 10 | b.bits() << 16 | a.bits() << 5 | dst.bits());
    }
}
