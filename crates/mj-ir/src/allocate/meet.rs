//! Where blocks begin: what is in registers there.
//!
//! A block with one edge into it begins as its predecessor ends. At a join, what some predecessor brings in a register stays in one, unless a call
//! comes before its use. At a loop's header, what the loop uses next has registers; if the loop calls, the values it uses most have those that
//! survive calls. What a loop does not use has a register only if there are enough.

use cranelift_entity::EntityRef;
use smallvec::SmallVec;

use super::Pass;
use super::live::NEVER;
use super::state::Stored;
use crate::ssa::{Block, Edge, Node};
use crate::{Class, PReg, RegSet};

/// A value that comes into the block.
#[derive(Clone, Copy)]
struct Candidate {
    value: Node,
    is_parameter: bool,
    distance: u32,
    register: PReg,
}

type Candidates = SmallVec<[Candidate; 32]>;

impl Pass<'_> {
    pub(super) fn begin_block(&mut self) {
        let block = self.block;
        if let &[only] = self.live.incoming(block)
            && only.from < block
            && self.function.parameters(block).is_empty()
        {
            self.state.restore(only.from);
            for register in self.state.occupied.iter() {
                let value = self.state.value_in(register).expect("occupied");
                if !self.live.is_live_in(block, value) {
                    self.state.forget(register);
                }
            }
            return;
        }
        self.meet();
    }

    /// Decides what is in registers where edges meet, and does the edges that are known.
    fn meet(&mut self) {
        let block = self.block;
        let function = self.function;
        let forward = self.live.incoming(block).iter().filter(|edge| edge.from < block).count();
        self.tally(forward);
        self.state.clear_registers();
        let candidates = match function.blocks[block].loop_end.is_some() {
            true => self.choose_for_loop(),
            false => self.choose_for_join(forward),
        };
        self.note_entry(&candidates);
        for index in 0..forward {
            let (from, number, edge) = self.incoming_edge(index);
            self.state.restore(from);
            self.edge(from, number, edge);
        }
        self.state.clear_registers();
        for candidate in candidates.iter().filter(|candidate| candidate.register.is_some()) {
            self.state.set(candidate.register, candidate.value);
            self.out.used.insert(candidate.register);
        }
        for value in self.live.live_in(block) {
            let is_stored = self.is_stored_in(value, block);
            let state = &mut self.state.values[value.index()];
            state.brought = 0;
            state.brought_in = PReg::NONE;
            if state.register.is_none() && !is_stored {
                state.stored = Stored::At(block);
            }
        }
    }

    /// The edge into the block with this index: where it comes from, its number there, and itself.
    fn incoming_edge(&self, index: usize) -> (Block, usize, Edge) {
        let incoming = self.live.incoming(self.block)[index];
        let edge = self.function.edge(incoming.from, incoming.index as usize);
        (incoming.from, incoming.index as usize, edge)
    }

    /// Counts in how many predecessors each value is in a register.
    fn tally(&mut self, forward: usize) {
        for index in 0..forward {
            let (from, _, edge) = self.incoming_edge(index);
            self.state.restore(from);
            for register in self.state.occupied.iter() {
                let value = self.state.value_in(register).expect("occupied");
                if self.live.is_live_in(self.block, value) {
                    self.bring_note(value, register);
                }
            }
            for (&parameter, &argument) in self.function.parameters(self.block).iter().zip(self.function.nodes_in(edge.arguments)) {
                let register = self.state.value(argument).register;
                if register.is_some() {
                    let is_free = !self.live.is_live_in(self.block, argument);
                    self.bring_note(parameter, if is_free { register } else { PReg::NONE });
                }
            }
        }
    }

    fn bring_note(&mut self, value: Node, register: PReg) {
        let state = self.state.value_mut(value);
        state.brought += 1;
        if state.brought_in.is_none() {
            state.brought_in = register;
        }
    }

    /// All values that come into the block, nearest first.
    fn candidates(&self) -> Candidates {
        let parameters = self.function.parameters(self.block).iter().map(|&value| (value, true));
        let values = self.live.live_in(self.block).map(|value| (value, false));
        let mut candidates: Candidates = parameters
            .chain(values)
            .map(|(value, is_parameter)| {
                let distance = self.distance(value);
                Candidate { value, is_parameter, distance, register: PReg::NONE }
            })
            .collect();
        candidates.sort_by_key(|candidate| candidate.distance);
        candidates
    }

    fn capacity(&self) -> [usize; 2] {
        [Class::Int, Class::Float].map(|class| (self.state.allocatable & RegSet::class(class)).len() as usize)
    }

    fn choose_for_join(&mut self, forward: usize) -> Candidates {
        let mut candidates = self.candidates();
        let mut capacity = self.capacity();
        let mut free = self.state.allocatable;
        let next_call = self.state.calls[self.state.next_call..].first().map_or(NEVER, |&(call, _)| call);
        // Values first: they have registers. A parameter finds its own behind them.
        for is_parameter in [false, true] {
            for candidate in candidates.iter_mut().filter(|candidate| candidate.is_parameter == is_parameter) {
                let state = *self.state.value(candidate.value);
                let left = &mut capacity[state.class as usize];
                let is_lost = candidate.distance > next_call && !self.registers.callee_saved.contains(state.brought_in);
                let is_wanted = match is_parameter {
                    true => candidate.distance != NEVER,
                    false => state.brought as usize == forward || state.brought > 0 && !is_lost,
                };
                if !is_wanted || *left == 0 {
                    continue;
                }
                let of_class = free & RegSet::class(state.class);
                let register = match state.brought_in {
                    register if !is_parameter && register.is_some() && of_class.contains(register) => Some(register),
                    register => self.choose(candidate.value, of_class, register),
                };
                if let Some(register) = register {
                    *left -= 1;
                    free.remove(register);
                    candidate.register = register;
                }
            }
        }
        candidates
    }

    fn choose_for_loop(&mut self) -> Candidates {
        let block = self.block;
        let mut candidates = self.candidates();
        let (begin, end) = (self.live.begins[block.index()], self.loop_end(block));
        let first_call = self.state.calls[self.state.next_call..].first().map_or(NEVER, |&(call, _)| call);
        let calls = first_call < end;
        let mut free = self.state.allocatable;
        let mut capacity = self.capacity();
        if calls {
            self.give_callee_saved(&mut candidates, &mut free, begin, end);
        }
        let pressure = self.live.pressure[block.index()];
        for candidate in &mut candidates {
            let state = *self.state.value(candidate.value);
            let class = state.class as usize;
            if candidate.register.is_some() {
                capacity[class] = capacity[class].saturating_sub(1);
            }
        }
        let mut wanted: SmallVec<[usize; 32]> = SmallVec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let state = self.state.value(candidate.value);
            let class = state.class as usize;
            let is_wanted = match candidate.distance < end {
                true => candidate.distance < first_call,
                false => !calls && state.brought > 0 && pressure[class] as usize + 1 < self.capacity()[class],
            };
            if candidate.register.is_none() && is_wanted && capacity[class] > 0 {
                capacity[class] -= 1;
                wanted.push(index);
            }
        }
        // Whoever can stay where it is does; the others make do with what is left.
        for stays in [true, false] {
            for &index in &wanted {
                let candidate = &mut candidates[index];
                if candidate.register.is_some() {
                    continue;
                }
                let state = self.state.value(candidate.value);
                let of_class = free & RegSet::class(state.class);
                candidate.register = match state.brought_in {
                    register if register.is_some() && of_class.contains(register) => register,
                    register if !stays => self.choose(candidate.value, of_class, register).unwrap_or(PReg::NONE),
                    _ => PReg::NONE,
                };
                if candidate.register.is_some() {
                    free.remove(candidate.register);
                }
            }
        }
        candidates
    }

    /// Of what must survive the loop's calls, the values used most get registers that do.
    fn give_callee_saved(&mut self, candidates: &mut Candidates, free: &mut RegSet, begin: u32, end: u32) {
        let mut most: SmallVec<[(usize, usize); 16]> = SmallVec::new();
        for (index, candidate) in candidates.iter().enumerate() {
            let uses = self.live.uses_of(candidate.value);
            let count = uses.partition_point(|&use_| use_ < end) - uses.partition_point(|&use_| use_ < begin);
            if count > 0 && (!candidate.is_parameter || self.crosses_call(candidate.value)) {
                most.push((count, index));
            }
        }
        most.sort_by_key(|&(count, _)| core::cmp::Reverse(count));
        let allowed = |free: RegSet, class: Class| free & self.registers.callee_saved & RegSet::class(class);
        let mut room = [Class::Int, Class::Float].map(|class| allowed(*free, class).len());
        most.retain(|&mut (_, index)| {
            let left = &mut room[self.state.value(candidates[index].value).class as usize];
            let has_room = *left > 0;
            *left = left.saturating_sub(1);
            has_room
        });
        // Whoever has such a register already keeps it.
        for stays in [true, false] {
            for &(_, index) in &most {
                let state = self.state.value(candidates[index].value);
                let allowed = allowed(*free, state.class);
                let register = match state.brought_in {
                    register if register.is_some() && allowed.contains(register) => Some(register),
                    _ if stays => None,
                    _ => allowed.first(),
                };
                if let Some(register) = register.filter(|_| candidates[index].register.is_none()) {
                    candidates[index].register = register;
                    free.remove(register);
                }
            }
        }
    }

    /// Notes what edges have to bring.
    fn note_entry(&mut self, candidates: &Candidates) {
        let start = self.state.entry_pool.len() as u32;
        for candidate in candidates {
            if candidate.is_parameter {
                self.state.value_mut(candidate.value).home = candidate.register;
                if candidate.register.is_some() {
                    self.out.homes.push((candidate.value, candidate.register));
                } else {
                    self.state.slot(candidate.value);
                    self.state.value_mut(candidate.value).stored = Stored::Given;
                }
            } else if candidate.register.is_some() {
                self.state.entry_pool.push((candidate.register, candidate.value));
            }
        }
        let end = self.state.entry_pool.len() as u32;
        self.state.entries[self.block.index()] = (start, end);
    }
}
