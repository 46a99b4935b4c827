//! Operators that take and give values: numeric, memory, locals, globals, tables, `select`.

use mj_abi::{ContextHeader, GlobalCell, TrapCode};
use mj_decode::{Bulk, MemArg, Op, Reader, Shape, ValType};
use mj_ir::{Class, Holder, PReg, RegSet, Value};

use super::Baseline;
use super::values::{Deferred, Entry, ForcedView, Leaf, Place, View};
use crate::isa::{Cover, FieldWidth, Isa, Locations, Take, bulk_helper, class_of, width_of};
use crate::{Bounds, Cond};

/// Opcodes that consume a condition straight from the flags: `if`, `br_if`, `select`, `i32.eqz`.
fn consumes_flags(opcode: u8) -> bool {
    matches!(opcode, 0x04 | 0x0d | 0x1b | 0x45)
}

impl<I: Isa> Baseline<'_, I> {
    pub(super) fn push(&mut self, place: Place, ty: ValType, value: Value) {
        // What is pushed where a settled entry was is not settled.
        self.settled = self.settled.min(self.stack.len());
        self.stack.push(Entry { place, ty, value });
        if self.stack.len() > self.max_depth {
            self.max_depth = self.stack.len();
        }
    }

    /// Takes the top entry off; its reference or count goes to the caller's leaf.
    fn pop_leaf(&mut self) -> Leaf {
        let index = self.stack.len() - 1;
        let leaf = self.leaf_at(index);
        self.stack.truncate(index);
        leaf
    }

    /// The entry at `index` as a leaf. A local's pending count is given up here: from now on the leaf is pinned.
    fn leaf_at(&mut self, index: usize) -> Leaf {
        let entry = self.stack[index];
        if let Place::Local(local) = entry.place {
            self.cache.locals[local as usize].pending -= 1;
        }
        Leaf { place: entry.place, ty: entry.ty, value: entry.value, slot: self.stack_slot(index), register: PReg::NONE }
    }

    fn add_leaf(&mut self, leaf: Leaf) {
        self.leaves[self.leaf_count] = leaf;
        self.leaf_count += 1;
    }

    fn add_deferred_leaves(&mut self) {
        for index in 0..usize::from(self.deferred.count) {
            let leaf = self.deferred.operands[index];
            if let Place::Local(local) = leaf.place {
                self.cache.locals[local as usize].pending -= 1;
            }
            self.add_leaf(leaf);
        }
        self.deferred.count = 0;
    }

    /// Drops an entry's claim on its register or local.
    pub(super) fn discard(&mut self, entry: Entry) {
        match entry.place {
            Place::Register(register) => self.cache.release(register),
            Place::Local(local) => self.cache.locals[local as usize].pending -= 1,
            Place::Deferred => {
                self.add_deferred_leaves();
                for index in 0..self.leaf_count {
                    if let Place::Register(register) = self.leaves[index].place {
                        self.cache.release(register);
                    }
                }
                self.leaf_count = 0;
            }
            Place::Slot | Place::Constant(_) | Place::Flags(_) => {}
        }
    }

    /// Shortens the operand stack.
    pub(super) fn truncate(&mut self, depth: usize) {
        while self.stack.len() > depth {
            let entry = self.stack.pop().expect("the stack is deeper");
            self.discard(entry);
        }
    }

    /// Does the operator at `index` after all, if it is deferred.
    #[inline]
    pub(super) fn force(&mut self, index: usize) {
        if self.stack[index].place == Place::Deferred {
            self.force_deferred(index);
        }
    }

    fn force_deferred(&mut self, index: usize) {
        let deferred = self.deferred;
        let cover = self.isa.cover(deferred.op, &ForcedView(&deferred));
        let saved = (self.leaves, self.leaf_count);
        self.leaf_count = 0;
        self.add_deferred_leaves();
        let locations = Self::locations(&cover, deferred.offset, deferred.at);
        // The leaves stand in operator order; a folded constant is no leaf.
        let register = self.perform(cover.form, deferred.op.row().result, locations, None);
        (self.leaves, self.leaf_count) = saved;
        let value = self.checker.fresh();
        self.checker.define(Holder::Register(register), value);
        self.cache.retain(register);
        self.stack[index].place = Place::Register(register);
        self.stack[index].value = value;
    }

    fn locations(cover: &Cover<I::Form>, offset: u64, at: u32) -> Locations {
        Locations { definition: PReg::NONE, uses: [PReg::NONE; 4], temporaries: [PReg::NONE; 2], immediate: cover.immediate, offset, at }
    }

    pub(super) fn operator(&mut self, op: Op, at: u32, rest: &Reader<'_>) {
        let row = op.row();
        let arity = match row.shape {
            Shape::Binary | Shape::Compare => 2,
            _ => 1,
        };
        if arity == 1 && self.retyped(op) {
            return;
        }
        if op == Op::I32Eqz && self.invert_flags(rest) {
            return;
        }
        if self.defer(op, arity, at, rest) {
            return;
        }
        let base = self.stack.len() - arity;
        let cover = self.cover(op, base);
        let offset = self.collect(&cover, base);
        // The site of a folded access is the access's own operator.
        let (offset, at) = offset.unwrap_or((0, at));
        let locations = Self::locations(&cover, offset, at);
        match cover.condition {
            Some(condition) => {
                self.perform(cover.form, ValType::I32, locations, None);
                self.push_condition(condition, rest);
            }
            None => {
                let register = self.perform(cover.form, row.result, locations, Some(rest));
                self.push_register(register, row.result);
            }
        }
    }

    /// Covers an operator over the entries from `base` on, with operands that `cover` wants in registers forced.
    fn cover(&mut self, op: Op, base: usize) -> Cover<I::Form> {
        let cover = self.isa.cover(op, &View { operands: &self.stack[base..], deferred: &self.deferred });
        for index in base..self.stack.len() {
            if cover.takes[index - base] != Take::Folded {
                self.force(index);
            }
        }
        cover
    }

    /// Turns the entries from `base` on into leaves. Returns offset and site of a folded access.
    fn collect(&mut self, cover: &Cover<I::Form>, base: usize) -> Option<(u64, u32)> {
        let is_binary = self.stack.len() - base == 2;
        let [first, second] = cover.takes;
        let access = match (is_binary, cover.swap) {
            (false, _) => self.collect_one(first, base),
            (true, false) => {
                let access = self.collect_one(first, base);
                self.collect_one(second, base + 1).or(access)
            }
            (true, true) => {
                let access = self.collect_one(second, base + 1);
                self.collect_one(first, base).or(access)
            }
        };
        self.stack.truncate(base);
        access
    }

    #[inline]
    fn collect_one(&mut self, take: Take, index: usize) -> Option<(u64, u32)> {
        match take {
            Take::Register => {
                let leaf = self.leaf_at(index);
                self.add_leaf(leaf);
                None
            }
            Take::Immediate => None,
            Take::Folded => {
                let access = (self.deferred.offset, self.deferred.at);
                self.add_deferred_leaves();
                Some(access)
            }
        }
    }

    /// Conversions that change nothing but the type.
    fn retyped(&mut self, op: Op) -> bool {
        let top = self.stack.len() - 1;
        let Entry { place, value, .. } = self.stack[top];
        match (op, place) {
            (Op::I32WrapI64, Place::Constant(bits)) => {
                self.stack[top] = Entry { place: Place::Constant(i64::from(bits as i32)), ty: ValType::I32, value };
            }
            (Op::I64ExtendI32U, Place::Constant(bits)) => {
                self.stack[top] = Entry { place: Place::Constant(i64::from(bits as u32)), ty: ValType::I64, value };
            }
            (Op::I64ExtendI32S, Place::Constant(_)) => self.stack[top].ty = ValType::I64,
            (Op::I32WrapI64, Place::Register(register)) if self.sole_temporary(register) => {
                self.stack[top].ty = ValType::I32;
                self.cache.upper_dirty.insert(register);
            }
            (Op::I64ExtendI32U, Place::Register(register)) if self.sole_temporary(register) => {
                self.clean_upper(register);
                self.stack[top].ty = ValType::I64;
            }
            _ => return false,
        }
        true
    }

    fn sole_temporary(&self, register: PReg) -> bool {
        self.cache.references(register) == 1 && self.cache.local_in(register).is_none()
    }

    fn invert_flags(&mut self, rest: &Reader<'_>) -> bool {
        let Some(&Entry { place: Place::Flags(condition), .. }) = self.stack.last() else { return false };
        self.stack.pop();
        self.push_condition(condition.invert(), rest);
        true
    }

    /// Pushes what the flags say; as a value in a register if the next operator does not consume the flags.
    fn push_condition(&mut self, condition: Cond, rest: &Reader<'_>) {
        let following = rest.following();
        if !following.behind_local_get && consumes_flags(following.opcode) && !self.options.fuel {
            self.push(Place::Flags(condition), ValType::I32, Value::NONE);
            return;
        }
        let register = self.target(ValType::I32, RegSet::EMPTY, Some(rest));
        self.isa.set_condition(register, condition);
        self.push_register(register, ValType::I32);
    }

    /// Pushes `op` without code, if what follows can fold it.
    #[inline]
    fn defer(&mut self, op: Op, arity: usize, at: u32, rest: &Reader<'_>) -> bool {
        self.isa.is_foldable(op) && self.defer_foldable(op, arity, at, rest)
    }

    fn defer_foldable(&mut self, op: Op, arity: usize, at: u32, rest: &Reader<'_>) -> bool {
        let base = self.stack.len() - arity;
        let constant = match self.stack[base + arity - 1].place {
            Place::Constant(bits) if arity == 2 => Some(bits),
            _ => None,
        };
        if !self.isa.may_fold(op, constant, rest.following()) {
            return false;
        }
        let mut in_frame = 0;
        for entry in &self.stack[base..] {
            match entry.place {
                Place::Register(_) | Place::Slot => in_frame += 1,
                Place::Local(_) => {}
                Place::Constant(_) if constant.is_some() => {}
                _ => return false,
            }
        }
        // Only one operand may ever need the entry's slot.
        if in_frame > 1 || matches!(self.stack[base].place, Place::Constant(_)) {
            return false;
        }
        let count = if constant.is_some() { 1 } else { arity };
        self.set_deferred(op, base, count, constant, 0, at);
        true
    }

    fn set_deferred(&mut self, op: Op, base: usize, count: usize, constant: Option<i64>, offset: u64, at: u32) {
        let mut operands = [Leaf::NONE; 2];
        for (index, operand) in operands.iter_mut().enumerate().take(count) {
            let entry = self.stack[base + index];
            let slot = self.stack_slot(base + index);
            *operand = Leaf { place: entry.place, ty: entry.ty, value: entry.value, slot, register: PReg::NONE };
        }
        self.stack.truncate(base);
        self.deferred = Deferred { op, operands, count: count as u8, constant, offset, at, depth: base };
        self.push(Place::Deferred, op.row().result, Value::NONE);
    }

    pub(super) fn load_operator(&mut self, op: Op, memory: MemArg, at: u32, rest: &Reader<'_>) {
        let base = self.stack.len() - 1;
        let address = self.stack[base].place;
        if self.options.bounds == Bounds::Guard
            && matches!(address, Place::Register(_) | Place::Local(_) | Place::Slot)
            && self.isa.is_foldable(op)
            && self.isa.may_fold(op, None, rest.following())
            && memory.offset < 1 << 31
        {
            self.clean_entry(base);
            self.set_deferred(op, base, 1, None, memory.offset, at);
            return;
        }
        let cover = self.cover(op, base);
        self.collect(&cover, base);
        let locations = Self::locations(&cover, memory.offset, at);
        let register = self.perform(cover.form, op.row().result, locations, Some(rest));
        self.push_register(register, op.row().result);
    }

    /// An address that is going to be folded must be clean: folding forms do not say which of their uses is one.
    fn clean_entry(&mut self, index: usize) {
        if let Place::Register(register) = self.stack[index].place {
            self.clean_upper(register);
        }
    }

    pub(super) fn store_operator(&mut self, op: Op, memory: MemArg, at: u32) {
        let base = self.stack.len() - 2;
        let cover = self.cover(op, base);
        self.collect(&cover, base);
        let locations = Self::locations(&cover, memory.offset, at);
        self.perform(cover.form, ValType::I32, locations, None);
    }

    /// Takes the condition on top; afterwards it is in the flags. `Err` is a constant condition.
    pub(super) fn pop_condition(&mut self) -> Result<Cond, bool> {
        let top = self.stack.len() - 1;
        match self.stack[top].place {
            Place::Flags(condition) => {
                self.stack.pop();
                Ok(condition)
            }
            Place::Constant(bits) => {
                self.stack.pop();
                Err(bits as i32 != 0)
            }
            Place::Deferred => {
                // "Not zero" is the inverse of `i32.eqz`, which folds what can be folded.
                let cover = self.cover(Op::I32Eqz, top);
                let access = self.collect(&cover, top);
                let (offset, at) = access.unwrap_or((0, 0));
                self.perform(cover.form, ValType::I32, Self::locations(&cover, offset, at), None);
                Ok(cover.condition.expect("eqz sets the flags").invert())
            }
            _ => {
                let leaf = self.pop_leaf();
                let register = self.bring(leaf);
                let condition = self.isa.test_nonzero(register);
                self.let_go();
                Ok(condition)
            }
        }
    }

    /// Brings one leaf into a register, pinned until [`let_go`](Self::let_go).
    pub(super) fn bring(&mut self, leaf: Leaf) -> PReg {
        let index = self.leaf_count;
        self.add_leaf(leaf);
        self.bring_leaf(index);
        self.leaves[index].register
    }

    /// Releases everything that [`bring`](Self::bring) brought.
    pub(super) fn let_go(&mut self) {
        for index in 0..self.leaf_count {
            if let Place::Register(register) = self.leaves[index].place {
                self.cache.release(register);
            }
        }
        self.leaf_count = 0;
        self.cache.pinned = RegSet::EMPTY;
    }

    pub(super) fn select_operator(&mut self, rest: &Reader<'_>) {
        let condition = self.pop_condition();
        let ty = self.stack[self.stack.len() - 1].ty;
        let condition = match condition {
            Ok(condition) => condition,
            Err(first) => return self.select_constant(first),
        };
        let second = self.pop_leaf();
        let first = self.pop_leaf();
        self.add_leaf(first);
        self.add_leaf(second);
        let (form, _) = self.isa.select_form(ty, condition, [None; 2]);
        let locations =
            Locations { definition: PReg::NONE, uses: [PReg::NONE; 4], temporaries: [PReg::NONE; 2], immediate: 0, offset: 0, at: 0 };
        let register = self.perform(form, ty, locations, Some(rest));
        self.push_register(register, ty);
    }

    fn select_constant(&mut self, first: bool) {
        if first {
            self.drop_top();
            return;
        }
        // The second operand moves one slot down.
        let top = self.stack.len() - 1;
        if self.stack[top].place == Place::Slot {
            let leaf = self.pop_leaf();
            self.drop_top();
            let register = self.bring(leaf);
            self.cache.retain(register);
            self.let_go();
            self.push(Place::Register(register), leaf.ty, leaf.value);
        } else {
            let entry = self.stack.pop().expect("select has operands");
            self.drop_top();
            self.push(entry.place, entry.ty, entry.value);
        }
    }

    pub(super) fn drop_top(&mut self) {
        let top = self.stack.len() - 1;
        if self.stack[top].place == Place::Deferred {
            // A folded load may trap: it has to be done.
            self.force(top);
        }
        self.truncate(top);
    }

    pub(super) fn get_local(&mut self, local: u32) {
        let state = &mut self.cache.locals[local as usize];
        let ty = self.local_types[local as usize];
        let value = self.local_values[local as usize];
        if state.zero {
            self.push(Place::Constant(0), ty, value);
            return;
        }
        state.pending += 1;
        if state.pending == u16::MAX {
            // The counter is full: this read goes through a register.
            state.pending -= 1;
            let register = self.local_register(local);
            let to = self.allocate(register.class(), RegSet::one(register));
            self.copy(to, register);
            self.cache.retain(to);
            self.push(Place::Register(to), ty, value);
            return;
        }
        self.push(Place::Local(local), ty, value);
    }

    /// Gives entries that read `local` a value of their own, before it changes.
    fn detach(&mut self, local: u32) {
        let register = self.local_register(local);
        let mut left = self.cache.locals[local as usize].pending;
        debug_assert_eq!(self.deferred.count, 0, "what follows a deferred operator does it, or is a `local.get` in front of that");
        // They are not far from the top: what is, is settled.
        for entry in self.stack.iter_mut().rev() {
            if left == 0 {
                break;
            }
            if entry.place == Place::Local(local) {
                entry.place = Place::Register(register);
                self.cache.retain(register);
                left -= 1;
            }
        }
        self.cache.locals[local as usize].pending = 0;
        self.cache.unbind(register);
    }

    pub(super) fn set_local(&mut self, local: u32) {
        if self.cache.locals[local as usize].pending > 0 {
            self.settle_deep();
        }
        let top = self.stack.len() - 1;
        self.force(top);
        let Entry { place, ty, value } = self.stack[top];
        if place == Place::Local(local) {
            self.truncate(top);
            return;
        }
        let leaf = self.pop_leaf();
        if self.cache.locals[local as usize].pending > 0 {
            // The value itself may be what `detach` moves: it stays reachable as a leaf.
            if let Place::Register(register) = leaf.place {
                self.cache.pinned.insert(register);
            }
            self.detach(local);
            self.cache.pinned = RegSet::EMPTY;
        }
        let old = self.cache.locals[local as usize].register;
        match place {
            Place::Register(register)
                if self.cache.references(register) == 1 && self.cache.local_in(register).is_none_or(|other| other == local) =>
            {
                self.clean_for(register, ty);
                self.cache.release(register);
                if old.is_some() {
                    self.cache.unbind(old);
                }
                self.cache.bind(local, register, true);
                self.cache.touch(register);
            }
            Place::Constant(bits) if !self.worth_register(local) => {
                if old.is_some() {
                    self.cache.unbind(old);
                }
                self.cache.locals[local as usize].zero = false;
                let slot = self.local_slot(local);
                self.isa.store_frame_constant(self.slot_offset(slot), ty, bits);
                self.checker.define(Holder::Slot(slot), value);
            }
            _ => self.set_by_copy(local, leaf),
        }
        self.local_values[local as usize] = value;
        if self.under_test {
            self.spill_everything();
        }
    }

    /// Whether a constant is better kept in a register than in the local's slot.
    fn worth_register(&self, local: u32) -> bool {
        let state = &self.cache.locals[local as usize];
        state.home.is_some() || !self.cache.free(state.class).is_empty() || state.register.is_some()
    }

    fn set_by_copy(&mut self, local: u32, leaf: Leaf) {
        let ty = self.local_types[local as usize];
        let from = match leaf.place {
            Place::Constant(_) | Place::Slot => PReg::NONE,
            _ => self.bring(leaf),
        };
        let old = self.cache.locals[local as usize].register;
        if old.is_some() {
            self.cache.unbind(old);
        }
        let keep = if from.is_some() { RegSet::one(from) } else { RegSet::EMPTY };
        let state = self.cache.locals[local as usize];
        let to = if old.is_some() && self.cache.references(old) == 0 && old != from {
            old
        } else if state.home.is_some() && (self.cache.free(state.class) & !keep).contains(state.home) {
            self.cache.used.insert(state.home);
            state.home
        } else {
            self.allocate(state.class, keep)
        };
        match leaf.place {
            Place::Constant(bits) => self.load_constant(to, ty, bits, leaf.value),
            Place::Slot => self.load_slot(to, leaf.slot, ty),
            _ => self.copy(to, from),
        }
        self.let_go();
        self.clean_for(to, ty);
        self.cache.bind(local, to, true);
        self.cache.touch(to);
    }

    fn clean_for(&mut self, register: PReg, ty: ValType) {
        if ty == ValType::I32 {
            self.clean_upper(register);
        } else {
            self.cache.upper_dirty.remove(register);
        }
    }

    pub(super) fn get_global(&mut self, global: u32, rest: &Reader<'_>) {
        let ty = self.module.globals[global as usize].content;
        self.has_references |= ty.is_reference();
        let register = self.target(ty, RegSet::EMPTY, Some(rest));
        match self.global_cell(global) {
            GlobalPlace::Own(offset) => self.isa.load_field(register, I::CONTEXT, offset, width_of(ty)),
            GlobalPlace::Imported(offset) => {
                // The pointer goes through an integer register: the definition's, or a spare one.
                let pointer = if class_of(ty) == Class::Int { register } else { self.allocate(Class::Int, RegSet::EMPTY) };
                self.isa.load_field(pointer, I::CONTEXT, offset, FieldWidth::W64);
                self.isa.load_field(register, pointer, 0, width_of(ty));
                self.checker.clobber(Holder::Register(pointer));
            }
        }
        self.push_register(register, ty);
    }

    pub(super) fn set_global(&mut self, global: u32) {
        let ty = self.module.globals[global as usize].content;
        let top = self.stack.len() - 1;
        self.force(top);
        let leaf = self.pop_leaf();
        let register = self.bring(leaf);
        match self.global_cell(global) {
            GlobalPlace::Own(offset) => self.isa.store_field(I::CONTEXT, offset, register, width_of(ty)),
            GlobalPlace::Imported(offset) => {
                let pointer = self.allocate(Class::Int, RegSet::EMPTY);
                self.isa.load_field(pointer, I::CONTEXT, offset, FieldWidth::W64);
                self.isa.store_field(pointer, 0, register, width_of(ty));
                self.checker.clobber(Holder::Register(pointer));
            }
        }
        self.let_go();
    }

    fn global_cell(&self, global: u32) -> GlobalPlace {
        let imported = self.plan.imported_globals;
        if global < imported {
            GlobalPlace::Imported(self.plan.layout.imported_global(global) as i32)
        } else {
            const { assert!(core::mem::offset_of!(GlobalCell, value) == 0) }
            GlobalPlace::Own(self.plan.layout.own_global(global - imported) as i32)
        }
    }

    pub(super) fn get_func_ref(&mut self, function: u32, rest: &Reader<'_>) {
        self.has_references = true;
        let dense = self.module.func_ref(function).expect("validation lets only declared functions be references");
        let register = self.target(ValType::FuncRef, RegSet::EMPTY, Some(rest));
        self.isa.context_address(register, self.plan.layout.func_ref(dense) as i32);
        self.push_register(register, ValType::FuncRef);
    }

    pub(super) fn get_memory_size(&mut self, memory: u32, rest: &Reader<'_>) {
        let register = self.target(ValType::I32, RegSet::EMPTY, Some(rest));
        let pointer = if memory == 0 { ContextHeader::MEMORY0 } else { self.plan.layout.memory(memory) as i32 };
        self.isa.memory_length(register, pointer);
        self.isa.shift_right(register, 16);
        self.push_register(register, ValType::I32);
    }

    pub(super) fn get_table_size(&mut self, table: u32, rest: &Reader<'_>) {
        let register = self.target(ValType::I32, RegSet::EMPTY, Some(rest));
        self.isa.table_length(register, self.plan.layout.table(table) as i32);
        self.push_register(register, ValType::I32);
    }

    pub(super) fn get_table(&mut self, table: u32, at: u32, rest: &Reader<'_>) {
        self.has_references = true;
        let ty = self.module.tables[table as usize].element;
        let index = self.bring_index();
        let to = self.allocate(Class::Int, RegSet::one(index));
        let out_of_bounds = self.trap_label(TrapCode::TableOutOfBounds, at);
        self.isa.table_element(to, index, self.plan.layout.table(table) as i32, out_of_bounds);
        self.isa.load_field(to, to, 0, FieldWidth::W64);
        self.let_go();
        let _ = rest;
        self.push_register(to, ty);
    }

    pub(super) fn set_table(&mut self, table: u32, at: u32) {
        let top = self.stack.len() - 1;
        self.force(top);
        let value = self.pop_leaf();
        self.force(top - 1);
        let value = self.bring(value);
        let index = self.bring_index();
        let keep = RegSet::of(&[value, index]);
        let to = self.allocate(Class::Int, keep);
        let out_of_bounds = self.trap_label(TrapCode::TableOutOfBounds, at);
        self.isa.table_element(to, index, self.plan.layout.table(table) as i32, out_of_bounds);
        self.isa.store_field(to, 0, value, FieldWidth::W64);
        self.checker.clobber(Holder::Register(to));
        self.let_go();
    }

    /// Brings the index on top of the stack into a register, zero-extended.
    pub(super) fn bring_index(&mut self) -> PReg {
        let top = self.stack.len() - 1;
        self.force(top);
        let leaf = self.pop_leaf();
        let register = self.bring(leaf);
        self.clean_upper(register);
        register
    }

    pub(super) fn bulk_operator(&mut self, bulk: Bulk, at: u32) {
        let (helper, first) = bulk_helper(bulk);
        self.call_helper(helper, first, 3, None, at);
    }
}

enum GlobalPlace {
    /// The cell is in the context.
    Own(i32),
    /// The context holds a pointer to it.
    Imported(i32),
}
