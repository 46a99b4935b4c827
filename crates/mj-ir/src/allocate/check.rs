//! An independent look at an allocation: symbolic execution of its actions.
//!
//! Follows values through moves, spills and reloads, and compares at each use. It knows steps, actions, and what is alive; nothing of how the allocator
//! decides. A block begins with what all edges that have been seen bring; an edge that goes back must bring all of that which is still alive.

use std::collections::HashMap;

use cranelift_entity::EntityRef;
use smallvec::SmallVec;

use super::live::Live;
use super::state::State;
use super::{Action, Allocation, Location};
use crate::ssa::{Block, Edge, Function, Node, NodeKind};
use crate::{Arrival, Definition, PReg, RegSet, RegisterFile, Selected, Use};

/// More facts than this are not looked at: the check is not linear.
const MOST_FACTS: usize = 20_000_000;

/// What registers and slots hold.
#[derive(Clone, Debug)]
struct Machine {
    registers: [Option<Node>; 64],
    slots: Vec<Option<Node>>,
}

struct Check<'a> {
    function: &'a Function,
    selected: &'a Selected,
    live: &'a Live,
    state: &'a State,
    file: &'a RegisterFile,
    out: &'a Allocation,
    machine: Machine,
    /// What is known where each block begins.
    begins: Vec<Option<Machine>>,
}

/// Panics if the allocation is wrong.
pub(super) fn check(function: &Function, selected: &Selected, live: &Live, state: &State, file: &RegisterFile, out: &Allocation) {
    let machine = Machine { registers: [None; 64], slots: vec![None; out.slots as usize] };
    if function.blocks.len() * (out.slots as usize + 64) > MOST_FACTS {
        return;
    }
    let begins = vec![None; function.blocks.len()];
    let mut check = Check { function, selected, live, state, file, out, machine, begins };
    for block in function.blocks.keys() {
        check.block(block);
    }
}

impl Machine {
    fn meet(&mut self, other: &Machine) {
        let mine = self.registers.iter_mut().chain(&mut self.slots);
        for (mine, theirs) in mine.zip(other.registers.iter().chain(&other.slots)) {
            if mine != theirs {
                *mine = None;
            }
        }
    }
}

impl Check<'_> {
    fn block(&mut self, block: Block) {
        if block.index() == 0 {
            for &(value, arrival) in &self.selected.arrivals {
                if let Arrival::Register(register) = arrival {
                    self.machine.registers[register.index()] = Some(value);
                }
            }
        } else {
            self.machine = self.begins[block.index()].clone().expect("a block that is reached");
        }
        for &(value, register) in self.out.homes(block) {
            assert_eq!(self.machine.registers[register.index()], Some(value), "{value} comes into {block} in {register:?}");
            self.store_defined(value, register);
        }
        for action in self.out.block(block) {
            self.act(*action);
        }
        for (index, edge) in self.function.edges_of(block).enumerate() {
            let before = self.machine.clone();
            for action in self.out.edge(block, index) {
                self.act(*action);
            }
            self.arrive(block, edge);
            self.machine = before;
        }
    }

    /// At the end of an edge: its target's parameters are there.
    fn arrive(&mut self, from: Block, edge: Edge) {
        let function = self.function;
        let (parameters, arguments) = (function.parameters(edge.to), function.nodes_in(edge.arguments));
        let before = self.machine.clone();
        let holders = before.registers.iter().chain(&before.slots);
        let mut by_argument: HashMap<Node, SmallVec<[Node; 2]>> = HashMap::new();
        for (&parameter, &argument) in parameters.iter().zip(arguments) {
            by_argument.entry(argument).or_default().push(parameter);
        }
        let is_parameter = |node: &Node| {
            let row = &function.nodes[*node];
            row.kind == NodeKind::Parameter && row.block == edge.to.into()
        };
        let named: Vec<SmallVec<[Node; 2]>> = holders
            .map(|held| {
                let Some(held) = *held else { return SmallVec::new() };
                let mut names = by_argument.get(&held).cloned().unwrap_or_default();
                if self.live.is_live_in(edge.to, held) && !is_parameter(&held) {
                    names.push(held);
                }
                names
            })
            .collect();
        match &mut self.begins[edge.to.index()] {
            known @ None => {
                let is_header = function.blocks[edge.to].loop_end.is_some();
                let (first, last) = self.state.entries[edge.to.index()];
                let entries = &self.state.entry_pool[first as usize..last as usize];
                let mut machine = before;
                for (index, held) in machine.registers.iter_mut().enumerate() {
                    let is_own = |name: &Node| is_parameter(name) && self.state.value(*name).home.index_or_none() == Some(index);
                    let is_value = |name: &Node| {
                        let is_entry = entries.iter().any(|&(register, value)| register.index() == index && value == *name);
                        !is_parameter(name) && (is_entry || !is_header)
                    };
                    let own = named[index].iter().find(|name| is_own(name));
                    *held = own.or_else(|| named[index].iter().find(|name| is_value(name))).copied();
                }
                for (index, held) in machine.slots.iter_mut().enumerate() {
                    let names = &named[64 + index];
                    let is_own = |name: &Node| {
                        let state = self.state.value(*name);
                        is_parameter(name) && state.home.is_none() && state.slot == index as u32
                    };
                    let own = names.iter().find(|name| is_own(name));
                    *held = own.or_else(|| names.iter().find(|name| !is_parameter(name))).copied();
                }
                *known = Some(machine);
            }
            Some(known) if edge.to > from => {
                let mut machine = before;
                for (index, held) in machine.registers.iter_mut().chain(&mut machine.slots).enumerate() {
                    let wanted = if index < 64 { known.registers[index] } else { known.slots[index - 64] };
                    *held = wanted.filter(|wanted| named[index].contains(wanted));
                }
                known.meet(&machine);
            }
            Some(known) => {
                for (index, wanted) in known.registers.iter().chain(&known.slots).enumerate() {
                    if let Some(wanted) = wanted {
                        assert!(named[index].contains(wanted), "edge from {from} to {}: holder {index} does not hold {wanted}", edge.to);
                    }
                }
            }
        }
    }

    fn store_defined(&mut self, value: Node, register: PReg) {
        if let Some(slot) = self.out.stored_at_definition(value) {
            self.machine.registers[register.index()] = Some(value);
            self.machine.slots[slot as usize] = Some(value);
        }
    }

    fn slot(&self, slot: u32) -> Option<Node> {
        // Foreign slots hold what they are said to hold.
        self.machine.slots.get(slot as usize).copied().flatten()
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Step(index) => self.step(index),
            Action::Copy { to, from } => self.machine.registers[to.index()] = self.machine.registers[from.index()],
            Action::Exchange(a, b) => self.machine.registers.swap(a.index(), b.index()),
            Action::Load { to, slot, value } => {
                let held = if slot < super::FOREIGN_SLOT { self.slot(slot) } else { Some(value) };
                assert_eq!(held, Some(value), "slot {slot} is loaded for {value}");
                self.machine.registers[to.index()] = held;
            }
            Action::Constant { to, value } => {
                assert!(self.function.constant(value).is_some());
                self.machine.registers[to.index()] = Some(value);
            }
            Action::Store { slot, from } => self.machine.slots[slot as usize] = self.machine.registers[from.index()],
            Action::CopySlot { to, from, value } => {
                let held = if from < super::FOREIGN_SLOT { self.slot(from) } else { Some(value) };
                assert_eq!(held, Some(value), "slot {from} is copied for {value}");
                self.machine.slots[to as usize] = held;
            }
            Action::StoreConstant { slot, value } => self.machine.slots[slot as usize] = Some(value),
        }
    }

    fn step(&mut self, index: u32) {
        let step = &self.selected.steps[index as usize];
        let (uses, definitions) = (self.selected.uses(step), self.selected.definitions(step));
        let locations = self.out.locations_of(index);
        let is_swapped = step.constraints.commutative && uses.len() > 1 && !self.holds(locations[0], uses[0].value);
        for (number, operand) in uses.iter().enumerate() {
            let location = locations[if is_swapped && number < 2 { 1 - number } else { number }];
            assert!(self.holds(location, operand.value), "step {index}: {location:?} does not hold {}", operand.value);
            match operand.constraint {
                Use::Fixed(register) => assert_eq!(location, Location::Register(register)),
                Use::Any | Use::ZeroExtended => assert!(matches!(location, Location::Register(_))),
                Use::Anywhere => {}
            }
        }
        let taken = |location: &Location| match location {
            Location::Register(register) => RegSet::one(*register),
            _ => RegSet::EMPTY,
        };
        let used = locations[..uses.len()].iter().map(taken).fold(RegSet::EMPTY, RegSet::union);
        let temporaries = &locations[uses.len() + definitions.len()..][..step.constraints.temporaries.len()];
        let mut lost = step.constraints.clobbers;
        if step.is_call {
            lost |= (RegSet::INTS | RegSet::FLOATS) & !self.file.callee_saved;
        }
        for temporary in temporaries.iter().map(taken) {
            assert!((temporary & used).is_empty(), "step {index}: a temporary is a use");
            lost |= temporary;
        }
        let written = &locations[uses.len()..uses.len() + definitions.len()];
        for (defined, location) in definitions.iter().zip(written) {
            let register = taken(location);
            let others = locations[1.min(uses.len())..uses.len()].iter().map(taken).fold(RegSet::EMPTY, RegSet::union);
            match defined.constraint {
                Definition::Fixed(fixed) => assert_eq!(*location, Location::Register(fixed)),
                Definition::Tied => assert!((register & others).is_empty(), "step {index}: the result overwrites a use"),
                Definition::Any | Definition::None => {}
            }
            assert!(!step.constraints.early_definition || (register & used).is_empty(), "step {index}: the result comes early");
            assert!(step.is_call || temporaries.iter().all(|temporary| temporary != location), "step {index}: the result is a temporary");
        }
        for register in lost.iter() {
            self.machine.registers[register.index()] = None;
        }
        for (defined, location) in definitions.iter().zip(written) {
            if let Location::Register(register) = *location {
                self.machine.registers[register.index()] = Some(defined.value);
                self.store_defined(defined.value, register);
            }
        }
    }

    fn holds(&self, location: Location, value: Node) -> bool {
        match location {
            Location::Register(register) => self.machine.registers[register.index()] == Some(value),
            Location::Slot(slot) => slot >= super::FOREIGN_SLOT || self.slot(slot) == Some(value),
            Location::Constant(node) => node == value,
            Location::Nowhere => false,
        }
    }
}
