//! Everything that is not an operator: moves, the frame, control flow, calls.

use mj_abi::{
    ContextHeader, FuncRef, Helper, ImportedFunction, InterruptPage, Site, StoreContext, TableDefinition, TableEntry, TrapCode,
    UNCHECKED_FRAME,
};
use mj_asm::{CodeBuffer, Label};
use mj_asm_x64::{ADD, CMP, Cc, Mem, R15, RAX, RBP, RSP, SHR, SUB, Width, XORPS};
use mj_decode::{Following, Op, ValType};
use mj_ir::{Class, PReg, RegSet, RegisterFile};

use super::X64;
use super::cover::{is_foldable, may_fold};
use super::form::{Family, Form, Kind};
use super::integer::width;
use super::registers::{self, CONTEXT, FRAME, MEMORY, SCRATCH, gpr, xmm};
use crate::Cond;
use crate::isa::{Constraints, Countdown, Cover, FieldWidth, FrameFacts, Isa, Locations, Operands};

/// Bytes reserved for one operator's instructions.
const OPERATOR_SPACE: usize = 256;
/// Bytes reserved for one piece of plumbing.
const PLUMBING_SPACE: usize = 64;

/// Offsets of the frame's fixed part from the frame pointer: the context, then the callee-saved registers.
const CONTEXT_SLOT: i32 = -8;
const SAVED_SLOTS: i32 = -16;
const FIXED_BYTES: i32 = 32;

fn field_width(width: FieldWidth) -> Width {
    match width {
        FieldWidth::W32 => Width::W32,
        FieldWidth::W64 => Width::W64,
    }
}

/// A jump in a prologue: where it ends, and where it goes.
#[derive(Clone, Copy)]
struct PrologueJump {
    end: usize,
    target: usize,
}

/// How a condition is tested: one code; or, for equality of floats, a second one for "unordered".
enum Test {
    One(Cc),
    /// `jnp` and `je`: both must hold.
    Both(Cc, Cc),
    /// `jp` or `jne`: one must hold.
    Either(Cc, Cc),
}

fn test(condition: Cond) -> Test {
    Test::One(match condition {
        Cond::Eq => Cc::E,
        Cond::Ne => Cc::Ne,
        Cond::LtS => Cc::L,
        Cond::LtU => Cc::B,
        Cond::GtS => Cc::G,
        Cond::GtU | Cond::FloatGt => Cc::A,
        Cond::LeS => Cc::Le,
        Cond::LeU | Cond::FloatNotGt => Cc::Be,
        Cond::GeS => Cc::Ge,
        Cond::GeU | Cond::FloatGe => Cc::Ae,
        Cond::FloatNotGe => Cc::B,
        Cond::FloatEq => return Test::Both(Cc::Np, Cc::E),
        Cond::FloatNotEq => return Test::Either(Cc::P, Cc::Ne),
        Cond::FloatLt | Cond::FloatNotLt | Cond::FloatLe | Cond::FloatNotLe => unreachable!("covered with operands exchanged"),
    })
}

impl X64 {
    #[inline]
    fn room(&mut self) {
        self.asm.reserve(PLUMBING_SPACE);
    }

    fn load_mem(&mut self, to: PReg, mem: Mem, width: FieldWidth) {
        self.room();
        match to.class() {
            Class::Int => self.asm.mov_rm(field_width(width), gpr(to), mem),
            Class::Float => self.asm.movs_xm(field_width(width), xmm(to), mem),
        }
    }

    fn store_mem(&mut self, mem: Mem, from: PReg, width: FieldWidth) {
        self.room();
        match from.class() {
            Class::Int => self.asm.mov_mr(field_width(width), mem, gpr(from)),
            Class::Float => self.asm.movs_mx(field_width(width), mem, xmm(from)),
        }
    }

    fn store_constant(&mut self, mem: Mem, ty: ValType, bits: i64) {
        self.room();
        match ty {
            ValType::I32 | ValType::F32 => self.asm.mov_mi(Width::W32, mem, bits as i32),
            _ if i64::from(bits as i32) == bits => self.asm.mov_mi(Width::W64, mem, bits as i32),
            _ => {
                let constant = self.asm.constant8(bits as u64);
                self.asm.movs_xm(Width::W64, registers::FLOAT_SCRATCH, Mem::label(constant));
                self.asm.movs_mx(Width::W64, mem, registers::FLOAT_SCRATCH);
            }
        }
    }

    fn copy_mem(&mut self, to: Mem, from: Mem) {
        self.room();
        self.asm.movs_xm(Width::W64, registers::FLOAT_SCRATCH, from);
        self.asm.movs_mx(Width::W64, to, registers::FLOAT_SCRATCH);
    }

    fn reload_context(&mut self) {
        self.asm.mov_rm(Width::W64, CONTEXT, Mem::base(FRAME, CONTEXT_SLOT));
        self.asm.mov_rm(Width::W64, MEMORY, Mem::base(CONTEXT, ContextHeader::MEMORY0_BASE));
    }

    /// A call site here, behind the call.
    fn call_site(&mut self, at: u32) {
        let offset = self.asm.offset() as u32;
        self.asm.add_site(Site::new(offset, at, TrapCode::Call));
    }

    fn emit_select(&mut self, form: Form, at: &Locations) {
        if form.kind == Kind::SelectInt {
            return self.emit_select_int(form, at);
        }
        let (to, first, other) = (xmm(at.definition), xmm(at.uses[0]), xmm(at.uses[1]));
        if to != first {
            self.asm.movaps_xx(to, first);
        }
        if first != other {
            self.jump_around(form.condition, |isa| isa.asm.movaps_xx(to, other));
        }
    }

    /// At 32 bits, `cmov` and `mov` clear the upper half, of which the uses may have anything.
    fn emit_select_int(&mut self, form: Form, at: &Locations) {
        let width = width(form.op.row().a);
        let (to, first, other) = (gpr(at.definition), gpr(at.uses[0]), gpr(at.uses[1]));
        let replace = test(form.condition.invert());
        let may_stay = first == other || matches!(replace, Test::Both(..));
        if to != first || may_stay && width == Width::W32 {
            self.asm.mov_rr(width, to, first);
        }
        match replace {
            _ if first == other => {}
            Test::One(cc) => self.asm.cmov_rr(cc, width, to, other),
            Test::Either(first, second) => {
                self.asm.cmov_rr(first, width, to, other);
                self.asm.cmov_rr(second, width, to, other);
            }
            Test::Both(..) => self.jump_around(form.condition, |isa| isa.asm.mov_rr(width, to, other)),
        }
    }

    /// Does `what` unless `condition` holds.
    fn jump_around(&mut self, condition: Cond, what: impl FnOnce(&mut Self)) {
        let done = self.asm.label();
        match test(condition) {
            Test::One(cc) => self.asm.jcc_short(cc, done),
            Test::Either(first, second) => {
                self.asm.jcc_short(first, done);
                self.asm.jcc_short(second, done);
            }
            Test::Both(first, second) => {
                let otherwise = self.asm.label();
                self.asm.jcc_short(first.invert(), otherwise);
                self.asm.jcc_short(second, done);
                self.asm.bind(otherwise);
            }
        }
        what(self);
        self.asm.bind(done);
    }

    fn subtract_from_countdown(&mut self, weight: i32) {
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::INTERRUPT_PAGE));
        self.asm.alu_mi(SUB, Width::W32, Mem::base(SCRATCH, InterruptPage::COUNTDOWN), weight);
    }

    /// A jump of the prologue to a label that is bound. It lacks its distance, for the prologue may be moved.
    fn jump_from_prologue(&mut self, condition: Cc, to: Label) -> PrologueJump {
        // `jcc rel32`.
        self.asm.put(0x800f | (condition as u64) << 8, 6);
        PrologueJump { end: self.asm.offset(), target: self.asm.label_offset(to).expect("the slow paths are there before the prologue") }
    }

    fn count_down_in_prologue(&mut self, countdown: Countdown) -> PrologueJump {
        self.subtract_from_countdown(countdown.weight as i32);
        self.jump_from_prologue(Cc::S, countdown.underflow)
    }

    fn load_asked(&mut self) {
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::INTERRUPT_PAGE));
        self.asm.alu_mi(CMP, Width::W32, Mem::base(SCRATCH, InterruptPage::ASKED), 0);
    }

    /// Compares the stack pointer with what a frame of `bytes` needs; below is too little. Small frames fit below the limit.
    fn compare_stack(&mut self, bytes: i32) {
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
        if bytes as u32 <= UNCHECKED_FRAME {
            return self.asm.alu_rm(CMP, Width::W64, RSP, Mem::base(SCRATCH, StoreContext::STACK_LIMIT));
        }
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(SCRATCH, StoreContext::STACK_LIMIT));
        self.asm.alu_ri(ADD, Width::W64, SCRATCH, bytes);
        self.asm.alu_rr(CMP, Width::W64, RSP, SCRATCH);
    }

    /// Traps: see [`Isa::trap`].
    pub(super) fn trap_here(&mut self, code: TrapCode, at: u32) {
        if self.faults {
            self.site(code, at);
            return self.asm.ud2();
        }
        self.asm.mov_ri(Width::W32, RAX, code as i64);
        self.helper_call(Helper::Trap, at);
    }

    fn helper_call(&mut self, helper: Helper, at: u32) {
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::HELPERS));
        self.asm.call_m(Mem::base(SCRATCH, helper.offset()));
        self.call_site(at);
    }

    /// Stack pointer minus `bytes` against the limit: for frames larger than the guard region.
    fn check_stack(&mut self, bytes: i32) {
        let enough = self.asm.label();
        self.asm.push_r(RAX);
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
        self.asm.lea(Width::W64, RAX, Mem::base(RSP, -bytes));
        self.asm.alu_rm(CMP, Width::W64, RAX, Mem::base(SCRATCH, StoreContext::STACK_LIMIT));
        self.asm.pop_r(RAX);
        self.asm.jcc_short(Cc::Ae, enough);
        self.trap_here(TrapCode::StackOverflow, 0);
        self.asm.bind(enough);
    }
}

impl Isa for X64 {
    type Form = Form;

    const CONTEXT: PReg = PReg::int(R15.number());
    const SCRATCH: PReg = PReg::int(registers::SCRATCH.number());
    const FLOAT_SCRATCH: PReg = PReg::float(registers::FLOAT_SCRATCH.number());
    const FIRST_SLOT: i32 = -FIXED_BYTES - 8;
    const INCOMING: i32 = 16;
    const PROLOGUE_SPACE: usize = 48;
    const FUNCTION_ALIGNMENT: usize = 16;
    const FILL: u8 = 0xcc;

    fn registers(&self) -> &RegisterFile {
        &self.registers
    }

    #[inline]
    fn buffer(&mut self) -> &mut CodeBuffer {
        &mut self.asm.buffer
    }

    #[inline]
    fn written(&self) -> &CodeBuffer {
        &self.asm.buffer
    }

    #[inline]
    fn is_foldable(&self, op: Op) -> bool {
        is_foldable(op)
    }

    fn may_fold(&self, producer: Op, constant: Option<i64>, following: Following) -> bool {
        may_fold(producer, constant, following)
    }

    fn cover(&self, op: Op, operands: &impl Operands) -> Cover<Form> {
        self.cover_operator(op, operands)
    }

    #[inline]
    fn constraints(&self, form: Form) -> &'static Constraints {
        form.kind.row()
    }

    fn emit(&mut self, form: Form, at: &Locations) {
        self.asm.reserve(OPERATOR_SPACE);
        match form.kind.family() {
            Family::Integer => self.emit_integer(form, at),
            Family::Memory => self.emit_memory(form, at),
            Family::Float => self.emit_float(form, at),
            Family::Select => self.emit_select(form, at),
        }
    }

    fn select_form(&self, ty: ValType, condition: Cond, _: [Option<i64>; 2]) -> (Form, Option<usize>) {
        let kind = match ty {
            ValType::F32 | ValType::F64 => Kind::SelectFloat,
            _ => Kind::SelectInt,
        };
        // It tells the width.
        let op = if ty == ValType::I32 { Op::I32Add } else { Op::I64Add };
        (Form { kind, op, condition }, None)
    }

    fn test_nonzero(&mut self, register: PReg) -> Cond {
        self.room();
        self.asm.test_rr(Width::W32, gpr(register), gpr(register));
        Cond::Ne
    }

    fn copy(&mut self, to: PReg, from: PReg) {
        self.room();
        match to.class() {
            Class::Int => self.asm.mov_rr(Width::W64, gpr(to), gpr(from)),
            Class::Float => self.asm.movaps_xx(xmm(to), xmm(from)),
        }
    }

    fn exchange(&mut self, a: PReg, b: PReg) {
        self.room();
        match a.class() {
            Class::Int => self.asm.xchg_rr(Width::W64, gpr(a), gpr(b)),
            Class::Float => {
                self.asm.movaps_xx(registers::FLOAT_SCRATCH, xmm(a));
                self.asm.movaps_xx(xmm(a), xmm(b));
                self.asm.movaps_xx(xmm(b), registers::FLOAT_SCRATCH);
            }
        }
    }

    fn zero_extend(&mut self, to: PReg, from: PReg) {
        self.room();
        self.asm.mov_rr(Width::W32, gpr(to), gpr(from));
    }

    fn poison_upper(&mut self, register: PReg) {
        // Subtracting 2^31 twice subtracts 2^32: the lower half stays, the upper one becomes ones. `lea` leaves the flags alone.
        self.room();
        for _ in 0..2 {
            self.asm.lea(Width::W64, gpr(register), Mem::base(gpr(register), i32::MIN));
        }
    }

    fn constant(&mut self, to: PReg, ty: ValType, bits: i64) {
        self.room();
        match (to.class(), ty) {
            (Class::Int, ValType::I32 | ValType::F32) => self.asm.mov_ri(Width::W32, gpr(to), bits),
            (Class::Int, _) => self.asm.mov_ri(Width::W64, gpr(to), bits),
            (Class::Float, _) if bits == 0 => self.asm.packed_rr(XORPS, xmm(to), xmm(to)),
            (Class::Float, _) => {
                let constant = self.asm.constant8(bits as u64);
                let width = if ty == ValType::F32 { Width::W32 } else { Width::W64 };
                self.asm.movs_xm(width, xmm(to), Mem::label(constant));
            }
        }
    }

    fn zero(&mut self, to: PReg) {
        self.room();
        self.asm.zero(gpr(to));
    }

    fn load_frame(&mut self, to: PReg, offset: i32, width: FieldWidth) {
        self.load_mem(to, Mem::base(FRAME, offset), width);
    }

    fn store_frame(&mut self, offset: i32, from: PReg, width: FieldWidth) {
        self.store_mem(Mem::base(FRAME, offset), from, width);
    }

    fn store_frame_constant(&mut self, offset: i32, ty: ValType, bits: i64) {
        self.store_constant(Mem::base(FRAME, offset), ty, bits);
    }

    fn copy_frame(&mut self, to: i32, from: i32) {
        self.copy_mem(Mem::base(FRAME, to), Mem::base(FRAME, from));
    }

    fn zero_frame(&mut self, offset: i32, count: u32) {
        self.room();
        if count == 1 {
            return self.asm.mov_mi(Width::W64, Mem::base(FRAME, offset), 0);
        }
        self.asm.packed_rr(XORPS, registers::FLOAT_SCRATCH, registers::FLOAT_SCRATCH);
        for pair in 0..count / 2 {
            self.room();
            let low = offset - 8 - 16 * pair as i32;
            self.asm.movups_mx(Mem::base(FRAME, low), registers::FLOAT_SCRATCH);
        }
        if count % 2 == 1 {
            let low = offset - 8 * (count as i32 - 1);
            self.asm.movs_mx(Width::W64, Mem::base(FRAME, low), registers::FLOAT_SCRATCH);
        }
    }

    fn load_field(&mut self, to: PReg, base: PReg, offset: i32, width: FieldWidth) {
        self.load_mem(to, Mem::base(gpr(base), offset), width);
    }

    fn context_address(&mut self, to: PReg, offset: i32) {
        self.room();
        self.asm.lea(Width::W64, gpr(to), Mem::base(CONTEXT, offset));
    }

    fn store_field(&mut self, base: PReg, offset: i32, from: PReg, width: FieldWidth) {
        self.store_mem(Mem::base(gpr(base), offset), from, width);
    }

    fn jump(&mut self, to: Label) {
        self.room();
        self.asm.jmp(to);
    }

    fn branch(&mut self, condition: Cond, to: Label) {
        self.room();
        match test(condition) {
            Test::One(cc) => self.asm.jcc(cc, to),
            Test::Either(first, second) => {
                self.asm.jcc(first, to);
                self.asm.jcc(second, to);
            }
            Test::Both(first, second) => {
                let otherwise = self.asm.label();
                self.asm.jcc_short(first.invert(), otherwise);
                self.asm.jcc(second, to);
                self.asm.bind(otherwise);
            }
        }
    }

    fn set_condition(&mut self, to: PReg, condition: Cond) {
        self.room();
        let register = gpr(to);
        match test(condition) {
            Test::One(cc) => self.asm.setcc(cc, register),
            Test::Both(first, second) => {
                self.asm.setcc(first, SCRATCH);
                self.asm.setcc(second, register);
                self.asm.alu_rr(mj_asm_x64::AND, Width::W8, register, SCRATCH);
            }
            Test::Either(first, second) => {
                self.asm.setcc(first, SCRATCH);
                self.asm.setcc(second, register);
                self.asm.alu_rr(mj_asm_x64::OR, Width::W8, register, SCRATCH);
            }
        }
        self.asm.movzx_rr(Width::W8, register, register);
    }

    fn branch_table(&mut self, index: PReg, temporary: PReg, labels: &[Label]) {
        self.room();
        let last = labels.len() - 1;
        if last == 0 {
            return self.asm.jmp(labels[0]);
        }
        let (index, temporary) = (gpr(index), gpr(temporary));
        // The index is clamped without a branch: not even speculation reads behind the table.
        self.asm.mov_ri(Width::W32, SCRATCH, last as i64);
        self.asm.alu_rr(CMP, Width::W32, index, SCRATCH);
        self.asm.cmov_rr(Cc::B, Width::W32, SCRATCH, index);
        let table = self.asm.label();
        self.asm.lea(Width::W64, temporary, Mem::label(table));
        self.asm.movsx_rm(Width::W64, Width::W32, SCRATCH, Mem::indexed(temporary, SCRATCH, 2, 0));
        self.asm.alu_rr(ADD, Width::W64, SCRATCH, temporary);
        self.asm.jmp_r(SCRATCH);
        self.asm.bind(table);
        for &label in labels {
            self.room();
            self.asm.table_entry(table, label);
        }
    }

    fn trap(&mut self, code: TrapCode, at: u32) {
        self.room();
        self.trap_here(code, at);
    }

    fn align_loop(&mut self) {
        self.room();
        self.asm.align_code(16);
    }

    fn check_interrupt(&mut self, page: PReg) {
        self.room();
        self.asm.mov_rm(Width::W32, SCRATCH, Mem::base(gpr(page), 0));
    }

    fn test_interrupt(&mut self, page: PReg, asked: Label) {
        self.room();
        self.asm.alu_mi(CMP, Width::W32, Mem::base(gpr(page), InterruptPage::ASKED), 0);
        self.asm.jcc(Cc::Ne, asked);
    }

    fn count_down(&mut self, underflow: Label) -> usize {
        self.room();
        // The largest weight makes room for any.
        self.subtract_from_countdown(i32::MAX);
        let at = self.asm.offset() - 4;
        self.asm.jcc(Cc::S, underflow);
        at
    }

    fn set_weight(&mut self, at: usize, weight: u32) {
        self.asm.patch(at, weight);
    }

    fn tier_up(&mut self, period: u32, function: u32, place: u32) {
        self.room();
        // The scratch register still holds the page's address. The page may be protected: then this store is interrupted and repeated.
        self.asm.mov_mi(Width::W32, Mem::base(SCRATCH, InterruptPage::COUNTDOWN), period as i32);
        self.asm.push_i(function as i32);
        self.asm.push_i(place as i32);
        self.call_helper(Helper::TierUp, place);
    }

    fn jump_scratch(&mut self) {
        self.room();
        self.asm.jmp_r(SCRATCH);
    }

    fn branch_if_no_scratch(&mut self, to: Label) {
        self.room();
        self.asm.test_rr(Width::W64, SCRATCH, SCRATCH);
        self.asm.jcc(Cc::E, to);
    }

    fn charge_fuel(&mut self, amount: u32, exhausted: Label) {
        self.room();
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
        self.asm.alu_mi(SUB, Width::W64, Mem::base(SCRATCH, StoreContext::FUEL), amount as i32);
        self.asm.jcc(Cc::S, exhausted);
    }

    fn table_length(&mut self, to: PReg, entry: i32) {
        self.room();
        let to = gpr(to);
        self.asm.mov_rm(Width::W64, to, Mem::base(CONTEXT, entry + TableEntry::DEFINITION));
        self.asm.mov_rm(Width::W64, to, Mem::base(to, TableDefinition::LENGTH));
    }

    fn table_element(&mut self, to: PReg, index: PReg, entry: i32, out_of_bounds: Label) {
        self.room();
        let (to, index) = (gpr(to), gpr(index));
        self.asm.mov_rm(Width::W64, to, Mem::base(CONTEXT, entry + TableEntry::DEFINITION));
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(to, TableDefinition::LENGTH));
        self.asm.alu_rr(CMP, Width::W64, index, SCRATCH);
        self.asm.jcc(Cc::Ae, out_of_bounds);
        // Under speculation the branch may go the wrong way: the clamp does not.
        self.asm.mov_rm(Width::W64, to, Mem::base(CONTEXT, entry + TableEntry::BASE));
        self.asm.lea(Width::W64, SCRATCH, Mem::indexed(to, index, 3, 0));
        self.asm.cmov_rr(Cc::B, Width::W64, to, SCRATCH);
    }

    fn memory_length(&mut self, to: PReg, definition: i32) {
        self.room();
        let to = gpr(to);
        self.asm.mov_rm(Width::W64, to, Mem::base(CONTEXT, definition));
        self.asm.mov_rm(Width::W64, to, Mem::base(to, mj_abi::MemoryDefinition::LENGTH));
    }

    fn shift_right(&mut self, register: PReg, amount: u8) {
        self.room();
        self.asm.shift_ri(SHR, Width::W64, gpr(register), amount);
    }

    fn adjust_stack(&mut self, bytes: i32) {
        self.room();
        // `lea` leaves the flags alone.
        self.asm.lea(Width::W64, RSP, Mem::base(RSP, -bytes));
    }

    fn store_outgoing(&mut self, offset: i32, from: PReg, width: FieldWidth) {
        self.store_mem(Mem::base(RSP, offset), from, width);
    }

    fn copy_outgoing(&mut self, offset: i32, from: i32) {
        self.copy_mem(Mem::base(RSP, offset), Mem::base(FRAME, from));
    }

    fn store_outgoing_constant(&mut self, offset: i32, ty: ValType, bits: i64) {
        self.store_constant(Mem::base(RSP, offset), ty, bits);
    }

    fn copy_to_float_scratch(&mut self, from: PReg) {
        self.room();
        self.asm.movd_xr(Width::W64, registers::FLOAT_SCRATCH, gpr(from));
    }

    fn copy_from_float_scratch(&mut self, to: PReg) {
        self.room();
        self.asm.movd_rx(Width::W64, gpr(to), registers::FLOAT_SCRATCH);
    }

    fn outgoing_address(&mut self, to: PReg, offset: i32) {
        self.room();
        self.asm.lea(Width::W64, gpr(to), Mem::base(RSP, offset));
    }

    fn load_outgoing(&mut self, to: PReg, offset: i32, width: FieldWidth) {
        self.load_mem(to, Mem::base(RSP, offset), width);
    }

    fn call_direct(&mut self, function: u32, at: u32) {
        self.room();
        self.asm.call_slot(function);
        self.call_site(at);
    }

    fn prepare_import(&mut self, offset: i32) {
        self.room();
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, offset + ImportedFunction::SLOT));
        self.asm.mov_rm(Width::W64, CONTEXT, Mem::base(CONTEXT, offset + ImportedFunction::CONTEXT));
        self.asm.mov_rm(Width::W64, MEMORY, Mem::base(CONTEXT, ContextHeader::MEMORY0_BASE));
    }

    fn prepare_indirect(&mut self, reference: PReg, type_index: u32, null: Option<Label>, bad_signature: Label, at: u32) {
        self.asm.reserve(2 * PLUMBING_SPACE);
        let reference = gpr(reference);
        if let Some(null) = null {
            self.asm.test_rr(Width::W64, reference, reference);
            self.asm.jcc(Cc::E, null);
        }
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::TYPE_IDS));
        self.asm.mov_rm(Width::W32, SCRATCH, Mem::base(SCRATCH, 4 * type_index as i32));
        // Unless it was looked for, a null reference faults on the lowest page.
        self.site(TrapCode::IndirectCallToNull, at);
        self.asm.alu_rm(CMP, Width::W32, SCRATCH, Mem::base(reference, FuncRef::TYPE_ID));
        self.asm.jcc(Cc::Ne, bad_signature);
        self.asm.mov_rm(Width::W64, SCRATCH, Mem::base(reference, FuncRef::SLOT));
        self.asm.mov_rm(Width::W64, CONTEXT, Mem::base(reference, FuncRef::CONTEXT));
        self.asm.mov_rm(Width::W64, MEMORY, Mem::base(CONTEXT, ContextHeader::MEMORY0_BASE));
    }

    fn call_prepared(&mut self, at: u32) {
        self.room();
        self.asm.call_m(Mem::base(SCRATCH, 0));
        self.call_site(at);
        self.reload_context();
    }

    fn call_helper(&mut self, helper: Helper, at: u32) {
        self.room();
        self.helper_call(helper, at);
    }

    fn finish_body(&mut self) {
        self.zero_flag = None;
    }

    fn prologue(&mut self, body: usize, facts: FrameFacts) -> usize {
        self.asm.reserve(2 * PLUMBING_SPACE);
        let entry = self.asm.offset();
        let bytes = FIXED_BYTES + facts.slot_bytes as i32;
        let mut jumps = [None; 3];
        self.asm.push_r(RBP);
        self.asm.mov_rr(Width::W64, RBP, RSP);
        // With a site and a label, it stays where it is.
        let stays = bytes as u32 > UNCHECKED_FRAME && facts.stack_overflow.is_none();
        if stays {
            self.check_stack(bytes);
        }
        if let Some(overflow) = facts.stack_overflow {
            self.compare_stack(bytes);
            jumps[0] = Some(self.jump_from_prologue(Cc::B, overflow));
        }
        if facts.keeps_context || facts.slot_bytes > 0 || !facts.saved.is_empty() {
            self.asm.alu_ri(SUB, Width::W64, RSP, bytes);
        }
        if facts.keeps_context {
            self.asm.mov_mr(Width::W64, Mem::base(RBP, CONTEXT_SLOT), CONTEXT);
        }
        for (index, register) in facts.saved.iter().enumerate() {
            self.asm.mov_mr(Width::W64, Mem::base(RBP, SAVED_SLOTS - 8 * index as i32), gpr(register));
        }
        if let Some(asked) = facts.interrupted {
            self.load_asked();
            jumps[1] = Some(self.jump_from_prologue(Cc::Ne, asked));
        }
        if let Some(countdown) = facts.countdown {
            jumps[2] = Some(self.count_down_in_prologue(countdown));
        } else if facts.checks_interrupt {
            self.load_and_check_interrupt();
        }
        let size = self.asm.offset() - entry;
        let moves = !stays && size <= Self::PROLOGUE_SPACE;
        let start = if moves { body - size } else { entry };
        for PrologueJump { end, target } in jumps.into_iter().flatten() {
            self.asm.patch(end - 4, (target as i64 - (start + end - entry) as i64) as u32);
        }
        if moves {
            self.asm.move_tail(entry, start);
            return start;
        }
        // `jmp rel32`, back to the body.
        let distance = body as i64 - (self.asm.offset() as i64 + 5);
        self.asm.put(0xe9 | (distance as u32 as u64) << 8, 5);
        entry
    }

    fn take_over_frame(&mut self, slot_bytes: u32) {
        self.room();
        let bytes = FIXED_BYTES + slot_bytes as i32;
        if bytes as u32 > UNCHECKED_FRAME {
            // The stack pointer is below the fixed part already: this asks for a little more than is needed.
            self.check_stack(bytes);
        }
        self.asm.lea(Width::W64, RSP, Mem::base(RBP, -bytes));
    }

    fn epilogue(&mut self, saved: RegSet, argument_bytes: u32) {
        self.room();
        for (index, register) in saved.iter().enumerate() {
            self.asm.mov_rm(Width::W64, gpr(register), Mem::base(RBP, SAVED_SLOTS - 8 * index as i32));
        }
        self.asm.leave();
        match argument_bytes {
            0 => self.asm.ret(),
            _ if argument_bytes <= 0xffff => self.asm.ret_i(argument_bytes as u16),
            _ => {
                // More than `ret` can pop: the return address goes through the scratch register.
                self.asm.pop_r(SCRATCH);
                self.asm.alu_ri(ADD, Width::W64, RSP, argument_bytes as i32);
                self.asm.jmp_r(SCRATCH);
            }
        }
    }
}
