//! Registers for one step: what the constraints ask for, and what is given up for it.

use cranelift_entity::EntityRef;
use smallvec::SmallVec;

use super::live::NEVER;
use super::state::{Stored, ValueState};
use super::{Action, Location, Pass};
use crate::ssa::{Block, Node};
use crate::{Arrival, Class, Defined, Definition, MoveSink, Operand, PReg, ParallelMoves, RegSet, Use};

/// How many calls ahead are looked at.
const CALLS_AHEAD: usize = 4;

/// How many loops outward a next use is looked for.
const LOOPS_OUTWARD: usize = 16;

impl MoveSink for Vec<Action> {
    fn copy(&mut self, to: PReg, from: PReg) {
        self.push(Action::Copy { to, from });
    }

    fn exchange(&mut self, a: PReg, b: PReg) {
        self.push(Action::Exchange(a, b));
    }
}

fn register_of(location: Location) -> PReg {
    match location {
        Location::Register(register) => register,
        _ => PReg::NONE,
    }
}

/// The registers among some locations.
fn set_of(locations: &[Location]) -> RegSet {
    let mut set = RegSet::EMPTY;
    for &location in locations {
        if let Location::Register(register) = location {
            set.insert(register);
        }
    }
    set
}

impl Pass<'_> {
    /// The function's parameters come by the convention.
    pub(super) fn arrive(&mut self) {
        for &(value, arrival) in &self.selected.arrivals {
            let Arrival::Register(register) = arrival else { continue };
            if self.state.next(self.live, value) == NEVER {
                continue;
            }
            self.out.homes.push((value, register));
            if self.state.allocatable.contains(register) && !self.spill_everything {
                self.state.set(register, value);
                self.out.used.insert(register);
            } else {
                // A cut register file does not hold it, or nothing stays in registers: it is in its slot from here on.
                self.state.slot(value);
                self.state.value_mut(value).stored = Stored::Always;
            }
        }
    }

    /// A step has defined a value in `register`, where it stays if the register file has it.
    fn come(&mut self, value: Node, register: PReg) {
        if self.state.allocatable.contains(register) {
            self.state.set(register, value);
        } else {
            let slot = self.state.slot(value);
            self.act(Action::Store { slot, from: register });
            self.state.value_mut(value).stored = Stored::At(self.block);
        }
    }

    /// Whether a value's slot holds it here.
    fn is_stored(&self, value: Node) -> bool {
        self.is_stored_in(value, self.block)
    }

    pub(super) fn is_stored_in(&self, value: Node, block: Block) -> bool {
        match self.state.value(value).stored {
            Stored::No => false,
            Stored::At(since) => self.live.dominates(since, block),
            Stored::Always | Stored::Given => true,
        }
    }

    /// Makes sure that a value in a register may lose it.
    pub(super) fn save(&mut self, value: Node) {
        if self.state.value(value).is_constant || self.is_stored(value) {
            return;
        }
        let slot = self.state.slot(value);
        let defined = self.function.nodes[value].block.expand().expect("no constant");
        if self.function.blocks[defined].depth < self.function.blocks[self.block].depth {
            self.state.value_mut(value).stored = Stored::Always;
        } else {
            let from = self.state.value(value).register;
            self.act(Action::Store { slot, from });
            self.stored_at(value, self.block);
        }
    }

    /// Notes that a value's slot holds it in what `block` dominates.
    pub(super) fn stored_at(&mut self, value: Node, block: Block) {
        self.state.value_mut(value).stored = Stored::At(block);
        let number = self.live.number(value);
        if let Some(word) = self.state.wandering.get_mut(number as usize / 64)
            && self.function.nodes[value].block != block.into()
        {
            *word |= 1 << (number % 64);
        }
    }

    /// Whether a value is needed behind the step at hand, whose uses have been counted.
    fn is_needed(&self, value: Node) -> bool {
        self.state.next(self.live, value) <= self.end || self.live.is_live_out(value)
    }

    /// When a value is used next, around the loops it is alive in.
    pub(super) fn distance(&self, value: Node) -> u32 {
        let next = self.state.next(self.live, value);
        if next <= self.end {
            return next;
        }
        let mut header = self.function.blocks[self.block].header.expand();
        for _ in 0..LOOPS_OUTWARD {
            let Some(at) = header else { break };
            let end = self.loop_end(at);
            if next < end {
                return next;
            }
            let begin = self.live.begins[at.index()];
            if self.live.is_live_in(at, value) {
                let first = self.live.first_use_from(value, begin);
                if first < end {
                    return end + (first - begin);
                }
            }
            header = self.function.outer_header(at);
        }
        next
    }

    /// Position behind a loop.
    pub(super) fn loop_end(&self, header: Block) -> u32 {
        let end = self.function.blocks[header].loop_end.expand().expect("a header");
        self.live.begins[end.index().min(self.live.begins.len() - 1)]
    }

    /// Whether a value that is defined or comes here is still needed behind a call.
    pub(super) fn crosses_call(&self, value: Node) -> bool {
        let Some(&last) = self.live.uses_of(value).last() else { return false };
        let crosses = |&(call, block): &(u32, Block)| {
            let is_alive = call < last && (block == self.block || self.live.is_live_in(block, value));
            is_alive || self.function.blocks[block].header.expand().is_some_and(|header| self.live.is_live_in(header, value))
        };
        self.state.calls[self.state.next_call..].iter().take(CALLS_AHEAD).any(crosses)
    }

    /// The best of some free registers for a value; `preferred` if nothing speaks for another.
    pub(super) fn choose(&self, value: Node, free: RegSet, preferred: PReg) -> Option<PReg> {
        if free.is_empty() {
            return None;
        }
        let state = self.state.value(value);
        let callee_saved = self.registers.callee_saved & free;
        if !callee_saved.is_empty() && self.crosses_call(value) {
            if preferred.is_some() && callee_saved.contains(preferred) {
                return Some(preferred);
            }
            return callee_saved.first();
        }
        if let Some(parameter) = state.becomes.expand() {
            let home = self.state.value(parameter).home;
            if home.is_some() && free.contains(home) {
                return Some(home);
            }
        }
        [state.hint, preferred].into_iter().find(|&wanted| wanted.is_some() && free.contains(wanted)).or_else(|| self.any_of(free))
    }

    /// One of some free registers: callee-saved or much wanted ones only if there is no other.
    fn any_of(&self, free: RegSet) -> Option<PReg> {
        let plain = free & !self.registers.callee_saved;
        (plain & !self.registers.special).first().or_else(|| plain.first()).or_else(|| free.first())
    }

    /// An empty register outside `avoid`; the value with the farthest use loses it if need be.
    fn take(&mut self, class: Class, avoid: RegSet) -> PReg {
        let register = match self.any_of(self.state.free(class) & !avoid) {
            Some(register) => register,
            None => self.evict_farthest(class, avoid),
        };
        self.out.used.insert(register);
        register
    }

    fn evict_farthest(&mut self, class: Class, avoid: RegSet) -> PReg {
        let victim = self.farthest(class, self.state.pinned | avoid).expect("a step never uses all registers");
        self.evict(victim);
        victim
    }

    /// The register of a class, outside `avoid`, whose value has the farthest next use.
    fn farthest(&self, class: Class, avoid: RegSet) -> Option<PReg> {
        let candidates = self.state.allocatable & RegSet::class(class) & self.state.occupied & !avoid;
        candidates.iter().max_by_key(|&register| self.state.value_in(register).map(|value| self.distance(value)))
    }

    fn evict(&mut self, register: PReg) {
        if let Some(value) = self.state.value_in(register) {
            self.save(value);
            self.state.forget(register);
        }
    }

    /// Moves a value out of `register`: into a free one outside `avoid`, or to its slot. The register still has its bits.
    fn move_out(&mut self, register: PReg, avoid: RegSet) {
        let Some(value) = self.state.value_in(register) else { return };
        let free = self.state.free(register.class()) & !avoid;
        match self.choose(value, free, PReg::NONE) {
            Some(to) if !self.state.value(value).is_constant => {
                self.act(Action::Copy { to, from: register });
                self.state.set(to, value);
                self.out.used.insert(to);
            }
            _ => self.evict(register),
        }
    }

    /// Loads a value that is in no register.
    fn load(&mut self, to: PReg, value: Node) {
        if self.state.value(value).is_constant {
            self.act(Action::Constant { to, value });
        } else {
            let slot = self.state.slot(value);
            self.act(Action::Load { to, slot, value });
        }
    }

    pub(super) fn step(&mut self, index: u32) {
        let selected = self.selected;
        let step = &selected.steps[index as usize];
        let (uses, definitions) = (selected.uses(step), selected.definitions(step));
        for operand in uses {
            self.state.advance(operand.value);
        }
        self.state.pass_calls(self.position + 1);
        self.state.pinned = RegSet::EMPTY;
        self.out.step_locations.push(self.out.locations.len() as u32);
        if step.is_call {
            self.call(index, uses, definitions);
        } else {
            self.form(index, uses, definitions);
        }
        self.state.pinned = RegSet::EMPTY;
        if self.spill_everything {
            self.spill_everything();
        }
    }

    /// Leaves no value in a register.
    #[cold]
    fn spill_everything(&mut self) {
        for register in self.state.occupied.iter() {
            let value = self.state.value_in(register).expect("occupied");
            if self.is_needed(value) {
                self.save(value);
            }
            self.state.forget(register);
        }
    }

    fn form(&mut self, index: u32, uses: &[Operand], definitions: &[Defined]) {
        let constraints = self.selected.steps[index as usize].constraints;
        let mut reserved = constraints.clobbers;
        if !constraints.is_plain {
            let mut lost = constraints.clobbers;
            for defined in definitions {
                if let Definition::Fixed(register) = defined.constraint {
                    lost.insert(register);
                }
            }
            reserved |= lost;
            for operand in uses {
                if let Use::Fixed(register) = operand.constraint {
                    reserved.insert(register);
                }
            }
            self.vacate(uses, reserved, lost);
            self.bring_fixed(uses);
        }
        let first = self.out.locations.len();
        if !self.find_present(uses) {
            for (index, operand) in (first..).zip(uses) {
                if self.out.locations[index] == Location::Nowhere {
                    self.out.locations[index] = self.bring(operand, reserved);
                }
            }
        }
        let defined = definitions.first();
        self.out.locations.extend(defined.map(|_| Location::Nowhere));
        let mut temporaries = RegSet::EMPTY;
        for &class in constraints.temporaries {
            let register = self.take(class, reserved);
            self.state.pinned.insert(register);
            temporaries.insert(register);
            self.out.locations.push(Location::Register(register));
        }
        self.finish_form(index, uses, defined, first, temporaries);
    }

    /// Empties the registers that the step wants for itself.
    fn vacate(&mut self, uses: &[Operand], reserved: RegSet, lost: RegSet) {
        for register in (reserved & self.state.occupied).iter() {
            let value = self.state.value_in(register).expect("occupied");
            let is_meant = uses.iter().any(|operand| operand.value == value && operand.constraint == Use::Fixed(register));
            let is_operand = uses.iter().any(|operand| operand.value == value && operand.constraint != Use::Fixed(register));
            let is_needed = self.is_needed(value);
            if is_meant && !is_operand && !(is_needed && lost.contains(register)) {
                continue;
            }
            if is_needed || is_operand {
                self.move_out(register, reserved);
            } else {
                self.state.forget(register);
            }
            if is_meant {
                // It has been moved, but its bits are where they are wanted.
                self.state.pinned.insert(register);
            }
        }
    }

    /// Copies or loads what must be in certain registers.
    fn bring_fixed(&mut self, uses: &[Operand]) {
        let mut moves = ParallelMoves::default();
        for operand in uses {
            let Use::Fixed(to) = operand.constraint else { continue };
            let from = self.state.value(operand.value).register;
            if from.is_some() && from != to && !self.state.pinned.contains(to) {
                moves.push(to, from);
            }
        }
        moves.resolve(&mut self.out.actions);
        for operand in uses {
            let Use::Fixed(to) = operand.constraint else { continue };
            if self.state.value(operand.value).register.is_none() && !self.state.pinned.contains(to) {
                self.load(to, operand.value);
            }
            self.state.pinned.insert(to);
            self.out.used.insert(to);
        }
    }

    /// Notes where the operands are that are in registers, which they keep. False if there are others, which are `Nowhere` so far.
    fn find_present(&mut self, uses: &[Operand]) -> bool {
        let mut are_all = true;
        for operand in uses {
            let register = self.state.value(operand.value).register;
            let location = match operand.constraint {
                Use::Fixed(register) => Location::Register(register),
                _ if register.is_some() => {
                    self.state.pinned.insert(register);
                    Location::Register(register)
                }
                _ => {
                    are_all = false;
                    Location::Nowhere
                }
            };
            self.out.locations.push(location);
        }
        are_all
    }

    /// Brings an operand that was in no register to where it may be used, and says where that is.
    fn bring(&mut self, operand: &Operand, reserved: RegSet) -> Location {
        let value = operand.value;
        let &ValueState { register, class, is_constant, .. } = self.state.value(value);
        match operand.constraint {
            // It is another operand, too.
            _ if register.is_some() => Location::Register(register),
            Use::Fixed(register) => Location::Register(register),
            Use::Anywhere if is_constant => Location::Constant(value),
            Use::Anywhere => Location::Slot(self.state.slot(value)),
            Use::Any | Use::ZeroExtended => {
                let free = self.state.free(class) & !reserved;
                let register = match self.choose(value, free, PReg::NONE) {
                    Some(register) => register,
                    None => self.evict_farthest(class, reserved),
                };
                self.load(register, value);
                self.state.set(register, value);
                self.state.pinned.insert(register);
                self.out.used.insert(register);
                Location::Register(register)
            }
        }
    }

    /// Lets go of what is not needed any more, finds the result's register, and emits. The operands' locations begin with number `start`.
    fn finish_form(&mut self, index: u32, uses: &[Operand], defined: Option<&Defined>, start: usize, temporaries: RegSet) {
        let constraints = self.selected.steps[index as usize].constraints;
        if let Some(defined) = defined
            && defined.constraint == Definition::Tied
            && constraints.commutative
            && uses.len() > 1
        {
            let (first, second) = (!self.is_needed(uses[0].value), !self.is_needed(uses[1].value));
            let wanted = self.wanted(defined.value);
            if second && (!first || wanted.is_some() && wanted == register_of(self.out.locations[start + 1])) {
                self.out.locations.swap(start, start + 1);
            }
        }
        let mut dying = RegSet::EMPTY;
        for operand in uses {
            let register = self.state.value(operand.value).register;
            if register.is_some() && !self.is_needed(operand.value) {
                dying.insert(register);
                self.state.forget(register);
            }
        }
        let mut result = Location::Nowhere;
        if let Some(defined) = defined {
            let locations = &self.out.locations[start..start + uses.len()];
            let mut forbidden = temporaries | (set_of(locations) & !dying);
            let first = locations.first().map_or(PReg::NONE, |&location| register_of(location));
            if constraints.early_definition {
                forbidden |= set_of(locations);
            } else if defined.constraint == Definition::Tied {
                forbidden |= set_of(&locations[1..]);
            }
            result = self.define(defined, forbidden, first);
            self.out.locations[start + uses.len()] = result;
        }
        self.act(Action::Step(index));
        self.out.used |= constraints.clobbers;
        self.settle(defined, result);
    }

    /// The register in which a value would best be.
    fn wanted(&self, value: Node) -> PReg {
        let state = self.state.value(value);
        let home = state.becomes.expand().map_or(PReg::NONE, |parameter| self.state.value(parameter).home);
        if home.is_some() { home } else { state.hint }
    }

    /// Finds the register of a result. Whatever was in it has been moved.
    fn define(&mut self, defined: &Defined, forbidden: RegSet, preferred: PReg) -> Location {
        if let Definition::Fixed(register) = defined.constraint {
            self.out.used.insert(register);
            return Location::Register(register);
        }
        let value = defined.value;
        let class = self.state.value(value).class;
        let free = self.state.allocatable & RegSet::class(class) & !self.state.occupied & !forbidden;
        let register = match self.choose(value, free, preferred) {
            Some(register) => register,
            None => {
                // If the step uses all registers, the first use survives in its slot.
                let victim = self.farthest(class, forbidden).unwrap_or(preferred);
                self.evict(victim);
                victim
            }
        };
        self.out.used.insert(register);
        Location::Register(register)
    }

    /// The result is there.
    fn settle(&mut self, defined: Option<&Defined>, location: Location) {
        let (Some(defined), Location::Register(register)) = (defined, location) else { return };
        if self.is_needed(defined.value) {
            self.come(defined.value, register);
        }
    }

    fn call(&mut self, index: u32, uses: &[Operand], definitions: &[Defined]) {
        self.survive();
        let mut moves = ParallelMoves::default();
        for operand in uses {
            if let Use::Fixed(to) = operand.constraint {
                let from = self.state.value(operand.value).register;
                if from.is_some() {
                    moves.push(to, from);
                }
                self.out.locations.push(Location::Register(to));
            } else {
                unreachable!("a call's operands are fixed");
            }
        }
        let free = self.state.allocatable & !(self.state.occupied | self.registers.callee_saved);
        moves.resolve_with(&mut self.out.actions, free);
        for operand in uses {
            if let Use::Fixed(to) = operand.constraint
                && self.state.value(operand.value).register.is_none()
            {
                self.load(to, operand.value);
            }
        }
        for register in self.state.occupied.iter() {
            let is_lost = !self.registers.callee_saved.contains(register);
            let value = self.state.value_in(register).expect("occupied");
            if is_lost || !self.is_needed(value) {
                self.state.forget(register);
            }
        }
        self.act(Action::Step(index));
        for defined in definitions {
            let Definition::Fixed(register) = defined.constraint else { unreachable!("a call's results are fixed") };
            self.out.locations.push(Location::Register(register));
            self.settle(Some(defined), Location::Register(register));
        }
    }

    /// Brings what is needed behind a call out of the registers that it destroys. References are stored besides, wherever they are: the collector of
    /// instances looks for them in frames, not in registers that callees have saved.
    fn survive(&mut self) {
        if self.state.has_references {
            self.save_references();
        }
        let lost = self.state.occupied & !self.registers.callee_saved;
        let mut values: SmallVec<[(u32, PReg, Node); 16]> = SmallVec::new();
        for register in lost.iter() {
            let value = self.state.value_in(register).expect("occupied");
            if self.is_needed(value) && !self.state.value(value).is_constant {
                values.push((self.distance(value), register, value));
            }
        }
        values.sort_unstable_by_key(|&(distance, register, _)| (distance, register));
        for (_, register, value) in values {
            if self.is_stored(value) {
                continue;
            }
            match (self.state.free(register.class()) & self.registers.callee_saved).first() {
                Some(to) => {
                    self.act(Action::Copy { to, from: register });
                    self.state.set(to, value);
                    self.out.used.insert(to);
                }
                None => self.save(value),
            }
        }
    }

    /// Stores the references that are needed behind the step at hand.
    #[cold]
    fn save_references(&mut self) {
        for register in self.state.occupied.iter() {
            let value = self.state.value_in(register).expect("occupied");
            if self.function.type_of(value).is_reference() && self.is_needed(value) {
                self.save(value);
            }
        }
    }
}
