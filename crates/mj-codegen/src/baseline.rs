//! The baseline compiler: one forward pass over a validated body, straight to machine code.
//!
//! A first, light pass gathers hints. Then each operator is covered, its operands are brought into registers, and its
//! instructions are written, at once. Values that cost nothing (locals, constants, conditions in the flags, operators that fold into the next
//! one) stay where they are until they are needed. The frame has a canonical slot for every local and every depth of the
//! operand stack, so that spilling is a store and a merge is a few moves.
//!
//! `values` says what an operand-stack entry can be, `allocate` finds registers, `operators` and `calls` do operators, `control` and `merge` do
//! control flow.

mod allocate;
mod calls;
mod control;
mod merge;
mod operators;
mod tiers;
mod values;

use mj_abi::{ArgLocation, TrapCode};
use mj_asm::Label;
use mj_decode::{BlockType, BodyHints, Bulk, MemArg, Module, Op, Reader, Translator, ValType, read_locals, translate};
use mj_ir::{Cache, Checker, Holder, PReg, RegSet, RegisterFile, Value};

use self::control::{Frame, Kind};
use self::tiers::Tiers;
use self::values::{Deferred, Entry, Leaf, Place};
use crate::isa::{FieldWidth, FrameFacts, Isa, Positions, UNCHECKED_SLOTS, class_of};
use crate::{ModulePlan, Options};

/// Memory that compiling one function after another reuses.
#[derive(Debug)]
pub(crate) struct Arenas {
    cache: Cache,
    checker: Checker,
    hints: BodyHints,
    stack: Vec<Entry>,
    frames: Vec<Frame>,
    local_types: Vec<ValType>,
    local_values: Vec<Value>,
    local_slots: Vec<u32>,
    slow_paths: Vec<SlowPath>,
    wanted: Vec<(u32, bool)>,
    homes: Vec<(u32, PReg)>,
    tiers: Tiers,
    leaves: [Leaf; 4],
    deferred: Deferred,
}

impl Default for Arenas {
    fn default() -> Self {
        Self {
            cache: Cache::default(),
            checker: Checker::default(),
            hints: BodyHints::default(),
            stack: Vec::new(),
            frames: Vec::new(),
            local_types: Vec::new(),
            local_values: Vec::new(),
            local_slots: Vec::new(),
            slow_paths: Vec::new(),
            wanted: Vec::new(),
            homes: Vec::new(),
            tiers: Tiers::default(),
            leaves: [Leaf::NONE; 4],
            deferred: Deferred::NONE,
        }
    }
}

/// Code that stands behind the body.
#[derive(Debug)]
struct SlowPath {
    label: Label,
    kind: SlowKind,
    at: u32,
}

#[derive(Debug)]
enum SlowKind {
    Trap(TrapCode),
    /// Asks for fuel and goes on at the label.
    Fuel(Label),
    /// Asks what to do about an interruption and goes on at the label.
    Interrupted(Label),
    /// The countdown of the entry, or of a loop by number, went negative.
    TierUp(Option<u32>),
}

/// Where a compiled function's code begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emitted {
    /// Offset of the function's first byte in the buffer.
    pub start: usize,
    /// Offset of its entry.
    pub entry: usize,
}

/// The compilation of one function.
struct Baseline<'a, I> {
    isa: &'a mut I,
    module: &'a Module,
    plan: &'a ModulePlan,
    options: &'a Options,
    registers: RegisterFile,
    callee_saved: RegSet,
    cache: Cache,
    checker: Checker,
    hints: BodyHints,
    stack: Vec<Entry>,
    frames: Vec<Frame>,
    local_types: Vec<ValType>,
    local_values: Vec<Value>,
    local_slots: Vec<u32>,
    slow_paths: Vec<SlowPath>,
    wanted: Vec<(u32, bool)>,
    /// Homes of the innermost loop.
    homes: Vec<(u32, PReg)>,
    tiers: Tiers,
    leaves: [Leaf; 4],
    deferred: Deferred,
    leaf_count: usize,
    /// Type index of the function.
    ty: u32,
    /// Slots of incoming stack arguments; the frame's own slots follow.
    incoming: u32,
    /// Slot of operand-stack depth 0.
    first_stack_slot: u32,
    result_pointer_slot: u32,
    max_depth: usize,
    /// Entries below this depth are in slots or constant.
    settled: usize,
    /// In tiered code, the settled entries that are constant, ascending; those that are not below `settled` are of the past.
    constants: Vec<usize>,
    /// Something in the function calls.
    has_call: bool,
    /// There are references, but for nulls: locals, or what operators left on the operand stack so far.
    has_references: bool,
    /// Loops around the operator at hand.
    loop_depth: u32,
    zeros_done: bool,
    reachable: bool,
    /// An option for tests is on that makes more work behind operators.
    under_test: bool,
    /// Operators since fuel was last charged.
    fuel: u32,
    body: usize,
    /// Where the body begins, if something comes back to it.
    body_label: Option<Label>,
    emitted: Emitted,
}

/// Compiles the body of `function` (an index of the whole index space) at the end of the ISA's buffer.
pub(crate) fn compile<I: Isa>(
    isa: &mut I,
    arenas: &mut Arenas,
    module: &Module,
    plan: &ModulePlan,
    options: &Options,
    function: u32,
    body: Reader<'_>,
) -> Emitted {
    let registers = *isa.registers();
    let mut compilation = Baseline {
        isa,
        module,
        plan,
        options,
        registers,
        callee_saved: registers.callee_saved,
        cache: core::mem::take(&mut arenas.cache),
        checker: core::mem::take(&mut arenas.checker),
        hints: core::mem::take(&mut arenas.hints),
        stack: core::mem::take(&mut arenas.stack),
        frames: core::mem::take(&mut arenas.frames),
        local_types: core::mem::take(&mut arenas.local_types),
        local_values: core::mem::take(&mut arenas.local_values),
        local_slots: core::mem::take(&mut arenas.local_slots),
        slow_paths: core::mem::take(&mut arenas.slow_paths),
        wanted: core::mem::take(&mut arenas.wanted),
        homes: core::mem::take(&mut arenas.homes),
        tiers: core::mem::take(&mut arenas.tiers),
        leaves: arenas.leaves,
        deferred: arenas.deferred,
        leaf_count: 0,
        ty: module.functions[function as usize],
        incoming: 0,
        first_stack_slot: 0,
        result_pointer_slot: 0,
        max_depth: 0,
        settled: 0,
        constants: Vec::new(),
        has_call: false,
        has_references: false,
        loop_depth: 0,
        zeros_done: false,
        reachable: true,
        under_test: options.dirty_upper_bits || options.spill_everything,
        fuel: 0,
        body: 0,
        body_label: None,
        emitted: Emitted { start: 0, entry: 0 },
    };
    compilation.tiers.begin(function - module.imported_functions, body.offset());
    let operators = compilation.begin(body);
    translate(module, operators, &mut compilation);
    compilation.give_back(arenas)
}

impl<I: Isa> Baseline<'_, I> {
    /// Ends the compilation: its memory serves the next one.
    fn give_back(self, arenas: &mut Arenas) -> Emitted {
        arenas.cache = self.cache;
        arenas.checker = self.checker;
        arenas.hints = self.hints;
        arenas.stack = self.stack;
        arenas.frames = self.frames;
        arenas.local_types = self.local_types;
        arenas.local_values = self.local_values;
        arenas.local_slots = self.local_slots;
        arenas.slow_paths = self.slow_paths;
        arenas.wanted = self.wanted;
        arenas.homes = self.homes;
        arenas.tiers = self.tiers;
        self.emitted
    }

    /// Sets up locals, frame and hints; returns the reader behind the local declarations.
    fn begin<'r>(&mut self, body: Reader<'r>) -> Reader<'r> {
        self.cache.reset(self.registers.allocatable);
        self.checker.reset();
        self.stack.clear();
        self.frames.clear();
        self.slow_paths.clear();
        self.homes.clear();
        self.local_types.clear();
        self.local_values.clear();
        self.local_slots.clear();
        self.deferred.count = 0;
        let ty = &self.module.types[self.ty as usize];
        self.local_types.extend_from_slice(ty.params());
        let types = &mut self.local_types;
        let operators = read_locals(body, |count, ty| types.resize(types.len() + count as usize, ty));
        self.hints.begin(self.local_types.len());
        self.declare_locals();
        self.open_function(operators.offset());
        self.take_parameters();
        operators
    }

    fn declare_locals(&mut self) {
        let layout = &self.plan.calls[self.ty as usize];
        self.incoming = layout.argument_bytes / mj_abi::SLOT;
        for (local, &ty) in self.local_types.iter().enumerate() {
            self.has_references |= ty.is_reference();
            self.cache.declare(class_of(ty));
            let value = self.checker.fresh();
            self.local_values.push(value);
            self.local_slots.push(match layout.params.get(local) {
                Some(ArgLocation::Memory(offset)) => offset / mj_abi::SLOT,
                _ => self.incoming + local as u32,
            });
        }
        self.result_pointer_slot = self.incoming + self.local_types.len() as u32;
        self.first_stack_slot = self.result_pointer_slot + u32::from(layout.result_pointer.is_some());
    }

    fn open_function(&mut self, at: u32) {
        let buffer = self.isa.buffer();
        buffer.align(I::FUNCTION_ALIGNMENT, I::FILL);
        self.emitted.start = buffer.offset();
        buffer.put_space(I::PROLOGUE_SPACE);
        self.body = buffer.offset();
        if self.options.tiering.is_some() || !self.options.signals {
            self.body_label = Some(buffer.label_here());
        }
        let label = buffer.label();
        let results = self.module.types[self.ty as usize].results();
        self.frames.push(Frame::function(label, results, at));
    }

    /// Parameters are where the convention puts them.
    fn take_parameters(&mut self) {
        let layout = &self.plan.calls[self.ty as usize];
        for (local, &location) in layout.params.iter().enumerate() {
            let value = self.local_values[local];
            if let ArgLocation::Memory(_) = location {
                self.cache.locals[local].zero = false;
                self.checker.define(Holder::Slot(self.local_slots[local]), value);
                continue;
            }
            let register = self.registers.position(location);
            self.checker.define(Holder::Register(register), value);
            if self.cache.allocatable.contains(register) {
                self.cache.bind(local as u32, register, true);
                self.cache.touch(register);
            } else {
                self.cache.locals[local].zero = false;
                self.store_local(local as u32, register);
            }
        }
        match layout.result_pointer {
            None => {}
            Some(ArgLocation::Memory(offset)) => {
                let to = self.slot_offset(self.result_pointer_slot);
                self.isa.copy_frame(to, self.slot_offset(offset / mj_abi::SLOT));
            }
            Some(location) => {
                let register = self.registers.position(location);
                self.isa.store_frame(self.slot_offset(self.result_pointer_slot), register, FieldWidth::W64);
            }
        }
        if self.under_test {
            self.spill_everything();
        }
    }

    /// Behind the last `end`: epilogue, slow paths, constants, prologue.
    fn finish(&mut self) {
        let label = self.frames[0].label;
        self.isa.buffer().bind(label);
        let saved = self.saved_registers();
        self.isa.epilogue(saved, self.incoming * mj_abi::SLOT);
        let countdown = self.count_entry();
        let slot_bytes = (self.first_stack_slot - self.incoming + self.max_depth as u32) * mj_abi::SLOT;
        let (stack_overflow, interrupted) = self.checks_of_entry(slot_bytes);
        for path in core::mem::take(&mut self.slow_paths) {
            self.isa.buffer().bind(path.label);
            match path.kind {
                SlowKind::Trap(code) => self.isa.trap(code, path.at),
                SlowKind::Fuel(back) => {
                    self.isa.call_helper(mj_abi::Helper::OutOfFuel, path.at);
                    self.isa.jump(back);
                }
                SlowKind::Interrupted(back) => {
                    self.isa.call_helper(mj_abi::Helper::Interrupted, path.at);
                    self.isa.jump(back);
                }
                SlowKind::TierUp(number) => self.tier_up(number),
            }
        }
        self.isa.finish_body();
        let facts = FrameFacts {
            slot_bytes,
            saved,
            stack_overflow,
            keeps_context: self.has_call || self.options.fuel || self.tiers.replaces_frames(),
            checks_interrupt: self.has_call && self.options.interruption && self.options.signals,
            interrupted,
            countdown,
        };
        self.emitted.entry = self.isa.prologue(self.body, facts);
    }

    /// What the entry checks where no signals are used: labels for lack of stack, and for an interruption.
    fn checks_of_entry(&mut self, slot_bytes: u32) -> (Option<Label>, Option<Label>) {
        if self.options.signals {
            return (None, None);
        }
        let at = self.tiers.start();
        let compares = self.has_call || slot_bytes > UNCHECKED_SLOTS;
        let stack_overflow = compares.then(|| self.trap_label(TrapCode::StackOverflow, at));
        let looks = self.has_call && self.options.interruption;
        let body = self.body_label.expect("bound where no signals are used");
        let interrupted = looks.then(|| self.slow_path(SlowKind::Interrupted(body), at));
        (stack_overflow, interrupted)
    }

    /// Slot of a local.
    fn local_slot(&self, local: u32) -> u32 {
        self.local_slots[local as usize]
    }

    /// Slot of the operand-stack entry at `index`.
    fn stack_slot(&self, index: usize) -> u32 {
        self.first_stack_slot + index as u32
    }

    /// Offset of a slot from the frame pointer.
    fn slot_offset(&self, slot: u32) -> i32 {
        if slot < self.incoming {
            I::INCOMING + (slot * mj_abi::SLOT) as i32
        } else {
            I::FIRST_SLOT - ((slot - self.incoming) * mj_abi::SLOT) as i32
        }
    }

    /// A label behind the body where `code` is raised.
    fn trap_label(&mut self, code: TrapCode, at: u32) -> Label {
        self.slow_path(SlowKind::Trap(code), at)
    }

    fn slow_path(&mut self, kind: SlowKind, at: u32) -> Label {
        let label = self.isa.buffer().label();
        self.slow_paths.push(SlowPath { label, kind, at });
        label
    }

    /// Counts one operator of fuel.
    #[inline]
    fn count(&mut self) {
        self.fuel = self.fuel.wrapping_add(1);
    }

    /// Charges the operators since the last time, where control is about to leave the straight line.
    #[inline]
    fn charge(&mut self) {
        if self.options.fuel {
            self.charge_counted();
        }
    }

    fn charge_counted(&mut self) {
        let amount = core::mem::take(&mut self.fuel);
        if amount == 0 || !self.reachable {
            return;
        }
        let (exhausted, back) = (self.isa.buffer().label(), self.isa.buffer().label());
        let at = self.frames.last().expect("the function's frame is open").at;
        self.isa.charge_fuel(amount, exhausted);
        self.isa.buffer().bind(back);
        self.slow_paths.push(SlowPath { label: exhausted, kind: SlowKind::Fuel(back), at });
    }
}

impl<I: Isa> Translator for Baseline<'_, I> {
    #[inline]
    fn reachable(&self) -> bool {
        self.reachable
    }

    fn op(&mut self, op: Op, at: u32, rest: &Reader<'_>) {
        self.count();
        self.operator(op, at, rest);
    }

    fn load(&mut self, op: Op, memory: MemArg, at: u32, rest: &Reader<'_>) {
        self.count();
        self.load_operator(op, memory, at, rest);
    }

    fn store(&mut self, op: Op, memory: MemArg, at: u32) {
        self.count();
        self.store_operator(op, memory, at);
    }

    #[inline]
    fn constant(&mut self, ty: ValType, bits: i64) {
        self.count();
        let value = self.checker.fresh();
        self.push(Place::Constant(bits), ty, value);
    }

    fn ref_func(&mut self, function: u32, rest: &Reader<'_>) {
        self.count();
        self.get_func_ref(function, rest);
    }

    #[inline]
    fn local_get(&mut self, local: u32) {
        self.count();
        self.get_local(local);
    }

    fn local_set(&mut self, local: u32) {
        self.count();
        self.set_local(local);
    }

    fn local_tee(&mut self, local: u32) {
        self.count();
        self.set_local(local);
        self.get_local(local);
    }

    fn global_get(&mut self, global: u32, rest: &Reader<'_>) {
        self.count();
        self.get_global(global, rest);
    }

    fn global_set(&mut self, global: u32) {
        self.count();
        self.set_global(global);
    }

    fn drop_value(&mut self) {
        self.drop_top();
    }

    fn select(&mut self, rest: &Reader<'_>) {
        self.count();
        self.select_operator(rest);
    }

    fn block(&mut self, ty: BlockType<'_>) {
        self.open(Kind::Block, ty);
    }

    fn loop_(&mut self, ty: BlockType<'_>, rest: &Reader<'_>) {
        self.open_loop(ty, rest);
    }

    fn if_(&mut self, ty: BlockType<'_>) {
        self.count();
        self.open_if(ty);
    }

    fn else_(&mut self) {
        self.begin_else();
    }

    fn end(&mut self) {
        self.close();
    }

    fn unreachable(&mut self, at: u32) {
        self.charge();
        self.isa.trap(TrapCode::UnreachableCodeReached, at);
        self.reachable = false;
    }

    fn branch(&mut self, depth: u32) {
        self.count();
        self.branch_to(depth);
    }

    fn branch_if(&mut self, depth: u32) {
        self.count();
        self.branch_if_to(depth);
    }

    fn branch_table(&mut self, depths: &[u32], default: u32) {
        self.count();
        self.branch_by_table(depths, default);
    }

    fn return_(&mut self) {
        self.return_from();
    }

    fn call(&mut self, function: u32, at: u32) {
        self.count();
        self.call_function(function, at);
    }

    fn call_indirect(&mut self, table: u32, ty: u32, at: u32) {
        self.count();
        self.call_through_table(table, ty, at);
    }

    fn memory_size(&mut self, memory: u32, rest: &Reader<'_>) {
        self.count();
        self.get_memory_size(memory, rest);
    }

    fn memory_grow(&mut self, memory: u32, at: u32) {
        self.count();
        self.call_helper(mj_abi::Helper::MemoryGrow, i64::from(memory), 1, Some(ValType::I32), at);
    }

    fn bulk(&mut self, bulk: Bulk, at: u32) {
        self.count();
        self.bulk_operator(bulk, at);
    }

    fn data_drop(&mut self, segment: u32, at: u32) {
        self.count();
        self.call_helper(mj_abi::Helper::DataDrop, i64::from(segment), 0, None, at);
    }

    fn elem_drop(&mut self, segment: u32, at: u32) {
        self.count();
        self.call_helper(mj_abi::Helper::ElemDrop, i64::from(segment), 0, None, at);
    }

    fn table_get(&mut self, table: u32, at: u32, rest: &Reader<'_>) {
        self.count();
        self.get_table(table, at, rest);
    }

    fn table_set(&mut self, table: u32, at: u32) {
        self.count();
        self.set_table(table, at);
    }

    fn table_size(&mut self, table: u32, rest: &Reader<'_>) {
        self.count();
        self.get_table_size(table, rest);
    }

    fn table_grow(&mut self, table: u32, at: u32) {
        self.count();
        self.call_helper(mj_abi::Helper::TableGrow, i64::from(table), 2, Some(ValType::I32), at);
    }
}
