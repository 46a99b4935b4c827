//! Float forms: arithmetic and conversions.
//!
//! Minimum, maximum and rounding are the machine's own (spec 4.3.3 and the Arm manual agree on NaNs and zeros), and conversions to integers saturate as the
//! saturating operators do; those that trap find out what did not fit. Where NaNs are to be canonical, the operators that compute one are
//! followed by a test; those that only move bits or change signs keep what they get.

use mj_asm_aarch64::{
    CCMN, CCMP, Cc, Extend, FABS, FADD, FCMP, FCVTZS, FCVTZU, FDIV, FMAX, FMIN, FMUL, FNEG, FRINTM, FRINTN, FRINTP, FRINTZ, FSQRT, FSUB,
    FloatOneSource, FloatTwoSource, Fpr, Gpr, SCVTF, SLI, SUBS, UCVTF, USHR, Width, XZR,
};
use mj_decode::{Op, ValType};
use mj_ir::PReg;

use super::Aarch64;
use super::form::{Form, Kind};
use super::integer::width;
use super::registers::{FLOAT_SCRATCH, SCRATCH, SPARE, fpr, gpr};
use crate::isa::Locations;

/// Overflow, in the flags that a conditional comparison gives.
const V: u32 = 0b0001;
/// Zero.
const Z: u32 = 0b0100;

fn arithmetic(op: Op) -> FloatTwoSource {
    match op {
        Op::F32Add | Op::F64Add => FADD,
        Op::F32Sub | Op::F64Sub => FSUB,
        Op::F32Mul | Op::F64Mul => FMUL,
        Op::F32Div | Op::F64Div => FDIV,
        Op::F32Min | Op::F64Min => FMIN,
        Op::F32Max | Op::F64Max => FMAX,
        _ => unreachable!("{op:?} is no float arithmetic"),
    }
}

fn unary(op: Op) -> FloatOneSource {
    match op {
        Op::F32Abs | Op::F64Abs => FABS,
        Op::F32Neg | Op::F64Neg => FNEG,
        Op::F32Sqrt | Op::F64Sqrt => FSQRT,
        Op::F32Ceil | Op::F64Ceil => FRINTP,
        Op::F32Floor | Op::F64Floor => FRINTM,
        Op::F32Trunc | Op::F64Trunc => FRINTZ,
        Op::F32Nearest | Op::F64Nearest => FRINTN,
        _ => unreachable!("{op:?} is no float operator"),
    }
}

/// Whether a conversion from or to an integer is signed.
fn is_signed(op: Op) -> bool {
    use Op::{F32ConvertI32S, F32ConvertI64S, F64ConvertI32S, F64ConvertI64S, I32TruncF32S, I32TruncF64S, I64TruncF32S, I64TruncF64S};
    use Op::{I32TruncSatF32S, I32TruncSatF64S, I64TruncSatF32S, I64TruncSatF64S};
    matches!(op, F32ConvertI32S | F32ConvertI64S | F64ConvertI32S | F64ConvertI64S)
        || matches!(op, I32TruncF32S | I32TruncF64S | I64TruncF32S | I64TruncF64S)
        || matches!(op, I32TruncSatF32S | I32TruncSatF64S | I64TruncSatF32S | I64TruncSatF64S)
}

/// Whether the form computes a float, which may be any NaN.
fn computes_nan(form: Form) -> bool {
    match form.kind {
        Kind::FloatRR | Kind::Resize => true,
        Kind::FloatUnary => !matches!(form.op, Op::F32Abs | Op::F64Abs | Op::F32Neg | Op::F64Neg),
        _ => false,
    }
}

impl Aarch64 {
    pub(super) fn emit_float(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        match form.kind {
            Kind::Convert => return self.convert(form.op, at),
            Kind::Truncate => return self.truncate(form.op, at),
            Kind::Saturate => return self.float_to_int(form.op, gpr(at.definition), fpr(at.uses[0])),
            Kind::Reinterpret => return self.reinterpret(form.op, at.definition, at.uses[0]),
            _ => {}
        }
        let (to, a) = (fpr(at.definition), fpr(at.uses[0]));
        match form.kind {
            Kind::FloatRR => self.asm.float_vvv(arithmetic(form.op), width, to, a, fpr(at.uses[1])),
            Kind::FloatUnary => self.asm.float_vv(unary(form.op), width, to, a),
            Kind::Resize => self.asm.fcvt(width, to, a),
            Kind::Copysign => self.copysign(width, to, a, fpr(at.uses[1])),
            _ => unreachable!("{form:?} is not a float form"),
        }
        if self.canonical_nans && computes_nan(form) {
            self.canonicalize(form.op.row().result, to);
        }
    }

    fn canonicalize(&mut self, ty: ValType, value: Fpr) {
        let (width, bits) = if ty == ValType::F32 { (Width::W32, 0x7fc0_0000) } else { (Width::W64, 0x7ff8_0000_0000_0000) };
        self.asm.mov_ri(width, SPARE, bits);
        self.asm.fmov_vr(width, FLOAT_SCRATCH, SPARE);
        self.asm.fcmp(FCMP, width, value, value);
        self.asm.fcsel(width, value, value, FLOAT_SCRATCH, Cc::Vc);
    }

    /// The sign is shifted down, and from there into its place.
    fn copysign(&mut self, width: Width, to: Fpr, a: Fpr, b: Fpr) {
        let top = width.bits() - 1;
        if to != a {
            self.asm.fmov_vv(width, to, a);
        }
        self.asm.vector_shift(USHR, width, FLOAT_SCRATCH, b, top);
        self.asm.vector_shift(SLI, width, to, FLOAT_SCRATCH, top);
    }

    fn convert(&mut self, op: Op, at: &Locations) {
        let row = if is_signed(op) { SCVTF } else { UCVTF };
        self.asm.int_to_float(row, width(op.row().result), width(op.row().a), fpr(at.definition), gpr(at.uses[0]));
    }

    fn reinterpret(&mut self, op: Op, to: PReg, from: PReg) {
        match op {
            Op::I32ReinterpretF32 | Op::I64ReinterpretF64 => self.asm.fmov_rv(width(op.row().a), gpr(to), fpr(from)),
            _ => self.asm.fmov_vr(width(op.row().a), fpr(to), gpr(from)),
        }
    }

    /// Truncates; what does not fit becomes the nearest integer that there is, a NaN 0.
    fn float_to_int(&mut self, op: Op, to: Gpr, from: Fpr) {
        let row = if is_signed(op) { FCVTZS } else { FCVTZU };
        self.asm.float_to_int(row, width(op.row().result), width(op.row().a), to, from);
    }

    fn truncate(&mut self, op: Op, at: &Locations) {
        let (to, from) = (gpr(at.definition), fpr(at.uses[0]));
        let signed = is_signed(op);
        match (width(op.row().result), signed) {
            (Width::W32, _) => self.truncate_32(op, to, from, if signed { Extend::Sxtw } else { Extend::Uxtw }, at.at),
            (Width::W64, true) => self.truncate_64(op, to, from, at.at),
            (Width::W64, false) => self.truncate_unsigned_64(op, to, from, at.at),
        }
    }

    /// It fits if 64 bits give the same, and if it is a number.
    fn truncate_32(&mut self, op: Op, to: Gpr, from: Fpr, extend: Extend, at: u32) {
        let float = width(op.row().a);
        let unfit = self.unfit_behind(from, float, at);
        self.float_to_int(op, to, from);
        self.asm.float_to_int(FCVTZS, Width::W64, float, SCRATCH, from);
        self.asm.add_rre(SUBS, Width::W64, XZR, SCRATCH, to, extend, 0);
        self.asm.fccmp(float, from, from, V, Cc::Eq);
        self.asm.b_cond(Cc::Vs, unfit);
    }

    /// A NaN, the smallest and the largest integer are looked at again; the largest is no float. `to - 1` and `to + 1` overflow for them alone.
    fn truncate_64(&mut self, op: Op, to: Gpr, from: Fpr, at: u32) {
        let float = width(op.row().a);
        let back = self.asm.label();
        let look = self.smallest_behind(from, float, back, at);
        self.float_to_int(op, to, from);
        self.asm.fcmp(FCMP, float, from, from);
        self.asm.cond_compare_ri(CCMP, Width::W64, to, 1, V, Cc::Vc);
        self.asm.cond_compare_ri(CCMN, Width::W64, to, 1, V, Cc::Vc);
        self.asm.b_cond(Cc::Vs, look);
        self.asm.bind(back);
    }

    /// It fits if it is greater than -1 and does not become the largest integer, which is no float. `to + 1` is zero for that alone.
    fn truncate_unsigned_64(&mut self, op: Op, to: Gpr, from: Fpr, at: u32) {
        let float = width(op.row().a);
        let unfit = self.unfit_behind(from, float, at);
        let minus_one = if float == Width::W32 { u64::from((-1f32).to_bits()) } else { (-1f64).to_bits() };
        self.asm.fmov_vi(float, FLOAT_SCRATCH, minus_one);
        self.asm.fcmp(FCMP, float, from, FLOAT_SCRATCH);
        self.float_to_int(op, to, from);
        self.asm.cond_compare_ri(CCMN, Width::W64, to, 1, Z, Cc::Gt);
        self.asm.b_cond(Cc::Eq, unfit);
    }
}
