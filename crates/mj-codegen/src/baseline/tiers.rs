//! What tiering adds to baseline code: counting work, and handing a running loop over to better code.
//!
//! Every loop header and every entry subtracts a weight from the countdown on the interrupt page. Behind the body stands what happens when it goes
//! negative: the runtime is asked, and for a loop it may answer with the address of code that goes on with this activation. That code
//! finds all locals and operand-stack entries in their canonical slots, so here they are stored first.
//!
//! A weight is about the number of instructions that a pass through the loop executes, or a call of the function, what inner loops count
//! themselves left out: code size, in instructions of four bytes, up to a limit, for of much code only a part is executed.
//!
//! Invariant: where a loop begins, everything is in its slot but constants and the locals that the header's state binds.

use mj_abi::Helper;
use mj_asm::Label;
use mj_decode::ValType;
use mj_ir::{PReg, RegSet};

use super::values::Place;
use super::{Baseline, SlowKind, SlowPath};
use crate::isa::{Countdown, FieldWidth, Isa, width_of};

/// Bytes of an instruction.
const INSTRUCTION: usize = 4;

/// The most that a pass through a loop counts.
const HEAVIEST_PASS: usize = 400;

/// The most that a call counts. Functions with much code tend to leave early.
const HEAVIEST_CALL: usize = 60;

const _: () = assert!(Helper::TierUp.row().has_result);

/// What is known of a function's loops while it is compiled.
#[derive(Default, Debug)]
pub(super) struct Tiers {
    /// Loops in the order of their headers.
    loops: Vec<CountedLoop>,
    /// Of these, the open ones.
    open: Vec<OpenLoop>,
    /// Bytes of closed loops directly in the innermost open one, or in the function.
    nested: usize,
    /// Index of the function among the module's own.
    function: u32,
    /// Offset in the module of the function's first byte.
    start: u32,
}

#[derive(Debug)]
struct CountedLoop {
    /// Offset in the module of its first operator.
    at: u32,
    /// The underflow's way back.
    back: Label,
    registers: Vec<Bound>,
    constants: Vec<(u32, ValType, i64)>,
}

#[derive(Debug)]
struct OpenLoop {
    header: usize,
    weight_at: usize,
    outer_nested: usize,
}

/// A local in a register at a loop header.
#[derive(Clone, Copy, Debug)]
struct Bound {
    register: PReg,
    slot: u32,
    width: FieldWidth,
}

impl Tiers {
    /// Begins the own function `function`, whose first byte is at `at` in the module.
    pub fn begin(&mut self, function: u32, at: u32) {
        self.loops.clear();
        self.open.clear();
        self.nested = 0;
        self.function = function;
        self.start = at;
    }

    /// Offset in the module of the function's first byte.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// Whether frames may change hands: then both sides agree on the whole fixed part of the frame.
    pub fn replaces_frames(&self) -> bool {
        !self.loops.is_empty()
    }
}

impl<I: Isa> Baseline<'_, I> {
    /// Counts a pass through the loop that was just opened; its first operator is at `at`.
    pub(super) fn count_back_edge(&mut self, at: u32) {
        let label = self.isa.buffer().label();
        let header = self.isa.buffer().offset();
        let weight_at = self.isa.count_down(label);
        let back = self.isa.buffer().label_here();
        let number = self.tiers.loops.len() as u32;
        self.slow_paths.push(SlowPath { label, kind: SlowKind::TierUp(Some(number)), at });
        let registers = self.bound_locals(self.cache.dirty());
        let constants = self.constant_entries();
        self.tiers.loops.push(CountedLoop { at, back, registers, constants });
        let outer_nested = core::mem::take(&mut self.tiers.nested);
        self.tiers.open.push(OpenLoop { header, weight_at, outer_nested });
    }

    /// Fills in what a pass through the innermost loop weighs, at its end.
    pub(super) fn weigh_loop(&mut self) {
        let Some(open) = self.tiers.open.pop() else { return };
        let bytes = self.isa.buffer().offset() - open.header;
        let weight = weight(bytes - self.tiers.nested, HEAVIEST_PASS);
        self.isa.set_weight(open.weight_at, weight);
        self.tiers.nested = open.outer_nested + bytes;
    }

    /// At the end of the body: what a call counts.
    pub(super) fn count_entry(&mut self) -> Option<Countdown> {
        self.options.tiering?;
        let bytes = self.isa.buffer().offset() - self.body;
        let underflow = self.isa.buffer().label();
        self.slow_paths.push(SlowPath { label: underflow, kind: SlowKind::TierUp(None), at: self.tiers.start });
        Some(Countdown { weight: weight(bytes - self.tiers.nested, HEAVIEST_CALL), underflow })
    }

    /// The registers that the frame saves.
    pub(super) fn saved_registers(&self) -> RegSet {
        if self.tiers.replaces_frames() { self.callee_saved } else { self.cache.used & self.callee_saved }
    }

    /// Behind the body: a countdown went negative, the entry's or that of loop `number`.
    pub(super) fn tier_up(&mut self, number: Option<u32>) {
        let period = self.options.tiering.expect("only tiered code counts").get();
        let Some(number) = number else {
            self.isa.tier_up(period, self.tiers.function, self.tiers.start);
            let body = self.body_label.expect("known since the entry is counted");
            return self.isa.jump(body);
        };
        let counted = core::mem::take(&mut self.tiers.loops[number as usize].registers);
        let constants = core::mem::take(&mut self.tiers.loops[number as usize].constants);
        let CountedLoop { at, back, .. } = self.tiers.loops[number as usize];
        self.isa.tier_up(period, self.tiers.function, at);
        self.isa.branch_if_no_scratch(back);
        for Bound { register, slot, width } in counted {
            self.isa.store_frame(self.slot_offset(slot), register, width);
        }
        for (slot, ty, bits) in constants {
            self.isa.store_frame_constant(self.slot_offset(slot), ty, bits);
        }
        self.isa.jump_scratch();
    }

    /// The locals in those of `registers` that hold one.
    fn bound_locals(&self, registers: RegSet) -> Vec<Bound> {
        let bound =
            |local: u32, register| Bound { register, slot: self.local_slot(local), width: width_of(self.local_types[local as usize]) };
        let snapshot = self.cache.snapshot();
        let all = (snapshot.bound & registers).iter();
        all.filter_map(|register| Some(bound(snapshot.local_in(register)?, register))).collect()
    }

    /// The operand-stack entries that are not in their slots: at the beginning of a loop all are settled.
    fn constant_entries(&self) -> Vec<(u32, ValType, i64)> {
        let settled = self.constants.iter().filter(|&&index| index < self.settled);
        // Parameters of the loop have been stored.
        let constants = settled.filter_map(|&index| match self.stack[index].place {
            Place::Constant(bits) => Some((self.stack_slot(index), self.stack[index].ty, bits)),
            _ => None,
        });
        constants.collect()
    }
}

/// Work that so much code stands for.
fn weight(bytes: usize, most: usize) -> u32 {
    (bytes / INSTRUCTION).clamp(1, most) as u32
}
