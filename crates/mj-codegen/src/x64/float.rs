//! Float forms: arithmetic, comparisons, conversions.
//!
//! Where the machine's idea of an operation is not WebAssembly's (minimum and maximum, conversions of what does not fit), the common
//! case runs straight through and the rest is a short forward jump away. So it is with NaNs that are to be canonical (spec 4.3.3): the
//! operators that compute one are followed by a test; those that only move bits or change signs keep what they get.

use mj_abi::TrapCode;
use mj_asm::Label;
use mj_asm_x64::{ANDPS, CMP, Cc, FADD, FDIV, FMAX, FMIN, FMUL, FSUB, Mem, OR, ORPS, SHR, SQRT, Scalar, Width, XOR, XORPS, Xmm};
use mj_decode::{Op, ValType};
use mj_ir::PReg;

use super::X64;
use super::form::{Form, Kind};
use super::integer::width;
use super::registers::{FLOAT_SCRATCH, SCRATCH, gpr, xmm};
use crate::isa::Locations;

fn arithmetic(op: Op) -> Scalar {
    match op {
        Op::F32Add | Op::F64Add => FADD,
        Op::F32Sub | Op::F64Sub => FSUB,
        Op::F32Mul | Op::F64Mul => FMUL,
        _ => FDIV,
    }
}

/// Whether the operator's result is a float that it computes, and so may be any NaN (spec 4.3.3, NaN propagation).
fn computes_nan(op: Op) -> bool {
    use Op::{F32Abs, F32Copysign, F32Neg, F32ReinterpretI32, F64Abs, F64Copysign, F64Neg, F64ReinterpretI64};
    let is_float = matches!(op.row().result, ValType::F32 | ValType::F64);
    let moves_bits = [F32Abs, F32Copysign, F32Neg, F32ReinterpretI32, F64Abs, F64Copysign, F64Neg, F64ReinterpretI64].contains(&op);
    let takes_float = matches!(op.row().a, ValType::F32 | ValType::F64);
    is_float && takes_float && !moves_bits
}

/// 2^63 as a float's bits.
fn two_to_the_63(width: Width) -> u64 {
    if width == Width::W32 { u64::from(9_223_372_036_854_775_808f32.to_bits()) } else { 9_223_372_036_854_775_808f64.to_bits() }
}

fn sign_mask(width: Width) -> u128 {
    if width == Width::W32 { 0x8000_0000_8000_0000_8000_0000_8000_0000 } else { 0x8000_0000_0000_0000_8000_0000_0000_0000 }
}

/// The result type of a conversion to an integer: its width, and whether it is signed.
fn integer_result(op: Op) -> (Width, bool) {
    let is_signed = matches!(
        op,
        Op::I32TruncF32S
            | Op::I32TruncF64S
            | Op::I64TruncF32S
            | Op::I64TruncF64S
            | Op::I32TruncSatF32S
            | Op::I32TruncSatF64S
            | Op::I64TruncSatF32S
            | Op::I64TruncSatF64S
    );
    (width(op.row().result), is_signed)
}

impl X64 {
    pub(super) fn emit_float(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        // What a form does not have is not looked at.
        let vector = |register: PReg| if register.is_some() { xmm(register) } else { FLOAT_SCRATCH };
        let (to, a, b) = (vector(at.definition), vector(at.uses[0]), vector(at.uses[1]));
        match form.kind {
            Kind::FloatRRR => self.asm.vscalar_rrr(arithmetic(form.op), width, to, a, b),
            Kind::FloatRRM => {
                let mem = self.folded(at, 1);
                self.asm.vscalar_rrm(arithmetic(form.op), width, to, a, mem);
            }
            Kind::FloatRRC => {
                let constant = self.float_constant(width, at.immediate as u64);
                self.asm.vscalar_rrm(arithmetic(form.op), width, to, a, Mem::label(constant));
            }
            Kind::FloatRC => {
                self.copy_tied_float(to, a);
                let constant = self.float_constant(width, at.immediate as u64);
                self.asm.scalar_rm(arithmetic(form.op), width, to, Mem::label(constant));
            }
            Kind::FloatCmpRC => {
                let constant = self.float_constant(width, at.immediate as u64);
                self.asm.ucomis_rm(width, a, Mem::label(constant));
            }
            Kind::FloatRR | Kind::FloatCommutative => {
                self.copy_tied_float(to, a);
                self.asm.scalar_rr(arithmetic(form.op), width, to, b);
            }
            Kind::FloatRM => {
                self.copy_tied_float(to, a);
                let mem = self.folded(at, 1);
                self.asm.scalar_rm(arithmetic(form.op), width, to, mem);
            }
            Kind::FloatCmpRR => self.asm.ucomis_rr(width, a, b),
            Kind::FloatCmpRM => {
                let mem = self.folded(at, 1);
                self.asm.ucomis_rm(width, a, mem);
            }
            Kind::FloatUnary => self.emit_float_unary(form.op, to, a),
            Kind::FloatSign => self.emit_sign(form.op, width, to, a),
            Kind::FloatMinMax => self.emit_min_max(form.op, width, to, a, b),
            Kind::Copysign => self.emit_copysign(width, to, a, b, xmm(at.temporaries[0])),
            _ => self.emit_conversion(form, at),
        }
        if self.canonical_nans && computes_nan(form.op) {
            self.canonicalize(form.op.row().result, to);
        }
    }

    fn canonicalize(&mut self, ty: ValType, value: Xmm) {
        let (width, bits) = if ty == ValType::F32 { (Width::W32, 0x7fc0_0000) } else { (Width::W64, 0x7ff8_0000_0000_0000) };
        let (canonical, done) = (self.float_constant(width, bits), self.asm.label());
        self.asm.ucomis_rr(width, value, value);
        self.asm.jcc_short(Cc::Np, done);
        self.asm.movs_xm(width, value, Mem::label(canonical));
        self.asm.bind(done);
    }

    fn emit_conversion(&mut self, form: Form, at: &Locations) {
        match form.kind {
            Kind::Convert => self.emit_convert(form.op, at, width(form.op.row().a)),
            // A zero-extended 32-bit value is a non-negative 64-bit one.
            Kind::ConvertUnsigned32 => self.emit_convert(form.op, at, Width::W64),
            Kind::ConvertUnsigned64 => self.emit_convert_unsigned(form.op, at),
            Kind::Truncate => self.emit_truncate(form.op, at),
            Kind::TruncateUnsigned64 => self.emit_truncate_unsigned(form.op, at),
            Kind::Saturate => self.emit_saturate(form.op, at),
            Kind::Reinterpret => match form.op.row().a {
                ValType::F32 => self.asm.movd_rx(Width::W32, gpr(at.definition), xmm(at.uses[0])),
                ValType::F64 => self.asm.movd_rx(Width::W64, gpr(at.definition), xmm(at.uses[0])),
                ValType::I32 => self.asm.movd_xr(Width::W32, xmm(at.definition), gpr(at.uses[0])),
                _ => self.asm.movd_xr(Width::W64, xmm(at.definition), gpr(at.uses[0])),
            },
            _ => unreachable!("{form:?} is not a float form"),
        }
    }

    fn copy_tied_float(&mut self, to: Xmm, from: Xmm) {
        if to != from {
            self.asm.movaps_xx(to, from);
        }
    }

    fn emit_float_unary(&mut self, op: Op, to: Xmm, from: Xmm) {
        let width = width(op.row().a);
        // Rounding modes of `rounds`: 0 nearest even, 1 down, 2 up, 3 towards zero.
        let mode = match op {
            Op::F32Nearest | Op::F64Nearest => 0,
            Op::F32Floor | Op::F64Floor => 1,
            Op::F32Ceil | Op::F64Ceil => 2,
            Op::F32Trunc | Op::F64Trunc => 3,
            Op::F32DemoteF64 | Op::F64PromoteF32 => {
                self.break_dependency(to, from);
                return self.asm.cvts2s_rr(width, to, from);
            }
            _ => {
                self.break_dependency(to, from);
                return self.asm.scalar_rr(SQRT, width, to, from);
            }
        };
        self.break_dependency(to, from);
        self.asm.rounds_rri(width, to, from, mode);
    }

    /// Scalar instructions merge into their destination: without this they would wait for its old value.
    fn break_dependency(&mut self, to: Xmm, from: Xmm) {
        if to != from {
            self.asm.packed_rr(XORPS, to, to);
        }
    }

    fn emit_sign(&mut self, op: Op, width: Width, to: Xmm, from: Xmm) {
        self.copy_tied_float(to, from);
        let sign = sign_mask(width);
        if matches!(op, Op::F32Neg | Op::F64Neg) {
            let mask = self.asm.constant16(sign);
            self.asm.packed_rm(XORPS, to, Mem::label(mask));
        } else {
            let mask = self.asm.constant16(!sign);
            self.asm.packed_rm(ANDPS, to, Mem::label(mask));
        }
    }

    /// Spec 4.3.3 (fmin, fmax): NaN if either is NaN, and -0 below +0; `mins` and `maxs` return the second operand in both cases.
    fn emit_min_max(&mut self, op: Op, width: Width, to: Xmm, a: Xmm, b: Xmm) {
        let is_min = matches!(op, Op::F32Min | Op::F64Min);
        self.copy_tied_float(to, a);
        let (different, unordered, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.ucomis_rr(width, to, b);
        self.asm.jcc_short(Cc::Ne, different);
        self.asm.jcc_short(Cc::P, unordered);
        self.asm.packed_rr(if is_min { ORPS } else { ANDPS }, to, b);
        self.asm.jmp_short(done);
        self.asm.bind(unordered);
        self.asm.scalar_rr(FADD, width, to, b);
        self.asm.jmp_short(done);
        self.asm.bind(different);
        self.asm.scalar_rr(if is_min { FMIN } else { FMAX }, width, to, b);
        self.asm.bind(done);
    }

    fn emit_copysign(&mut self, width: Width, to: Xmm, a: Xmm, b: Xmm, temporary: Xmm) {
        let sign = sign_mask(width);
        let (sign_label, rest_label) = (self.asm.constant16(sign), self.asm.constant16(!sign));
        self.asm.movaps_xx(temporary, b);
        self.asm.packed_rm(ANDPS, temporary, Mem::label(sign_label));
        self.copy_tied_float(to, a);
        self.asm.packed_rm(ANDPS, to, Mem::label(rest_label));
        self.asm.packed_rr(ORPS, to, temporary);
    }

    fn emit_convert(&mut self, op: Op, at: &Locations, from: Width) {
        let to = xmm(at.definition);
        self.asm.packed_rr(XORPS, to, to);
        self.asm.cvtsi2s_xr(width(op.row().result), from, to, gpr(at.uses[0]));
    }

    /// There is only a signed conversion: large values are halved (rounding to odd) and doubled.
    fn emit_convert_unsigned(&mut self, op: Op, at: &Locations) {
        let (to, from, temporary) = (xmm(at.definition), gpr(at.uses[0]), gpr(at.temporaries[0]));
        let width = width(op.row().result);
        let (large, done) = (self.asm.label(), self.asm.label());
        self.asm.packed_rr(XORPS, to, to);
        self.asm.test_rr(Width::W64, from, from);
        self.asm.jcc_short(Cc::S, large);
        self.asm.cvtsi2s_xr(width, Width::W64, to, from);
        self.asm.jmp_short(done);
        self.asm.bind(large);
        self.asm.mov_rr(Width::W64, temporary, from);
        self.asm.mov_rr(Width::W32, SCRATCH, from);
        self.asm.shift_ri(SHR, Width::W64, temporary, 1);
        self.asm.alu_ri(mj_asm_x64::AND, Width::W32, SCRATCH, 1);
        self.asm.alu_rr(OR, Width::W64, temporary, SCRATCH);
        self.asm.cvtsi2s_xr(width, Width::W64, to, temporary);
        self.asm.scalar_rr(FADD, width, to, to);
        self.asm.bind(done);
    }

    /// Raises the right trap for a float that was found not to fit.
    fn trap_conversion(&mut self, width: Width, from: Xmm, at: u32) {
        let not_a_number = self.asm.label();
        self.asm.ucomis_rr(width, from, from);
        self.asm.jcc_short(Cc::P, not_a_number);
        self.trap_here(TrapCode::IntegerOverflow, at);
        self.asm.bind(not_a_number);
        self.trap_here(TrapCode::BadConversionToInteger, at);
    }

    fn emit_truncate(&mut self, op: Op, at: &Locations) {
        let (to, from, width) = (gpr(at.definition), xmm(at.uses[0]), width(op.row().a));
        let done = self.asm.label();
        self.asm.cvtts2si_rx(Width::W64, width, to, from);
        match integer_result(op) {
            (Width::W32, is_signed) => {
                // All 32-bit results are exact in 64 bits: they fit if extending the low half gives the same.
                if is_signed {
                    self.asm.movsx_rr(Width::W64, Width::W32, SCRATCH, to);
                } else {
                    self.asm.mov_rr(Width::W32, SCRATCH, to);
                }
                self.asm.alu_rr(CMP, Width::W64, SCRATCH, to);
                self.asm.jcc_short(Cc::E, done);
                self.trap_conversion(width, from, at.at);
                self.asm.bind(done);
                self.asm.mov_rr(Width::W32, to, to);
            }
            _ => {
                // What does not fit gives the smallest integer, which only -2^63 gives rightly; `to - 1` overflows for it.
                self.asm.alu_ri(CMP, Width::W64, to, 1);
                self.asm.jcc_short(Cc::No, done);
                let smallest = self.float_constant(width, two_to_the_63(width) | sign_mask(width) as u64);
                self.asm.ucomis_rm(width, from, Mem::label(smallest));
                let wrong = self.asm.label();
                self.asm.jcc_short(Cc::P, wrong);
                self.asm.jcc_short(Cc::E, done);
                self.asm.bind(wrong);
                self.trap_conversion(width, from, at.at);
                self.asm.bind(done);
            }
        }
    }

    fn float_constant(&mut self, width: Width, bits: u64) -> Label {
        self.asm.constant8(if width == Width::W32 { bits & 0xffff_ffff } else { bits })
    }

    /// `to := from`, where `from >= 2^63`: converts `from - 2^63`, and adds it back as the top bit. The sign flag says that it did not fit.
    fn convert_large(&mut self, width: Width, to: mj_asm_x64::Gpr, from: Xmm, temporary: Xmm) {
        let limit = self.float_constant(width, two_to_the_63(width));
        self.asm.movaps_xx(temporary, from);
        self.asm.scalar_rm(FSUB, width, temporary, Mem::label(limit));
        self.asm.cvtts2si_rx(Width::W64, width, to, temporary);
        self.asm.test_rr(Width::W64, to, to);
    }

    fn set_top_bit(&mut self, to: mj_asm_x64::Gpr) {
        self.asm.mov_ri(Width::W64, SCRATCH, i64::MIN);
        self.asm.alu_rr(XOR, Width::W64, to, SCRATCH);
    }

    fn emit_truncate_unsigned(&mut self, op: Op, at: &Locations) {
        let (to, from, width) = (gpr(at.definition), xmm(at.uses[0]), width(op.row().a));
        let limit = self.float_constant(width, two_to_the_63(width));
        let (large, wrong, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.ucomis_rm(width, from, Mem::label(limit));
        self.asm.jcc_short(Cc::Ae, large);
        self.asm.cvtts2si_rx(Width::W64, width, to, from);
        self.asm.test_rr(Width::W64, to, to);
        self.asm.jcc_short(Cc::Ns, done);
        self.asm.bind(wrong);
        self.trap_conversion(width, from, at.at);
        self.asm.bind(large);
        self.convert_large(width, to, from, xmm(at.temporaries[0]));
        self.asm.jcc_short(Cc::S, wrong);
        self.set_top_bit(to);
        self.asm.bind(done);
    }

    fn emit_saturate(&mut self, op: Op, at: &Locations) {
        match integer_result(op) {
            (Width::W32, is_signed) => self.emit_saturate_32(op, at, is_signed),
            (_, true) => self.emit_saturate_64(op, at),
            (_, false) => self.emit_saturate_unsigned_64(op, at),
        }
    }

    /// Clamps as a double, in which all 32-bit integers are exact. A NaN gives 0.
    fn emit_saturate_32(&mut self, op: Op, at: &Locations, is_signed: bool) {
        let (to, from, value) = (gpr(at.definition), xmm(at.uses[0]), xmm(at.temporaries[0]));
        let (low, high) = if is_signed { (f64::from(i32::MIN), f64::from(i32::MAX)) } else { (0.0, f64::from(u32::MAX)) };
        let done = self.asm.label();
        self.asm.zero(to);
        self.asm.ucomis_rr(width(op.row().a), from, from);
        self.asm.jcc_short(Cc::P, done);
        if op.row().a == ValType::F32 {
            self.asm.packed_rr(XORPS, value, value);
            self.asm.cvts2s_rr(Width::W32, value, from);
        } else {
            self.asm.movaps_xx(value, from);
        }
        let (low, high) = (self.asm.constant8(low.to_bits()), self.asm.constant8(high.to_bits()));
        self.asm.scalar_rm(FMAX, Width::W64, value, Mem::label(low));
        self.asm.scalar_rm(FMIN, Width::W64, value, Mem::label(high));
        self.asm.cvtts2si_rx(Width::W64, Width::W64, to, value);
        self.asm.mov_rr(Width::W32, to, to);
        self.asm.bind(done);
    }

    fn emit_saturate_64(&mut self, op: Op, at: &Locations) {
        let (to, from, zero, width) = (gpr(at.definition), xmm(at.uses[0]), xmm(at.temporaries[0]), width(op.row().a));
        let (positive, done) = (self.asm.label(), self.asm.label());
        self.asm.cvtts2si_rx(Width::W64, width, to, from);
        self.asm.alu_ri(CMP, Width::W64, to, 1);
        self.asm.jcc_short(Cc::No, done);
        // The conversion gave the smallest integer: right for what is too small.
        self.asm.packed_rr(XORPS, zero, zero);
        self.asm.ucomis_rr(width, from, zero);
        let number = self.asm.label();
        self.asm.jcc_short(Cc::Np, number);
        self.asm.zero(to);
        self.asm.jmp_short(done);
        self.asm.bind(number);
        self.asm.jcc_short(Cc::A, positive);
        self.asm.jmp_short(done);
        self.asm.bind(positive);
        self.asm.mov_ri(Width::W64, to, i64::MAX);
        self.asm.bind(done);
    }

    fn emit_saturate_unsigned_64(&mut self, op: Op, at: &Locations) {
        let (to, from, temporary, width) = (gpr(at.definition), xmm(at.uses[0]), xmm(at.temporaries[0]), width(op.row().a));
        let limit = self.float_constant(width, two_to_the_63(width));
        let (large, largest, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.packed_rr(XORPS, temporary, temporary);
        self.asm.zero(to);
        // Not above zero (NaN included): 0.
        self.asm.ucomis_rr(width, from, temporary);
        self.asm.jcc_short(Cc::Be, done);
        self.asm.ucomis_rm(width, from, Mem::label(limit));
        self.asm.jcc_short(Cc::Ae, large);
        self.asm.cvtts2si_rx(Width::W64, width, to, from);
        self.asm.jmp_short(done);
        self.asm.bind(large);
        self.convert_large(width, to, from, temporary);
        self.asm.jcc_short(Cc::S, largest);
        self.set_top_bit(to);
        self.asm.jmp_short(done);
        self.asm.bind(largest);
        self.asm.mov_ri(Width::W64, to, -1);
        self.asm.bind(done);
    }
}
