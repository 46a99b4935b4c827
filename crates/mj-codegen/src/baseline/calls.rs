//! Calls: arguments to their positions, results onto the stack, and what survives.
//!
//! Dirty locals in caller-saved registers are stored before the call and forgotten behind it; values below the arguments go to their slots, if a
//! caller-saved register holds them. What is in a callee-saved register stays there.

use mj_abi::{ArgLocation, CallLayout, Helper, TrapCode};
use mj_decode::ValType;
use mj_ir::{Class, Holder, PReg, ParallelMoves, RegSet};

use super::Baseline;
use super::merge::Emitter;
use super::values::Place;
use crate::isa::{FieldWidth, Isa, Positions, width_of};

impl<I: Isa> Baseline<'_, I> {
    pub(super) fn call_function(&mut self, function: u32, at: u32) {
        self.charge();
        self.force_top();
        let ty = self.module.functions[function as usize];
        let layout = &self.plan.calls[ty as usize];
        let base = self.stack.len() - layout.params.len();
        self.save_for_call(base);
        let imported = self.module.imported_functions;
        if function < imported {
            self.isa.prepare_import(self.plan.layout.imported_function(function) as i32);
            self.pass_arguments(base, layout);
            self.isa.call_prepared(at);
        } else {
            self.pass_arguments(base, layout);
            self.isa.call_direct(function - imported, at);
        }
        self.take_results(base, ty, layout);
    }

    pub(super) fn call_through_table(&mut self, table: u32, ty: u32, at: u32) {
        self.charge();
        let index = self.bring_index();
        let reference = self.allocate(Class::Int, RegSet::one(index));
        let out_of_bounds = self.trap_label(TrapCode::TableOutOfBounds, at);
        let bad_signature = self.trap_label(TrapCode::BadSignature, at);
        let null = (!self.options.signals).then(|| self.trap_label(TrapCode::IndirectCallToNull, at));
        self.isa.table_element(reference, index, self.plan.layout.table(table) as i32, out_of_bounds);
        self.isa.load_field(reference, reference, 0, FieldWidth::W64);
        self.checker.clobber(Holder::Register(reference));
        self.let_go();
        self.cache.pinned.insert(reference);
        let layout = &self.plan.calls[ty as usize];
        let base = self.stack.len() - layout.params.len();
        self.save_for_call(base);
        self.isa.prepare_indirect(reference, ty, null, bad_signature, at);
        self.cache.pinned = RegSet::EMPTY;
        self.pass_arguments(base, layout);
        self.isa.call_prepared(at);
        self.take_results(base, ty, layout);
    }

    /// Calls a helper with a constant and the top `operands` entries; pushes its result.
    pub(super) fn call_helper(&mut self, helper: Helper, first: i64, operands: usize, result: Option<ValType>, at: u32) {
        self.charge();
        self.force_top();
        let base = self.stack.len() - operands;
        self.save_for_call(base);
        let mut moves = ParallelMoves::default();
        for index in 0..operands {
            if let Some(from) = self.register_of(base + index) {
                moves.push(self.registers.int_positions[index + 1], from);
            }
        }
        moves.resolve(&mut Emitter { isa: self.isa, checker: &mut self.checker });
        for index in 0..operands {
            self.load_to_position(base + index, self.registers.int_positions[index + 1]);
        }
        let position = self.registers.int_positions[0];
        self.isa.constant(position, ValType::I64, first);
        self.isa.call_helper(helper, at);
        self.forget_caller_saved();
        self.truncate(base);
        if let Some(ty) = result {
            self.isa.zero_extend(position, position);
            self.push_result(position, ty);
        }
    }

    /// Stores what the call would destroy, entries from `base` on apart: those are its arguments.
    fn save_for_call(&mut self, base: usize) {
        self.has_call = true;
        self.settle_deep();
        let mut lost = self.cache.occupied() & !self.callee_saved;
        if self.has_references {
            lost |= self.references_in_registers();
        }
        for register in (lost & self.cache.bound()).iter() {
            if self.cache.dirty().contains(register) {
                let local = self.cache.local_in(register).expect("bound");
                self.store_local(local, register);
                self.cache.clean(register);
            }
        }
        if (lost & self.cache.referenced()).is_empty() {
            // Entries that read locals are looked up again behind the call.
            return;
        }
        for index in self.settled..base {
            let entry = self.stack[index];
            if let Place::Register(register) = entry.place
                && lost.contains(register)
            {
                self.store_slot(self.stack_slot(index), register, entry.ty);
                self.cache.release(register);
                self.stack[index].place = Place::Slot;
            }
        }
    }

    /// Registers that hold references. The collector of instances looks for references in frames, not in registers that callees have saved.
    #[cold]
    fn references_in_registers(&self) -> RegSet {
        let mut registers = RegSet::EMPTY;
        for register in self.cache.bound().iter() {
            let local = self.cache.local_in(register).expect("bound");
            if self.local_types[local as usize].is_reference() {
                registers.insert(register);
            }
        }
        for entry in self.stack.iter().skip(self.settled) {
            if let Place::Register(register) = entry.place
                && entry.ty.is_reference()
            {
                registers.insert(register);
            }
        }
        registers
    }

    /// The register in which the entry at `index` is.
    pub(super) fn register_of(&self, index: usize) -> Option<PReg> {
        match self.stack[index].place {
            Place::Register(register) => Some(register),
            Place::Local(local) => Some(self.cache.locals[local as usize].register).filter(|register| register.is_some()),
            _ => None,
        }
    }

    /// Completes what parallel moves began: loads the entry at `index` if it was in no register, and cleans its upper half.
    pub(super) fn load_to_position(&mut self, index: usize, to: PReg) {
        let entry = self.stack[index];
        match entry.place {
            Place::Register(register) => {
                if self.cache.upper_dirty.contains(register) && entry.ty == ValType::I32 {
                    self.isa.zero_extend(to, to);
                }
            }
            Place::Constant(bits) => {
                let ty = match (to.class(), entry.ty) {
                    (Class::Float, ValType::I32) => ValType::F32,
                    (Class::Float, ValType::F32 | ValType::F64) | (Class::Int, _) => entry.ty,
                    (Class::Float, _) => ValType::F64,
                };
                self.isa.constant(to, ty, bits);
                self.checker.define(Holder::Register(to), entry.value);
            }
            Place::Slot => {
                self.isa.load_frame(to, self.slot_offset(self.stack_slot(index)), width_of(entry.ty));
                self.checker.copy(Holder::Register(to), Holder::Slot(self.stack_slot(index)));
            }
            Place::Local(local) if self.cache.locals[local as usize].register.is_none() => {
                let slot = self.local_slot(local);
                self.isa.load_frame(to, self.slot_offset(slot), width_of(entry.ty));
                self.checker.copy(Holder::Register(to), Holder::Slot(slot));
            }
            Place::Local(_) => {}
            Place::Flags(_) | Place::Deferred => unreachable!("forced before"),
        }
        self.checker.expect(Holder::Register(to), entry.value);
    }

    fn pass_arguments(&mut self, base: usize, layout: &CallLayout) {
        let outgoing = layout.argument_bytes + layout.result_bytes;
        if outgoing > 0 {
            self.isa.adjust_stack(outgoing as i32);
        }
        let mut moves = ParallelMoves::default();
        for (index, &location) in layout.params.iter().enumerate() {
            match location {
                ArgLocation::Memory(offset) => self.pass_on_stack(base + index, offset as i32),
                _ => {
                    if let Some(from) = self.register_of(base + index) {
                        moves.push(self.registers.position(location), from);
                    }
                }
            }
        }
        moves.resolve(&mut Emitter { isa: self.isa, checker: &mut self.checker });
        for (index, &location) in layout.params.iter().enumerate() {
            if !matches!(location, ArgLocation::Memory(_)) {
                self.load_to_position(base + index, self.registers.position(location));
            }
        }
        self.isa.pass_result_pointer(layout);
    }

    fn pass_on_stack(&mut self, index: usize, offset: i32) {
        let entry = self.stack[index];
        if let Some(register) = self.register_of(index) {
            // An i32 is stored as 4 bytes; whoever loads it loads 4 bytes.
            self.isa.store_outgoing(offset, register, width_of(entry.ty));
            return;
        }
        match entry.place {
            Place::Constant(bits) => self.isa.store_outgoing_constant(offset, entry.ty, bits),
            Place::Local(local) => self.isa.copy_outgoing(offset, self.slot_offset(self.local_slot(local))),
            _ => self.isa.copy_outgoing(offset, self.slot_offset(self.stack_slot(index))),
        }
    }

    fn forget_caller_saved(&mut self) {
        for register in (self.cache.bound() & !self.callee_saved).iter() {
            self.cache.unbind(register);
        }
        if cfg!(debug_assertions) {
            for register in (self.registers.allocatable & !self.callee_saved).iter() {
                self.checker.clobber(Holder::Register(register));
            }
        }
    }

    fn take_results(&mut self, base: usize, ty: u32, layout: &CallLayout) {
        self.forget_caller_saved();
        self.truncate(base);
        let results = self.module.types[ty as usize].results();
        for (&ty, &location) in results.iter().zip(&layout.results) {
            self.has_references |= ty.is_reference();
            match location {
                ArgLocation::Memory(offset) => {
                    let index = self.stack.len();
                    let slot = self.stack_slot(index);
                    let value = self.checker.fresh();
                    self.isa.load_outgoing(I::FLOAT_SCRATCH, offset as i32, width_of(ty));
                    self.push(Place::Slot, ty, value);
                    self.isa.store_frame(self.slot_offset(slot), I::FLOAT_SCRATCH, width_of(ty));
                    self.checker.define(Holder::Slot(slot), value);
                }
                _ => self.push_result(self.registers.position(location), ty),
            }
        }
        if layout.result_bytes > 0 {
            self.isa.adjust_stack(-(layout.result_bytes as i32));
        }
    }

    /// Pushes a call's result, which is in `register`.
    fn push_result(&mut self, register: PReg, ty: ValType) {
        if self.cache.allocatable.contains(register) {
            self.cache.used.insert(register);
            self.push_register(register, ty);
            return;
        }
        // A cut register file does not hold values in this register.
        let slot = self.stack_slot(self.stack.len());
        let value = self.checker.fresh();
        self.push(Place::Slot, ty, value);
        self.isa.store_frame(self.slot_offset(slot), register, width_of(ty));
        self.checker.define(Holder::Slot(slot), value);
    }
}
