//! Registers for one step: what the constraint row asks for, and what is given up for it.
//!
//! Every value that is alive is in a register, in its slot, or in both; a constant may be nowhere. The value to give up is the one whose next use
//! is farthest. A value is stored at most once: its slot never goes stale, because values do not change.
//!
//! Invariant: `content[r] == v` exactly if `places[v].register == r`; only values that are still used are in registers between steps.
//! Nothing here changes the flags.

use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use mj_decode::ValType;
use mj_ir::{Checker, Class, Graph, Holder, MoveSink, Node, PReg, ParallelMoves, RegSet, Value};

use super::Driver;
use super::cover::{DEAD, Step, Use, What};
use super::edges::Entry;
use crate::isa::{self, Constraints, Definition, Isa, Locations, class_of, width_of};

/// The number of no slot.
const NO_SLOT: u32 = u32::MAX;

/// Where a value is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub register: PReg,
    /// The slot holds it.
    pub in_slot: bool,
    slot: u32,
    /// Position of its next use.
    pub next: u32,
    /// The slot holds it in all blocks before this one, however they are reached.
    pub stored_until: u32,
    /// For a parameter: the register in which edges bring it.
    pub home: PReg,
}

const NOWHERE: Place = Place { register: PReg::NONE, in_slot: false, slot: NO_SLOT, next: DEAD, stored_until: 0, home: PReg::NONE };

/// Where everything is; reusable.
#[derive(Debug)]
pub(super) struct State {
    pub places: SecondaryMap<Node, Place>,
    content: [PackedOption<Node>; 64],
    pub occupied: RegSet,
    pub allocatable: RegSet,
    /// Registers the step at hand uses.
    pub pinned: RegSet,
    /// Registers whose upper halves are not zero although they hold 32-bit values.
    pub upper_dirty: RegSet,
    /// All registers allocated so far.
    pub used: RegSet,
    pub slots: u32,
    pub entries: Vec<Entry>,
    pub checker: Checker,
    pub values: SecondaryMap<Node, Value>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            places: SecondaryMap::with_default(NOWHERE),
            content: [PackedOption::default(); 64],
            occupied: RegSet::EMPTY,
            allocatable: RegSet::EMPTY,
            pinned: RegSet::EMPTY,
            upper_dirty: RegSet::EMPTY,
            used: RegSet::EMPTY,
            slots: 0,
            entries: Vec::new(),
            checker: Checker::default(),
            values: SecondaryMap::new(),
        }
    }
}

impl State {
    pub fn reset(&mut self, allocatable: RegSet, graph: &Graph) {
        self.places.clear();
        self.empty();
        self.allocatable = allocatable;
        self.used = RegSet::EMPTY;
        self.slots = 0;
        self.entries.clear();
        self.entries.resize_with(graph.blocks.len(), Entry::default);
        self.checker.reset();
        self.values.clear();
        if cfg!(debug_assertions) {
            for node in graph.nodes.keys() {
                self.values[node] = self.checker.fresh();
            }
        }
    }

    /// No register holds anything.
    pub fn empty(&mut self) {
        for register in self.occupied.iter() {
            if let Some(value) = self.content[register.index()].take() {
                self.places[value].register = PReg::NONE;
            }
        }
        self.occupied = RegSet::EMPTY;
        self.pinned = RegSet::EMPTY;
        self.upper_dirty = RegSet::EMPTY;
    }

    pub fn value_in(&self, register: PReg) -> Option<Node> {
        self.content[register.index()].expand()
    }

    /// Notes that `value` is in `register`, and no longer in another one.
    pub fn set(&mut self, register: PReg, value: Node) {
        debug_assert!(!self.occupied.contains(register), "{register:?} is occupied");
        let old = core::mem::replace(&mut self.places[value].register, register);
        if old.is_some() {
            self.content[old.index()] = PackedOption::default();
            self.occupied.remove(old);
        }
        self.content[register.index()] = value.into();
        self.occupied.insert(register);
        self.used.insert(register);
    }

    /// Forgets what is in `register`.
    pub fn forget(&mut self, register: PReg) {
        if let Some(value) = self.content[register.index()].take() {
            self.places[value].register = PReg::NONE;
            self.occupied.remove(register);
        }
    }

    /// The slot of a value.
    pub fn slot(&mut self, value: Node) -> u32 {
        if self.places[value].slot == NO_SLOT {
            self.places[value].slot = self.slots;
            self.slots += 1;
        }
        self.places[value].slot
    }

    /// The free registers of a class.
    pub fn free(&self, class: Class) -> RegSet {
        self.allocatable & RegSet::class(class) & !(self.occupied | self.pinned)
    }
}

/// Emits copies and exchanges, and tells the checker.
pub(super) struct Mover<'m, I> {
    pub isa: &'m mut I,
    pub checker: &'m mut Checker,
}

impl<I: Isa> MoveSink for Mover<'_, I> {
    fn copy(&mut self, to: PReg, from: PReg) {
        self.isa.copy(to, from);
        self.checker.copy(Holder::Register(to), Holder::Register(from));
    }

    fn exchange(&mut self, a: PReg, b: PReg) {
        self.isa.exchange(a, b);
        self.checker.exchange(a, b);
    }
}

impl<I: Isa> Driver<'_, I> {
    pub(super) fn slot_offset(slot: u32) -> i32 {
        I::FIRST_SLOT - (slot * mj_abi::SLOT) as i32
    }

    pub(super) fn class(&self, value: Node) -> Class {
        class_of(self.graph.type_of(value))
    }

    pub(super) fn copy(&mut self, to: PReg, from: PReg) {
        Mover { isa: self.isa, checker: &mut self.state.checker }.copy(to, from);
        if self.state.upper_dirty.contains(from) {
            self.state.upper_dirty.insert(to);
        } else {
            self.state.upper_dirty.remove(to);
        }
    }

    pub(super) fn resolve(&mut self, moves: &mut ParallelMoves) {
        moves.resolve(&mut Mover { isa: self.isa, checker: &mut self.state.checker });
    }

    /// Loads a value from its slot, or a constant. Where it is otherwise, stays.
    pub(super) fn load(&mut self, to: PReg, value: Node) {
        let ty = self.graph.type_of(value);
        match self.graph.constant(value) {
            Some(bits) => {
                self.isa.constant(to, ty, bits);
                self.state.checker.define(Holder::Register(to), self.state.values[value]);
            }
            None => {
                let slot = self.state.slot(value);
                self.isa.load_frame(to, Self::slot_offset(slot), width_of(ty));
                self.state.checker.copy(Holder::Register(to), Holder::Slot(slot));
            }
        }
        self.state.upper_dirty.remove(to);
    }

    /// Makes sure that a value in a register may lose it.
    pub(super) fn save(&mut self, value: Node) {
        let place = self.state.places[value];
        if place.in_slot || self.graph.constant(value).is_some() {
            return;
        }
        let slot = self.state.slot(value);
        self.isa.store_frame(Self::slot_offset(slot), place.register, width_of(self.graph.type_of(value)));
        self.state.checker.copy(Holder::Slot(slot), Holder::Register(place.register));
        self.state.places[value].in_slot = true;
    }

    /// A free register outside `avoid`, callee-saved only if there is no other.
    fn free(&self, class: Class, avoid: RegSet) -> Option<PReg> {
        let free = self.state.free(class) & !avoid;
        (free & !self.registers.callee_saved).first().or_else(|| free.first())
    }

    /// A register outside `avoid`, which the value with the farthest use loses if need be.
    fn take(&mut self, class: Class, avoid: RegSet) -> PReg {
        let register = self.free(class, avoid).unwrap_or_else(|| {
            let state = &*self.state;
            let candidates = state.allocatable & RegSet::class(class) & state.occupied & !(state.pinned | avoid);
            let next = |register: &PReg| state.value_in(*register).map(|value| state.places[value].next);
            let victim = candidates.iter().max_by_key(next).expect("a step never uses all registers");
            let value = state.value_in(victim).expect("occupied");
            self.save(value);
            self.state.forget(victim);
            victim
        });
        self.state.used.insert(register);
        self.state.upper_dirty.remove(register);
        register
    }

    /// Moves a value out of `register`: into a free one outside `avoid`, or to its slot.
    pub(super) fn move_out(&mut self, register: PReg, avoid: RegSet) {
        let Some(value) = self.state.value_in(register) else { return };
        match self.free(register.class(), avoid) {
            Some(to) => {
                self.copy(to, register);
                self.state.set(to, value);
            }
            None => {
                self.save(value);
                self.state.forget(register);
            }
        }
    }

    pub(super) fn step(&mut self, step: &Step<I::Form>) {
        match step.what {
            What::Form(form) => self.form(form, step),
            What::Call(function) => self.call(function, step),
            What::MemoryGrow(memory) => self.memory_grow(memory, step),
        }
    }

    fn form(&mut self, form: I::Form, step: &Step<I::Form>) {
        let row = self.isa.constraints(form);
        let mut buffer = [Use { value: Node::from_u32(0), next: DEAD }; 4];
        let given = self.covered.uses_of(step);
        debug_assert_eq!(given.len(), row.uses.len(), "{form:?} has as many uses as its row");
        let uses = &mut buffer[..given.len()];
        uses.copy_from_slice(given);
        if row.definition == Definition::Tied && row.commutative && uses[0].next != DEAD && uses[1].next == DEAD {
            uses.swap(0, 1);
        }
        let mut at = Locations {
            definition: PReg::NONE,
            uses: [PReg::NONE; 4],
            temporaries: [PReg::NONE; 2],
            immediate: step.immediate,
            offset: step.offset,
            at: step.at,
        };
        if !row.is_plain {
            self.place_fixed(row, uses, &mut at);
        }
        self.place_uses(row, uses, &mut at);
        for (&class, temporary) in row.temporaries.iter().zip(&mut at.temporaries) {
            *temporary = self.take(class, RegSet::EMPTY);
            self.state.pinned.insert(*temporary);
        }
        self.release(uses);
        let materialised = step.condition.is_some();
        if let (Some(result), false) = (step.result.expand(), materialised) {
            at.definition = self.define(row, result, &at, uses.len());
        }
        self.check(uses, &at);
        self.isa.emit(form, &at);
        self.spoil(row, &at);
        self.state.pinned = RegSet::EMPTY;
        if let Some(result) = step.result.expand() {
            if let Some(condition) = step.condition {
                at.definition = self.take(Class::Int, RegSet::EMPTY);
                self.isa.set_condition(at.definition, condition);
            }
            self.finish_definition(at.definition, result, step.next);
        }
    }

    /// Fixed uses, and what must be empty.
    fn place_fixed(&mut self, row: &Constraints, uses: &[Use], at: &mut Locations) {
        let mut lost = row.clobbers;
        if let Definition::Fixed(register) = row.definition {
            lost.insert(register);
        }
        let mut reserved = lost;
        for with in row.uses {
            if let isa::Use::Fixed(register) = *with {
                reserved.insert(register);
            }
        }
        for register in reserved.iter() {
            let Some(value) = self.state.value_in(register) else { continue };
            let here = isa::Use::Fixed(register);
            let is_wanted = |fixed: bool| uses.iter().zip(row.uses).any(|(one, &with)| one.value == value && (with == here) == fixed);
            let next = uses.iter().find(|one| one.value == value).map_or(self.state.places[value].next, |one| one.next);
            if is_wanted(true) {
                let index = row.uses.iter().position(|&with| with == here).expect("just found");
                at.uses[index] = register;
                if !lost.contains(register) {
                    continue;
                }
            }
            if next != DEAD || is_wanted(false) {
                self.move_out(register, reserved);
            } else {
                self.state.forget(register);
            }
        }
        for (index, &with) in row.uses.iter().enumerate() {
            if let isa::Use::Fixed(register) = with
                && at.uses[index].is_none()
            {
                self.bring(register, uses[index].value);
                at.uses[index] = register;
            }
        }
        self.state.pinned |= reserved;
        self.state.used |= reserved;
    }

    /// Copies a value to `to`, wherever it is.
    pub(super) fn bring(&mut self, to: PReg, value: Node) {
        let from = self.state.places[value].register;
        if from.is_some() {
            self.copy(to, from);
        } else {
            self.load(to, value);
        }
    }

    fn place_uses(&mut self, row: &Constraints, uses: &[Use], at: &mut Locations) {
        // What is in a register already is pinned before anything is given up.
        for (index, one) in uses.iter().enumerate() {
            let register = self.state.places[one.value].register;
            if at.uses[index].is_none() && register.is_some() {
                at.uses[index] = register;
                self.state.pinned.insert(register);
            }
        }
        for (index, one) in uses.iter().enumerate() {
            if at.uses[index].is_none() {
                // The same value may have been loaded for the use before.
                let register = match self.state.places[one.value].register {
                    register if register.is_some() => register,
                    _ => self.reload(one.value),
                };
                self.state.pinned.insert(register);
                at.uses[index] = register;
            }
            if row.uses[index] == isa::Use::ZeroExtended {
                self.clean_upper(at.uses[index]);
            }
        }
    }

    fn reload(&mut self, value: Node) -> PReg {
        let register = self.take(self.class(value), RegSet::EMPTY);
        self.load(register, value);
        self.state.set(register, value);
        register
    }

    pub(super) fn clean_upper(&mut self, register: PReg) {
        if self.state.upper_dirty.contains(register) {
            self.isa.zero_extend(register, register);
            self.state.upper_dirty.remove(register);
        }
    }

    /// The uses have happened: values that are not used again leave their registers.
    pub(super) fn release(&mut self, uses: &[Use]) {
        for one in uses {
            let place = &mut self.state.places[one.value];
            place.next = one.next;
            if one.next == DEAD && place.register.is_some() {
                let register = place.register;
                self.state.forget(register);
            }
        }
    }

    /// The definition's register: the one in which an edge wants it, the first use's, or any.
    fn define(&mut self, row: &Constraints, result: Node, at: &Locations, uses: usize) -> PReg {
        let mut keep = row.clobbers;
        at.temporaries.iter().filter(|register| register.is_some()).for_each(|&register| keep.insert(register));
        let conflicting = match row.definition {
            Definition::Fixed(register) => return register,
            _ if row.early_definition => &at.uses[..uses],
            Definition::Tied => &at.uses[1..uses],
            _ => &[],
        };
        conflicting.iter().for_each(|&register| keep.insert(register));
        self.state.pinned = keep;
        let class = self.class(result);
        let free = self.state.free(class);
        let first = at.uses[0];
        let parameter = self.covered.becomes[result].expand().map_or(PReg::NONE, |parameter| self.state.places[parameter].home);
        let fits = |register: PReg| register.is_some() && free.contains(register);
        if row.definition == Definition::Tied && fits(first) {
            first
        } else if fits(parameter) {
            self.state.used.insert(parameter);
            parameter
        } else if fits(first) {
            first
        } else {
            self.take(class, RegSet::EMPTY)
        }
    }

    pub(super) fn finish_definition(&mut self, register: PReg, result: Node, next: u32) {
        self.state.checker.define(Holder::Register(register), self.state.values[result]);
        self.state.upper_dirty.remove(register);
        if self.emission.options.dirty_upper_bits && self.graph.type_of(result) == ValType::I32 {
            self.isa.poison_upper(register);
            self.state.upper_dirty.insert(register);
        }
        self.state.places[result].next = next;
        if next != DEAD {
            self.state.set(register, result);
        }
    }

    fn check(&self, uses: &[Use], at: &Locations) {
        for (one, &register) in uses.iter().zip(&at.uses) {
            self.state.checker.expect(Holder::Register(register), self.state.values[one.value]);
        }
    }

    /// Tells the checker what a form destroys.
    fn spoil(&mut self, row: &Constraints, at: &Locations) {
        if cfg!(debug_assertions) {
            let temporaries = at.temporaries.into_iter().filter(|register| register.is_some());
            for register in row.clobbers.iter().chain(temporaries) {
                self.state.checker.clobber(Holder::Register(register));
            }
        }
    }
}
