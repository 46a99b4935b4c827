//! Where control flow meets: which local is in which register at a label, and how an edge gets there.
//!
//! The first edge to a forward label fixes its state: the locals that happen to be in registers stay there. Later edges
//! conform to it. A loop header's state is chosen from the hints: the locals that the loop uses most, each in a register that it
//! then keeps for the whole loop if it can (its *home*). All other locals are in their slots.
//!
//! At a merge no temporary is in a register, with one exception: a label's single result travels in the first position of its class.
//! Several results travel in the slots of their depths.
//!
//! Invariant: edge code changes neither the flags nor the compile-time state, so that it can stand behind a conditional jump.

use mj_decode::ValType;
use mj_ir::{Class, Holder, MoveSink, PReg, ParallelMoves, RegSet, Snapshot};

use super::Baseline;
use super::values::{Entry, Place};
use crate::isa::{Isa, class_of, width_of};

/// Registers kept free of locals at loop headers, for temporaries.
const SPARE: u32 = 4;

/// Emits copies and exchanges, and tells the checker.
pub(super) struct Emitter<'e, I> {
    pub isa: &'e mut I,
    pub checker: &'e mut mj_ir::Checker,
}

impl<I: Isa> MoveSink for Emitter<'_, I> {
    fn copy(&mut self, to: PReg, from: PReg) {
        self.isa.copy(to, from);
        self.checker.copy(Holder::Register(to), Holder::Register(from));
    }

    fn exchange(&mut self, a: PReg, b: PReg) {
        self.isa.exchange(a, b);
        self.checker.exchange(a, b);
    }
}

/// Entries of the operand stack that are looked through again and again, at most.
const FAR: usize = 64;

/// Settled entries of tiered code that are constant, at most.
const MOST_CONSTANTS: usize = 16;

impl<I: Isa> Baseline<'_, I> {
    /// The register in which a single result of type `ty` travels.
    pub(super) fn result_register(&self, ty: ValType) -> PReg {
        match class_of(ty) {
            Class::Int => self.registers.int_positions[0],
            Class::Float => self.registers.float_positions[0],
        }
    }

    /// Brings all entries from `settled` on into their slots (constants may stay), so that blocks may begin.
    pub(super) fn settle(&mut self) {
        self.settle_below(self.stack.len());
    }

    /// Brings entries far from the top into their slots, so that looking through the others takes no time.
    #[inline]
    pub(super) fn settle_deep(&mut self) {
        if self.stack.len() > self.settled + FAR {
            self.settle_below(self.stack.len() - FAR / 2);
        }
    }

    fn settle_below(&mut self, height: usize) {
        self.forget_constants();
        for index in self.settled..height {
            self.settle_entry(index);
        }
        self.settled = height;
    }

    /// Entries below this height are in slots or constant, from now on.
    #[inline]
    pub(super) fn set_settled(&mut self, height: usize) {
        self.forget_constants();
        self.settled = height;
    }

    /// Forgets constants that are settled no more: what is there now may be something else.
    fn forget_constants(&mut self) {
        while self.constants.last().is_some_and(|&constant| constant >= self.settled) {
            self.constants.pop();
        }
    }

    fn settle_entry(&mut self, index: usize) {
        self.force(index);
        let entry = self.stack[index];
        match entry.place {
            Place::Slot => {}
            // Every loop stores constants when its frame changes hands: a few stay, others are stored once, here.
            Place::Constant(_) if self.options.tiering.is_none() => {}
            Place::Constant(_) if self.constants.len() < MOST_CONSTANTS => self.constants.push(index),
            _ => self.store_entry(index, entry),
        }
    }

    /// Stores an entry into the slot of its depth.
    pub(super) fn store_entry(&mut self, index: usize, entry: Entry) {
        let slot = self.stack_slot(index);
        match entry.place {
            Place::Slot => return,
            Place::Register(register) => {
                self.store_slot(slot, register, entry.ty);
                self.cache.release(register);
            }
            Place::Local(local) => {
                self.cache.locals[local as usize].pending -= 1;
                let register = self.local_register(local);
                self.store_slot(slot, register, entry.ty);
            }
            Place::Constant(bits) => {
                self.isa.store_frame_constant(self.slot_offset(slot), entry.ty, bits);
                self.checker.define(Holder::Slot(slot), entry.value);
            }
            Place::Flags(_) | Place::Deferred => unreachable!("forced before"),
        }
        self.stack[index].place = Place::Slot;
    }

    /// Stores zero into the slots of all locals that are still zero and nowhere.
    pub(super) fn materialise_zeros(&mut self) {
        if core::mem::replace(&mut self.zeros_done, true) {
            return;
        }
        let mut local = 0;
        while local < self.cache.locals.len() {
            let start = local;
            while local < self.cache.locals.len() && self.cache.locals[local].zero {
                self.cache.locals[local].zero = false;
                let slot = self.local_slot(local as u32);
                self.checker.define(Holder::Slot(slot), self.local_values[local]);
                local += 1;
            }
            if local > start {
                let offset = self.slot_offset(self.local_slot(start as u32));
                self.isa.zero_frame(offset, (local - start) as u32);
            } else {
                local += 1;
            }
        }
    }

    /// Whether the edge from here to `snapshot` needs no code.
    pub(super) fn conforms(&self, snapshot: &Snapshot) -> bool {
        let current = self.cache.snapshot();
        // Registers that the label does not want may hold clean locals.
        let extra = current.bound & !snapshot.bound;
        if !(extra & current.dirty).is_empty() || !(snapshot.bound & !current.bound).is_empty() {
            return false;
        }
        if snapshot.is_final && !(current.dirty & snapshot.bound & !snapshot.dirty).is_empty() {
            return false;
        }
        snapshot.bound.iter().all(|register| snapshot.local_in(register) == current.local_in(register))
    }

    /// Code of an edge to `snapshot`; `result` (an entry and the register it travels in) moves along. Returns the registers whose
    /// locals are dirty on this edge.
    pub(super) fn conform(&mut self, snapshot: &Snapshot, result: Option<(Entry, u32, PReg)>) -> RegSet {
        if result.is_none() && self.conforms(snapshot) {
            return self.cache.dirty() & snapshot.bound;
        }
        let mut dirty = RegSet::EMPTY;
        let mut moves = ParallelMoves::default();
        // Registers whose locals the label wants somewhere, and registers to be loaded.
        let mut kept = RegSet::EMPTY;
        let mut loads = RegSet::EMPTY;
        for to in snapshot.bound.iter() {
            let local = snapshot.local_in(to).expect("bound");
            let from = self.cache.locals[local as usize].register;
            if from.is_none() {
                loads.insert(to);
                continue;
            }
            kept.insert(from);
            moves.push(to, from);
            if self.cache.dirty().contains(from) {
                if snapshot.is_final && !snapshot.dirty.contains(to) {
                    self.store_local(local, from);
                } else {
                    dirty.insert(to);
                }
            }
        }
        for from in (self.cache.dirty() & !kept).iter() {
            let local = self.cache.local_in(from).expect("bound");
            self.store_local(local, from);
        }
        if let Some((Entry { place, .. }, _, to)) = result {
            match place {
                Place::Register(from) => moves.push(to, from),
                Place::Local(local) if self.cache.locals[local as usize].register.is_some() => {
                    moves.push(to, self.cache.locals[local as usize].register);
                }
                _ => {}
            }
        }
        moves.resolve(&mut Emitter { isa: self.isa, checker: &mut self.checker });
        for to in loads.iter() {
            let local = snapshot.local_in(to).expect("bound");
            let (slot, ty) = (self.local_slot(local), self.local_types[local as usize]);
            self.isa.load_frame(to, self.slot_offset(slot), width_of(ty));
            self.checker.copy(Holder::Register(to), Holder::Slot(slot));
        }
        if let Some((entry, slot, to)) = result {
            self.load_result(entry, slot, to);
        }
        dirty
    }

    /// Loads a travelling result that is not in a register.
    fn load_result(&mut self, entry: Entry, slot: u32, to: PReg) {
        match entry.place {
            Place::Slot => {
                self.isa.load_frame(to, self.slot_offset(slot), width_of(entry.ty));
                self.checker.copy(Holder::Register(to), Holder::Slot(slot));
            }
            Place::Constant(bits) => {
                self.isa.constant(to, entry.ty, bits);
                self.checker.define(Holder::Register(to), entry.value);
            }
            Place::Local(local) if self.cache.locals[local as usize].register.is_none() => {
                let slot = self.local_slot(local);
                self.isa.load_frame(to, self.slot_offset(slot), width_of(entry.ty));
                self.checker.copy(Holder::Register(to), Holder::Slot(slot));
            }
            // Behind the label nobody knows of dirty upper halves.
            Place::Register(from) if entry.ty == ValType::I32 && self.cache.upper_dirty.contains(from) => self.isa.zero_extend(to, to),
            _ => {}
        }
    }

    /// The state of a loop header: the locals the loop uses most, in registers that last.
    pub(super) fn loop_state(&mut self, at: u32) -> Snapshot {
        let mut wanted = core::mem::take(&mut self.wanted);
        wanted.clear();
        let hints = self.hints.loop_at(at).expect("the outermost loop has been scanned");
        for touch in self.hints.touches(hints).take(4096) {
            if let Some((_, written)) = wanted.iter_mut().find(|(local, _)| *local == touch.local) {
                *written |= touch.written;
            } else if wanted.len() < 64 {
                wanted.push((touch.local, touch.written));
            }
        }
        let has_call = hints.has_call;
        wanted.sort_by_key(|&(local, _)| core::cmp::Reverse(self.hints.weights[local as usize]));
        let mut snapshot = Snapshot::empty();
        for class in [Class::Int, Class::Float].into_iter().filter(|_| !self.options.spill_everything) {
            self.choose_homes(&mut snapshot, &wanted, class, has_call);
        }
        self.wanted = wanted;
        snapshot.is_final = true;
        snapshot
    }

    fn choose_homes(&mut self, snapshot: &mut Snapshot, wanted: &[(u32, bool)], class: Class, has_call: bool) {
        let all = self.cache.allocatable & RegSet::class(class);
        let usable = if has_call { all & self.callee_saved } else { all };
        let room = if has_call { usable.len() } else { all.len().saturating_sub(SPARE).max(all.len() / 4) };
        let chosen = wanted.iter().filter(|&&(local, _)| self.cache.locals[local as usize].class == class).take(room as usize);
        // First those that already are in a register of the right kind, then the others.
        let mut free = usable;
        let stays = |cache: &mj_ir::Cache, local: u32, free: RegSet| {
            let register = cache.locals[local as usize].register;
            (register.is_some() && free.contains(register)).then_some(register)
        };
        for &(local, written) in chosen.clone() {
            if let Some(register) = stays(&self.cache, local, free) {
                free.remove(register);
                let dirty = written || self.cache.dirty().contains(register);
                snapshot.bind(local, register, dirty);
            }
        }
        for &(local, written) in chosen {
            if snapshot.register_of(local).is_none() {
                // From the top: the low registers are the ones with special duties.
                let Some(register) = (free & !self.callee_saved).last().or_else(|| free.last()) else { return };
                free.remove(register);
                let old = self.cache.locals[local as usize].register;
                let dirty = written || old.is_some() && self.cache.dirty().contains(old);
                snapshot.bind(local, register, dirty);
            }
        }
    }

    /// After the code of a label: the state is `snapshot`, and all claimed places are facts for the checker.
    pub(super) fn enter_label(&mut self, snapshot: &Snapshot) {
        self.cache.restore(snapshot);
        if cfg!(debug_assertions) {
            self.assume_state();
        }
    }

    /// Tells the checker anew what every place holds.
    fn assume_state(&mut self) {
        for index in 0..64 {
            let register = if index < 32 { PReg::int(index) } else { PReg::float(index - 32) };
            self.checker.clobber(Holder::Register(register));
        }
        for local in 0..self.local_values.len() {
            let value = self.checker.fresh();
            self.local_values[local] = value;
            let register = self.cache.locals[local].register;
            let slot = self.local_slot(local as u32);
            if register.is_some() {
                self.checker.define(Holder::Register(register), value);
            }
            if register.is_none() || !self.cache.dirty().contains(register) {
                self.checker.define(Holder::Slot(slot), value);
            } else {
                self.checker.clobber(Holder::Slot(slot));
            }
        }
        for index in 0..self.stack.len() {
            let value = self.checker.fresh();
            self.stack[index].value = value;
            if self.stack[index].place == Place::Slot {
                self.checker.define(Holder::Slot(self.stack_slot(index)), value);
            }
        }
    }

    /// In debug builds: every local is where the state claims, before an edge that conforms without code.
    pub(super) fn check_locals(&self) {
        if cfg!(debug_assertions) {
            for (local, state) in self.cache.locals.iter().enumerate() {
                let value = self.local_values[local];
                if state.register.is_some() {
                    self.checker.expect(Holder::Register(state.register), value);
                } else if !state.zero {
                    self.checker.expect(Holder::Slot(self.local_slot(local as u32)), value);
                }
            }
        }
    }
}
