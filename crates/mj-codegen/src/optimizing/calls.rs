//! Calls, helpers, parameters, results: the convention, by the same plumbing as the baseline's.
//!
//! What must survive a call moves to a callee-saved register if one is free, else to its slot.

use mj_abi::{ArgLocation, Helper};
use mj_decode::ValType;
use mj_ir::{Graph, Holder, Node, NodeKind, NodeList, PReg, ParallelMoves, Unsupported};

use super::cover::{DEAD, Step};
use super::{Driver, Emission};
use crate::isa::{Isa, Positions};

/// Refuses functions that pass values on the stack.
pub(super) fn check(graph: &Graph, emission: Emission<'_>) -> Result<(), Unsupported> {
    let Emission { module, plan, function, .. } = emission;
    let called = graph.order.iter().filter_map(|&node| match graph.nodes[node].kind {
        NodeKind::Call(function) => Some(function),
        _ => None,
    });
    for function in called.chain([function]) {
        let layout = &plan.calls[module.functions[function as usize] as usize];
        if layout.argument_bytes > 0 || layout.result_pointer.is_some() {
            return Err(Unsupported { operator: "a function with values on the stack" });
        }
    }
    Ok(())
}

impl<I: Isa> Driver<'_, I> {
    /// Parameters are where the convention puts them.
    pub(super) fn take_parameters(&mut self) {
        let Emission { module, plan, function, .. } = self.emission;
        let layout = &plan.calls[module.functions[function as usize] as usize];
        let (_, first) = self.graph.blocks.iter().next().expect("a function has a block");
        let parameters = first.parameters.as_slice(&self.graph.lists);
        for (&value, &location) in parameters.iter().zip(&layout.params) {
            let register = self.registers.position(location);
            self.state.checker.define(Holder::Register(register), self.state.values[value]);
            self.arrive(register, value);
        }
    }

    /// A value has come by the convention: it stays in its register, if a cut register file has it.
    fn arrive(&mut self, register: PReg, value: Node) {
        self.state.set(register, value);
        if !self.state.allocatable.contains(register) {
            self.save(value);
            self.state.forget(register);
            self.state.used.remove(register);
        }
    }

    pub(super) fn call(&mut self, function: u32, step: &Step<I::Form>) {
        let Emission { module, plan, .. } = self.emission;
        let layout = &plan.calls[module.functions[function as usize] as usize];
        let positions: Vec<PReg> = layout.params.iter().map(|&location| self.registers.position(location)).collect();
        self.survive(step);
        let imported = module.imported_functions;
        if function < imported {
            self.isa.prepare_import(plan.layout.imported_function(function) as i32);
        }
        self.pass(step, &positions);
        if function < imported {
            self.isa.call_prepared(step.at);
        } else {
            self.isa.call_direct(function - imported, step.at);
        }
        self.forget_caller_saved();
        if let (Some(result), Some(&location)) = (step.result.expand(), layout.results.first()) {
            self.take_result(result, step.next, location);
        }
    }

    pub(super) fn memory_grow(&mut self, memory: u32, step: &Step<I::Form>) {
        self.survive(step);
        let [first, second, ..] = self.registers.int_positions;
        self.pass(step, &[second]);
        self.isa.constant(first, ValType::I64, i64::from(memory));
        self.isa.call_helper(Helper::MemoryGrow, step.at);
        self.forget_caller_saved();
        self.isa.zero_extend(first, first);
        let result = step.result.expand().expect("`memory.grow` has a result");
        self.take_result(result, step.next, ArgLocation::Int(0));
    }

    /// Brings what is needed behind the call out of the registers that it destroys.
    fn survive(&mut self, step: &Step<I::Form>) {
        let uses = self.covered.uses_of(step);
        let caller_saved = !self.registers.callee_saved;
        for register in (self.state.occupied & caller_saved).iter() {
            let value = self.state.value_in(register).expect("occupied");
            let next = uses.iter().find(|one| one.value == value).map_or(self.state.places[value].next, |one| one.next);
            if next == DEAD || self.graph.constant(value).is_some() {
                continue;
            }
            if !self.state.places[value].in_slot
                && let Some(to) = (self.state.free(register.class()) & self.registers.callee_saved).first()
            {
                self.copy(to, register);
                self.state.set(to, value);
            } else {
                self.save(value);
            }
        }
    }

    /// Brings a call's arguments to their positions.
    fn pass(&mut self, step: &Step<I::Form>, positions: &[PReg]) {
        let uses = self.covered.uses_of(step);
        let values: Vec<Node> = uses.iter().map(|one| one.value).collect();
        self.bring_all(&values, positions);
        self.release(uses);
    }

    fn bring_all(&mut self, values: &[Node], positions: &[PReg]) {
        let mut moves = ParallelMoves::default();
        let from: Vec<PReg> = values.iter().map(|&value| self.state.places[value].register).collect();
        for (&from, &to) in from.iter().zip(positions).filter(|(from, _)| from.is_some()) {
            self.clean_upper(from);
            moves.push(to, from);
        }
        self.resolve(&mut moves);
        for ((&value, &to), &from) in values.iter().zip(positions).zip(&from) {
            if from.is_none() {
                self.load(to, value);
            }
            self.state.checker.expect(Holder::Register(to), self.state.values[value]);
        }
    }

    fn forget_caller_saved(&mut self) {
        for register in (self.state.occupied & !self.registers.callee_saved).iter() {
            self.state.forget(register);
        }
        if cfg!(debug_assertions) {
            for register in (self.registers.allocatable & !self.registers.callee_saved).iter() {
                self.state.checker.clobber(Holder::Register(register));
            }
        }
        self.state.upper_dirty = self.state.upper_dirty & self.registers.callee_saved;
    }

    fn take_result(&mut self, result: Node, next: u32, location: ArgLocation) {
        let register = self.registers.position(location);
        self.state.checker.define(Holder::Register(register), self.state.values[result]);
        self.state.places[result].next = next;
        if next != DEAD {
            self.arrive(register, result);
        }
    }

    /// Moves the function's results to where the caller expects them.
    pub(super) fn return_values(&mut self, results: NodeList) {
        let Emission { module, plan, function, .. } = self.emission;
        let layout = &plan.calls[module.functions[function as usize] as usize];
        let positions: Vec<PReg> = layout.results.iter().map(|&location| self.registers.position(location)).collect();
        self.bring_all(results.as_slice(&self.graph.lists), &positions);
    }
}
