//! From SSA to steps: which node folds into what, and what each step asks of the registers.
//!
//! Goes backward over the nodes, so that users come before what they may fold. A node folds into its only user in the same block, if the ISA can fold it at
//! all; a load only if nothing stands between that writes memory or traps otherwise. Comparisons are done where their users branch or select on them,
//! so that flags live from one step to the next and no further. Conversions between i32 and i64 that change no bits are no steps: every
//! i32 in a register has a zero upper half, and who does not care for that half takes a wrapped value as it was.

use cranelift_entity::SecondaryMap;
use mj_abi::{ArgLocation, CallLayout, Helper};
use mj_decode::{Module, Op, Shape, ValType};
use mj_ir::ssa::{Block, Effect, Function, Node, NodeKind, Terminator, Uses};
use mj_ir::{Arrival, Class, Constraints, Defined, Definition, Operand, PReg, RegisterFile, Selected, Use};
use smallvec::SmallVec;

use crate::isa::{self, Isa, Operands, Positions, Producer, Take};
use crate::{Bounds, Cond, ModulePlan, Options};

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Work<F> {
    /// A form of the ISA. With a condition, the form defines the flags, and the result, if there is one, is 1 if they hold it.
    Form {
        form: F,
        condition: Option<Cond>,
        immediate: i64,
        offset: u64,
        at: u32,
        /// Uses, a bit each, whose upper halves the form does not read.
        halves: u8,
    },
    /// The low half of a value.
    ZeroExtend,
    Constant {
        ty: ValType,
        bits: i64,
    },
    /// The address of a function's reference.
    FuncRef(i32),
    /// The address of the store's page for interruption.
    InterruptPage,
    CheckInterrupt,
    /// Loads from the context, or through the pointer there.
    GlobalGet {
        global: u32,
        ty: ValType,
    },
    /// Stores to the context, or through the pointer there.
    GlobalSet {
        global: u32,
        ty: ValType,
    },
    MemorySize(u32),
    TableSize(u32),
    TableGet {
        table: u32,
        at: u32,
    },
    TableSet {
        table: u32,
        at: u32,
    },
    Fuel {
        amount: u32,
        at: u32,
    },
    AdjustStack(i32),
    /// Stores an argument of a call on the stack.
    StoreArgument {
        offset: i32,
        value: Node,
    },
    /// Loads a result of a call from the stack.
    LoadResult {
        offset: i32,
        ty: ValType,
    },
    PrepareImport(u32),
    PrepareIndirect {
        table: u32,
        ty: u32,
        at: u32,
    },
    CallDirect {
        function: u32,
        ty: u32,
        at: u32,
    },
    CallPrepared {
        ty: u32,
        at: u32,
    },
    Helper {
        helper: Helper,
        first: i64,
        has_result: bool,
        at: u32,
    },
    /// Jumps by an index.
    Switch,
    /// Stores a result of the function through the hidden pointer.
    StoreResult {
        offset: i32,
        ty: ValType,
    },
    /// The function's results are in their registers.
    Return,
}

/// The result; reusable.
#[derive(Debug)]
pub(super) struct Selection<F> {
    pub selected: Selected,
    /// One a step.
    pub work: Vec<Work<F>>,
    /// On what blocks branch.
    pub conditions: SecondaryMap<Block, Option<Cond>>,
    needed: Vec<bool>,
    /// What its user does.
    folded: Vec<bool>,
    barriers: Vec<u32>,
    order: Vec<Node>,
}

impl<F> Default for Selection<F> {
    fn default() -> Self {
        Self {
            selected: Selected::default(),
            work: Vec::new(),
            conditions: SecondaryMap::new(),
            needed: Vec::new(),
            folded: Vec::new(),
            barriers: Vec::new(),
            order: Vec::new(),
        }
    }
}

const fn uses_and_result(uses: &'static [Use]) -> Constraints {
    Constraints::new(uses, Definition::Any)
}

const fn with_temporary(mut row: Constraints) -> Constraints {
    row.temporaries = &[Class::Int];
    row
}

const fn early(mut row: Constraints) -> Constraints {
    row.early_definition = true;
    row
}

const fn fixed(mut row: Constraints) -> Constraints {
    row.is_plain = false;
    row
}

static PLAIN: Constraints = uses_and_result(&[]);
static EARLY: Constraints = early(uses_and_result(&[]));
static TEMPORARY: Constraints = with_temporary(uses_and_result(&[]));
static FIXED: Constraints = fixed(uses_and_result(&[]));

/// What is selected.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub module: &'a Module,
    pub plan: &'a ModulePlan,
    pub options: &'a Options,
    /// Type index of the function.
    pub ty: u32,
    /// The hidden result pointer, if there is one.
    pub result_pointer: Option<Node>,
    /// Number of locals.
    pub locals: u32,
    /// The code takes over a frame of the baseline's, at a loop.
    pub takes_over: bool,
    /// Offset in the module of the body's first byte.
    pub start: u32,
}

impl Context<'_> {
    fn layout(&self) -> &CallLayout {
        &self.plan.calls[self.ty as usize]
    }

    /// Slots of stack arguments, which come first.
    pub fn incoming(&self) -> u32 {
        self.layout().argument_bytes / mj_abi::SLOT
    }

    /// The canonical slot of a local, or of an entry of the operand stack behind the locals.
    fn canonical_slot(&self, number: u32) -> u32 {
        match self.layout().params.get(number as usize) {
            Some(&ArgLocation::Memory(offset)) => offset / mj_abi::SLOT,
            _ if number < self.locals => self.incoming() + number,
            _ => self.incoming() + number + u32::from(self.result_pointer.is_some()),
        }
    }
}

struct Pass<'a, I: Isa> {
    isa: &'a I,
    function: &'a Function,
    uses: &'a Uses,
    context: Context<'a>,
    registers: RegisterFile,
    out: &'a mut Selection<I::Form>,
    guarded: bool,
    block: Block,
}

/// A covered operator before it is a step.
struct Covered<F> {
    cover: isa::Cover<F>,
    operands: SmallVec<[Operand; 4]>,
    halves: u8,
    offset: u64,
    at: u32,
}

impl<F: Copy> Selection<F> {
    /// Selects a function behind [`carry_extensions`], without what nobody needs.
    pub fn select<I: Isa<Form = F>>(&mut self, isa: &I, function: &Function, uses: &Uses, context: Context<'_>) {
        self.selected.clear();
        self.work.clear();
        self.conditions.clear();
        self.needed.clear();
        self.needed.resize(function.nodes.len(), false);
        self.folded.clear();
        self.folded.resize(function.nodes.len(), false);
        self.barriers.clear();
        self.barriers.resize(function.nodes.len(), 0);
        let registers = *isa.registers();
        let guarded = context.options.bounds == Bounds::Guard;
        let first = Block::from_u32(0);
        let mut pass = Pass { isa, function, uses, context, registers, out: self, guarded, block: first };
        for block in function.blocks.keys().rev() {
            pass.block(block);
        }
        pass.arrive();
        self.work.reverse();
        self.selected.reverse();
    }
}

/// The value that carries an i64 made of an i32: that i32.
fn root(function: &Function, mut node: Node) -> Node {
    while let NodeKind::Operator(Op::I64ExtendI32U) = function.nodes[node].kind {
        node = function.arguments(node)[0];
    }
    node
}

/// Lets i32 values stand for what they are zero-extended to. From here on, types of values and users may differ so.
pub(super) fn carry_extensions(function: &mut Function) {
    function.carries = true;
    for index in 0..function.lists.len() {
        let node = function.lists[index];
        if matches!(function.nodes[node].kind, NodeKind::Operator(Op::I64ExtendI32U)) {
            let root = root(function, node);
            // A constant is in no register: its bits are those of its type, with the sign.
            function.lists[index] = match function.constant(root) {
                Some(bits) => function.constant_node(ValType::I64, i64::from(bits as u32)),
                None => root,
            };
        }
    }
}

/// Whether the operator's result is a condition.
fn is_test(op: Op) -> bool {
    matches!(op.row().shape, Shape::Test | Shape::Compare)
}

/// Type of an operator's operand.
fn type_taken(op: Op, operand: usize) -> ValType {
    let row = op.row();
    if operand == 0 { row.a } else { row.b }
}

/// The operands of an operator as the selector sees them.
struct View<'p, 'a, I: Isa> {
    pass: &'p Pass<'a, I>,
    arguments: &'p [Node],
    /// Barriers in front of the user; none if it is done more than once.
    barriers: Option<u32>,
    is_bounded: bool,
}

impl<I: Isa> Operands for View<'_, '_, I> {
    fn constant(&self, operand: usize) -> Option<i64> {
        self.pass.function.constant(self.arguments[operand])
    }

    fn producer(&self, operand: usize) -> Option<Producer> {
        let function = self.pass.function;
        let node = self.arguments[operand];
        let barriers = self.barriers?;
        let op = self.pass.own_operator(node)?;
        let &[first, ref rest @ ..] = function.arguments(node) else { return None };
        if !self.pass.isa.is_foldable(op) || function.constant(first).is_some() {
            return None;
        }
        let producer = Producer { op, constant: rest.first().and_then(|&second| function.constant(second)) };
        // Whoever has folded its only user may need it, too.
        if self.pass.out.needed[node_index(node)] || self.pass.uses.of(node) > 1 && !self.pass.isa.is_free(producer) {
            return None;
        }
        if op.row().shape == Shape::Load {
            let row = &function.nodes[node];
            if !(self.pass.guarded || row.bounded) || self.pass.out.barriers[node_index(node)] != barriers || row.offset >= 1 << 31 {
                return None;
            }
        }
        Some(producer)
    }

    fn is_bounded(&self) -> bool {
        self.is_bounded
    }
}

fn node_index(node: Node) -> usize {
    node.as_u32() as usize
}

fn any(value: Node) -> Operand {
    Operand { value, constraint: Use::Any }
}

fn at_register(value: Node, register: PReg) -> Operand {
    Operand { value, constraint: Use::Fixed(register) }
}

impl<I: Isa> Pass<'_, I> {
    /// The operator of a node of this block.
    fn own_operator(&self, node: Node) -> Option<Op> {
        let row = &self.function.nodes[node];
        match row.kind {
            NodeKind::Operator(op) if row.block == self.block.into() => Some(op),
            _ => None,
        }
    }

    /// The operator of a node that only one other node of this block uses.
    fn private_operator(&self, node: Node) -> Option<Op> {
        self.own_operator(node).filter(|_| self.uses.of(node) == 1)
    }

    fn block(&mut self, block: Block) {
        self.block = block;
        let mut order = core::mem::take(&mut self.out.order);
        order.clear();
        order.extend(self.function.nodes_of(block));
        let barriers = self.count_barriers(&order);
        let end = self.out.work.len() as u32;
        self.terminator(block, barriers);
        for &node in order.iter().rev() {
            let is_needed = self.function.effect(node) >= Effect::MayTrap || self.out.needed[node_index(node)];
            if is_needed && !self.out.folded[node_index(node)] {
                self.node(node);
            }
        }
        self.out.order = order;
        let start = self.out.work.len() as u32;
        // Counted from the end as long as the steps stand in reverse.
        self.out.selected.blocks[block] = end..start;
    }

    fn count_barriers(&mut self, nodes: &[Node]) -> u32 {
        let mut count = 0;
        for &node in nodes {
            self.out.barriers[node_index(node)] = count;
            let is_load = matches!(self.function.nodes[node].kind, NodeKind::Operator(op) if op.row().shape == Shape::Load);
            count += u32::from(self.function.effect(node) >= Effect::MayTrap && !is_load);
        }
        count
    }

    fn arrive(&mut self) {
        if self.context.takes_over {
            let slot = self.context.incoming() + self.context.locals;
            self.out.selected.arrivals.extend(self.context.result_pointer.map(|pointer| (pointer, Arrival::Slot(slot))));
            return;
        }
        let layout = self.context.layout();
        let first = Block::from_u32(0);
        let parameters = self.function.parameters(first).iter().copied().zip(layout.params.iter().copied());
        let pointer = self.context.result_pointer.into_iter().zip(layout.result_pointer);
        for (value, location) in parameters.chain(pointer) {
            let arrival = match location {
                ArgLocation::Memory(offset) => Arrival::Slot(offset / mj_abi::SLOT),
                _ => Arrival::Register(self.registers.position(location)),
            };
            self.out.selected.arrivals.push((value, arrival));
        }
    }

    fn need(&mut self, value: Node) {
        self.out.needed[node_index(value)] = true;
    }

    /// Puts a step in front of those that are there.
    fn push(
        &mut self,
        work: Work<I::Form>,
        constraints: &'static Constraints,
        is_call: bool,
        uses: impl IntoIterator<Item = Operand>,
        results: impl IntoIterator<Item = Defined>,
    ) {
        self.out.work.push(work);
        let uses = self.out.selected.push(constraints, is_call, uses, results);
        for operand in uses {
            self.out.needed[node_index(operand.value)] = true;
        }
    }

    fn simple(&mut self, work: Work<I::Form>, constraints: &'static Constraints, uses: &[Operand], result: Option<Node>) {
        let results = result.map(|value| Defined { value, constraint: Definition::Any });
        self.push(work, constraints, false, uses.iter().copied(), results);
    }

    fn terminator(&mut self, block: Block, barriers: u32) {
        for edge in self.function.edges_of(block) {
            for &argument in self.function.nodes_in(edge.arguments) {
                self.need(argument);
            }
        }
        match self.function.blocks[block].terminator {
            Terminator::Branch { condition, .. } => {
                let (covered, condition) = self.condition(condition, Some(barriers));
                self.push_covered(&covered, Some(condition), None);
                self.out.conditions[block] = Some(condition);
            }
            Terminator::Switch { index, .. } => {
                let operand = Operand { value: index, constraint: Use::ZeroExtended };
                self.simple(Work::Switch, &TEMPORARY, &[operand], None);
            }
            Terminator::Return(values) => self.return_values(self.function.nodes_in(values)),
            Terminator::Jump(_) | Terminator::Trap { .. } => {}
        }
    }

    fn return_values(&mut self, values: &[Node]) {
        let Context { module, plan, ty, .. } = self.context;
        let layout = &plan.calls[ty as usize];
        let located = || values.iter().copied().zip(layout.results.iter().copied());
        let in_registers = located().filter(|(_, location)| !matches!(location, ArgLocation::Memory(_)));
        let registers = self.registers;
        let uses: SmallVec<[Operand; 8]> = in_registers.map(|(value, location)| at_register(value, registers.position(location))).collect();
        self.push(Work::Return, &FIXED, true, uses, []);
        for ((value, location), &ty) in located().zip(module.types[ty as usize].results()) {
            if let (ArgLocation::Memory(offset), Some(pointer)) = (location, self.context.result_pointer) {
                self.simple(Work::StoreResult { offset: offset as i32, ty }, &PLAIN, &[any(pointer), any(value)], None);
            }
        }
    }

    fn push_covered(&mut self, covered: &Covered<I::Form>, condition: Option<Cond>, result: Option<Node>) {
        let form = covered.cover.form;
        let constraints = self.isa.constraints(form);
        let constraint = match constraints.definition {
            Definition::None => Definition::Any,
            definition => definition,
        };
        let Covered { halves, offset, at, .. } = *covered;
        let work = Work::Form { form, condition, immediate: covered.cover.immediate, offset, at, halves };
        self.push(work, constraints, false, covered.operands.iter().copied(), result.map(|value| Defined { value, constraint }));
    }

    fn node(&mut self, node: Node) {
        let row = &self.function.nodes[node];
        let arguments = self.function.arguments(node);
        // A comparison with several users may be done again for some of them: what it uses must be there.
        let is_repeated = matches!(row.kind, NodeKind::Operator(op) if is_test(op)) && self.uses.of(node) > 1;
        let barriers = (!is_repeated).then(|| self.out.barriers[node_index(node)]);
        let plan = self.context.plan;
        match row.kind {
            NodeKind::Operator(Op::I64ExtendI32U) => {}
            NodeKind::Operator(Op::I32WrapI64) => self.simple(Work::ZeroExtend, &PLAIN, &[any(arguments[0])], Some(node)),
            NodeKind::Operator(Op::I32Eqz) if self.private_operator(arguments[0]).is_some_and(is_test) => {
                let (covered, condition) = self.condition(arguments[0], barriers);
                self.push_covered(&covered, Some(condition.invert()), Some(node));
            }
            NodeKind::Operator(op) if is_test(op) => {
                let (covered, condition) = self.comparison(op, arguments, barriers, row.at);
                self.push_covered(&covered, Some(condition), Some(node));
            }
            NodeKind::Operator(op) => {
                let covered = self.cover(op, arguments, barriers, row.offset, row.at, row.bounded);
                self.push_covered(&covered, covered.cover.condition, row.ty.map(|_| node));
            }
            NodeKind::Select => self.select(node, arguments, barriers),
            NodeKind::Held => {
                let bits = self.function.constant(arguments[0]).expect("it holds a constant");
                self.simple(Work::Constant { ty: self.function.type_of(node), bits }, &PLAIN, &[], Some(node));
            }
            NodeKind::FuncRef(function) => {
                let dense = self.context.module.func_ref(function).expect("validation lets only declared functions be references");
                self.simple(Work::FuncRef(plan.layout.func_ref(dense) as i32), &PLAIN, &[], Some(node));
            }
            NodeKind::InterruptPage => self.simple(Work::InterruptPage, &PLAIN, &[], Some(node)),
            // What never goes back is no loop.
            NodeKind::CheckInterrupt if self.function.blocks[self.block].loop_end.is_none() => {}
            NodeKind::CheckInterrupt => {
                let page = Operand { value: arguments[0], constraint: Use::Anywhere };
                self.simple(Work::CheckInterrupt, &PLAIN, &[page], None);
            }
            NodeKind::GlobalGet(global) => {
                let row = if global < plan.imported_globals { &TEMPORARY } else { &PLAIN };
                self.simple(Work::GlobalGet { global, ty: self.function.type_of(node) }, row, &[], Some(node));
            }
            NodeKind::GlobalSet(global) => {
                let row = if global < plan.imported_globals { &TEMPORARY } else { &PLAIN };
                let ty = self.context.module.globals[global as usize].content;
                self.simple(Work::GlobalSet { global, ty }, row, &[any(arguments[0])], None);
            }
            NodeKind::MemorySize(memory) => self.simple(Work::MemorySize(memory), &PLAIN, &[], Some(node)),
            NodeKind::TableSize(table) => self.simple(Work::TableSize(table), &PLAIN, &[], Some(node)),
            NodeKind::TableGet(table) => {
                let index = Operand { value: arguments[0], constraint: Use::ZeroExtended };
                self.simple(Work::TableGet { table, at: row.at }, &EARLY, &[index], Some(node));
            }
            NodeKind::TableSet(table) => {
                let index = Operand { value: arguments[0], constraint: Use::ZeroExtended };
                self.simple(Work::TableSet { table, at: row.at }, &TEMPORARY, &[index, any(arguments[1])], None);
            }
            NodeKind::Fuel(amount) => self.simple(Work::Fuel { amount, at: row.at }, &PLAIN, &[], None),
            NodeKind::Result(_) => {
                // Its call defines it.
            }
            NodeKind::Slot(number) => self.out.selected.arrivals.push((node, Arrival::Slot(self.context.canonical_slot(number)))),
            NodeKind::Parameter | NodeKind::Constant(_) => unreachable!("stands in no block's nodes"),
            _ => self.call(node, arguments),
        }
    }

    /// Whether a value's upper half is of no interest, and which value then serves.
    fn low_half(&self, node: Node) -> Node {
        match self.function.nodes[node].kind {
            NodeKind::Operator(Op::I32WrapI64) => self.function.arguments(node)[0],
            _ => node,
        }
    }

    /// Covers an operator; what it folds needs no step of its own any more.
    fn cover(&mut self, op: Op, arguments: &[Node], barriers: Option<u32>, offset: u64, at: u32, is_bounded: bool) -> Covered<I::Form> {
        let cover = self.isa.cover(op, &View { pass: self, arguments, barriers, is_bounded });
        let mut covered = Covered { cover, operands: SmallVec::new(), halves: 0, offset, at };
        let order = if cover.swap { [1, 0] } else { [0, 1] };
        let row = self.isa.constraints(cover.form);
        for operand in order.into_iter().filter(|&operand| operand < arguments.len()) {
            let argument = arguments[operand];
            match cover.takes[operand] {
                Take::Register => self.add(&mut covered, row, argument, type_taken(op, operand)),
                Take::Immediate => {}
                Take::Folded => {
                    let producer = &self.function.nodes[argument];
                    (covered.offset, covered.at) = (producer.offset, producer.at);
                    // One with other users is done for those that want it in a register.
                    self.out.folded[node_index(argument)] = self.uses.of(argument) == 1;
                    let NodeKind::Operator(folded) = producer.kind else { unreachable!("only operators fold") };
                    for (number, &leaf) in self.function.arguments(argument).iter().enumerate() {
                        if self.function.constant(leaf).is_none() {
                            self.add(&mut covered, row, leaf, type_taken(folded, number));
                        }
                    }
                }
            }
        }
        covered
    }

    /// Adds a use that the operator takes as a value of type `taken`. An i32 where an i64 is taken is carried: all of its register counts.
    fn add(&self, covered: &mut Covered<I::Form>, row: &'static Constraints, value: Node, taken: ValType) {
        let constraint = row.uses[covered.operands.len()];
        let is_half = constraint == Use::Any && taken == ValType::I32;
        covered.halves |= u8::from(is_half) << covered.operands.len();
        let value = if is_half { self.low_half(value) } else { value };
        covered.operands.push(Operand { value, constraint });
    }

    /// Covers what sets the flags for "`value` is not zero", and gives the condition.
    fn condition(&mut self, value: Node, barriers: Option<u32>) -> (Covered<I::Form>, Cond) {
        let function = self.function;
        let mut value = value;
        let mut inverted = false;
        let mut barriers = barriers;
        let test = |node: Node| match function.nodes[node].kind {
            NodeKind::Operator(op) if is_test(op) => Some(op),
            _ => None,
        };
        loop {
            if self.private_operator(value).is_none() {
                // It is done here and perhaps elsewhere: what it uses must be there for both.
                barriers = None;
            }
            match test(value) {
                Some(Op::I32Eqz) if test(function.arguments(value)[0]).is_some() => {
                    value = function.arguments(value)[0];
                    inverted = !inverted;
                }
                _ => break,
            }
        }
        let (covered, condition) = match test(value) {
            Some(op) => self.comparison(op, function.arguments(value), barriers, function.nodes[value].at),
            None => {
                // "Not zero" is the inverse of `i32.eqz`, which folds what can be folded.
                inverted = !inverted;
                self.comparison(Op::I32Eqz, &[value], barriers, 0)
            }
        };
        (covered, if inverted { condition.invert() } else { condition })
    }

    /// Covers a test or comparison, and gives the condition under which it is 1.
    fn comparison(&mut self, op: Op, arguments: &[Node], barriers: Option<u32>, at: u32) -> (Covered<I::Form>, Cond) {
        let is_zero = |node: Option<&Node>| node.is_some_and(|&node| self.function.constant(node) == Some(0));
        let (op, arguments, inverted) = match op {
            // The inverses of `eqz`, which folds more.
            Op::I32Ne if is_zero(arguments.get(1)) => (Op::I32Eqz, &arguments[..1], true),
            Op::I64Ne if is_zero(arguments.get(1)) => (Op::I64Eqz, &arguments[..1], true),
            _ => (op, arguments, false),
        };
        let covered = self.cover(op, arguments, barriers, 0, at, false);
        let condition = covered.cover.condition.expect("tests and comparisons define the flags");
        (covered, if inverted { condition.invert() } else { condition })
    }

    fn select(&mut self, node: Node, arguments: &[Node], barriers: Option<u32>) {
        let (covered, condition) = self.condition(arguments[2], barriers);
        let constants = [0, 1].map(|operand| self.function.constant(arguments[operand]));
        let (form, immediate) = self.isa.select_form(self.function.type_of(node), condition, constants);
        let uses = (0..2).filter(|&operand| Some(operand) != immediate).map(|operand| any(arguments[operand]));
        let constraints = self.isa.constraints(form);
        let work = Work::Form { form, condition: None, immediate: 0, offset: 0, at: 0, halves: 0 };
        let result = Defined { value: node, constraint: constraints.definition };
        self.push(work, constraints, false, uses, [result]);
        self.push_covered(&covered, Some(condition), None);
    }

    fn call(&mut self, node: Node, arguments: &[Node]) {
        let row = &self.function.nodes[node];
        let at = row.at;
        match row.kind {
            NodeKind::Call(function) => {
                let module = self.context.module;
                let ty = module.functions[function as usize];
                let imported = module.imported_functions;
                if function < imported {
                    self.call_function(node, ty, arguments, Work::CallPrepared { ty, at }, Some(Work::PrepareImport(function)), None);
                } else {
                    self.call_function(node, ty, arguments, Work::CallDirect { function: function - imported, ty, at }, None, None);
                }
            }
            NodeKind::CallIndirect { table, ty } => {
                let (index, arguments) = arguments.split_last().expect("the index comes last");
                let prepare = Work::PrepareIndirect { table, ty, at };
                self.call_function(node, ty, arguments, Work::CallPrepared { ty, at }, Some(prepare), Some(*index));
            }
            NodeKind::MemoryGrow(memory) => self.helper(node, Helper::MemoryGrow, i64::from(memory), arguments),
            NodeKind::TableGrow(table) => self.helper(node, Helper::TableGrow, i64::from(table), arguments),
            NodeKind::DataDrop(segment) => self.helper(node, Helper::DataDrop, i64::from(segment), arguments),
            NodeKind::ElemDrop(segment) => self.helper(node, Helper::ElemDrop, i64::from(segment), arguments),
            NodeKind::Bulk(bulk) => {
                let (helper, first) = isa::bulk_helper(bulk);
                self.helper(node, helper, first, arguments);
            }
            kind => unreachable!("{kind:?} is no call"),
        }
    }

    fn helper(&mut self, node: Node, helper: Helper, first: i64, arguments: &[Node]) {
        let row = &self.function.nodes[node];
        let positions = self.registers.int_positions;
        let uses = arguments.iter().zip(&positions[1..]).map(|(&value, &register)| at_register(value, register));
        let result = row.ty.map(|_| Defined { value: node, constraint: Definition::Fixed(positions[0]) });
        let work = Work::Helper { helper, first, has_result: row.ty.is_some(), at: row.at };
        self.push(work, &FIXED, true, uses, result);
    }

    /// Room for the stack's share, arguments there, preparation, the call, results from the stack: in reverse.
    fn call_function(
        &mut self,
        node: Node,
        ty: u32,
        arguments: &[Node],
        call: Work<I::Form>,
        prepare: Option<Work<I::Form>>,
        index: Option<Node>,
    ) {
        let layout: &CallLayout = &self.context.plan.calls[ty as usize];
        let results = self.results_of(node, layout.results.len());
        if layout.result_bytes > 0 {
            self.simple(Work::AdjustStack(-(layout.result_bytes as i32)), &PLAIN, &[], None);
        }
        for (&value, &location) in results.iter().zip(&layout.results).rev() {
            if let ArgLocation::Memory(offset) = location {
                let ty = self.function.type_of(value);
                self.simple(Work::LoadResult { offset: offset as i32, ty }, &PLAIN, &[], Some(value));
            }
        }
        let registers = self.registers;
        let in_register = |location: &ArgLocation| !matches!(location, ArgLocation::Memory(_));
        let uses: SmallVec<[Operand; 8]> = arguments
            .iter()
            .zip(&layout.params)
            .filter(|(_, location)| in_register(location))
            .map(|(&value, &location)| at_register(value, registers.position(location)))
            .collect();
        let defined: SmallVec<[Defined; 4]> = results
            .iter()
            .zip(&layout.results)
            .filter(|(_, location)| in_register(location))
            .map(|(&value, &location)| Defined { value, constraint: Definition::Fixed(registers.position(location)) })
            .collect();
        self.push(call, &FIXED, true, uses, defined);
        if let Some(prepare) = prepare {
            let index = index.map(|value| Operand { value, constraint: Use::ZeroExtended });
            let row = if index.is_some() { &TEMPORARY } else { &PLAIN };
            self.simple(prepare, row, index.as_slice(), None);
        }
        for (&value, &location) in arguments.iter().zip(&layout.params).rev() {
            if let ArgLocation::Memory(offset) = location {
                let operand = Operand { value, constraint: Use::Anywhere };
                self.simple(Work::StoreArgument { offset: offset as i32, value }, &PLAIN, &[operand], None);
            }
        }
        let outgoing = layout.argument_bytes + layout.result_bytes;
        if outgoing > 0 {
            self.simple(Work::AdjustStack(outgoing as i32), &PLAIN, &[], None);
        }
    }

    /// The nodes of a call's results.
    fn results_of(&self, node: Node, count: usize) -> SmallVec<[Node; 4]> {
        match count {
            0 => SmallVec::new(),
            1 => SmallVec::from_slice(&[node]),
            _ => {
                let mut results = SmallVec::new();
                let mut at = node;
                for _ in 0..count {
                    at = self.function.nodes[at].next.expand().expect("results stand behind their call");
                    results.push(at);
                }
                results
            }
        }
    }
}
