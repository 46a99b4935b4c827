//! Integer forms: arithmetic, shifts, division, comparisons, extensions.

use mj_abi::{Site, TrapCode};
use mj_asm_x64::{
    ADD, AND, Alu, BSF, BSR, CMP, Cc, DIV, FreeShift, IDIV, IMUL_R, LZCNT, Mem, OR, POPCNT, RAX, RDX, ROL, ROR, RegRm, SAR, SARX, SHL,
    SHLX, SHR, SHRX, SUB, Shift, TZCNT, Width, XOR,
};
use mj_decode::{Op, ValType};

use super::X64;
use super::form::{Form, Kind};
use super::registers::{SCRATCH, gpr};
use crate::isa::Locations;

/// Width of an operator's operands.
pub(super) fn width(ty: ValType) -> Width {
    match ty {
        ValType::I32 | ValType::F32 => Width::W32,
        _ => Width::W64,
    }
}

fn alu(op: Op) -> Alu {
    match op {
        Op::I32Add | Op::I64Add => ADD,
        Op::I32Sub | Op::I64Sub => SUB,
        Op::I32And | Op::I64And => AND,
        Op::I32Or | Op::I64Or => OR,
        _ => XOR,
    }
}

fn shift(op: Op) -> Shift {
    match op {
        Op::I32Shl | Op::I64Shl => SHL,
        Op::I32ShrS | Op::I64ShrS => SAR,
        Op::I32ShrU | Op::I64ShrU => SHR,
        Op::I32Rotl | Op::I64Rotl => ROL,
        _ => ROR,
    }
}

fn free_shift(op: Op) -> FreeShift {
    match op {
        Op::I32Shl | Op::I64Shl => SHLX,
        Op::I32ShrS | Op::I64ShrS => SARX,
        _ => SHRX,
    }
}

fn count_bits(op: Op) -> RegRm {
    match op {
        Op::I32Clz | Op::I64Clz => LZCNT,
        Op::I32Ctz | Op::I64Ctz => TZCNT,
        _ => POPCNT,
    }
}

impl X64 {
    pub(super) fn emit_integer(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        let immediate = at.immediate as i32;
        match form.kind {
            Kind::AluCommutative | Kind::AluRR => {
                self.copy_tied(width, at);
                self.asm.alu_rr(alu(form.op), width, gpr(at.definition), gpr(at.uses[1]));
                self.note_zero_flag(width, at);
            }
            Kind::AluRI => self.emit_with_immediate(form.op, width, at, immediate),
            Kind::AluRM => {
                self.copy_tied(width, at);
                let mem = self.folded(at, 1);
                self.asm.alu_rm(alu(form.op), width, gpr(at.definition), mem);
                self.note_zero_flag(width, at);
            }
            Kind::LeaRR => self.emit_add(width, at),
            Kind::LeaRI => self.emit_add_immediate(width, at, immediate),
            Kind::LeaScaled => {
                let mem = Mem::indexed(gpr(at.uses[0]), gpr(at.uses[1]), at.immediate as u8, 0);
                self.asm.lea(width, gpr(at.definition), mem);
            }
            Kind::MulRR => {
                self.copy_tied(width, at);
                self.asm.reg_rr(IMUL_R, width, gpr(at.definition), gpr(at.uses[1]));
            }
            Kind::MulRI => self.emit_multiplication(width, at, immediate),
            Kind::MulRM => {
                self.copy_tied(width, at);
                let mem = self.folded(at, 1);
                self.asm.reg_rm(IMUL_R, width, gpr(at.definition), mem);
            }
            Kind::Divide | Kind::Remainder => self.emit_division(form, width, at),
            _ => self.emit_bits(form, width, at),
        }
    }

    fn emit_bits(&mut self, form: Form, width: Width, at: &Locations) {
        let amount = at.immediate as u8 & (width.bytes() as u8 * 8 - 1);
        match form.kind {
            Kind::ShiftRI if at.definition != at.uses[0] && amount <= 3 && matches!(form.op, Op::I32Shl | Op::I64Shl) => {
                self.asm.lea(width, gpr(at.definition), Mem::scaled(gpr(at.uses[0]), amount, 0));
            }
            Kind::ShiftRI => {
                self.copy_tied(width, at);
                if amount != 0 {
                    self.asm.shift_ri(shift(form.op), width, gpr(at.definition), amount);
                } else if width == Width::W32 {
                    // The upper half is zero behind every 32-bit operator.
                    self.asm.mov_rr(Width::W32, gpr(at.definition), gpr(at.definition));
                }
            }
            Kind::ShiftRC => {
                self.copy_tied(width, at);
                self.asm.shift_rc(shift(form.op), width, gpr(at.definition));
            }
            Kind::FreeShift => {
                self.asm.free_shift_rrr(free_shift(form.op), width, gpr(at.definition), gpr(at.uses[0]), gpr(at.uses[1]));
            }
            Kind::FreeRotateRI => {
                let is_left = matches!(form.op, Op::I32Rotl | Op::I64Rotl);
                let bits = width.bytes() as u8 * 8;
                let right = if is_left { (bits - amount) & (bits - 1) } else { amount };
                self.asm.rorx_rri(width, gpr(at.definition), gpr(at.uses[0]), right);
            }
            Kind::Bits => self.asm.reg_rr(count_bits(form.op), width, gpr(at.definition), gpr(at.uses[0])),
            Kind::BitScan => self.emit_bit_scan(form.op, width, at),
            Kind::Extend => self.emit_extend(form.op, at),
            Kind::ExtendM => {
                let mem = self.folded(at, 0);
                self.asm.movsx_rm(Width::W64, Width::W32, gpr(at.definition), mem);
            }
            Kind::LowHalf => self.asm.mov_rr(Width::W32, gpr(at.definition), gpr(at.uses[0])),
            _ => self.emit_compare(form, width, at),
        }
    }

    fn emit_compare(&mut self, form: Form, width: Width, at: &Locations) {
        let immediate = at.immediate as i32;
        let zero_flag = self.zero_flag.take();
        match form.kind {
            Kind::CmpRR => self.asm.alu_rr(CMP, width, gpr(at.uses[0]), gpr(at.uses[1])),
            Kind::CmpRI if immediate == 0 => self.asm.test_rr(width, gpr(at.uses[0]), gpr(at.uses[0])),
            Kind::CmpRI => self.asm.alu_ri(CMP, width, gpr(at.uses[0]), immediate),
            Kind::CmpRM => {
                let mem = self.folded(at, 1);
                self.asm.alu_rm(CMP, width, gpr(at.uses[0]), mem);
            }
            Kind::CmpMI => {
                let mem = self.folded(at, 0);
                self.asm.alu_mi(CMP, width, mem, immediate);
            }
            Kind::TestZero if zero_flag == Some((self.asm.offset(), at.uses[0], width)) && !self.asm.is_target() => {}
            Kind::TestZero => self.asm.test_rr(width, gpr(at.uses[0]), gpr(at.uses[0])),
            Kind::TestRR => self.asm.test_rr(width, gpr(at.uses[0]), gpr(at.uses[1])),
            Kind::TestRI => self.asm.test_ri(width, gpr(at.uses[0]), immediate),
            _ => unreachable!("{form:?} is not an integer form"),
        }
    }

    /// Remembers that the last instruction has set the zero flag by the definition: a test for zero right behind it needs no instruction.
    fn note_zero_flag(&mut self, width: Width, at: &Locations) {
        self.zero_flag = Some((self.asm.offset(), at.definition, width));
    }

    fn emit_with_immediate(&mut self, op: Op, width: Width, at: &Locations, immediate: i32) {
        let (to, from) = (gpr(at.definition), gpr(at.uses[0]));
        match (op, immediate) {
            (Op::I32And | Op::I64And, 0xff) => return self.asm.movzx_rr(Width::W8, to, from),
            (Op::I32And | Op::I64And, 0xffff) => return self.asm.movzx_rr(Width::W16, to, from),
            _ => self.copy_tied(width, at),
        }
        self.asm.alu_ri(alu(op), width, to, immediate);
        self.note_zero_flag(width, at);
    }

    /// Small factors need no multiplier.
    fn emit_multiplication(&mut self, width: Width, at: &Locations, factor: i32) {
        let (to, from) = (gpr(at.definition), gpr(at.uses[0]));
        match factor {
            3 | 5 | 9 => self.asm.lea(width, to, Mem::indexed(from, from, (factor - 1).trailing_zeros() as u8, 0)),
            _ => self.asm.imul_rri(width, to, from, factor),
        }
    }

    /// Brings the first use of a tied form into the definition.
    fn copy_tied(&mut self, width: Width, at: &Locations) {
        if at.definition != at.uses[0] {
            self.asm.mov_rr(width, gpr(at.definition), gpr(at.uses[0]));
        }
    }

    fn emit_add(&mut self, width: Width, at: &Locations) {
        let (to, a, b) = (gpr(at.definition), gpr(at.uses[0]), gpr(at.uses[1]));
        if to == a {
            self.asm.alu_rr(ADD, width, to, b);
            self.note_zero_flag(width, at);
        } else if to == b {
            self.asm.alu_rr(ADD, width, to, a);
            self.note_zero_flag(width, at);
        } else {
            self.asm.lea(width, to, Mem::indexed(a, b, 0, 0));
        }
    }

    fn emit_add_immediate(&mut self, width: Width, at: &Locations, immediate: i32) {
        let (to, from) = (gpr(at.definition), gpr(at.uses[0]));
        if to == from {
            self.asm.alu_ri(ADD, width, to, immediate);
            self.note_zero_flag(width, at);
        } else {
            self.asm.lea(width, to, Mem::base(from, immediate));
        }
    }

    /// `idiv` faults for a zero divisor and for `MIN / -1`; the handler tells them apart by the divisor. `MIN % -1` is 0 by definition. Without
    /// signals both are looked for.
    fn emit_division(&mut self, form: Form, width: Width, at: &Locations) {
        let divisor = gpr(at.uses[1]);
        let is_signed = matches!(form.op, Op::I32DivS | Op::I64DivS | Op::I32RemS | Op::I64RemS);
        if !self.faults {
            self.check_division(is_signed && form.kind == Kind::Divide, width, at);
        }
        if !is_signed {
            self.asm.zero(RDX);
            self.division_site(divisor.number(), width, at.at);
            self.asm.unary_r(DIV, width, divisor);
            return;
        }
        if form.kind == Kind::Divide {
            self.asm.sign_to_rdx(width);
            self.division_site(divisor.number(), width, at.at);
            self.asm.unary_r(IDIV, width, divisor);
            return;
        }
        let (minus_one, done) = (self.asm.label(), self.asm.label());
        self.asm.alu_ri(CMP, width, divisor, -1);
        self.asm.jcc_short(Cc::E, minus_one);
        self.asm.sign_to_rdx(width);
        self.division_site(divisor.number(), width, at.at);
        self.asm.unary_r(IDIV, width, divisor);
        self.asm.jmp_short(done);
        self.asm.bind(minus_one);
        self.asm.zero(RDX);
        self.asm.bind(done);
        debug_assert_eq!(gpr(at.uses[0]), RAX);
    }

    /// Traps if the divisor is zero or, where it `may_overflow`, -1 and the dividend in `rax` the smallest integer.
    fn check_division(&mut self, may_overflow: bool, width: Width, at: &Locations) {
        let divisor = gpr(at.uses[1]);
        let (not_zero, fits) = (self.asm.label(), self.asm.label());
        self.asm.test_rr(width, divisor, divisor);
        self.asm.jcc_short(Cc::Ne, not_zero);
        self.trap_here(TrapCode::IntegerDivisionByZero, at.at);
        self.asm.bind(not_zero);
        if !may_overflow {
            return;
        }
        self.asm.alu_ri(CMP, width, divisor, -1);
        self.asm.jcc_short(Cc::Ne, fits);
        // One less overflows for the smallest integer alone.
        self.asm.alu_ri(CMP, width, RAX, 1);
        self.asm.jcc_short(Cc::No, fits);
        self.trap_here(TrapCode::IntegerOverflow, at.at);
        self.asm.bind(fits);
    }

    fn division_site(&mut self, register: u8, width: Width, at: u32) {
        let code = self.asm.offset() as u32;
        self.asm.add_site(Site::division(code, at, register, width == Width::W64));
    }

    /// Without `lzcnt`/`tzcnt`: `bsr` and `bsf` leave the definition undefined for zero.
    fn emit_bit_scan(&mut self, op: Op, width: Width, at: &Locations) {
        let (to, from) = (gpr(at.definition), gpr(at.uses[0]));
        let bits = width.bytes() as i64 * 8;
        let leading = matches!(op, Op::I32Clz | Op::I64Clz);
        // For clz, `bits - 1 - index` is `index xor (bits - 1)`, and 2 * bits - 1 gives `bits`.
        self.asm.mov_ri(Width::W32, SCRATCH, if leading { 2 * bits - 1 } else { bits });
        self.asm.reg_rr(if leading { BSR } else { BSF }, width, to, from);
        self.asm.cmov_rr(Cc::E, Width::W64, to, SCRATCH);
        if leading {
            self.asm.alu_ri(XOR, Width::W32, to, bits as i32 - 1);
        }
    }

    fn emit_extend(&mut self, op: Op, at: &Locations) {
        let (to, from) = (gpr(at.definition), gpr(at.uses[0]));
        let (to_width, from_width) = match op {
            Op::I32Extend8S => (Width::W32, Width::W8),
            Op::I32Extend16S => (Width::W32, Width::W16),
            Op::I64Extend8S => (Width::W64, Width::W8),
            Op::I64Extend16S => (Width::W64, Width::W16),
            _ => (Width::W64, Width::W32),
        };
        self.asm.movsx_rr(to_width, from_width, to, from);
    }

    /// A site at the next instruction.
    pub(super) fn site(&mut self, code: TrapCode, at: u32) {
        let offset = self.asm.offset() as u32;
        self.asm.add_site(Site::new(offset, at, code));
    }
}
