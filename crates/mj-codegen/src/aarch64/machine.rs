//! Everything that is not an operator: moves, the frame, control flow, calls.
//!
//! Only the methods of [`Isa`] make room, each once: what they call is put in one piece, and an island comes between two of them at most.

use mj_abi::{
    ContextHeader, FuncRef, Helper, ImportedFunction, InterruptPage, MemoryDefinition, Site, StoreContext, TableDefinition, TableEntry,
    TrapCode, UNCHECKED_FRAME,
};
use mj_asm::{CodeBuffer, Label};
use mj_asm_aarch64::{
    ADD, CSINV, Cc, Extend, Gpr, LDP_X, LDR_D, LDR_W, LDR_X, LDRSW, Mem, ORR, SP, STP_X, STR_W, STR_X, SUB, SUBS, Shift, Width, X28, XZR,
    fits_add, float_immediate,
};
use mj_decode::{Following, Op, ValType};
use mj_ir::{Class, PReg, RegSet, RegisterFile};

use super::Aarch64;
use super::compare::cc;
use super::cover::{is_foldable, is_free, may_fold, needs_register};
use super::form::{Family, Form, Kind};
use super::frame::{CONTEXT_SLOT, FIXED_BYTES, frame_bytes, has_frame};
use super::integer::width;
use super::registers::{self, CONTEXT, FLOAT_SCRATCH, FRAME, LINK, MEMORY, SCRATCH, SPARE, fpr, gpr};
use crate::Cond;
use crate::isa::{Constraints, Cover, FieldWidth, FrameFacts, Isa, Locations, Operands, Producer, class_of};

/// Bytes reserved for one operator's instructions.
const OPERATOR_SPACE: usize = 128;
/// Bytes reserved for one piece of plumbing.
const PLUMBING_SPACE: usize = 64;
/// Bytes reserved for a prologue wherever it comes to be.
const PROLOGUE_ROOM: usize = 256;

/// How far a conditional branch reaches.
const CONDITIONAL_REACH: usize = 1 << 20;

/// Where a prologue will stand.
#[derive(Clone, Copy)]
struct ProloguePlace {
    /// How many bytes behind the place where it is written, modulo 2^64.
    moved: usize,
    /// Conditional branches reach the slow paths.
    is_near: bool,
}

impl Aarch64 {
    /// Room for plumbing that may write any register.
    #[inline]
    fn room(&mut self) {
        self.room_of(PLUMBING_SPACE);
    }

    #[inline]
    fn room_of(&mut self, bytes: usize) {
        self.base = None;
        self.asm.reserve(bytes);
    }

    /// Room for plumbing that writes this register alone.
    #[inline]
    fn room_to_write(&mut self, to: PReg) {
        self.forget_index(to);
        self.asm.reserve(PLUMBING_SPACE);
    }

    /// Room for plumbing that writes no register.
    #[inline]
    fn room_to_read(&mut self) {
        self.asm.reserve(PLUMBING_SPACE);
    }

    fn float_constant(&mut self, to: PReg, width: Width, bits: u64) {
        let to = fpr(to);
        let bits = bits & (u64::MAX >> (64 - width.bits()));
        let halves = (0..4).filter(|half| bits >> (16 * half) & 0xffff != 0).count();
        if bits == 0 {
            self.asm.movi_bytes(to, 0);
        } else if float_immediate(width, bits).is_some() {
            self.asm.fmov_vi(width, to, bits);
        } else if halves <= 2 {
            self.asm.mov_ri(width, SPARE, bits as i64);
            self.asm.fmov_vr(width, to, SPARE);
        } else {
            let constant = self.asm.constant8(bits);
            self.asm.load_vm(LDR_D, to, Mem::Label(constant));
        }
    }

    fn load_memory_base(&mut self) {
        self.asm.load_rm(LDR_X, MEMORY, Mem::base(CONTEXT, ContextHeader::MEMORY0_BASE));
    }

    /// Calls the address in a register.
    pub(super) fn call_register(&mut self, to: Gpr, at: u32) {
        self.asm.blr(to);
        let offset = self.asm.offset() as u32;
        self.asm.add_site(Site::new(offset, at, TrapCode::Call));
    }

    /// The address of a helper's thunk.
    pub(super) fn load_helper(&mut self, to: Gpr, helper: Helper) {
        self.asm.load_rm(LDR_X, to, Mem::base(CONTEXT, ContextHeader::HELPERS));
        self.asm.load_rm(LDR_X, to, Mem::base(to, helper.offset()));
    }

    fn touch_interrupt_page(&mut self) {
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::INTERRUPT_PAGE));
        self.asm.load_rm(LDR_W, XZR, Mem::base(SCRATCH, 0));
    }

    /// Returns the offset of the instruction with the weight. The scratch register then holds the page's address.
    fn subtract_from_countdown(&mut self, weight: u32) -> usize {
        let place = Mem::base(SCRATCH, InterruptPage::COUNTDOWN);
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::INTERRUPT_PAGE));
        self.asm.load_rm(LDR_W, SPARE, place);
        let at = self.asm.offset();
        self.asm.add_rri(SUBS, Width::W32, SPARE, SPARE, weight);
        self.asm.store_mr(STR_W, place, SPARE);
        at
    }

    /// Whether interruption is asked for, in the scratch register.
    fn load_asked(&mut self) {
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::INTERRUPT_PAGE));
        self.asm.load_rm(LDR_W, SCRATCH, Mem::base(SCRATCH, InterruptPage::ASKED));
    }

    /// Compares the stack pointer with what a frame of `bytes` needs; lower is too little. Small frames fit below the limit.
    fn compare_stack(&mut self, bytes: i32) {
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(SCRATCH, StoreContext::STACK_LIMIT));
        if bytes as u32 > UNCHECKED_FRAME {
            self.add_constant(SCRATCH, SCRATCH, bytes);
        }
        self.asm.mov_sp(SPARE, SP);
        self.asm.cmp_rr(Width::W64, SPARE, SCRATCH);
    }

    /// A jump of the prologue to a label that is bound.
    fn jump_from_prologue(&mut self, condition: Cc, to: Label, place: ProloguePlace) {
        let target = self.asm.label_offset(to).expect("the slow paths are there before the prologue");
        let here = |isa: &Self| isa.asm.offset().wrapping_add(place.moved);
        if place.is_near {
            return self.asm.b_cond_from(here(self), condition, target);
        }
        let next = here(self).wrapping_add(8);
        self.asm.b_cond_from(here(self), condition.invert(), next);
        self.asm.b_from(here(self), target);
    }

    fn write_prologue(&mut self, facts: &FrameFacts, place: ProloguePlace) {
        let bytes = frame_bytes(facts.slot_bytes);
        self.asm.store_pair(STP_X, Mem::Pre(SP, -16), FRAME, LINK);
        self.asm.mov_sp(FRAME, SP);
        if let Some(overflow) = facts.stack_overflow {
            self.compare_stack(bytes);
            self.jump_from_prologue(Cc::Lo, overflow, place);
        } else if bytes as u32 > UNCHECKED_FRAME {
            self.check_stack(bytes);
        }
        if has_frame(*facts) {
            self.add_constant(SP, SP, -bytes);
        }
        self.save(facts.keeps_context, facts.saved);
        if let Some(asked) = facts.interrupted {
            self.load_asked();
            self.asm.cmp_ri(Width::W32, SCRATCH, 0);
            self.jump_from_prologue(Cc::Ne, asked, place);
        }
        if let Some(countdown) = facts.countdown {
            self.subtract_from_countdown(countdown.weight);
            self.jump_from_prologue(Cc::Mi, countdown.underflow, place);
        } else if facts.checks_interrupt {
            self.touch_interrupt_page();
        }
    }

    /// Stack pointer minus `bytes` against the limit: for frames larger than the guard region.
    fn check_stack(&mut self, bytes: i32) {
        let enough = self.asm.label();
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(SCRATCH, StoreContext::STACK_LIMIT));
        self.add_constant(SPARE, SP, -bytes);
        self.asm.cmp_rr(Width::W64, SPARE, SCRATCH);
        self.asm.b_cond(Cc::Hs, enough);
        self.trap_here(TrapCode::StackOverflow, 0);
        self.asm.bind(enough);
    }
}

impl Isa for Aarch64 {
    type Form = Form;

    const CONTEXT: PReg = PReg::int(X28.number());
    const SCRATCH: PReg = PReg::int(registers::SCRATCH.number());
    const FLOAT_SCRATCH: PReg = PReg::float(registers::FLOAT_SCRATCH.number());
    const FIRST_SLOT: i32 = -FIXED_BYTES - 8;
    const INCOMING: i32 = 16;
    const PROLOGUE_SPACE: usize = 56;
    const FUNCTION_ALIGNMENT: usize = 16;
    const FILL: u8 = 0;

    fn registers(&self) -> &RegisterFile {
        &self.registers
    }

    #[inline]
    fn buffer(&mut self) -> &mut CodeBuffer {
        &mut self.asm.buffer
    }

    fn take_too_large(&mut self) -> bool {
        self.asm.take_too_large()
    }

    #[inline]
    fn written(&self) -> &CodeBuffer {
        &self.asm.buffer
    }

    #[inline]
    fn is_foldable(&self, op: Op) -> bool {
        is_foldable(op)
    }

    fn needs_register(op: Op, operand: usize, constant: i64) -> bool {
        needs_register(op, operand, constant)
    }

    fn is_free(&self, producer: Producer) -> bool {
        is_free(producer)
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
            Family::Bits => self.emit_bits(form, at),
            Family::Compare => self.emit_compare(form, at),
            Family::Memory => self.emit_memory(form, at),
            Family::Float => self.emit_float(form, at),
            Family::Select => self.emit_select(form, at),
        }
        self.forget_index(at.definition);
    }

    fn select_form(&self, ty: ValType, condition: Cond, constants: [Option<i64>; 2]) -> (Form, Option<usize>) {
        let op = Self::select_op(ty);
        let form = |kind, condition| Form { kind, op, folded: op, condition, bounded: false };
        if class_of(ty) == Class::Float {
            return (form(Kind::SelectFloat, condition), None);
        }
        for (operand, condition) in [(1, condition), (0, condition.invert())] {
            let kind = match constants[operand] {
                Some(0) => Kind::SelectZero,
                Some(1) => Kind::SelectOne,
                Some(-1) => Kind::SelectOnes,
                _ => continue,
            };
            return (form(kind, condition), Some(operand));
        }
        (form(Kind::SelectInt, condition), None)
    }

    fn test_nonzero(&mut self, register: PReg) -> Cond {
        self.room_to_read();
        self.compare_with_zero(Width::W32, gpr(register));
        Cond::Ne
    }

    fn copy(&mut self, to: PReg, from: PReg) {
        self.room_to_write(to);
        match to.class() {
            Class::Int => self.asm.mov_rr(Width::W64, gpr(to), gpr(from)),
            Class::Float => self.asm.mov_vv(fpr(to), fpr(from)),
        }
    }

    fn exchange(&mut self, a: PReg, b: PReg) {
        self.room();
        match a.class() {
            Class::Int => {
                self.asm.mov_rr(Width::W64, SPARE, gpr(a));
                self.asm.mov_rr(Width::W64, gpr(a), gpr(b));
                self.asm.mov_rr(Width::W64, gpr(b), SPARE);
            }
            Class::Float => {
                self.asm.mov_vv(FLOAT_SCRATCH, fpr(a));
                self.asm.mov_vv(fpr(a), fpr(b));
                self.asm.mov_vv(fpr(b), FLOAT_SCRATCH);
            }
        }
    }

    fn zero_extend(&mut self, to: PReg, from: PReg) {
        self.room_to_write(to);
        self.asm.mov_rr(Width::W32, gpr(to), gpr(from));
    }

    fn poison_upper(&mut self, register: PReg) {
        self.room();
        self.asm.logic_rri(ORR, Width::W64, gpr(register), gpr(register), 0xffff_ffff_0000_0000);
    }

    fn constant(&mut self, to: PReg, ty: ValType, bits: i64) {
        self.room_to_write(to);
        match to.class() {
            Class::Int => self.asm.mov_ri(width(ty), gpr(to), bits),
            Class::Float => self.float_constant(to, width(ty), bits as u64),
        }
    }

    fn zero(&mut self, to: PReg) {
        self.room_to_write(to);
        self.asm.mov_ri(Width::W64, gpr(to), 0);
    }

    fn load_frame(&mut self, to: PReg, offset: i32, width: FieldWidth) {
        self.room_to_write(to);
        self.load_slot(to, offset, width);
    }

    fn store_frame(&mut self, offset: i32, from: PReg, _: FieldWidth) {
        self.room_to_read();
        self.store_slot(offset, from);
    }

    fn store_frame_constant(&mut self, offset: i32, ty: ValType, bits: i64) {
        self.room_to_read();
        self.store_constant(FRAME, offset, ty, bits);
    }

    fn copy_frame(&mut self, to: i32, from: i32) {
        self.room_to_read();
        self.copy_word(FRAME, to, from);
    }

    fn zero_frame(&mut self, offset: i32, count: u32) {
        self.room();
        let lowest = offset - 8 * (count as i32 - 1);
        if count == 1 {
            return self.store_constant(FRAME, offset, ValType::I64, 0);
        }
        self.add_constant(SPARE, FRAME, lowest);
        for _ in 0..count / 2 {
            self.room();
            self.asm.store_pair(STP_X, Mem::Post(SPARE, 16), XZR, XZR);
        }
        if count % 2 == 1 {
            self.asm.store_mr(STR_X, Mem::base(SPARE, 0), XZR);
        }
    }

    fn load_field(&mut self, to: PReg, base: PReg, offset: i32, width: FieldWidth) {
        self.room_to_write(to);
        self.load_mem(to, gpr(base), offset, width);
    }

    fn context_address(&mut self, to: PReg, offset: i32) {
        self.room_to_write(to);
        self.add_constant(gpr(to), CONTEXT, offset);
    }

    fn store_field(&mut self, base: PReg, offset: i32, from: PReg, width: FieldWidth) {
        self.room_to_read();
        self.store_mem(gpr(base), offset, from, width);
    }

    fn jump(&mut self, to: Label) {
        self.room();
        self.asm.b(to);
    }

    fn branch(&mut self, condition: Cond, to: Label) {
        self.room_to_read();
        self.branch_on(condition, to);
    }

    fn set_condition(&mut self, to: PReg, condition: Cond) {
        self.room_to_write(to);
        self.asm.cset(Width::W32, gpr(to), cc(condition));
    }

    fn branch_table(&mut self, index: PReg, temporary: PReg, labels: &[Label]) {
        self.room_of(PLUMBING_SPACE + 4 * labels.len());
        let last = labels.len() - 1;
        if last == 0 {
            return self.asm.b(labels[0]);
        }
        let (index, temporary) = (gpr(index), gpr(temporary));
        // Without a branch, indices that are too large become -1, whose entry is the last label: not even speculation reads behind the table.
        if fits_add(last as u64) {
            self.asm.cmp_ri(Width::W32, index, last as u32);
        } else {
            self.asm.mov_ri(Width::W32, SCRATCH, last as i64);
            self.asm.cmp_rr(Width::W32, index, SCRATCH);
        }
        self.asm.select(CSINV, Width::W32, SCRATCH, index, XZR, Cc::Lo);
        let table = self.asm.label();
        self.asm.adr(temporary, table);
        self.asm.load_rm(LDRSW, SCRATCH, Mem::Indexed(temporary, SCRATCH, Extend::Sxtw, true));
        self.asm.add_rrr(ADD, Width::W64, SCRATCH, temporary, SCRATCH);
        self.asm.br(SCRATCH);
        self.asm.jump_table(table, labels);
    }

    fn trap(&mut self, code: TrapCode, at: u32) {
        self.room();
        self.trap_here(code, at);
    }

    fn align_loop(&mut self) {
        // Whoever comes into the loop executes the padding: three instructions of it are more than they are worth.
        if self.asm.offset() % 16 != 4 {
            self.asm.align_code(16);
        }
    }

    fn check_interrupt(&mut self, page: PReg) {
        self.room_to_read();
        self.asm.load_rm(LDR_W, XZR, Mem::base(gpr(page), 0));
    }

    fn test_interrupt(&mut self, page: PReg, asked: Label) {
        self.room();
        self.asm.load_rm(LDR_W, SCRATCH, Mem::base(gpr(page), InterruptPage::ASKED));
        self.asm.cbnz(Width::W32, SCRATCH, asked);
    }

    fn count_down(&mut self, underflow: Label) -> usize {
        self.room();
        let at = self.subtract_from_countdown(0);
        self.asm.b_cond(Cc::Mi, underflow);
        at
    }

    fn set_weight(&mut self, at: usize, weight: u32) {
        debug_assert!(weight < 1 << 12, "weights are small");
        let word = self.asm.buffer.word(at);
        self.asm.patch(at, word | weight << 10);
    }

    fn tier_up(&mut self, period: u32, function: u32, place: u32) {
        self.room_of(2 * PLUMBING_SPACE);
        // The scratch register still holds the page's address. The page may be protected: then this store is interrupted and repeated.
        self.asm.mov_ri(Width::W32, SPARE, i64::from(period));
        self.asm.store_mr(STR_W, Mem::base(SCRATCH, InterruptPage::COUNTDOWN), SPARE);
        self.asm.mov_ri(Width::W64, SCRATCH, i64::from(function) << 32 | i64::from(place));
        self.load_helper(LINK, Helper::TierUp);
        self.call_register(LINK, place);
    }

    fn jump_scratch(&mut self) {
        self.room();
        self.asm.br(SCRATCH);
    }

    fn branch_if_no_scratch(&mut self, to: Label) {
        self.room();
        self.asm.cbz(Width::W64, SCRATCH, to);
    }

    fn charge_fuel(&mut self, amount: u32, exhausted: Label) {
        self.room();
        debug_assert!(amount < 1 << 24, "a body has fewer operators");
        let fuel = Mem::base(SCRATCH, StoreContext::FUEL);
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
        self.asm.load_rm(LDR_X, SPARE, fuel);
        if amount >= 1 << 12 {
            self.asm.add_rri(SUB, Width::W64, SPARE, SPARE, amount & 0xff_f000);
        }
        self.asm.add_rri(SUBS, Width::W64, SPARE, SPARE, amount & 0xfff);
        self.asm.store_mr(STR_X, fuel, SPARE);
        self.asm.b_cond(Cc::Mi, exhausted);
    }

    fn table_length(&mut self, to: PReg, entry: i32) {
        self.room();
        let to = gpr(to);
        self.load_word(to, CONTEXT, entry + TableEntry::DEFINITION);
        self.asm.load_rm(LDR_X, to, Mem::base(to, TableDefinition::LENGTH));
    }

    fn table_element(&mut self, to: PReg, index: PReg, entry: i32, out_of_bounds: Label) {
        self.room_of(2 * PLUMBING_SPACE);
        let (to, index) = (gpr(to), gpr(index));
        self.load_word(SCRATCH, CONTEXT, entry + TableEntry::DEFINITION);
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(SCRATCH, TableDefinition::LENGTH));
        self.asm.cmp_rr(Width::W64, index, SCRATCH);
        self.asm.b_cond(Cc::Hs, out_of_bounds);
        // Under speculation the branch may go the wrong way: the clamp does not.
        self.load_word(to, CONTEXT, entry + TableEntry::BASE);
        self.asm.add_rrs(ADD, Width::W64, SCRATCH, to, index, Shift::Lsl, 3);
        self.asm.csel(Width::W64, to, SCRATCH, to, Cc::Lo);
    }

    fn memory_length(&mut self, to: PReg, definition: i32) {
        self.room();
        let to = gpr(to);
        self.load_word(to, CONTEXT, definition);
        self.asm.load_rm(LDR_X, to, Mem::base(to, MemoryDefinition::LENGTH));
    }

    fn shift_right(&mut self, register: PReg, amount: u8) {
        self.room();
        self.asm.lsr_rri(Width::W64, gpr(register), gpr(register), u32::from(amount));
    }

    fn adjust_stack(&mut self, bytes: i32) {
        self.room();
        self.frame_bytes = self.frame_bytes.map(|distance| distance + bytes);
        self.add_constant(SP, SP, -bytes);
    }

    fn store_outgoing(&mut self, offset: i32, from: PReg, width: FieldWidth) {
        self.room();
        self.store_mem(SP, offset, from, width);
    }

    fn copy_outgoing(&mut self, offset: i32, from: i32) {
        self.room();
        self.copy_word(SP, offset, from);
    }

    fn store_outgoing_constant(&mut self, offset: i32, ty: ValType, bits: i64) {
        self.room();
        self.store_constant(SP, offset, ty, bits);
    }

    fn copy_to_float_scratch(&mut self, from: PReg) {
        self.room();
        self.asm.fmov_vr(Width::W64, FLOAT_SCRATCH, gpr(from));
    }

    fn copy_from_float_scratch(&mut self, to: PReg) {
        self.room();
        self.asm.fmov_rv(Width::W64, gpr(to), FLOAT_SCRATCH);
    }

    fn outgoing_address(&mut self, to: PReg, offset: i32) {
        self.room();
        self.add_constant(gpr(to), SP, offset);
    }

    fn load_outgoing(&mut self, to: PReg, offset: i32, width: FieldWidth) {
        self.room();
        self.load_mem(to, SP, offset, width);
    }

    fn call_direct(&mut self, function: u32, at: u32) {
        self.room();
        self.asm.load_slot(SCRATCH, function);
        self.call_register(SCRATCH, at);
    }

    fn prepare_import(&mut self, offset: i32) {
        self.room();
        self.load_word(SCRATCH, CONTEXT, offset + ImportedFunction::SLOT);
        self.load_word(CONTEXT, CONTEXT, offset + ImportedFunction::CONTEXT);
        self.load_memory_base();
    }

    fn prepare_indirect(&mut self, reference: PReg, type_index: u32, null: Option<Label>, bad_signature: Label, at: u32) {
        self.room_of(2 * PLUMBING_SPACE);
        let reference = gpr(reference);
        if let Some(null) = null {
            self.asm.cbz(Width::W64, reference, null);
        }
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, ContextHeader::TYPE_IDS));
        let id = self.place(SCRATCH, 4 * type_index as i32, 4);
        self.asm.load_rm(LDR_W, SCRATCH, id);
        // Unless it was looked for, a null reference faults on the lowest page.
        self.site(TrapCode::IndirectCallToNull, at);
        self.asm.load_rm(LDR_W, SPARE, Mem::base(reference, FuncRef::TYPE_ID));
        self.asm.cmp_rr(Width::W32, SPARE, SCRATCH);
        self.asm.b_cond(Cc::Ne, bad_signature);
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(reference, FuncRef::SLOT));
        self.asm.load_rm(LDR_X, CONTEXT, Mem::base(reference, FuncRef::CONTEXT));
        self.load_memory_base();
    }

    fn call_prepared(&mut self, at: u32) {
        self.room();
        self.asm.load_rm(LDR_X, SCRATCH, Mem::base(SCRATCH, 0));
        self.call_register(SCRATCH, at);
        self.asm.load_rm(LDR_X, CONTEXT, Mem::base(FRAME, CONTEXT_SLOT));
        self.load_memory_base();
    }

    fn call_helper(&mut self, helper: Helper, at: u32) {
        self.room();
        self.load_helper(SCRATCH, helper);
        self.call_register(SCRATCH, at);
    }

    fn frame_is_known(&mut self, facts: FrameFacts) {
        self.frame_bytes = Some(if has_frame(facts) { frame_bytes(facts.slot_bytes) } else { 0 });
    }

    fn arguments_are_popped(&mut self, bytes: u32) {
        self.frame_bytes = self.frame_bytes.map(|distance| distance - bytes as i32);
    }

    fn finish_body(&mut self) {
        self.write_late();
        self.zero_test = None;
        self.base = None;
        self.frame_access = None;
        self.frame_bytes = None;
    }

    fn prologue(&mut self, body: usize, facts: FrameFacts) -> usize {
        self.room_of(PROLOGUE_ROOM);
        let entry = self.asm.offset();
        // All its jumps go to what stands between the two places where it may come to be.
        let is_near = entry - body < CONDITIONAL_REACH - PROLOGUE_ROOM;
        self.write_prologue(&facts, ProloguePlace { moved: 0, is_near });
        let size = self.asm.offset() - entry;
        // One that traps itself has a site and a label, and stays where it is.
        let traps = facts.stack_overflow.is_none() && frame_bytes(facts.slot_bytes) as u32 > UNCHECKED_FRAME;
        if !traps && size <= Self::PROLOGUE_SPACE {
            let start = body - size;
            // Again, for there.
            self.asm.take_back(size);
            self.write_prologue(&facts, ProloguePlace { moved: start.wrapping_sub(entry), is_near });
            self.asm.move_tail(entry, start);
            return start;
        }
        self.asm.b_from(self.asm.offset(), body);
        entry
    }

    fn take_over_frame(&mut self, slot_bytes: u32) {
        self.room_of(2 * PLUMBING_SPACE);
        let bytes = frame_bytes(slot_bytes);
        if bytes as u32 > UNCHECKED_FRAME {
            // The stack pointer is below the fixed part already: this asks for a little more than is needed.
            self.check_stack(bytes);
        }
        self.add_constant(SP, FRAME, -bytes);
    }

    fn epilogue(&mut self, saved: RegSet, argument_bytes: u32) {
        self.room();
        self.restore(saved);
        if self.frame_bytes != Some(0) {
            self.asm.mov_sp(SP, FRAME);
        }
        self.asm.load_pair(LDP_X, FRAME, LINK, Mem::Post(SP, 16));
        if argument_bytes > 0 {
            self.add_constant(SP, SP, argument_bytes as i32);
        }
        self.asm.ret();
    }
}
