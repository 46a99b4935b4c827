//! Where blocks meet: the first edge to a block says where its values are, later edges conform.
//!
//! A value stays in the register it is in, a parameter takes over its argument's; at the header of a loop that calls, only callee-saved registers
//! count. Everything else is in slots.
//!
//! Invariant: the code of an edge changes neither the flags nor the compile-time state, so that it can stand behind a conditional jump.

use cranelift_entity::EntityRef;
use mj_ir::{Block, Edge, Holder, Node, NodeList, PReg, ParallelMoves, RegSet, Terminator};
use smallvec::SmallVec;

use super::Driver;
use crate::isa::{Isa, class_of, width_of};

/// Where a value is at a block's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    value: Node,
    register: PReg,
    in_slot: bool,
}

/// Where all values are at a block's start, parameters last.
#[derive(Default, Debug)]
pub(super) struct Entry {
    arrivals: Vec<Arrival>,
    is_fixed: bool,
}

/// The code of an edge, in the order in which it has to run.
#[derive(Default)]
struct EdgeCode {
    /// Slots of the target's parameters, which are written below, to other slots.
    rescues: SmallVec<[(u32, Node); 2]>,
    /// To slots.
    stores: SmallVec<[(u32, Node); 4]>,
    moves: ParallelMoves,
    has_moves: bool,
    /// From slots, and constants.
    loads: SmallVec<[(PReg, Node); 4]>,
}

impl EdgeCode {
    fn is_empty(&self) -> bool {
        self.rescues.is_empty() && self.stores.is_empty() && !self.has_moves && self.loads.is_empty()
    }
}

impl<I: Isa> Driver<'_, I> {
    /// Makes the state that of a block's start, and binds its label.
    pub(super) fn enter(&mut self, block: Block) {
        let row = &self.graph.blocks[block];
        let is_header = row.loop_end.is_some();
        if is_header {
            self.isa.align_loop();
        }
        let label = self.labels[block.index()];
        self.isa.buffer().bind(label);
        if block.index() > 0 {
            self.state.empty();
            let entry = core::mem::take(&mut self.state.entries[block.index()]);
            debug_assert!(entry.is_fixed, "{block} is reached by an edge from above");
            for arrival in &entry.arrivals {
                let place = &mut self.state.places[arrival.value];
                place.in_slot = arrival.in_slot;
                if let (true, Some(end)) = (arrival.in_slot, row.loop_end.expand()) {
                    // The header dominates the loop, and values do not change.
                    place.stored_until = place.stored_until.max(end.as_u32());
                }
                if arrival.register.is_some() {
                    self.state.set(arrival.register, arrival.value);
                }
            }
            self.assume(&entry);
            self.state.entries[block.index()] = entry;
        }
        let entries = self.covered.blocks[block].entries.clone();
        for one in &self.covered.entries[entries.start as usize..entries.end as usize] {
            self.state.places[one.value].next = one.next;
            let register = self.state.places[one.value].register;
            if one.next == super::cover::DEAD && register.is_some() {
                self.state.forget(register);
            }
        }
        if is_header && self.emission.options.interruption {
            self.isa.check_interrupt();
        }
    }

    /// Behind a label, the places it claims are facts for the checker.
    fn assume(&mut self, entry: &Entry) {
        if cfg!(debug_assertions) {
            for index in 0..64 {
                let register = if index < 32 { PReg::int(index) } else { PReg::float(index - 32) };
                self.state.checker.clobber(Holder::Register(register));
            }
            for slot in 0..self.state.slots {
                self.state.checker.clobber(Holder::Slot(slot));
            }
            for arrival in &entry.arrivals {
                let value = self.state.values[arrival.value];
                if arrival.register.is_some() {
                    self.state.checker.define(Holder::Register(arrival.register), value);
                }
                if arrival.in_slot {
                    let slot = self.state.slot(arrival.value);
                    self.state.checker.define(Holder::Slot(slot), value);
                }
            }
        }
    }

    /// A block's end.
    pub(super) fn leave(&mut self, block: Block) {
        for register in self.state.upper_dirty.iter() {
            self.clean_upper(register);
        }
        let next = Block::new(block.index() + 1);
        match self.graph.blocks[block].terminator {
            Terminator::Jump(edge) => {
                self.fix(edge, false);
                let mut code = self.edge_code(edge);
                self.emit_edge(edge, &mut code);
                if edge.to != next {
                    let label = self.labels[edge.to.index()];
                    self.isa.jump(label);
                }
            }
            Terminator::Branch { taken, .. } => {
                self.fix(taken, false);
                self.fix(Edge { to: next, arguments: NodeList::default() }, true);
                self.branch(block, taken);
            }
            Terminator::Return(results) => {
                self.return_values(results);
                if next.index() < self.graph.blocks.len() {
                    let label = self.epilogue;
                    self.isa.jump(label);
                }
            }
        }
    }

    fn branch(&mut self, block: Block, taken: Edge) {
        let condition = self.covered.blocks[block].condition.expect("the block branches");
        let label = self.labels[taken.to.index()];
        let mut code = self.edge_code(taken);
        if code.is_empty() {
            let checker = self.state.checker.clone();
            self.emit_edge(taken, &mut code);
            self.state.checker = checker;
            return self.isa.branch(condition, label);
        }
        let skip = self.isa.buffer().label();
        self.isa.branch(condition.invert(), skip);
        let checker = self.state.checker.clone();
        self.emit_edge(taken, &mut code);
        self.state.checker = checker;
        self.isa.jump(label);
        self.isa.buffer().bind(skip);
    }

    /// If this is the first edge to its target: says where everything is there.
    fn fix(&mut self, edge: Edge, is_only: bool) {
        if self.state.entries[edge.to.index()].is_fixed {
            return;
        }
        let row = &self.graph.blocks[edge.to];
        let is_header = row.loop_end.is_some();
        let allowed = if row.loop_calls { self.registers.callee_saved } else { self.state.allocatable };
        let mut taken = RegSet::EMPTY;
        let mut arrivals = Vec::new();
        for value in self.liveness.live_in(edge.to) {
            let place = self.state.places[value];
            let register = if place.register.is_some() && allowed.contains(place.register) { place.register } else { PReg::NONE };
            if register.is_some() {
                taken.insert(register);
            }
            // Where other edges would have to store for nothing, a slot that is up to date does not count.
            let stays = is_only || is_header || edge.to.as_u32() < place.stored_until;
            let in_slot = register.is_none() || stays && place.in_slot;
            arrivals.push(Arrival { value, register, in_slot });
        }
        let parameters = row.parameters.as_slice(&self.graph.lists);
        for (&parameter, &argument) in parameters.iter().zip(edge.arguments.as_slice(&self.graph.lists)) {
            let free = allowed & RegSet::class(self.class(parameter)) & !taken;
            let current = self.state.places[argument].register;
            let register = match current {
                current if current.is_some() && free.contains(current) => current,
                _ => (free & !self.state.occupied).first().or_else(|| free.first()).unwrap_or(PReg::NONE),
            };
            if register.is_some() {
                taken.insert(register);
                self.state.used.insert(register);
            }
            self.state.places[parameter].home = register;
            arrivals.push(Arrival { value: parameter, register, in_slot: register.is_none() });
        }
        self.state.entries[edge.to.index()] = Entry { arrivals, is_fixed: true };
    }

    /// What an edge has to do, from the state at hand.
    fn edge_code(&mut self, edge: Edge) -> EdgeCode {
        let mut code = EdgeCode::default();
        let arguments = edge.arguments.as_slice(&self.graph.lists);
        let entry = core::mem::take(&mut self.state.entries[edge.to.index()]);
        let own = entry.arrivals.len() - arguments.len();
        for (index, arrival) in entry.arrivals.iter().enumerate() {
            let source = index.checked_sub(own).map_or(arrival.value, |parameter| arguments[parameter]);
            let place = self.state.places[source];
            let is_same = source == arrival.value;
            if arrival.in_slot && !(is_same && place.in_slot) {
                let slot = self.state.slot(arrival.value);
                code.stores.push((slot, source));
            }
            if arrival.register.is_some() {
                if place.register.is_some() {
                    code.moves.push(arrival.register, place.register);
                    code.has_moves |= arrival.register != place.register;
                } else {
                    code.loads.push((arrival.register, source));
                }
            }
            // A parameter in a slot that this edge overwrites, needed by another one.
            let written = |value: Node| entry.arrivals[own..].iter().any(|other| other.value == value && other.in_slot);
            if !is_same && place.register.is_none() && written(source) && code.rescues.iter().all(|&(_, value)| value != source) {
                let slot = self.state.slots;
                self.state.slots += 1;
                code.rescues.push((slot, source));
            }
        }
        self.state.entries[edge.to.index()] = entry;
        code
    }

    fn emit_edge(&mut self, edge: Edge, code: &mut EdgeCode) {
        for &(slot, value) in &code.rescues {
            let from = self.state.slot(value);
            self.copy_slot(slot, from);
        }
        let rescued = |value: Node| code.rescues.iter().find(|&&(_, other)| other == value).map(|&(slot, _)| slot);
        for &(slot, value) in &code.stores {
            self.store_to(slot, value, rescued(value));
        }
        self.resolve(&mut code.moves);
        for &(register, value) in &code.loads {
            match rescued(value) {
                Some(slot) => {
                    self.isa.load_frame(register, Self::slot_offset(slot), width_of(self.graph.type_of(value)));
                    self.state.checker.copy(Holder::Register(register), Holder::Slot(slot));
                }
                None => {
                    let dirty = self.state.upper_dirty;
                    self.load(register, value);
                    self.state.upper_dirty = dirty;
                }
            }
        }
        self.check_arrival(edge);
    }

    fn copy_slot(&mut self, to: u32, from: u32) {
        self.isa.copy_frame(Self::slot_offset(to), Self::slot_offset(from));
        self.state.checker.copy(Holder::Slot(to), Holder::Slot(from));
    }

    /// Stores a value to a slot that need not be its own.
    fn store_to(&mut self, slot: u32, value: Node, rescued: Option<u32>) {
        let ty = self.graph.type_of(value);
        let register = self.state.places[value].register;
        if register.is_some() {
            self.isa.store_frame(Self::slot_offset(slot), register, width_of(ty));
            self.state.checker.copy(Holder::Slot(slot), Holder::Register(register));
        } else if let Some(bits) = self.graph.constant(value) {
            self.isa.store_frame_constant(Self::slot_offset(slot), ty, bits);
            self.state.checker.define(Holder::Slot(slot), self.state.values[value]);
        } else {
            let from = rescued.unwrap_or_else(|| self.state.slot(value));
            self.copy_slot(slot, from);
        }
    }

    /// In debug builds: everything is where the target expects it.
    fn check_arrival(&mut self, edge: Edge) {
        if cfg!(debug_assertions) {
            let arguments = edge.arguments.as_slice(&self.graph.lists);
            let entry = core::mem::take(&mut self.state.entries[edge.to.index()]);
            let own = entry.arrivals.len() - arguments.len();
            for (index, arrival) in entry.arrivals.iter().enumerate() {
                let source = index.checked_sub(own).map_or(arrival.value, |parameter| arguments[parameter]);
                let value = self.state.values[source];
                if arrival.register.is_some() {
                    self.state.checker.expect(Holder::Register(arrival.register), value);
                    debug_assert_eq!(arrival.register.class(), class_of(self.graph.type_of(source)));
                }
                if arrival.in_slot {
                    let slot = self.state.slot(arrival.value);
                    self.state.checker.expect(Holder::Slot(slot), value);
                }
            }
            self.state.entries[edge.to.index()] = entry;
        }
    }
}
