//! Instructions with a VEX prefix: BMI1, BMI2, and scalar arithmetic of AVX with three operands. The caller knows that the CPU has them.

use crate::encode::{Asm, Immediate, Vex};
use crate::memory::Mem;
use crate::register::{Gpr, Width, Xmm};
use crate::rows::{FreeShift, Packed, Scalar};

#[inline]
fn scalar(row: Scalar, width: Width) -> Vex {
    debug_assert!(matches!(width, Width::W32 | Width::W64));
    Vex { pp: if width == Width::W64 { 3 } else { 2 }, map: 1, is_w: false, opcode: row.opcode }
}

#[inline]
fn packed(row: Packed) -> Vex {
    let pp = match row.prefix {
        0x66 => 1,
        0xf3 => 2,
        0xf2 => 3,
        _ => 0,
    };
    Vex { pp, map: 1, is_w: false, opcode: row.opcode }
}

#[inline]
fn free_shift(row: FreeShift, width: Width) -> Vex {
    Vex { pp: row.pp, map: 2, is_w: width == Width::W64, opcode: 0xf7 }
}

impl Asm {
    /// `dst := src row amount` (BMI2 `shlx`, `sarx`, `shrx`); flags untouched.
    #[inline]
    pub fn free_shift_rrr(&mut self, row: FreeShift, width: Width, dst: Gpr, src: Gpr, amount: Gpr) {
        self.encode_vex_rr(free_shift(row, width), dst.number(), amount.number(), src.number(), Immediate::NONE);
    }

    /// As [`free_shift_rrr`](Self::free_shift_rrr), from memory.
    #[inline]
    pub fn free_shift_rmr(&mut self, row: FreeShift, width: Width, dst: Gpr, src: Mem, amount: Gpr) {
        self.encode_vex_rm(free_shift(row, width), dst.number(), amount.number(), src, Immediate::NONE);
    }

    /// `dst := src` rotated right (BMI2); flags untouched.
    #[inline]
    pub fn rorx_rri(&mut self, width: Width, dst: Gpr, src: Gpr, amount: u8) {
        self.encode_vex_rr(
            Vex { pp: 3, map: 3, is_w: width == Width::W64, opcode: 0xf0 },
            dst.number(),
            0,
            src.number(),
            Immediate::byte(amount),
        );
    }

    /// As [`rorx_rri`](Self::rorx_rri), from memory.
    #[inline]
    pub fn rorx_rmi(&mut self, width: Width, dst: Gpr, src: Mem, amount: u8) {
        let vex = Vex { pp: 3, map: 3, is_w: width == Width::W64, opcode: 0xf0 };
        self.encode_vex_rm(vex, dst.number(), 0, src, Immediate::byte(amount));
    }

    /// `dst := !a & b` (BMI1).
    #[inline]
    pub fn andn_rrr(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.encode_vex_rr(
            Vex { pp: 0, map: 2, is_w: width == Width::W64, opcode: 0xf2 },
            dst.number(),
            a.number(),
            b.number(),
            Immediate::NONE,
        );
    }

    /// `dst := row(a, b)` in the low lane, the others from `a`. `sqrt`: `row(b)`.
    #[inline]
    pub fn vscalar_rrr(&mut self, row: Scalar, width: Width, dst: Xmm, a: Xmm, b: Xmm) {
        self.encode_vex_rr(scalar(row, width), dst.number(), a.number(), b.number(), Immediate::NONE);
    }

    /// As [`vscalar_rrr`](Self::vscalar_rrr), from memory.
    #[inline]
    pub fn vscalar_rrm(&mut self, row: Scalar, width: Width, dst: Xmm, a: Xmm, b: Mem) {
        self.encode_vex_rm(scalar(row, width), dst.number(), a.number(), b, Immediate::NONE);
    }

    /// `dst := row(a, b)`, 128 bits; not for moves.
    #[inline]
    pub fn vpacked_rrr(&mut self, row: Packed, dst: Xmm, a: Xmm, b: Xmm) {
        self.encode_vex_rr(packed(row), dst.number(), a.number(), b.number(), Immediate::NONE);
    }

    /// As [`vpacked_rrr`](Self::vpacked_rrr), from memory.
    #[inline]
    pub fn vpacked_rrm(&mut self, row: Packed, dst: Xmm, a: Xmm, b: Mem) {
        self.encode_vex_rm(packed(row), dst.number(), a.number(), b, Immediate::NONE);
    }
}
