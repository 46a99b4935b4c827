//! Where blocks end: what each edge has to do.
//!
//! First stores, then copies between slots, then moves between registers at once, then loads: nothing is read after it has been written. A slot that an
//! edge writes and reads is copied away first.

use core::ops::Range;

use cranelift_entity::EntityRef;
use smallvec::SmallVec;

use super::{Action, Pass};
use crate::ssa::{Block, Edge, Node, Terminator};
use crate::{PReg, ParallelMoves, RegSet};

impl Pass<'_> {
    /// Remembers what is where, and does the edges that go back.
    pub(super) fn end_block(&mut self) {
        let block = self.block;
        let start = self.state.snapshots.len() as u32;
        let function = self.function;
        if let Terminator::Return(_) | Terminator::Trap { .. } = function.blocks[block].terminator {
            return self.state.ends.push((start, start));
        }
        for register in self.state.occupied.iter() {
            let value = self.state.value_in(register).expect("occupied");
            let is_needed = self.state.next(self.live, value) <= self.end || self.live.is_live_out(value);
            if is_needed && !self.state.value(value).is_constant {
                self.state.snapshots.push((register, value));
            }
        }
        let end = self.state.snapshots.len() as u32;
        self.state.ends.push((start, end));
        for (index, edge) in function.edges_of(block).enumerate() {
            if edge.to <= block {
                self.edge(block, index, edge);
            }
        }
        for edge in function.edges_of(block) {
            for &argument in function.nodes_in(edge.arguments) {
                self.state.advance(argument);
            }
        }
    }

    /// Does the edge with this number out of `from`, whose end is the state at hand.
    pub(super) fn edge(&mut self, from: Block, index: usize, edge: Edge) {
        let start = self.out.actions.len() as u32;
        let function = self.function;
        let (parameters, arguments) = (function.parameters(edge.to), function.nodes_in(edge.arguments));
        let (first, last) = self.state.entries[edge.to.index()];
        self.store_live(from, edge.to, first..last);
        let rescued = if parameters.is_empty() { SmallVec::new() } else { self.rescue(from, parameters, arguments) };
        self.store_parameters(from, parameters, arguments, &rescued);
        let mut moves = ParallelMoves::default();
        let mut loads: SmallVec<[(PReg, Node); 16]> = SmallVec::new();
        let entries = self.state.entry_pool[first as usize..last as usize].iter().copied();
        let homes = parameters.iter().zip(arguments).map(|(&parameter, &argument)| (self.state.value(parameter).home, argument));
        for (to, value) in entries.chain(homes) {
            match self.state.value(value).register {
                _ if to.is_none() => {}
                register if register.is_some() => moves.push(to, register),
                _ => loads.push((to, value)),
            }
        }
        let kept = self.state.occupied | loads.iter().fold(RegSet::EMPTY, |set, &(to, _)| set | RegSet::one(to));
        moves.resolve_with(&mut self.out.actions, self.state.allocatable & (self.out.used | !self.registers.callee_saved) & !kept);
        for (to, value) in loads {
            let action = match rescued.iter().find(|&&(_, other)| other == value) {
                Some(&(slot, _)) => Action::Load { to, slot, value },
                None if self.state.value(value).is_constant => Action::Constant { to, value },
                None => Action::Load { to, slot: self.state.slot(value), value },
            };
            self.act(action);
        }
        let number = self.out.first_edge[from.index()] as usize + index;
        self.out.edges[number] = start..self.out.actions.len() as u32;
    }

    /// Stores what is alive in a register, and is to be in its slot.
    fn store_live(&mut self, from: Block, to: Block, entries: Range<u32>) {
        for register in self.state.occupied.iter() {
            let value = self.state.value_in(register).expect("occupied");
            if self.is_stored_in(value, from) || !self.live.is_live_in(to, value) {
                continue;
            }
            let entries = &self.state.entry_pool[entries.start as usize..entries.end as usize];
            if entries.iter().all(|&(_, other)| other != value) {
                let slot = self.state.slot(value);
                self.act(Action::Store { slot, from: register });
            }
        }
    }

    /// Copies away what is only in slots that the edge writes.
    fn rescue(&mut self, from: Block, parameters: &[Node], arguments: &[Node]) -> SmallVec<[(u32, Node); 4]> {
        let mut rescued: SmallVec<[(u32, Node); 4]> = SmallVec::new();
        self.state.begin_writing();
        for (&parameter, &argument) in parameters.iter().zip(arguments) {
            if self.is_written(from, parameter, argument) {
                let slot = self.state.slot(parameter);
                self.state.write(slot);
            }
        }
        for &argument in arguments {
            let state = *self.state.value(argument);
            let is_lost = state.register.is_none()
                && !state.is_constant
                && self.state.writes(state.slot)
                && rescued.iter().all(|&(_, other)| other != argument);
            if is_lost {
                let to = self.state.slots;
                self.state.slots += 1;
                self.act(Action::CopySlot { to, from: state.slot, value: argument });
                rescued.push((to, argument));
            }
        }
        rescued
    }

    /// Whether an edge writes the slot of a parameter.
    fn is_written(&mut self, from: Block, parameter: Node, argument: Node) -> bool {
        if self.state.value(parameter).home.is_some() || parameter == argument {
            return false;
        }
        let slot = self.state.slot(parameter);
        self.state.value(argument).slot != slot || !self.is_stored_in(argument, from)
    }

    fn store_parameters(&mut self, from: Block, parameters: &[Node], arguments: &[Node], rescued: &[(u32, Node)]) {
        for (&parameter, &argument) in parameters.iter().zip(arguments) {
            if !self.is_written(from, parameter, argument) {
                continue;
            }
            let slot = self.state.slot(parameter);
            let state = *self.state.value(argument);
            let action = if state.register.is_some() {
                Action::Store { slot, from: state.register }
            } else if state.is_constant {
                Action::StoreConstant { slot, value: argument }
            } else {
                let own = self.state.slot(argument);
                let from = rescued.iter().find(|&&(_, other)| other == argument).map_or(own, |&(slot, _)| slot);
                Action::CopySlot { to: slot, from, value: argument }
            };
            self.act(action);
        }
    }
}
