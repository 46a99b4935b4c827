//! Integer instructions: arithmetic, logic, shifts, bits, selection.

use crate::condition::Cc;
use crate::encode::Asm;
use crate::immediate::{add_immediate, logical_immediate};
use crate::register::{Extend, Gpr, Shift, Width, XZR};
use crate::rows::{
    ADD, ADDS, AND, ANDS, ASRV, AddSub, BFM, Bitfield, CSEL, CSINC, CSINV, CondCompare, LSLV, LSRV, Logical, MADD, MOVK, MOVN, MOVZ,
    MoveWide, MulAdd, MulAddLong, MulHigh, ORN, ORR, OneSource, RORV, SBFM, SUB, SUBS, Select, TwoSource, UBFM,
};

impl Asm {
    /// `dst := a row b`.
    #[inline]
    pub fn add_rrr(&mut self, row: AddSub, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.add_rrs(row, width, dst, a, b, Shift::Lsl, 0);
    }

    /// `dst := a row (b shifted by amount)`; not [`Shift::Ror`].
    #[inline]
    pub fn add_rrs(&mut self, row: AddSub, width: Width, dst: Gpr, a: Gpr, b: Gpr, shift: Shift, amount: u32) {
        debug_assert!(amount < width.bits() && shift != Shift::Ror);
        let row = width.sf() | row.op_s << 29 | 0b01011 << 24 | (shift as u32) << 22;
        self.word(row | b.or_zero() << 16 | amount << 10 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := a row (b extended, then shifted left by amount)`, at most 4. `a`, and `dst` where the flags are not set, may be the stack pointer.
    #[inline]
    pub fn add_rre(&mut self, row: AddSub, width: Width, dst: Gpr, a: Gpr, b: Gpr, extend: Extend, amount: u32) {
        debug_assert!(amount <= 4);
        let word = width.sf() | row.op_s << 29 | 0b01011001 << 21 | (extend as u32) << 13;
        self.word(word | b.or_zero() << 16 | amount << 10 | a.or_sp() << 5 | destination(row, dst));
    }

    /// `dst := a row immediate`, which [`fits_add`](crate::fits_add). `a`, and `dst` where the flags are not set, may be the stack pointer.
    #[inline]
    pub fn add_rri(&mut self, row: AddSub, width: Width, dst: Gpr, a: Gpr, immediate: u32) {
        let word = width.sf() | row.op_s << 29 | 0b100010 << 23 | add_immediate(immediate) << 10;
        self.word(word | a.or_sp() << 5 | destination(row, dst));
    }

    /// Flags of `a - b`.
    #[inline]
    pub fn cmp_rr(&mut self, width: Width, a: Gpr, b: Gpr) {
        self.add_rrr(SUBS, width, XZR, a, b);
    }

    /// Flags of `a - immediate`, which [`fits_add`](crate::fits_add).
    #[inline]
    pub fn cmp_ri(&mut self, width: Width, a: Gpr, immediate: u32) {
        self.add_rri(SUBS, width, XZR, a, immediate);
    }

    /// Flags of `a + immediate`, which [`fits_add`](crate::fits_add).
    #[inline]
    pub fn cmn_ri(&mut self, width: Width, a: Gpr, immediate: u32) {
        self.add_rri(ADDS, width, XZR, a, immediate);
    }

    /// `dst := -src`.
    #[inline]
    pub fn neg_rr(&mut self, width: Width, dst: Gpr, src: Gpr) {
        self.add_rrr(SUB, width, dst, XZR, src);
    }

    /// `dst := a row b`.
    #[inline]
    pub fn logic_rrr(&mut self, row: Logical, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.logic_rrs(row, width, dst, a, b, Shift::Lsl, 0);
    }

    /// `dst := a row (b shifted by amount)`.
    #[inline]
    pub fn logic_rrs(&mut self, row: Logical, width: Width, dst: Gpr, a: Gpr, b: Gpr, shift: Shift, amount: u32) {
        debug_assert!(amount < width.bits());
        let word = width.sf() | row.opc << 29 | 0b01010 << 24 | (shift as u32) << 22 | row.n << 21;
        self.word(word | b.or_zero() << 16 | amount << 10 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := a row immediate`, which is a [`logical_immediate`]. `dst` may be the stack pointer where the flags are not set.
    ///
    /// # Panics
    /// If it is none.
    #[inline]
    pub fn logic_rri(&mut self, row: Logical, width: Width, dst: Gpr, a: Gpr, immediate: u64) {
        let fields = logical_immediate(width, immediate).expect("a logical immediate");
        self.logic_rr_fields(row, width, dst, a, fields);
    }

    #[inline]
    fn logic_rr_fields(&mut self, row: Logical, width: Width, dst: Gpr, a: Gpr, fields: u32) {
        debug_assert!(row.n == 0, "{} takes no immediate", row.mnemonic);
        let dst = if row.opc == ANDS.opc { dst.or_zero() } else { dst.or_sp() };
        self.word(width.sf() | row.opc << 29 | 0b100100 << 23 | fields << 10 | a.or_zero() << 5 | dst);
    }

    /// Flags of `a & b`.
    #[inline]
    pub fn tst_rr(&mut self, width: Width, a: Gpr, b: Gpr) {
        self.logic_rrr(ANDS, width, XZR, a, b);
    }

    /// Flags of `a & immediate`, which is a [`logical_immediate`].
    #[inline]
    pub fn tst_ri(&mut self, width: Width, a: Gpr, immediate: u64) {
        self.logic_rri(ANDS, width, XZR, a, immediate);
    }

    /// `dst := src`; 32 bits are zero-extended. Neither is the stack pointer.
    #[inline]
    pub fn mov_rr(&mut self, width: Width, dst: Gpr, src: Gpr) {
        self.logic_rrr(ORR, width, dst, XZR, src);
    }

    /// `dst := src`, 64 bits; either may be the stack pointer, none the zero register.
    #[inline]
    pub fn mov_sp(&mut self, dst: Gpr, src: Gpr) {
        self.add_rri(ADD, Width::W64, dst, src, 0);
    }

    /// `dst := !src`.
    #[inline]
    pub fn mvn_rr(&mut self, width: Width, dst: Gpr, src: Gpr) {
        self.logic_rrr(ORN, width, dst, XZR, src);
    }

    /// `dst := immediate << shift` (`movz`), its inverse (`movn`), or 16 bits of `dst` (`movk`). The shift is a multiple of 16.
    #[inline]
    pub fn move_wide(&mut self, row: MoveWide, width: Width, dst: Gpr, immediate: u16, shift: u32) {
        debug_assert!(shift < width.bits() && shift.is_multiple_of(16));
        self.word(width.sf() | row.opc << 29 | 0b100101 << 23 | (shift / 16) << 21 | u32::from(immediate) << 5 | dst.or_zero());
    }

    /// `dst := value`, in one to four instructions that leave the flags alone. 32 bits are zero-extended.
    #[inline]
    pub fn mov_ri(&mut self, width: Width, dst: Gpr, value: i64) {
        let value = if width == Width::W64 { value as u64 } else { u64::from(value as u32) };
        if value <= 0xffff {
            return self.move_wide(MOVZ, Width::W32, dst, value as u16, 0);
        }
        self.mov_wide_constant(dst, value);
    }

    fn mov_wide_constant(&mut self, dst: Gpr, value: u64) {
        // What 32 bits can say is zero-extended.
        let width = if value <= u64::from(u32::MAX) { Width::W32 } else { Width::W64 };
        let halves = || (0..width.bits()).step_by(16).map(|shift| (shift, (value >> shift) as u16));
        let ones = halves().filter(|&(_, half)| half == u16::MAX).count();
        let zeros = halves().filter(|&(_, half)| half == 0).count();
        let count = (width.bits() / 16) as usize;
        if ones.max(zeros) + 1 < count
            && let Some(fields) = logical_immediate(width, value)
        {
            return self.logic_rr_fields(ORR, width, dst, XZR, fields);
        }
        let (row, background) = if ones > zeros { (MOVN, u16::MAX) } else { (MOVZ, 0) };
        let mut others = halves().filter(|&(_, half)| half != background);
        let (shift, half) = others.next().unwrap_or((0, background));
        self.move_wide(row, width, dst, half ^ background, shift);
        for (shift, half) in others {
            self.move_wide(MOVK, width, dst, half, shift);
        }
    }

    /// Moves a bit field, as the manual's fields say.
    #[inline]
    pub fn bitfield_rri(&mut self, row: Bitfield, width: Width, dst: Gpr, src: Gpr, immr: u32, imms: u32) {
        debug_assert!(immr < width.bits() && imms < width.bits());
        let n = (width as u32) << 22;
        self.word(width.sf() | row.opc << 29 | 0b100110 << 23 | n | immr << 16 | imms << 10 | src.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := src << amount`.
    #[inline]
    pub fn lsl_rri(&mut self, width: Width, dst: Gpr, src: Gpr, amount: u32) {
        let last = width.bits() - 1;
        self.bitfield_rri(UBFM, width, dst, src, width.bits().wrapping_sub(amount) & last, last - amount);
    }

    /// `dst := src >> amount`, unsigned.
    #[inline]
    pub fn lsr_rri(&mut self, width: Width, dst: Gpr, src: Gpr, amount: u32) {
        self.bitfield_rri(UBFM, width, dst, src, amount, width.bits() - 1);
    }

    /// `dst := src >> amount`, signed.
    #[inline]
    pub fn asr_rri(&mut self, width: Width, dst: Gpr, src: Gpr, amount: u32) {
        self.bitfield_rri(SBFM, width, dst, src, amount, width.bits() - 1);
    }

    /// `dst := src` rotated right by `amount`.
    #[inline]
    pub fn ror_rri(&mut self, width: Width, dst: Gpr, src: Gpr, amount: u32) {
        self.extr_rrri(width, dst, src, src, amount);
    }

    /// `dst := count bits of src from bit lowest on`, zero-extended (`UBFM`: `ubfx`) or sign-extended (`SBFM`: `sbfx`).
    #[inline]
    pub fn extract_field(&mut self, row: Bitfield, width: Width, dst: Gpr, src: Gpr, lowest: u32, count: u32) {
        debug_assert!(count > 0 && lowest + count <= width.bits());
        self.bitfield_rri(row, width, dst, src, lowest, lowest + count - 1);
    }

    /// `dst := count low bits of src`, extended as in [`extract_field`](Self::extract_field), `<< lowest` (`ubfiz`, `sbfiz`; `BFM`: `bfi`, which
    /// leaves the other bits of `dst`).
    #[inline]
    pub fn insert_field(&mut self, row: Bitfield, width: Width, dst: Gpr, src: Gpr, lowest: u32, count: u32) {
        debug_assert!(count > 0 && lowest + count <= width.bits());
        self.bitfield_rri(row, width, dst, src, width.bits().wrapping_sub(lowest) & (width.bits() - 1), count - 1);
    }

    /// `count` low bits of `dst := count bits of src from bit lowest on` (`bfxil`); the others stay.
    #[inline]
    pub fn bfxil(&mut self, width: Width, dst: Gpr, src: Gpr, lowest: u32, count: u32) {
        self.extract_field(BFM, width, dst, src, lowest, count);
    }

    /// `dst := low bits of src`, sign-extended to `width`.
    #[inline]
    pub fn sign_extend(&mut self, width: Width, dst: Gpr, src: Gpr, bits: u32) {
        self.extract_field(SBFM, width, dst, src, 0, bits);
    }

    /// `dst := low width of (high:low >> amount)`.
    #[inline]
    pub fn extr_rrri(&mut self, width: Width, dst: Gpr, high: Gpr, low: Gpr, amount: u32) {
        debug_assert!(amount < width.bits());
        let word = width.sf() | 0b00_100111 << 23 | (width as u32) << 22;
        self.word(word | low.or_zero() << 16 | amount << 10 | high.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := a row b`. Shifts take their amount modulo the width; dividing by zero gives zero.
    #[inline]
    pub fn two_source(&mut self, row: TwoSource, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        let word = width.sf() | 0b0011010110 << 21 | row.opcode << 10;
        self.word(word | b.or_zero() << 16 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := a << b`.
    #[inline]
    pub fn lsl_rrr(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.two_source(LSLV, width, dst, a, b);
    }

    /// `dst := a >> b`, unsigned.
    #[inline]
    pub fn lsr_rrr(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.two_source(LSRV, width, dst, a, b);
    }

    /// `dst := a >> b`, signed.
    #[inline]
    pub fn asr_rrr(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.two_source(ASRV, width, dst, a, b);
    }

    /// `dst := a` rotated right by `b`.
    #[inline]
    pub fn ror_rrr(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.two_source(RORV, width, dst, a, b);
    }

    /// `dst := row(src)`.
    #[inline]
    pub fn one_source(&mut self, row: OneSource, width: Width, dst: Gpr, src: Gpr) {
        self.word(width.sf() | 0b101_1010_1100 << 20 | row.opcode << 10 | src.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := src` with its bytes reversed.
    #[inline]
    pub fn rev(&mut self, width: Width, dst: Gpr, src: Gpr) {
        let opcode = 0b10 | width as u32;
        self.word(width.sf() | 0b101_1010_1100 << 20 | opcode << 10 | src.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := c ± a * b`.
    #[inline]
    pub fn mul_add(&mut self, row: MulAdd, width: Width, dst: Gpr, a: Gpr, b: Gpr, c: Gpr) {
        let word = width.sf() | 0b0011011 << 24 | row.o0 << 15;
        self.word(word | b.or_zero() << 16 | c.or_zero() << 10 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := a * b`.
    #[inline]
    pub fn mul_rrr(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr) {
        self.mul_add(MADD, width, dst, a, b, XZR);
    }

    /// `dst := c ± a * b`, 64 bits, of 32-bit factors; with `c` the zero register, `smull` and `umull`.
    #[inline]
    pub fn mul_add_long(&mut self, row: MulAddLong, dst: Gpr, a: Gpr, b: Gpr, c: Gpr) {
        let word = 0b1_0011011 << 24 | row.op31 << 21 | row.o0 << 15;
        self.word(word | b.or_zero() << 16 | c.or_zero() << 10 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := high half of a * b`, 64 bits each.
    #[inline]
    pub fn mul_high(&mut self, row: MulHigh, dst: Gpr, a: Gpr, b: Gpr) {
        let word = 0b1_0011011 << 24 | row.op31 << 21 | 31 << 10;
        self.word(word | b.or_zero() << 16 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := condition ? a : row(b)`.
    #[inline]
    pub fn select(&mut self, row: Select, width: Width, dst: Gpr, a: Gpr, b: Gpr, condition: Cc) {
        let word = width.sf() | row.op << 30 | 0b11010100 << 21 | (condition as u32) << 12 | row.op2 << 10;
        self.word(word | b.or_zero() << 16 | a.or_zero() << 5 | dst.or_zero());
    }

    /// `dst := condition ? a : b`.
    #[inline]
    pub fn csel(&mut self, width: Width, dst: Gpr, a: Gpr, b: Gpr, condition: Cc) {
        self.select(CSEL, width, dst, a, b, condition);
    }

    /// `dst := condition ? 1 : 0`.
    #[inline]
    pub fn cset(&mut self, width: Width, dst: Gpr, condition: Cc) {
        self.select(CSINC, width, dst, XZR, XZR, condition.invert());
    }

    /// `dst := condition ? -1 : 0`.
    #[inline]
    pub fn csetm(&mut self, width: Width, dst: Gpr, condition: Cc) {
        self.select(CSINV, width, dst, XZR, XZR, condition.invert());
    }

    /// Flags of `a ± b` if the condition holds, else `flags` (N, Z, C, V from bit 3 down).
    #[inline]
    pub fn cond_compare_rr(&mut self, row: CondCompare, width: Width, a: Gpr, b: Gpr, flags: u32, condition: Cc) {
        self.cond_compare(row, width, a, b.or_zero(), 0, flags, condition);
    }

    /// As [`cond_compare_rr`](Self::cond_compare_rr), with an immediate below 32.
    #[inline]
    pub fn cond_compare_ri(&mut self, row: CondCompare, width: Width, a: Gpr, b: u32, flags: u32, condition: Cc) {
        debug_assert!(b < 32);
        self.cond_compare(row, width, a, b, 1 << 11, flags, condition);
    }

    #[inline]
    fn cond_compare(&mut self, row: CondCompare, width: Width, a: Gpr, b: u32, immediate: u32, flags: u32, condition: Cc) {
        debug_assert!(flags < 16);
        let word = width.sf() | row.op << 30 | 0b111010010 << 21 | (condition as u32) << 12 | immediate;
        self.word(word | b << 16 | a.or_zero() << 5 | flags);
    }
}

/// The destination of an addition that may be the stack pointer: not where the flags are set.
#[inline]
fn destination(row: AddSub, dst: Gpr) -> u32 {
    if row.op_s & 1 == 1 { dst.or_zero() } else { dst.or_sp() }
}

const _: () = assert!(AND.n == 0);
