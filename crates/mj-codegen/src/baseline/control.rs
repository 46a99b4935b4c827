//! Blocks, loops, branches: the structured control flow of WebAssembly in one forward pass.

use mj_abi::ArgLocation;
use mj_asm::Label;
use mj_decode::{BlockType, Reader, ValType};
use mj_ir::{Class, Holder, PReg, ParallelMoves, RegSet, Snapshot, Value};
use smallvec::SmallVec;

use super::Baseline;
use super::merge::Emitter;
use super::values::Place;
use crate::Cond;
use crate::isa::{FieldWidth, Isa, Positions, width_of};

/// What a control frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Function,
    Block,
    Loop,
    If,
    Else,
}

/// An open block.
#[derive(Debug)]
pub(super) struct Frame {
    pub kind: Kind,
    /// Where branches to it go: behind its end, or a loop's header.
    pub label: Label,
    /// Where an `if` goes if its condition is false.
    pub else_label: Option<Label>,
    /// Depth of the operand stack below the parameters.
    pub height: usize,
    pub params: SmallVec<[ValType; 4]>,
    pub results: SmallVec<[ValType; 4]>,
    /// State at the label, once an edge (or the loop) has fixed it.
    pub state: Option<Box<Snapshot>>,
    pub else_state: Option<Box<Snapshot>>,
    /// The homes of locals that the loop changed: local and previous home.
    pub homes: Vec<(u32, PReg)>,
    /// Offset in the module of the first operator of the innermost loop, or of the function: where fuel is charged.
    pub at: u32,
}

impl Frame {
    /// The frame of the function itself; its label is the epilogue, its first operator at offset `at`.
    pub fn function(label: Label, results: &[ValType], at: u32) -> Self {
        Self {
            kind: Kind::Function,
            label,
            else_label: None,
            height: 0,
            params: SmallVec::new(),
            results: results.into(),
            state: None,
            else_state: None,
            homes: Vec::new(),
            at,
        }
    }

    /// What a branch to the frame carries.
    fn carried(&self) -> &[ValType] {
        if self.kind == Kind::Loop { &self.params } else { &self.results }
    }

    /// Results of a label travel in a register if there is one, in slots if there are more. A loop's are always in slots.
    fn in_register(&self) -> bool {
        self.kind != Kind::Loop && self.results.len() == 1
    }
}

impl<I: Isa> Baseline<'_, I> {
    pub(super) fn open(&mut self, kind: Kind, ty: BlockType<'_>) {
        self.materialise_zeros();
        self.settle();
        let height = self.stack.len() - ty.params.len();
        let label = self.isa.buffer().label();
        let at = self.frames.last().expect("the function's frame is open").at;
        self.frames.push(Frame {
            kind,
            label,
            else_label: None,
            height,
            params: SmallVec::from_slice(ty.params),
            results: SmallVec::from_slice(ty.results),
            state: None,
            else_state: None,
            homes: Vec::new(),
            at,
        });
    }

    pub(super) fn open_loop(&mut self, ty: BlockType<'_>, rest: &Reader<'_>) {
        self.charge();
        self.open(Kind::Loop, ty);
        let depth = self.frames.len() - 1;
        self.frames[depth].at = rest.offset();
        // A loop's parameters are in slots on every edge.
        for index in self.frames[depth].height..self.stack.len() {
            let entry = self.stack[index];
            self.store_entry(index, entry);
        }
        if self.loop_depth == 0 {
            self.hints.gather_loop(rest.clone());
        }
        self.loop_depth += 1;
        let snapshot = self.loop_state(rest.offset());
        self.conform(&snapshot, None);
        let homes = self.take_homes();
        for register in snapshot.bound.iter() {
            let local = snapshot.local_in(register).expect("bound");
            self.cache.set_home(local, register);
            self.homes.push((local, register));
        }
        self.frames[depth].homes = homes;
        self.isa.align_loop();
        let label = self.frames[depth].label;
        self.isa.buffer().bind(label);
        self.enter_label(&snapshot);
        self.frames[depth].state = Some(Box::new(snapshot));
        if !self.options.signals && self.options.interruption {
            self.test_interrupt(rest.offset());
        }
        if self.options.tiering.is_some() {
            self.count_back_edge(rest.offset());
        } else if self.options.signals && self.options.interruption {
            self.isa.load_and_check_interrupt();
        }
    }

    /// Looks whether interruption is asked for, where a signal would say so otherwise.
    fn test_interrupt(&mut self, at: u32) {
        let asked = self.isa.buffer().label();
        self.isa.load_and_test_interrupt(asked);
        let back = self.isa.buffer().label_here();
        self.slow_paths.push(super::SlowPath { label: asked, kind: super::SlowKind::Interrupted(back), at });
    }

    /// Gives up all homes; returns them.
    fn take_homes(&mut self) -> Vec<(u32, PReg)> {
        let homes = core::mem::take(&mut self.homes);
        for &(local, _) in &homes {
            self.cache.set_home(local, PReg::NONE);
        }
        homes
    }

    pub(super) fn open_if(&mut self, ty: BlockType<'_>) {
        self.charge();
        let condition = self.pop_condition();
        self.open(Kind::If, ty);
        let depth = self.frames.len() - 1;
        let height = self.frames[depth].height;
        for index in height..self.stack.len() {
            let entry = self.stack[index];
            self.store_entry(index, entry);
        }
        let else_label = self.isa.buffer().label();
        self.frames[depth].else_label = Some(else_label);
        match condition {
            Ok(condition) => {
                self.frames[depth].else_state = Some(Box::new(self.cache.snapshot().clone()));
                self.isa.branch(condition.invert(), else_label);
            }
            Err(true) => {}
            Err(false) => {
                self.frames[depth].else_state = Some(Box::new(self.cache.snapshot().clone()));
                self.isa.jump(else_label);
                self.reachable = false;
            }
        }
    }

    pub(super) fn begin_else(&mut self) {
        self.charge();
        let depth = self.frames.len() - 1;
        if self.reachable {
            self.flow_to_end(depth, true);
        }
        let frame = &mut self.frames[depth];
        frame.kind = Kind::Else;
        let (label, state, height) = (frame.else_label.take().expect("an if"), frame.else_state.take(), frame.height);
        self.truncate(height);
        self.set_settled(height);
        self.isa.buffer().bind(label);
        self.reachable = state.is_some();
        if let Some(state) = state {
            for index in 0..self.frames[depth].params.len() {
                let ty = self.frames[depth].params[index];
                self.push(Place::Slot, ty, Value::NONE);
            }
            self.set_settled(self.stack.len());
            self.enter_label(&state);
        }
    }

    pub(super) fn close(&mut self) {
        self.charge();
        let depth = self.frames.len() - 1;
        if self.frames[depth].kind == Kind::Function {
            return self.close_function();
        }
        if self.frames[depth].kind == Kind::Loop {
            return self.close_loop();
        }
        // An `if` without `else` has one more edge to its end, which carries the parameters.
        if let Some(label) = self.frames[depth].else_label {
            if self.frames[depth].else_state.is_some() {
                if self.frames[depth].params.is_empty() && self.frames[depth].state.is_none() {
                    let state = self.frames[depth].else_state.take();
                    self.frames[depth].state = state;
                    if self.reachable {
                        self.flow_to_end(depth, false);
                    }
                    self.isa.buffer().bind(label);
                    return self.finish_block();
                }
                self.begin_else();
            } else {
                self.isa.buffer().bind(label);
            }
        }
        if self.reachable {
            if self.frames[depth].state.is_none() {
                // Nobody branches here: control just goes on.
                let frame = self.frames.pop().expect("open");
                self.isa.buffer().bind(frame.label);
                self.settled = self.settled.min(frame.height);
                return;
            }
            self.flow_to_end(depth, false);
        }
        self.finish_block();
    }

    fn close_loop(&mut self) {
        self.loop_depth -= 1;
        let frame = self.frames.pop().expect("open");
        if self.options.tiering.is_some() {
            self.weigh_loop();
        }
        self.take_homes();
        for &(local, home) in &frame.homes {
            self.cache.set_home(local, home);
        }
        self.homes = frame.homes;
        self.settled = self.settled.min(frame.height);
        if !self.reachable {
            self.truncate(frame.height);
        }
    }

    /// Binds the label of the innermost frame, which all edges have reached, and goes on there.
    fn finish_block(&mut self) {
        let frame = self.frames.pop().expect("open");
        self.truncate(frame.height);
        self.set_settled(frame.height);
        self.isa.buffer().bind(frame.label);
        self.reachable = frame.state.is_some();
        let Some(state) = &frame.state else { return };
        let single = frame.in_register();
        if !single {
            for &ty in &frame.results {
                self.push(Place::Slot, ty, Value::NONE);
            }
            self.set_settled(self.stack.len());
        }
        self.enter_label(state);
        if single {
            let ty = frame.results[0];
            let register = self.result_register(ty);
            self.cache.used.insert(register);
            self.push_register(register, ty);
        }
    }

    /// The edge from here to the end of the frame at `depth`, as the fall-through or by a jump.
    fn flow_to_end(&mut self, depth: usize, jump: bool) {
        self.edge(depth);
        if jump {
            let label = self.frames[depth].label;
            self.isa.jump(label);
        }
        self.reachable = false;
    }

    /// Emits what an edge to the frame at `depth` needs. Only the first edge to a label that carries a value in a register
    /// changes the compile-time state.
    fn edge(&mut self, depth: usize) {
        self.check_locals();
        if self.frames[depth].kind == Kind::Function {
            return self.return_values();
        }
        let count = self.frames[depth].carried().len();
        let base = self.stack.len() - count;
        let in_register = self.frames[depth].in_register();
        if !in_register && count > 0 {
            self.carry_in_slots(base, self.frames[depth].height, count);
        }
        let result = in_register.then(|| {
            let entry = self.stack[base];
            (entry, self.stack_slot(base), self.result_register(entry.ty))
        });
        if self.frames[depth].state.is_none() {
            // The first edge: the result's register is made free for it, then the state is as it is now.
            if let Some((_, _, register)) = result {
                self.bring_result(base, register);
            }
            self.frames[depth].state = Some(Box::new(self.cache.snapshot().clone()));
            return;
        }
        let mut state = self.frames[depth].state.take().expect("just tested");
        let dirty = self.conform(&state, result);
        state.dirty |= dirty;
        self.frames[depth].state = Some(state);
    }

    /// Brings the entry at `index` into `register`, for good.
    fn bring_result(&mut self, index: usize, register: PReg) {
        let entry = self.stack[index];
        if entry.place == Place::Register(register) && self.cache.local_in(register).is_none() && self.cache.references(register) == 1 {
            self.clean_upper(register);
            return;
        }
        self.vacate_for(index, register);
        let entry = self.stack[index];
        match entry.place {
            Place::Register(from) => {
                self.copy(register, from);
                self.cache.release(from);
            }
            Place::Local(local) => {
                self.cache.locals[local as usize].pending -= 1;
                let from = self.cache.locals[local as usize].register;
                if from.is_some() {
                    self.copy(register, from);
                } else {
                    self.load_local_into(register, local, entry.value);
                }
            }
            Place::Constant(bits) => self.load_constant(register, entry.ty, bits, entry.value),
            Place::Slot => self.load_slot(register, self.stack_slot(index), entry.ty),
            Place::Flags(_) | Place::Deferred => unreachable!("forced before"),
        }
        self.cache.used.insert(register);
        self.cache.retain(register);
        self.stack[index].place = Place::Register(register);
        // A conditional branch does this to an entry that stays on the stack, even to one in its slot.
        self.settled = self.settled.min(index);
        if entry.ty == ValType::I32 {
            self.clean_upper(register);
        }
    }

    fn vacate_for(&mut self, index: usize, register: PReg) {
        // The entry itself may be what is in the register: then it moves along and is copied back.
        if let Place::Register(own) = self.stack[index].place
            && own != register
        {
            self.cache.pinned.insert(own);
        }
        self.vacate(register);
        self.cache.pinned = RegSet::EMPTY;
    }

    /// Copies `count` entries from `base` into the slots from depth `height` on. Nothing changes at compile time.
    fn carry_in_slots(&mut self, base: usize, height: usize, count: usize) {
        for offset in 0..count {
            let entry = self.stack[base + offset];
            let (from, to) = (self.stack_slot(base + offset), self.stack_slot(height + offset));
            let to_offset = self.slot_offset(to);
            match entry.place {
                Place::Slot if from == to => {}
                Place::Slot => self.isa.copy_frame(to_offset, self.slot_offset(from)),
                Place::Register(register) => self.isa.store_frame(to_offset, register, width_of(entry.ty)),
                Place::Constant(bits) => self.isa.store_frame_constant(to_offset, entry.ty, bits),
                Place::Local(local) => {
                    let register = self.cache.locals[local as usize].register;
                    if register.is_some() {
                        self.isa.store_frame(to_offset, register, width_of(entry.ty));
                    } else {
                        self.isa.copy_frame(to_offset, self.slot_offset(self.local_slot(local)));
                    }
                }
                Place::Flags(_) | Place::Deferred => unreachable!("forced before"),
            }
        }
    }

    pub(super) fn branch_to(&mut self, relative: u32) {
        self.charge();
        let depth = self.frames.len() - 1 - relative as usize;
        self.force_top();
        self.edge(depth);
        let label = self.frames[depth].label;
        self.isa.jump(label);
        self.reachable = false;
    }

    pub(super) fn force_top(&mut self) {
        if let Some(top) = self.stack.len().checked_sub(1) {
            self.force(top);
        }
    }

    pub(super) fn branch_if_to(&mut self, relative: u32) {
        self.charge();
        match self.pop_condition() {
            Ok(condition) => self.branch_on(condition, relative),
            Err(true) => self.branch_to(relative),
            Err(false) => {}
        }
    }

    fn branch_on(&mut self, condition: Cond, relative: u32) {
        let depth = self.frames.len() - 1 - relative as usize;
        let frame = &self.frames[depth];
        let (label, in_register, count) = (frame.label, frame.in_register(), frame.carried().len());
        if in_register && frame.kind != Kind::Function {
            // The result goes to its register on both paths.
            let base = self.stack.len() - 1;
            let register = self.result_register(self.stack[base].ty);
            self.bring_result(base, register);
        }
        if self.edge_is_empty(depth, count) {
            if self.frames[depth].state.is_none() && self.frames[depth].kind != Kind::Function {
                self.edge(depth);
            } else {
                self.check_locals();
                self.note_dirty(depth);
            }
            self.isa.branch(condition, label);
            return;
        }
        let skip = self.isa.buffer().label();
        self.isa.branch(condition.invert(), skip);
        let checker = self.checker.clone();
        self.edge(depth);
        self.checker = checker;
        self.isa.jump(label);
        self.isa.buffer().bind(skip);
    }

    fn note_dirty(&mut self, depth: usize) {
        let dirty = self.cache.dirty();
        if let Some(state) = &mut self.frames[depth].state {
            state.dirty |= dirty & state.bound;
        }
    }

    /// Whether an edge to the frame at `depth` is free, its result (if it travels in a register) being there already.
    fn edge_is_empty(&self, depth: usize, count: usize) -> bool {
        let frame = &self.frames[depth];
        if frame.kind == Kind::Function {
            return frame.results.is_empty();
        }
        if count > 0 && !frame.in_register() {
            return false;
        }
        match &frame.state {
            None => true,
            Some(state) => self.conforms(state),
        }
    }

    pub(super) fn branch_by_table(&mut self, depths: &[u32], default: u32) {
        self.charge();
        let index = self.bring_index();
        let temporary = self.allocate(Class::Int, RegSet::EMPTY);
        let mut known: Vec<Option<Label>> = vec![None; self.frames.len()];
        let mut stubs: Vec<(usize, Label)> = Vec::new();
        let mut labels: Vec<Label> = Vec::with_capacity(depths.len() + 1);
        for &relative in depths.iter().chain([&default]) {
            let depth = self.frames.len() - 1 - relative as usize;
            let label = match known[depth] {
                Some(label) => label,
                None => self.table_target(depth, &mut stubs),
            };
            known[depth] = Some(label);
            labels.push(label);
        }
        self.isa.branch_table(index, temporary, &labels);
        self.checker.clobber(Holder::Register(temporary));
        self.let_go();
        let checker = self.checker.clone();
        for (depth, label) in stubs {
            self.isa.buffer().bind(label);
            self.checker = checker.clone();
            self.edge(depth);
            let target = self.frames[depth].label;
            self.isa.jump(target);
        }
        self.reachable = false;
    }

    /// Where a `br_table` jumps for the frame at `depth`: its label, or a stub with the edge's code. Several edges stand side
    /// by side, so none may change the compile-time state: a label that is reached for the first time takes the state as it is.
    fn table_target(&mut self, depth: usize, stubs: &mut Vec<(usize, Label)>) -> Label {
        let frame = &self.frames[depth];
        let count = frame.carried().len();
        if frame.state.is_none() && frame.kind != Kind::Function {
            let mut state = self.cache.snapshot().clone();
            if frame.in_register() {
                // The result's register belongs to the result: a local in it goes to its slot.
                state.unbind(self.result_register(frame.results[0]));
            }
            self.frames[depth].state = Some(Box::new(state));
        }
        if count == 0 && self.edge_is_empty(depth, 0) {
            self.check_locals();
            self.note_dirty(depth);
            return self.frames[depth].label;
        }
        let label = self.isa.buffer().label();
        stubs.push((depth, label));
        label
    }

    fn close_function(&mut self) {
        if self.reachable {
            self.force_top();
            self.edge(0);
        }
        self.truncate(0);
        self.reachable = true;
        self.finish();
    }

    /// Moves the function's results to where the caller expects them. Nothing changes at compile time.
    fn return_values(&mut self) {
        let layout = &self.plan.calls[self.ty as usize];
        let base = self.stack.len() - layout.results.len();
        let mut moves = ParallelMoves::default();
        for (index, &location) in layout.results.iter().enumerate() {
            match location {
                ArgLocation::Memory(offset) => self.store_result(base + index, offset as i32),
                _ => {
                    if let Some(from) = self.register_of(base + index) {
                        moves.push(self.registers.position(location), from);
                    }
                }
            }
        }
        moves.resolve(&mut Emitter { isa: self.isa, checker: &mut self.checker });
        for (index, &location) in layout.results.iter().enumerate() {
            if !matches!(location, ArgLocation::Memory(_)) {
                self.load_to_position(base + index, self.registers.position(location));
            }
        }
    }

    /// Stores a result through the hidden pointer.
    fn store_result(&mut self, index: usize, offset: i32) {
        let entry = self.stack[index];
        self.isa.load_frame(I::SCRATCH, self.slot_offset(self.result_pointer_slot), FieldWidth::W64);
        let from = match self.register_of(index) {
            Some(register) => register,
            None => {
                self.load_to_position(index, I::FLOAT_SCRATCH);
                I::FLOAT_SCRATCH
            }
        };
        self.isa.store_field(I::SCRATCH, offset, from, width_of(entry.ty));
    }

    pub(super) fn return_from(&mut self) {
        self.charge();
        self.force_top();
        self.edge(0);
        let label = self.frames[0].label;
        self.isa.jump(label);
        self.reachable = false;
    }
}
