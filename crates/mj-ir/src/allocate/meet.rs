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
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    value: Node,
    is_parameter: bool,
    distance: u32,
    register: PReg,
}

/// If so many times as many values as a loop has steps come into it, its uses are looked at, not the values.
const MANY: u32 = 4;

impl Pass<'_> {
    pub(super) fn begin_block(&mut self) {
        let block = self.block;
        if let &[only] = self.live.incoming(block)
            && only.from < block
            && self.function.parameters(block).is_empty()
        {
            // Behind the block in front of it all is as it was there.
            if only.from.following() != block {
                self.state.restore(only.from);
            }
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
        let mut candidates = core::mem::take(&mut self.state.candidates);
        candidates.clear();
        match function.blocks[block].loop_end.is_some() {
            // Parameters come in slots, as all else.
            _ if self.spill_everything => self.list_candidates(core::iter::empty(), &mut candidates),
            true => self.choose_for_loop(&mut candidates),
            false => self.choose_for_join(forward, &mut candidates),
        }
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
        self.state.candidates = candidates;
        self.settle_slots();
    }

    /// What comes into the block and is in no register there is in its slot, by all edges.
    fn settle_slots(&mut self) {
        let (block, function) = (self.block, self.function);
        for &parameter in function.parameters(block) {
            let state = self.state.value_mut(parameter);
            (state.brought, state.brought_in) = (0, PReg::NONE);
        }
        let mut brought = core::mem::take(&mut self.state.brought);
        for value in brought.drain(..) {
            let state = self.state.value_mut(value);
            (state.brought, state.brought_in) = (0, PReg::NONE);
            if state.register.is_none() && !self.is_stored_in(value, block) {
                self.stored_at(value, block);
            }
        }
        // What no edge brought in a register has been stored somewhere: if not where it is defined, then perhaps in other blocks on each way.
        let wandering = core::mem::take(&mut self.state.wandering);
        brought.extend(self.live.live_in_and(block, &wandering).filter(|&value| self.state.value(value).register.is_none()));
        self.state.wandering = wandering;
        for value in brought.drain(..) {
            if !self.is_stored_in(value, block) {
                self.stored_at(value, block);
            }
        }
        self.state.brought = brought;
    }

    /// The edge into the block with this index: where it comes from, its number there, and itself.
    fn incoming_edge(&self, index: usize) -> (Block, usize, Edge) {
        let incoming = self.live.incoming(self.block)[index];
        let edge = self.function.edge(incoming.from, incoming.index as usize);
        (incoming.from, incoming.index as usize, edge)
    }

    /// Counts in how many predecessors each value is in a register.
    fn tally(&mut self, forward: usize) {
        let function = self.function;
        let parameters = function.parameters(self.block);
        for index in 0..forward {
            let (from, _, edge) = self.incoming_edge(index);
            let (start, end) = self.state.ends[from.index()];
            for index in start..end {
                let (register, value) = self.state.snapshots[index as usize];
                if self.live.is_live_in(self.block, value) && self.bring_note(value, register) == 1 {
                    self.state.brought.push(value);
                }
            }
            if parameters.is_empty() {
                continue;
            }
            self.state.restore(from);
            for (&parameter, &argument) in parameters.iter().zip(function.nodes_in(edge.arguments)) {
                let register = self.state.value(argument).register;
                if register.is_some() {
                    let is_free = !self.live.is_live_in(self.block, argument);
                    self.bring_note(parameter, if is_free { register } else { PReg::NONE });
                }
            }
        }
    }

    /// Returns how often the value has been brought.
    fn bring_note(&mut self, value: Node, register: PReg) -> u32 {
        let state = self.state.value_mut(value);
        state.brought += 1;
        if state.brought_in.is_none() {
            state.brought_in = register;
        }
        state.brought
    }

    /// Lists the parameters of the block, and other values that come into it, nearest first.
    fn list_candidates(&self, values: impl Iterator<Item = Node>, candidates: &mut Vec<Candidate>) {
        let parameters = self.function.parameters(self.block).iter().map(|&value| (value, true));
        candidates.extend(parameters.chain(values.map(|value| (value, false))).map(|(value, is_parameter)| {
            let distance = self.distance(value);
            Candidate { value, is_parameter, distance, register: PReg::NONE }
        }));
        candidates.sort_by_key(|candidate| candidate.distance);
    }

    fn capacity(&self) -> [usize; 2] {
        [Class::Int, Class::Float].map(|class| (self.state.allocatable & RegSet::class(class)).len() as usize)
    }

    fn choose_for_join(&mut self, forward: usize, candidates: &mut Vec<Candidate>) {
        // What no predecessor brings in a register stays in its slot.
        let mut brought = core::mem::take(&mut self.state.brought);
        brought.sort_unstable_by_key(|&value| self.live.number(value));
        self.list_candidates(brought.iter().copied(), candidates);
        self.state.brought = brought;
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
    }

    fn choose_for_loop(&mut self, candidates: &mut Vec<Candidate>) {
        let block = self.block;
        let (begin, end) = (self.live.begins[block.index()], self.loop_end(block));
        // What the loop does not use stays where it is, if that is a register.
        let mut values = core::mem::take(&mut self.state.brought);
        let count = values.len();
        if (end - begin).saturating_mul(MANY) < self.live.count_live_in(block) {
            let behind = self.function.blocks[block].loop_end.expand().expect("a header");
            self.live.list_used(self.function, self.selected, block, behind, &mut values);
        } else {
            values.extend(self.live.live_in(block).filter(|&value| self.state.next(self.live, value) < end));
        }
        let mut all: SmallVec<[Node; 32]> = values.as_slice().into();
        values.truncate(count);
        self.state.brought = values;
        all.sort_unstable_by_key(|&value| self.live.number(value));
        all.dedup();
        self.list_candidates(all.into_iter(), candidates);
        let first_call = self.state.calls[self.state.next_call..].first().map_or(NEVER, |&(call, _)| call);
        let calls = first_call < end;
        let mut free = self.state.allocatable;
        let mut capacity = self.capacity();
        if calls {
            self.give_callee_saved(candidates, &mut free, begin, end);
        }
        let pressure = self.live.pressure[block.index()];
        for candidate in candidates.iter() {
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
    }

    /// Of what must survive the loop's calls, the values used most get registers that do.
    fn give_callee_saved(&mut self, candidates: &mut [Candidate], free: &mut RegSet, begin: u32, end: u32) {
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
    fn note_entry(&mut self, candidates: &[Candidate]) {
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
