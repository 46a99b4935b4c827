//! From steps with locations to instructions.
//!
//! Blocks stand in their order, cold ones behind the others. What an edge has to do stands at the end of its block if that has no other edge; else,
//! for edges that go back, between the branch and a jump, and for the others behind the body.

use cranelift_entity::EntityRef;
use mj_abi::{ContextHeader, GlobalCell, Helper, TrapCode};
use mj_asm::Label;
use mj_decode::ValType;
use mj_ir::ssa::{Block, Edge, Function, List, Node, Terminator};
use mj_ir::{Action, Allocation, Arrival, Class, FOREIGN_SLOT, Location, PReg, RegSet, RegisterFile};

use super::select::{Context, Selection, Work};
use crate::baseline::Emitted;
use crate::isa::{FieldWidth, FrameFacts, Isa, Locations, UNCHECKED_SLOTS, width_of};

/// What is emitted.
pub(super) struct Emission<'a, F> {
    pub function: &'a Function,
    pub selection: &'a Selection<F>,
    pub allocation: &'a Allocation,
    pub context: Context<'a>,
}

/// Code that stands behind the body.
enum Behind {
    Trap(TrapCode, u32),
    /// Asks for fuel and goes on at the label.
    Fuel(Label, u32),
    /// Asks what to do about an interruption and goes on at the label.
    Interrupted(Label, u32),
    /// Does what the edge with this number out of a block has to do.
    Edge(Block, usize, Block),
}

struct Pass<'a, I: Isa> {
    isa: &'a mut I,
    emission: Emission<'a, I::Form>,
    registers: RegisterFile,
    labels: Vec<Label>,
    /// The order in which blocks are emitted.
    order: Vec<Block>,
    behind: Vec<(Label, Behind)>,
    /// The block at hand.
    block: Block,
    /// The flags hold a condition that the next step or the branch reads.
    flags_live: bool,
    saved: RegSet,
    argument_bytes: u32,
    /// Slots of the frame that is taken over: the function's own are below.
    foreign: u32,
}

/// Writes a function at the end of the ISA's buffer.
pub(super) fn emit<I: Isa>(isa: &mut I, emission: Emission<'_, I::Form>) -> Emitted {
    let registers = *isa.registers();
    let function = emission.function;
    let labels = function.blocks.keys().map(|_| isa.buffer().label()).collect();
    let context = emission.context;
    let argument_bytes = context.plan.calls[context.ty as usize].argument_bytes;
    let (saved, foreign) = match context.takes_over {
        // Code that is replaced in its loops saves all of them.
        true => (registers.callee_saved, foreign_slots(&emission)),
        false => (emission.allocation.used & registers.callee_saved, 0),
    };
    let order = layout(function);
    Pass {
        isa,
        emission,
        registers,
        labels,
        order,
        behind: Vec::new(),
        block: Block::new(0),
        flags_live: false,
        saved,
        argument_bytes,
        foreign,
    }
    .function()
}

/// The order of the code: cold blocks come last; a loop that begins with the test that leaves it and ends with a jump has the test at its end.
fn layout(function: &Function) -> Vec<Block> {
    let (mut hot, mut cold, mut tests) = (Vec::with_capacity(function.blocks.len()), Vec::new(), Vec::new());
    for (block, row) in &function.blocks {
        while tests.last().is_some_and(|&(end, _)| end <= block) {
            hot.extend(tests.pop().map(|(_, test)| test));
        }
        if row.is_cold && block.index() > 0 {
            cold.push(block);
        } else if let Some(end) = row.loop_end.expand().filter(|&end| ends_with_jump(function, block, end)) {
            tests.push((end, block));
        } else {
            hot.push(block);
        }
    }
    hot.extend(tests.into_iter().rev().map(|(_, test)| test));
    hot.extend(cold);
    hot
}

/// Whether a loop's header decides whether to leave it, and its last block jumps back.
fn ends_with_jump(function: &Function, header: Block, end: Block) -> bool {
    let last = Block::new(end.index() - 1);
    let leaves = matches!(function.blocks[header].terminator, Terminator::Branch { taken, .. } if taken.to >= end);
    last != header && leaves && matches!(function.blocks[last].terminator, Terminator::Jump(edge) if edge.to == header)
}

/// Slots of the frame that is taken over, stack arguments apart.
fn foreign_slots<F>(emission: &Emission<'_, F>) -> u32 {
    let arrivals = emission.selection.selected.arrivals.iter();
    let last = arrivals.filter_map(|&(_, arrival)| match arrival {
        Arrival::Slot(slot) => Some(slot + 1),
        Arrival::Register(_) => None,
    });
    last.max().unwrap_or(0).saturating_sub(emission.context.incoming())
}

impl<I: Isa> Pass<'_, I> {
    fn function(mut self) -> Emitted {
        let buffer = self.isa.buffer();
        buffer.align(I::FUNCTION_ALIGNMENT, I::FILL);
        let start = buffer.offset();
        let takes_over = self.emission.context.takes_over;
        let slot_bytes = (self.foreign + self.emission.allocation.slots) * mj_abi::SLOT;
        if !takes_over {
            buffer.put_space(I::PROLOGUE_SPACE);
        }
        let body = buffer.offset();
        let context = self.emission.context;
        let (options, calls) = (context.options, self.emission.function.calls);
        let checks = !options.signals && !takes_over;
        let stack_overflow =
            (checks && (calls || slot_bytes > UNCHECKED_SLOTS)).then(|| self.trap_label(TrapCode::StackOverflow, context.start));
        let interrupted = (checks && calls && options.interruption).then(|| {
            let body = self.isa.buffer().label_here();
            self.behind_label(Behind::Interrupted(body, context.start))
        });
        let facts = FrameFacts {
            slot_bytes,
            saved: self.saved,
            keeps_context: takes_over || calls || options.fuel,
            stack_overflow,
            checks_interrupt: calls && options.interruption && options.signals,
            interrupted,
            countdown: None,
        };
        self.isa.frame_is_known(facts);
        if takes_over {
            self.isa.take_over_frame(slot_bytes);
        }
        for index in 0..self.order.len() {
            let following = self.order.get(index + 1).copied();
            self.block(self.order[index], following);
        }
        // What stands behind the body may itself have traps.
        while let Some((label, behind)) = self.behind.pop() {
            self.isa.buffer().bind(label);
            self.behind(behind);
        }
        self.isa.finish_body();
        Emitted { start, entry: if takes_over { body } else { self.isa.prologue(body, facts) } }
    }

    fn behind(&mut self, behind: Behind) {
        match behind {
            Behind::Trap(code, at) => self.isa.trap(code, at),
            Behind::Fuel(back, at) => {
                self.isa.call_helper(Helper::OutOfFuel, at);
                self.isa.jump(back);
            }
            Behind::Interrupted(back, at) => {
                self.isa.call_helper(Helper::Interrupted, at);
                self.isa.jump(back);
            }
            Behind::Edge(from, index, to) => {
                self.edge_actions(from, index);
                self.isa.jump(self.labels[to.index()]);
            }
        }
    }

    /// A label behind the body.
    fn behind_label(&mut self, behind: Behind) -> Label {
        let label = self.isa.buffer().label();
        self.behind.push((label, behind));
        label
    }

    fn trap_label(&mut self, code: TrapCode, at: u32) -> Label {
        self.behind_label(Behind::Trap(code, at))
    }

    fn block(&mut self, block: Block, following: Option<Block>) {
        self.block = block;
        self.flags_live = false;
        let row = &self.emission.function.blocks[block];
        let is_header = row.loop_end.is_some();
        if is_header && !row.is_cold {
            self.isa.align_loop();
        }
        let label = self.labels[block.index()];
        self.isa.buffer().bind(label);
        let allocation = self.emission.allocation;
        for &(value, register) in allocation.homes(block) {
            self.store_defined(value, register);
        }
        for &action in allocation.block(block) {
            self.act(action);
        }
        self.terminator(block, following);
    }

    /// At a loop's header, where the flags hold nothing; `page` is where the page's address is, if it is in a register.
    fn look_for_interruption(&mut self, page: PReg) {
        let signals = self.emission.context.options.signals;
        match (signals, page.is_some()) {
            (true, true) => return self.isa.check_interrupt(page),
            // Its slot is no nearer than the context.
            (true, false) => return self.isa.load_and_check_interrupt(),
            _ => {}
        }
        let back = self.isa.buffer().label();
        let asked = self.behind_label(Behind::Interrupted(back, self.emission.context.start));
        match page.is_some() {
            true => self.isa.test_interrupt(page, asked),
            false => self.isa.load_and_test_interrupt(asked),
        }
        self.isa.buffer().bind(back);
    }

    fn terminator(&mut self, block: Block, following: Option<Block>) {
        match self.emission.function.blocks[block].terminator {
            Terminator::Jump(edge) => {
                self.edge_actions(block, 0);
                self.jump(edge.to, following);
            }
            Terminator::Branch { taken, other, .. } => self.branch(block, taken, other, following),
            // It is the block's last step.
            Terminator::Switch { .. } => {}
            Terminator::Return(_) => self.isa.epilogue(self.saved, self.argument_bytes),
            Terminator::Trap { code, at } => self.isa.trap(code, at),
        }
    }

    fn jump(&mut self, to: Block, following: Option<Block>) {
        if following != Some(to) {
            self.isa.jump(self.labels[to.index()]);
        }
    }

    fn branch(&mut self, block: Block, taken: Edge, other: Edge, following: Option<Block>) {
        let condition = self.emission.selection.conditions[block].expect("the block branches");
        let allocation = self.emission.allocation;
        let (code, rest) = (allocation.edge(block, 0), allocation.edge(block, 1));
        let label = self.labels[taken.to.index()];
        let depth = |block: Block| self.emission.function.blocks[block].depth;
        let stays = depth(other.to) > depth(taken.to) || !code.is_empty();
        if code.is_empty() && following == Some(taken.to) && rest.is_empty() {
            return self.isa.branch(condition.invert(), self.labels[other.to.index()]);
        }
        if code.is_empty() && (following == Some(other.to) || !rest.is_empty() || !stays) {
            self.isa.branch(condition, label);
        } else if rest.is_empty() && following != Some(other.to) {
            self.isa.branch(condition.invert(), self.labels[other.to.index()]);
            self.edge_actions(block, 0);
            return self.jump(taken.to, following);
        } else if taken.to <= block {
            let skip = self.isa.buffer().label();
            self.isa.branch(condition.invert(), skip);
            self.edge_actions(block, 0);
            self.isa.jump(label);
            self.isa.buffer().bind(skip);
        } else {
            let behind = self.behind_label(Behind::Edge(block, 0, taken.to));
            self.isa.branch(condition, behind);
        }
        self.edge_actions(block, 1);
        self.jump(other.to, following);
    }

    fn edge_actions(&mut self, from: Block, index: usize) {
        self.flags_live = false;
        for &action in self.emission.allocation.edge(from, index) {
            self.act(action);
        }
    }

    /// Offset of a slot from the frame pointer.
    fn offset(&self, slot: u32) -> i32 {
        let incoming = self.argument_bytes / mj_abi::SLOT;
        match slot.checked_sub(FOREIGN_SLOT) {
            None => I::FIRST_SLOT - ((self.foreign + slot) * mj_abi::SLOT) as i32,
            Some(slot) if slot < incoming => I::INCOMING + (slot * mj_abi::SLOT) as i32,
            Some(slot) => I::FIRST_SLOT - ((slot - incoming) * mj_abi::SLOT) as i32,
        }
    }

    fn type_of(&self, value: Node) -> ValType {
        self.emission.function.type_of(value)
    }

    /// Own slots hold all bits of a register; foreign ones may hold half of them.
    fn slot_width(&self, slot: u32, value: Node) -> FieldWidth {
        if slot < FOREIGN_SLOT { FieldWidth::W64 } else { width_of(self.type_of(value)) }
    }

    fn store_defined(&mut self, value: Node, register: PReg) {
        if let Some(slot) = self.emission.allocation.stored_at_definition(value) {
            self.isa.store_frame(self.offset(slot), register, FieldWidth::W64);
        }
    }

    fn act(&mut self, action: Action) {
        let function = self.emission.function;
        match action {
            Action::Step(index) => self.step(index),
            Action::Copy { to, from } => self.isa.copy(to, from),
            Action::Exchange(a, b) => self.isa.exchange(a, b),
            Action::Load { to, slot, value } => self.isa.load_frame(to, self.offset(slot), self.slot_width(slot, value)),
            Action::Constant { to, value } => {
                let bits = function.constant(value).expect("a constant");
                if bits == 0 && to.class() == Class::Int && !self.flags_live {
                    return self.isa.zero(to);
                }
                self.isa.constant(to, self.type_of(value), bits);
            }
            Action::Store { slot, from } => self.isa.store_frame(self.offset(slot), from, FieldWidth::W64),
            Action::CopySlot { to, from, value } => {
                let width = self.slot_width(from, value);
                let (to, from) = (self.offset(to), self.offset(from));
                if width == FieldWidth::W64 {
                    return self.isa.copy_frame(to, from);
                }
                self.isa.load_frame(I::SCRATCH, from, width);
                self.isa.store_frame(to, I::SCRATCH, FieldWidth::W64);
            }
            Action::StoreConstant { slot, value } => {
                let bits = function.constant(value).expect("a constant");
                let bits = if width_of(self.type_of(value)) == FieldWidth::W32 { i64::from(bits as u32) } else { bits };
                self.isa.store_frame_constant(self.offset(slot), ValType::I64, bits);
            }
        }
    }

    fn step(&mut self, index: u32) {
        let selection = self.emission.selection;
        let step = &selection.selected.steps[index as usize];
        let (uses, definitions) = (selection.selected.uses(step), selection.selected.definitions(step));
        let located = self.emission.allocation.locations_of(index);
        let (used, rest) = located.split_at(uses.len());
        let (defined, temporaries) = rest.split_at(definitions.len());
        let temporaries = &temporaries[..step.constraints.temporaries.len()];
        let work = &selection.work[index as usize];
        if self.emission.context.options.dirty_upper_bits {
            self.poison(index, used, temporaries);
        }
        self.work(work, used, defined, temporaries);
        if self.emission.context.options.dirty_upper_bits {
            self.clean(index, used, defined);
        }
        self.flags_live = matches!(work, Work::Form { condition: Some(_), .. }) && definitions.is_empty();
        for (defined, &location) in definitions.iter().zip(defined) {
            if let Location::Register(register) = location {
                self.store_defined(defined.value, register);
            }
        }
    }

    fn work(&mut self, work: &Work<I::Form>, uses: &[Location], defined: &[Location], temporaries: &[Location]) {
        let register = |locations: &[Location], index: usize| match locations.get(index) {
            Some(&Location::Register(register)) => register,
            _ => PReg::NONE,
        };
        let (to, first, second) = (register(defined, 0), register(uses, 0), register(uses, 1));
        let temporary = register(temporaries, 0);
        let plan = self.emission.context.plan;
        match *work {
            Work::Form { form, condition, immediate, offset, at, .. } => {
                let uses = core::array::from_fn(|index| register(uses, index));
                let temporaries = [temporary, register(temporaries, 1)];
                self.isa.emit(form, &Locations { definition: to, uses, temporaries, immediate, offset, at });
                if let Some(condition) = condition.filter(|_| to.is_some()) {
                    self.isa.set_condition(to, condition);
                }
            }
            Work::ZeroExtend => self.isa.zero_extend(to, first),
            Work::Constant { ty, bits } => self.isa.constant(to, ty, bits),
            Work::FuncRef(offset) => self.isa.context_address(to, offset),
            Work::InterruptPage => self.isa.load_field(to, I::CONTEXT, ContextHeader::INTERRUPT_PAGE, FieldWidth::W64),
            Work::CheckInterrupt => self.look_for_interruption(first),
            Work::GlobalGet { global, ty } => self.global_get(global, ty, to, temporary),
            Work::GlobalSet { global, ty } => self.global_set(global, ty, first, temporary),
            Work::MemorySize(memory) => {
                let pointer = if memory == 0 { ContextHeader::MEMORY0 } else { plan.layout.memory(memory) as i32 };
                self.isa.memory_length(to, pointer);
                self.isa.shift_right(to, 16);
            }
            Work::TableSize(table) => self.isa.table_length(to, plan.layout.table(table) as i32),
            Work::TableGet { table, at } => {
                self.table_element(to, first, table, at);
                self.isa.load_field(to, to, 0, FieldWidth::W64);
            }
            Work::TableSet { table, at } => {
                self.table_element(temporary, first, table, at);
                self.isa.store_field(temporary, 0, second, FieldWidth::W64);
            }
            Work::Fuel { amount, at } => {
                let back = self.isa.buffer().label();
                let exhausted = self.behind_label(Behind::Fuel(back, at));
                self.isa.charge_fuel(amount, exhausted);
                self.isa.buffer().bind(back);
            }
            Work::AdjustStack(bytes) => self.isa.adjust_stack(bytes),
            Work::StoreArgument { offset, value } => self.store_argument(offset, value, uses[0]),
            Work::LoadResult { offset, ty } => self.isa.load_outgoing(to, offset, width_of(ty)),
            Work::PrepareImport(function) => self.isa.prepare_import(plan.layout.imported_function(function) as i32),
            Work::PrepareIndirect { table, ty, at } => {
                self.table_element(temporary, first, table, at);
                self.isa.load_field(temporary, temporary, 0, FieldWidth::W64);
                let bad_signature = self.trap_label(TrapCode::BadSignature, at);
                let signals = self.emission.context.options.signals;
                let null = (!signals).then(|| self.trap_label(TrapCode::IndirectCallToNull, at));
                self.isa.prepare_indirect(temporary, ty, null, bad_signature, at);
            }
            Work::CallDirect { function, ty, at } => {
                self.isa.pass_result_pointer(&plan.calls[ty as usize]);
                self.isa.call_direct(function, at);
                self.isa.arguments_are_popped(plan.calls[ty as usize].argument_bytes);
            }
            Work::CallPrepared { ty, at } => {
                self.isa.pass_result_pointer(&plan.calls[ty as usize]);
                self.isa.call_prepared(at);
                self.isa.arguments_are_popped(plan.calls[ty as usize].argument_bytes);
            }
            Work::Helper { helper, first, has_result, at } => {
                let position = self.registers.int_positions[0];
                self.isa.constant(position, ValType::I64, first);
                self.isa.call_helper(helper, at);
                if has_result {
                    self.isa.zero_extend(position, position);
                }
            }
            Work::Switch => self.switch(first, temporary),
            Work::StoreResult { offset, ty } => self.isa.store_field(first, offset, second, width_of(ty)),
            Work::Return => {}
        }
    }

    /// Registers of uses whose upper halves are zero and not read by the form of a step.
    fn halves(&self, step: u32, uses: &[Location]) -> RegSet {
        let selection = self.emission.selection;
        let Work::Form { halves, .. } = selection.work[step as usize] else { return RegSet::EMPTY };
        let row = &selection.selected.steps[step as usize];
        let operands = selection.selected.uses(row);
        let is_half = |index: usize| halves >> index & 1 == 1 && self.type_of(operands[index].value) == ValType::I32;
        // Either of the first two may be in either place if they commute.
        let commute = row.constraints.commutative && operands.len() > 1;
        let (mut half, mut whole) = (RegSet::EMPTY, RegSet::EMPTY);
        for (index, &location) in uses.iter().enumerate() {
            let Location::Register(register) = location else { continue };
            let is_half = if commute && index < 2 { is_half(0) && is_half(1) } else { is_half(index) };
            if is_half { &mut half } else { &mut whole }.insert(register);
        }
        half & !whole
    }

    /// For tests: puts rubbish wherever the step at hand must not look: upper halves, temporaries, the scratch register.
    fn poison(&mut self, step: u32, uses: &[Location], temporaries: &[Location]) {
        const RUBBISH: i64 = 0x5a5a_5a5a_dead_beef;
        if !matches!(self.emission.selection.work[step as usize], Work::Form { .. }) || self.flags_live {
            return;
        }
        for register in self.halves(step, uses).iter() {
            self.isa.poison_upper(register);
        }
        self.isa.constant(I::SCRATCH, ValType::I64, RUBBISH);
        for &temporary in temporaries {
            if let Location::Register(register) = temporary {
                self.isa.constant(register, if register.class() == Class::Int { ValType::I64 } else { ValType::F64 }, RUBBISH);
            }
        }
    }

    /// Takes back what is left of it: every i32 in a register has a zero upper half.
    fn clean(&mut self, step: u32, uses: &[Location], defined: &[Location]) {
        let row = self.emission.selection.selected.steps[step as usize].constraints;
        for register in (self.halves(step, uses) & !row.clobbers).iter() {
            if !defined.contains(&Location::Register(register)) {
                self.isa.zero_extend(register, register);
            }
        }
    }

    fn table_element(&mut self, to: PReg, index: PReg, table: u32, at: u32) {
        let out_of_bounds = self.trap_label(TrapCode::TableOutOfBounds, at);
        let entry = self.emission.context.plan.layout.table(table) as i32;
        self.isa.table_element(to, index, entry, out_of_bounds);
    }

    fn global_get(&mut self, global: u32, ty: ValType, to: PReg, pointer: PReg) {
        let plan = self.emission.context.plan;
        const { assert!(core::mem::offset_of!(GlobalCell, value) == 0) }
        match global.checked_sub(plan.imported_globals) {
            Some(own) => self.isa.load_field(to, I::CONTEXT, plan.layout.own_global(own) as i32, width_of(ty)),
            None => {
                self.isa.load_field(pointer, I::CONTEXT, plan.layout.imported_global(global) as i32, FieldWidth::W64);
                self.isa.load_field(to, pointer, 0, width_of(ty));
            }
        }
    }

    fn global_set(&mut self, global: u32, ty: ValType, from: PReg, pointer: PReg) {
        let plan = self.emission.context.plan;
        match global.checked_sub(plan.imported_globals) {
            Some(own) => self.isa.store_field(I::CONTEXT, plan.layout.own_global(own) as i32, from, width_of(ty)),
            None => {
                self.isa.load_field(pointer, I::CONTEXT, plan.layout.imported_global(global) as i32, FieldWidth::W64);
                self.isa.store_field(pointer, 0, from, width_of(ty));
            }
        }
    }

    fn store_argument(&mut self, offset: i32, value: Node, location: Location) {
        let ty = self.type_of(value);
        match location {
            // An i32 is stored as 4 bytes; whoever loads it loads 4 bytes.
            Location::Register(register) => self.isa.store_outgoing(offset, register, FieldWidth::W64),
            Location::Slot(slot) if self.slot_width(slot, value) == FieldWidth::W64 => self.isa.copy_outgoing(offset, self.offset(slot)),
            Location::Slot(slot) => {
                // The value may stand for an i64: its upper half is zero, that of the slot anything.
                self.isa.load_frame(I::SCRATCH, self.offset(slot), FieldWidth::W32);
                self.isa.store_outgoing(offset, I::SCRATCH, FieldWidth::W64);
            }
            Location::Constant(node) => {
                let bits = self.emission.function.constant(node).expect("a constant");
                self.isa.store_outgoing_constant(offset, ty, bits);
            }
            Location::Nowhere => unreachable!("an argument is somewhere"),
        }
    }

    fn switch(&mut self, index: PReg, temporary: PReg) {
        let (function, block) = (self.emission.function, self.block);
        let mut labels = Vec::new();
        let mut known: Vec<((Block, List), Label)> = Vec::new();
        for (number, edge) in function.edges_of(block).enumerate() {
            if self.emission.allocation.edge(block, number).is_empty() {
                labels.push(self.labels[edge.to.index()]);
                continue;
            }
            // Neighbours often go the same way.
            let key = (edge.to, edge.arguments);
            let label = match known.iter().rev().take(4).find(|(other, _)| *other == key) {
                Some(&(_, label)) => label,
                None => {
                    let label = self.behind_label(Behind::Edge(block, number, edge.to));
                    known.push((key, label));
                    label
                }
            };
            labels.push(label);
        }
        self.isa.branch_table(index, temporary, &labels);
    }
}
