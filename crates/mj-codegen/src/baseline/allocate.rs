//! Registers for the operator at hand: bringing uses in, making room, choosing the definition's register.
//!
//! The operator's operands are the *leaves*. Those that already are in registers are pinned first, then fixed uses are
//! put where they must be, then the rest is loaded, temporaries are found and clobbers are moved away; the definition comes last and may take the
//! register of a use that dies. Nothing here changes the flags.

use mj_decode::{Reader, ValType};
use mj_ir::{Class, Holder, PReg, RegSet};

use super::Baseline;
use super::values::{Leaf, Place};
use crate::isa::{Constraints, Definition, Isa, Locations, Use, class_of, width_of};

impl<I: Isa> Baseline<'_, I> {
    /// A register of `class` that holds nothing, outside `keep`; another value is spilled if need be.
    pub(super) fn allocate(&mut self, class: Class, keep: RegSet) -> PReg {
        let free = self.cache.free(class) & !keep;
        let register = match (free & !self.callee_saved).first().or_else(|| free.first()) {
            Some(register) => register,
            None => {
                let victim = self.cache.victim(class, keep, &self.hints.weights).expect("an operator never uses all registers");
                self.evict(victim);
                victim
            }
        };
        self.cache.used.insert(register);
        self.cache.upper_dirty.remove(register);
        self.cache.touch(register);
        register
    }

    /// Empties a register into the frame.
    pub(super) fn evict(&mut self, register: PReg) {
        self.evict_local(register);
        if self.cache.references(register) > 0 {
            self.spill_temporaries(register);
        }
    }

    /// Writes the local in `register` back, if its slot is stale, and forgets the register.
    pub(super) fn evict_local(&mut self, register: PReg) {
        if let Some(local) = self.cache.local_in(register) {
            if self.cache.dirty().contains(register) {
                self.store_local(local, register);
            }
            self.cache.unbind(register);
        }
    }

    /// Stores a local's register to its slot.
    pub(super) fn store_local(&mut self, local: u32, register: PReg) {
        let slot = self.local_slot(local);
        self.store_slot(slot, register, self.local_types[local as usize]);
    }

    /// If values live in the frame: brings all there.
    #[cold]
    pub(super) fn spill_everything(&mut self) {
        if self.options.spill_everything {
            for register in self.cache.occupied().iter() {
                self.evict(register);
            }
        }
    }

    fn spill_temporaries(&mut self, register: PReg) {
        for index in (0..self.stack.len()).rev() {
            let entry = self.stack[index];
            if entry.place == Place::Register(register) {
                self.store_slot(self.stack_slot(index), register, entry.ty);
                self.stack[index].place = Place::Slot;
                self.cache.release(register);
                if self.cache.references(register) == 0 {
                    return;
                }
            }
        }
        // What is left belongs to the deferred operator: it takes the slot of its entry.
        let depth = self.deferred.depth;
        for index in 0..usize::from(self.deferred.count) {
            let leaf = self.deferred.operands[index];
            if leaf.place == Place::Register(register) {
                let slot = self.stack_slot(depth);
                self.store_slot(slot, register, leaf.ty);
                self.deferred.operands[index] = Leaf { place: Place::Slot, slot, ..leaf };
                self.cache.release(register);
            }
        }
        debug_assert_eq!(self.cache.references(register), 0, "a temporary in {register:?} has no owner");
    }

    /// Moves everything that is in `from` to the empty register `to`.
    pub(super) fn relocate(&mut self, to: PReg, from: PReg) {
        self.copy(to, from);
        if let Some(local) = self.cache.local_in(from) {
            let dirty = self.cache.dirty().contains(from);
            self.cache.unbind(from);
            self.cache.bind(local, to, dirty);
        }
        let moved = |place: &mut Place| {
            let found = *place == Place::Register(from);
            if found {
                *place = Place::Register(to);
            }
            found
        };
        let mut count = 0;
        let references = usize::from(self.cache.references(from));
        if references > 0 {
            let deferred = usize::from(self.deferred.count);
            count += self.deferred.operands[..deferred].iter_mut().filter_map(|leaf| moved(&mut leaf.place).then_some(())).count();
            count += self.leaves[..self.leaf_count].iter_mut().filter_map(|leaf| moved(&mut leaf.place).then_some(())).count();
            // The others are on the stack, most of them near its top.
            let entries = self.stack.iter_mut().rev().filter_map(|entry| moved(&mut entry.place).then_some(()));
            count += entries.take(references.saturating_sub(count)).count();
        }
        for _ in 0..count {
            self.cache.release(from);
            self.cache.retain(to);
        }
        for leaf in &mut self.leaves[..self.leaf_count] {
            if leaf.register == from {
                leaf.register = to;
            }
        }
        if self.cache.pinned.contains(from) {
            self.cache.pinned.remove(from);
            self.cache.pinned.insert(to);
        }
    }

    /// Empties a register, into another one if the operator at hand needs its value or one is free.
    pub(super) fn vacate(&mut self, register: PReg) {
        let needed = self.cache.pinned.contains(register);
        if !needed && !self.cache.occupied().contains(register) {
            return;
        }
        let class = register.class();
        if needed || !(self.cache.free(class) & !RegSet::one(register)).is_empty() {
            let to = self.allocate(class, RegSet::one(register));
            self.relocate(to, register);
        } else {
            self.evict(register);
        }
    }

    /// The register that caches `local`, which is loaded if need be. If values live in the frame, nobody knows of it afterwards: the caller pins it, or is
    /// done with it at once.
    pub(super) fn local_register(&mut self, local: u32) -> PReg {
        let state = self.cache.locals[local as usize];
        if state.register.is_some() {
            self.cache.touch(state.register);
            return state.register;
        }
        let home = state.home;
        let register = if home.is_some() && self.cache.free(state.class).contains(home) {
            self.cache.used.insert(home);
            self.cache.touch(home);
            home
        } else {
            self.allocate(state.class, RegSet::EMPTY)
        };
        let ty = self.local_types[local as usize];
        if state.zero {
            self.isa.constant(register, ty, 0);
            self.checker.define(Holder::Register(register), self.local_values[local as usize]);
            self.cache.bind(local, register, true);
        } else {
            self.load_slot(register, self.local_slot(local), ty);
            if !(self.under_test && self.options.spill_everything) {
                self.cache.bind(local, register, false);
            }
        }
        self.cache.upper_dirty.remove(register);
        register
    }

    /// Brings a leaf into a register and pins it.
    fn use_leaf(&mut self, index: usize, with: Use) {
        let leaf = self.leaves[index];
        let register = match leaf.place {
            Place::Register(register) => register,
            Place::Local(local) => self.local_register(local),
            Place::Constant(bits) => {
                let register = self.allocate(class_of(leaf.ty), RegSet::EMPTY);
                self.load_constant(register, leaf.ty, bits, leaf.value);
                self.own_leaf(index, register)
            }
            Place::Slot => {
                let register = self.allocate(class_of(leaf.ty), RegSet::EMPTY);
                self.load_slot(register, leaf.slot, leaf.ty);
                self.own_leaf(index, register)
            }
            Place::Flags(_) | Place::Deferred => unreachable!("conditions and deferred operators are no leaves"),
        };
        self.checker.expect(Holder::Register(register), leaf.value);
        if with == Use::ZeroExtended {
            self.clean_upper(register);
        }
        self.leaves[index].register = register;
        self.cache.touch(register);
        self.cache.pinned.insert(register);
    }

    /// Brings a leaf into any register and pins it.
    pub(super) fn bring_leaf(&mut self, index: usize) {
        self.use_leaf(index, Use::Any);
    }

    /// Clears the upper half of a register that holds a 32-bit value, if it may be dirty.
    pub(super) fn clean_upper(&mut self, register: PReg) {
        if self.cache.upper_dirty.contains(register) {
            self.isa.zero_extend(register, register);
            self.cache.upper_dirty.remove(register);
        }
    }

    fn own_leaf(&mut self, index: usize, register: PReg) -> PReg {
        self.cache.retain(register);
        self.leaves[index].place = Place::Register(register);
        register
    }

    /// Puts a leaf into the register `fixed`; if that one is `lost` afterwards, whatever else it holds moves away.
    fn fix_leaf(&mut self, index: usize, fixed: PReg, lost: bool) {
        let leaf = self.leaves[index];
        let current = leaf.register;
        if current == fixed {
            let only_owner =
                matches!(leaf.place, Place::Register(_)) && self.cache.references(fixed) == 1 && self.cache.local_in(fixed).is_none();
            if only_owner || !lost {
                return;
            }
            let shared = self.leaves[..self.leaf_count].iter().filter(|other| other.register == fixed).count() > 1;
            if matches!(leaf.place, Place::Local(_)) && !shared && self.cache.references(fixed) == 0 {
                // The local survives in its slot or in another register; the leaf keeps this one.
                let local = self.cache.local_in(fixed).expect("a local leaf is bound");
                let dirty = self.cache.dirty().contains(fixed);
                if let Some(to) = (self.cache.free(fixed.class()) & !RegSet::one(fixed)).first() {
                    self.cache.used.insert(to);
                    self.copy(to, fixed);
                    self.cache.unbind(fixed);
                    self.cache.bind(local, to, dirty);
                    self.cache.touch(to);
                } else {
                    self.evict_local(fixed);
                }
                self.own_leaf(index, fixed);
                return;
            }
            self.vacate(fixed);
            let from = self.leaves[index].register;
            self.take_copy(index, fixed, from);
            return;
        }
        self.vacate(fixed);
        self.cache.used.insert(fixed);
        // Vacating may have moved this very leaf's register.
        let leaf = self.leaves[index];
        match leaf.place {
            Place::Register(from) => self.take_copy(index, fixed, from),
            Place::Local(local) if self.cache.locals[local as usize].register.is_some() => {
                self.take_copy(index, fixed, self.cache.locals[local as usize].register);
            }
            Place::Local(local) => {
                let value = self.local_values[local as usize];
                self.load_local_into(fixed, local, value);
                self.own_leaf(index, fixed);
            }
            Place::Constant(bits) => {
                self.load_constant(fixed, leaf.ty, bits, leaf.value);
                self.own_leaf(index, fixed);
            }
            Place::Slot => {
                self.load_slot(fixed, leaf.slot, leaf.ty);
                self.own_leaf(index, fixed);
            }
            Place::Flags(_) | Place::Deferred => unreachable!("conditions and deferred operators are no leaves"),
        }
        self.leaves[index].register = fixed;
        self.cache.pinned.insert(fixed);
    }

    /// The leaf gets a copy of its own in `to`.
    fn take_copy(&mut self, index: usize, to: PReg, from: PReg) {
        self.copy(to, from);
        if let Place::Register(old) = self.leaves[index].place {
            self.cache.release(old);
        }
        self.own_leaf(index, to);
        self.leaves[index].register = to;
        self.cache.used.insert(to);
        let still_used = self.leaves[..self.leaf_count].iter().any(|leaf| leaf.register == from);
        if !still_used {
            self.cache.pinned.remove(from);
        }
        self.cache.pinned.insert(to);
    }

    /// Loads a local that is in no register into `to`, without caching it.
    pub(super) fn load_local_into(&mut self, to: PReg, local: u32, value: mj_ir::Value) {
        let ty = self.local_types[local as usize];
        if self.cache.locals[local as usize].zero {
            self.load_constant(to, ty, 0, value);
        } else {
            self.load_slot(to, self.local_slot(local), ty);
        }
    }

    /// Does a form over the collected leaves: allocates, emits, releases. Returns the definition's register.
    pub(super) fn perform(&mut self, form: I::Form, ty: ValType, mut locations: Locations, rest: Option<&Reader<'_>>) -> PReg {
        let row = self.isa.constraints(form);
        self.place_uses(row);
        for (index, &class) in row.temporaries.iter().enumerate() {
            let register = self.allocate(class, RegSet::EMPTY);
            self.cache.pinned.insert(register);
            locations.temporaries[index] = register;
        }
        let definition = self.define(row, ty, &locations, rest);
        locations.definition = definition;
        for (index, leaf) in self.leaves[..self.leaf_count].iter().enumerate() {
            locations.uses[index] = leaf.register;
        }
        self.isa.emit(form, &locations);
        if cfg!(debug_assertions) {
            let temporaries = locations.temporaries.into_iter().filter(|register| register.is_some());
            for register in row.clobbers.iter().chain(temporaries) {
                self.checker.clobber(Holder::Register(register));
            }
        }
        self.leaf_count = 0;
        self.cache.pinned = RegSet::EMPTY;
        definition
    }

    fn place_uses(&mut self, row: &Constraints) {
        debug_assert_eq!(row.uses.len(), self.leaf_count, "as many uses as leaves");
        self.pin_leaves();
        if !row.is_plain {
            self.place_special_uses(row);
        }
        for (index, &with) in row.uses.iter().enumerate() {
            let register = self.leaves[index].register;
            if register.is_none() {
                self.use_leaf(index, with);
            } else {
                self.checker.expect(Holder::Register(register), self.leaves[index].value);
                self.cache.touch(register);
                if with == Use::ZeroExtended {
                    self.clean_upper(register);
                }
            }
        }
    }

    /// Pins the leaves that are in registers already.
    fn pin_leaves(&mut self) {
        for index in 0..self.leaf_count {
            let register = match self.leaves[index].place {
                Place::Register(register) => register,
                Place::Local(local) => self.cache.locals[local as usize].register,
                _ => PReg::NONE,
            };
            self.leaves[index].register = register;
            if register.is_some() {
                self.cache.pinned.insert(register);
            }
        }
    }

    /// Fixed uses and clobbers.
    fn place_special_uses(&mut self, row: &Constraints) {
        let mut lost = row.clobbers;
        if let Definition::Fixed(register) = row.definition {
            lost.insert(register);
        }
        let mut fixed = RegSet::EMPTY;
        for (index, with) in row.uses.iter().enumerate() {
            if let Use::Fixed(register) = *with {
                self.fix_leaf(index, register, lost.contains(register));
                fixed.insert(register);
            }
        }
        // What must be empty is emptied before anything else is loaded, and stays reserved.
        for register in (lost & !fixed).iter() {
            self.vacate(register);
            self.cache.pinned.insert(register);
            self.cache.used.insert(register);
        }
    }

    /// Releases the uses and chooses the definition's register.
    fn define(&mut self, row: &Constraints, ty: ValType, locations: &Locations, rest: Option<&Reader<'_>>) -> PReg {
        if row.definition == Definition::Tied && row.commutative && !self.dies(0) && self.dies(1) {
            self.leaves.swap(0, 1);
        }
        let reusable = self.leaf_count > 0 && self.dies(0);
        let mut uses = RegSet::EMPTY;
        for index in 0..self.leaf_count {
            let leaf = self.leaves[index];
            if row.definition != Definition::Tied || index > 0 {
                uses.insert(leaf.register);
            }
            if let Place::Register(register) = leaf.place {
                self.cache.release(register);
            }
        }
        let mut keep = RegSet::EMPTY;
        for &register in &locations.temporaries[..row.temporaries.len()] {
            keep.insert(register);
        }
        if row.definition == Definition::Tied || row.early_definition {
            keep |= uses;
        }
        self.cache.pinned = keep;
        match row.definition {
            Definition::None => PReg::NONE,
            Definition::Fixed(register) => register,
            Definition::Tied if reusable && !keep.contains(self.leaves[0].register) => self.leaves[0].register,
            Definition::Tied => self.target(ty, keep, rest),
            Definition::Any => {
                let first = self.leaves[0].register;
                if let Some(target) = self.local_target(ty, keep, rest) {
                    target
                } else if reusable && !row.early_definition && first.class() == class_of(ty) && !keep.contains(first) {
                    first
                } else {
                    self.allocate(class_of(ty), keep)
                }
            }
        }
    }

    /// Whether the leaf is a temporary whose register nobody else needs.
    fn dies(&self, index: usize) -> bool {
        let leaf = &self.leaves[index];
        match leaf.place {
            Place::Register(register) => self.cache.references(register) == 1 && self.cache.local_in(register).is_none(),
            _ => false,
        }
    }

    /// A register for a value that is defined now; the one of the local that the next operator sets, if possible.
    pub(super) fn target(&mut self, ty: ValType, keep: RegSet, rest: Option<&Reader<'_>>) -> PReg {
        self.local_target(ty, keep, rest).unwrap_or_else(|| self.allocate(class_of(ty), keep))
    }

    /// The register of the local that the next operator sets, if it can take the value.
    fn local_target(&mut self, ty: ValType, keep: RegSet, rest: Option<&Reader<'_>>) -> Option<PReg> {
        let local = rest?.next_local_target()?;
        let class = class_of(ty);
        let state = self.cache.locals[local as usize];
        if state.pending > 0 || state.class != class {
            return None;
        }
        let register = state.register;
        if register.is_some() {
            if self.cache.references(register) > 0 || keep.contains(register) {
                return None;
            }
            // The old value is dead: the next operator overwrites it.
            self.cache.unbind(register);
            self.cache.touch(register);
            return Some(register);
        }
        if state.home.is_some() && (self.cache.free(class) & !keep).contains(state.home) {
            self.cache.used.insert(state.home);
            self.cache.touch(state.home);
            return Some(state.home);
        }
        None
    }

    /// Makes `register` hold a new value of type `ty`, and pushes it.
    pub(super) fn push_register(&mut self, register: PReg, ty: ValType) {
        let value = self.checker.fresh();
        self.checker.define(Holder::Register(register), value);
        self.cache.retain(register);
        self.cache.upper_dirty.remove(register);
        self.push(Place::Register(register), ty, value);
        if self.under_test {
            self.try_value(register, ty);
        }
    }

    /// What options for tests do to a value that has just been pushed.
    #[cold]
    fn try_value(&mut self, register: PReg, ty: ValType) {
        if self.options.dirty_upper_bits && ty == ValType::I32 {
            self.isa.poison_upper(register);
            self.cache.upper_dirty.insert(register);
        }
        self.spill_everything();
    }

    /// Copies between registers.
    pub(super) fn copy(&mut self, to: PReg, from: PReg) {
        self.isa.copy(to, from);
        self.checker.copy(Holder::Register(to), Holder::Register(from));
        if self.cache.upper_dirty.contains(from) {
            self.cache.upper_dirty.insert(to);
        } else {
            self.cache.upper_dirty.remove(to);
        }
    }

    /// Loads a constant, which is `value`.
    pub(super) fn load_constant(&mut self, to: PReg, ty: ValType, bits: i64, value: mj_ir::Value) {
        self.isa.constant(to, ty, bits);
        self.checker.define(Holder::Register(to), value);
        self.cache.upper_dirty.remove(to);
    }

    /// Loads a slot.
    pub(super) fn load_slot(&mut self, to: PReg, slot: u32, ty: ValType) {
        self.isa.load_frame(to, self.slot_offset(slot), width_of(ty));
        self.checker.copy(Holder::Register(to), Holder::Slot(slot));
        self.cache.upper_dirty.remove(to);
    }

    /// Stores to a slot.
    pub(super) fn store_slot(&mut self, slot: u32, from: PReg, ty: ValType) {
        self.isa.store_frame(self.slot_offset(slot), from, width_of(ty));
        self.checker.copy(Holder::Slot(slot), Holder::Register(from));
    }
}
