//! Integer forms: arithmetic, shifts, division, extensions.
//!
//! A 32-bit instruction sets the upper half of its result to zero, and reads no upper half.

use mj_abi::TrapCode;
use mj_asm_aarch64::{
    ADD, ADDV, AND, AddSub, BIC, CCMP, CLZ, Cc, EON, EOR, Extend, Gpr, LDRSW, Logical, MADD, MSUB, ORN, ORR, RBIT, SBFM, SDIV, SUB, Shift,
    UBFM, UDIV, Width, fits_add,
};
use mj_decode::{Op, ValType};

use super::Aarch64;
use super::form::{Form, Kind};
use super::registers::{FLOAT_SCRATCH, SPARE, gpr};
use crate::isa::Locations;

/// Width of a value.
pub(super) fn width(ty: ValType) -> Width {
    match ty {
        ValType::I32 | ValType::F32 => Width::W32,
        _ => Width::W64,
    }
}

/// An operator on integers: an addition or a logical one.
enum Alu {
    Add(AddSub),
    Logical(Logical),
}

fn alu(op: Op) -> Alu {
    match op {
        Op::I32Add | Op::I64Add => Alu::Add(ADD),
        Op::I32Sub | Op::I64Sub => Alu::Add(SUB),
        Op::I32And | Op::I64And => Alu::Logical(AND),
        Op::I32Or | Op::I64Or => Alu::Logical(ORR),
        _ => Alu::Logical(EOR),
    }
}

/// The logical operator with its second operand inverted.
fn inverted(op: Op) -> Logical {
    match op {
        Op::I32And | Op::I64And => BIC,
        Op::I32Or | Op::I64Or => ORN,
        _ => EON,
    }
}

/// How a folded shift, rotation or multiplication shifts an operand.
pub(super) fn folded_shift(op: Op) -> Shift {
    match op {
        Op::I32ShrU | Op::I64ShrU => Shift::Lsr,
        Op::I32ShrS | Op::I64ShrS => Shift::Asr,
        Op::I32Rotl | Op::I32Rotr | Op::I64Rotl | Op::I64Rotr => Shift::Ror,
        _ => Shift::Lsl,
    }
}

/// How a folded extension extends an operand.
pub(super) fn folded_extend(op: Op) -> Extend {
    if op == Op::I64ExtendI32S { Extend::Sxtw } else { Extend::Uxtw }
}

/// A register, or one that is not looked at if the form has none there.
fn register(location: mj_ir::PReg) -> Gpr {
    if location.is_some() { gpr(location) } else { SPARE }
}

impl Aarch64 {
    pub(super) fn emit_integer(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        let (to, a, b) = (gpr(at.definition), gpr(at.uses[0]), register(at.uses[1]));
        let amount = at.immediate as u32;
        match form.kind {
            Kind::AluRR => self.alu_shifted(form.op, width, to, a, b, Shift::Lsl, 0),
            Kind::AluRS => self.alu_shifted(form.op, width, to, a, b, folded_shift(form.folded), amount),
            Kind::AluRE => match alu(form.op) {
                Alu::Add(row) => self.asm.add_rre(row, width, to, a, b, folded_extend(form.folded), 0),
                Alu::Logical(_) => unreachable!("extensions fold into additions only"),
            },
            Kind::AluRI => match alu(form.op) {
                Alu::Add(row) => self.add_immediate(row, width, to, a, at.immediate),
                Alu::Logical(row) => self.asm.logic_rri(row, width, to, a, at.immediate as u64),
            },
            Kind::AluInverted => self.asm.logic_rrr(inverted(form.op), width, to, a, b),
            Kind::Negate => self.asm.neg_rr(width, to, a),
            Kind::Invert => self.asm.mvn_rr(width, to, a),
            Kind::MulRR => self.asm.mul_rrr(width, to, a, b),
            Kind::MulShiftAdd => self.asm.add_rrs(ADD, width, to, a, a, Shift::Lsl, amount),
            Kind::MulAdd => {
                let row = if matches!(form.op, Op::I32Sub | Op::I64Sub) { MSUB } else { MADD };
                self.asm.mul_add(row, width, to, b, gpr(at.uses[2]), a);
            }
            Kind::DividePower => self.divide_by_power(width, to, a, amount),
            _ => self.emit_division(form, width, at),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn alu_shifted(&mut self, op: Op, width: Width, to: Gpr, a: Gpr, b: Gpr, shift: Shift, amount: u32) {
        match alu(op) {
            Alu::Add(row) => self.asm.add_rrs(row, width, to, a, b, shift, amount),
            Alu::Logical(row) => self.asm.logic_rrs(row, width, to, a, b, shift, amount),
        }
    }

    /// `to := a ± immediate`, where the instruction or its inverse can hold it.
    fn add_immediate(&mut self, row: AddSub, width: Width, to: Gpr, a: Gpr, immediate: i64) {
        if fits_add(immediate as u64) {
            return self.asm.add_rri(row, width, to, a, immediate as u32);
        }
        let inverse = if row == ADD { SUB } else { ADD };
        self.asm.add_rri(inverse, width, to, a, immediate.wrapping_neg() as u32);
    }

    /// Rounds towards zero: negative dividends are raised by the divisor minus one.
    fn divide_by_power(&mut self, width: Width, to: Gpr, a: Gpr, power: u32) {
        self.asm.asr_rri(width, SPARE, a, width.bits() - 1);
        self.asm.add_rrs(ADD, width, SPARE, a, SPARE, Shift::Lsr, width.bits() - power);
        self.asm.asr_rri(width, to, SPARE, power);
    }

    /// The machine divides by zero, and `MIN / -1`, without complaint: both are looked for. `MIN % -1` comes out as 0.
    fn emit_division(&mut self, form: Form, width: Width, at: &Locations) {
        let (to, a, b) = (gpr(at.definition), gpr(at.uses[0]), gpr(at.uses[1]));
        let is_signed = matches!(form.op, Op::I32DivS | Op::I64DivS | Op::I32RemS | Op::I64RemS);
        let divide = if is_signed { SDIV } else { UDIV };
        if matches!(form.kind, Kind::Divide | Kind::Remainder) {
            let zero = self.trap_behind(TrapCode::IntegerDivisionByZero, at.at);
            self.asm.cbz(width, b, zero);
        }
        if form.kind == Kind::Divide && is_signed {
            // `a - 1` overflows for the smallest integer alone; it is looked at if `b + 1` is zero.
            let overflow = self.trap_behind(TrapCode::IntegerOverflow, at.at);
            self.asm.cmn_ri(width, b, 1);
            self.asm.cond_compare_ri(CCMP, width, a, 1, 0, Cc::Eq);
            self.asm.b_cond(Cc::Vs, overflow);
        }
        if matches!(form.kind, Kind::Divide | Kind::DivideUnchecked) {
            return self.asm.two_source(divide, width, to, a, b);
        }
        self.asm.two_source(divide, width, SPARE, a, b);
        self.asm.mul_add(MSUB, width, to, SPARE, b, a);
    }

    pub(super) fn emit_bits(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        let (to, a) = (gpr(at.definition), gpr(at.uses[0]));
        let amount = at.immediate as u32 & (width.bits() - 1);
        match form.kind {
            Kind::ShiftRI => match folded_shift(form.op) {
                Shift::Lsl => self.asm.lsl_rri(width, to, a, amount),
                Shift::Lsr => self.asm.lsr_rri(width, to, a, amount),
                Shift::Asr => self.asm.asr_rri(width, to, a, amount),
                Shift::Ror => self.asm.ror_rri(width, to, a, amount),
            },
            Kind::ShiftRR => {
                let b = gpr(at.uses[1]);
                match folded_shift(form.op) {
                    Shift::Lsl => self.asm.lsl_rrr(width, to, a, b),
                    Shift::Lsr => self.asm.lsr_rrr(width, to, a, b),
                    Shift::Asr => self.asm.asr_rrr(width, to, a, b),
                    Shift::Ror => self.asm.ror_rrr(width, to, a, b),
                }
            }
            Kind::RotateLeft => {
                self.asm.neg_rr(width, SPARE, gpr(at.uses[1]));
                self.asm.ror_rrr(width, to, a, SPARE);
            }
            Kind::Field => {
                let row = if folded_shift(form.op) == Shift::Asr { SBFM } else { UBFM };
                self.asm.bitfield_rri(row, width, to, a, at.immediate as u32 & 63, at.immediate as u32 >> 8);
            }
            Kind::Bits => self.count_bits(form.op, width, to, a),
            Kind::Extend => self.extend(form.op, to, a),
            Kind::ExtendM => {
                let mem = self.address(at.uses[0], at.offset, 4);
                self.site(TrapCode::MemoryOutOfBounds, at.at);
                self.asm.load_rm(LDRSW, to, mem);
            }
            Kind::LowHalf => self.asm.mov_rr(Width::W32, to, a),
            _ => unreachable!("{form:?} is not an integer form"),
        }
    }

    fn count_bits(&mut self, op: Op, width: Width, to: Gpr, from: Gpr) {
        match op {
            Op::I32Clz | Op::I64Clz => self.asm.one_source(CLZ, width, to, from),
            Op::I32Ctz | Op::I64Ctz => {
                self.asm.one_source(RBIT, width, to, from);
                self.asm.one_source(CLZ, width, to, to);
            }
            _ => {
                // The vector unit counts the ones of each byte.
                self.asm.fmov_vr(width, FLOAT_SCRATCH, from);
                self.asm.cnt(FLOAT_SCRATCH, FLOAT_SCRATCH);
                self.asm.across(ADDV, FLOAT_SCRATCH, FLOAT_SCRATCH);
                self.asm.fmov_rv(Width::W32, to, FLOAT_SCRATCH);
            }
        }
    }

    fn extend(&mut self, op: Op, to: Gpr, from: Gpr) {
        let (width, bits) = match op {
            Op::I32Extend8S => (Width::W32, 8),
            Op::I32Extend16S => (Width::W32, 16),
            Op::I64Extend8S => (Width::W64, 8),
            Op::I64Extend16S => (Width::W64, 16),
            _ => (Width::W64, 32),
        };
        self.asm.sign_extend(width, to, from, bits);
    }
}
