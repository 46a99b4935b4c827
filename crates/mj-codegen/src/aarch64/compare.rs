//! Comparisons, and what branches and selections make of them.
//!
//! A comparison with zero, or of one bit, is taken back by the branch right behind it: that one instruction does both. The flags have no other
//! reader then.

use mj_asm::Label;
use mj_asm_aarch64::{CSEL, CSINC, CSINV, Cc, FCMP, Gpr, SUBS, Width, XZR, fits_add};
use mj_decode::ValType;

use super::Aarch64;
use super::form::{Form, Kind};
use super::integer::{folded_extend, folded_shift, width};
use super::registers::{fpr, gpr};
use crate::Cond;
use crate::isa::Locations;

/// Bytes of the instruction that a branch takes back.
const COMPARISON: usize = 4;

/// What the instruction that ends at `end` compares with zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct ZeroTest {
    end: usize,
    register: Gpr,
    width: Width,
    /// This bit of it alone.
    bit: Option<u32>,
}

/// The condition code of a condition. Float conditions other than "not" are false if the comparison was unordered, which sets C and V.
pub(super) fn cc(condition: Cond) -> Cc {
    match condition {
        Cond::Eq | Cond::FloatEq => Cc::Eq,
        Cond::Ne | Cond::FloatNotEq => Cc::Ne,
        Cond::LtS | Cond::FloatNotGe => Cc::Lt,
        Cond::LtU => Cc::Lo,
        Cond::GtS | Cond::FloatGt => Cc::Gt,
        Cond::GtU | Cond::FloatNotLe => Cc::Hi,
        Cond::LeS | Cond::FloatNotGt => Cc::Le,
        Cond::LeU | Cond::FloatLe => Cc::Ls,
        Cond::GeS | Cond::FloatGe => Cc::Ge,
        Cond::GeU => Cc::Hs,
        Cond::FloatLt => Cc::Mi,
        Cond::FloatNotLt => Cc::Pl,
    }
}

impl Aarch64 {
    pub(super) fn emit_compare(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        match form.kind {
            Kind::FloatCmpRR => return self.asm.fcmp(FCMP, width, fpr(at.uses[0]), fpr(at.uses[1])),
            Kind::FloatCmpZero => return self.asm.fcmp_zero(FCMP, width, fpr(at.uses[0])),
            _ => {}
        }
        let a = gpr(at.uses[0]);
        match form.kind {
            Kind::TestZero => self.compare_with_zero(width, a),
            Kind::CmpRI => self.compare_immediate(width, a, at.immediate),
            Kind::TestRI => {
                let immediate = at.immediate as u64 & (u64::MAX >> (64 - width.bits()));
                self.asm.tst_ri(width, a, immediate);
                if immediate.is_power_of_two() {
                    self.note_zero_test(width, a, Some(immediate.trailing_zeros()));
                }
            }
            Kind::CmpRR => self.asm.cmp_rr(width, a, gpr(at.uses[1])),
            Kind::CmpRS => self.asm.add_rrs(SUBS, width, XZR, a, gpr(at.uses[1]), folded_shift(form.folded), at.immediate as u32),
            Kind::CmpRE => self.asm.add_rre(SUBS, width, XZR, a, gpr(at.uses[1]), folded_extend(form.folded), 0),
            Kind::TestRR => self.asm.tst_rr(width, a, gpr(at.uses[1])),
            _ => unreachable!("{form:?} is no comparison"),
        }
    }

    pub(super) fn compare_with_zero(&mut self, width: Width, register: Gpr) {
        self.asm.cmp_ri(width, register, 0);
        self.note_zero_test(width, register, None);
    }

    fn compare_immediate(&mut self, width: Width, register: Gpr, immediate: i64) {
        match immediate {
            0 => self.compare_with_zero(width, register),
            _ if fits_add(immediate as u64) => self.asm.cmp_ri(width, register, immediate as u32),
            _ => self.asm.cmn_ri(width, register, immediate.wrapping_neg() as u32),
        }
    }

    fn note_zero_test(&mut self, width: Width, register: Gpr, bit: Option<u32>) {
        self.zero_test = Some(ZeroTest { end: self.asm.offset(), register, width, bit });
    }

    /// Jumps if the flags hold `condition`.
    pub(super) fn branch_on(&mut self, condition: Cond, to: Label) {
        match self.zero_test.take() {
            Some(test) if test.end == self.asm.offset() && !self.asm.is_target() => self.branch_on_zero(test, condition, to),
            _ => self.asm.b_cond(cc(condition), to),
        }
    }

    fn branch_on_zero(&mut self, test: ZeroTest, condition: Cond, to: Label) {
        let ZeroTest { register, width, bit, .. } = test;
        let sign = width.bits() - 1;
        // Unsigned, nothing is below zero.
        let condition = match (bit, condition) {
            (None, Cond::LeU) => Cond::Eq,
            (None, Cond::GtU) => Cond::Ne,
            _ => condition,
        };
        if !matches!((bit, condition), (_, Cond::Eq | Cond::Ne) | (None, Cond::LtS | Cond::GeS)) {
            return self.asm.b_cond(cc(condition), to);
        }
        self.asm.take_back(COMPARISON);
        match (bit, condition) {
            (Some(bit), Cond::Eq) => self.asm.tbz(register, bit, to),
            (Some(bit), _) => self.asm.tbnz(register, bit, to),
            (None, Cond::Eq) => self.asm.cbz(width, register, to),
            (None, Cond::Ne) => self.asm.cbnz(width, register, to),
            (None, Cond::LtS) => self.asm.tbnz(register, sign, to),
            (None, _) => self.asm.tbz(register, sign, to),
        }
    }

    pub(super) fn emit_select(&mut self, form: Form, at: &Locations) {
        let condition = cc(form.condition);
        let width = width(form.op.row().a);
        if form.kind == Kind::SelectFloat {
            return self.asm.fcsel(width, fpr(at.definition), fpr(at.uses[0]), fpr(at.uses[1]), condition);
        }
        let (row, second) = match form.kind {
            Kind::SelectInt => (CSEL, gpr(at.uses[1])),
            Kind::SelectZero => (CSEL, XZR),
            Kind::SelectOne => (CSINC, XZR),
            _ => (CSINV, XZR),
        };
        self.asm.select(row, width, gpr(at.definition), gpr(at.uses[0]), second, condition);
    }

    /// The operator that tells a select's width.
    pub(super) const fn select_op(ty: ValType) -> mj_decode::Op {
        match ty {
            ValType::I32 | ValType::F32 => mj_decode::Op::I32Add,
            _ => mj_decode::Op::I64Add,
        }
    }
}
