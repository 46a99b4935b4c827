//! Bodies interpreted operator by operator, so that a frame can be taken over at a loop.

use mj_abi::TrapCode;
use mj_decode::{BlockType, Bulk, MemArg, Module, Op, Reader, Shape, Translator, ValType, read_locals, translate};
use mj_ir::ssa::NodeKind;

use super::machine::{Machine, Stop, operate};

/// An operator, dead ones too.
#[derive(Clone, Debug)]
enum Instruction {
    Op(Op),
    Load(Op, u64),
    Store(Op, u64),
    Constant(i64),
    LocalGet(u32),
    LocalSet(u32),
    LocalTee(u32),
    Drop,
    Select,
    /// Parameters and results; the place of its end and, of an `if`, behind its `else` (or its end).
    Block {
        parameters: usize,
        results: usize,
        end: usize,
    },
    Loop {
        parameters: usize,
        at: u32,
    },
    If {
        parameters: usize,
        results: usize,
        end: usize,
        otherwise: usize,
    },
    /// Reached from above: goes to the end.
    Else {
        end: usize,
    },
    End,
    Unreachable,
    Branch(u32),
    BranchIf(u32),
    BranchTable(Vec<u32>),
    Return,
    Call(u32),
    CallIndirect(u32, u32),
    /// What the machine does with these numbers of operands and results.
    Other(NodeKind, usize, bool),
}

/// A body, decoded.
pub struct Body {
    instructions: Vec<Instruction>,
    pub locals: Vec<ValType>,
    results: usize,
    open: Vec<usize>,
}

impl Body {
    pub fn new(module: &Module, bytes: &[u8], index: u32) -> Self {
        let range = module.bodies[index as usize].clone();
        let ty = module.function_type(index);
        let mut locals = ty.params().to_vec();
        let reader = Reader::new(&bytes[range.start as usize..range.end as usize], range.start);
        let operators = read_locals(reader, |count, ty| locals.resize(locals.len() + count as usize, ty));
        let mut body = Self { instructions: Vec::new(), locals, results: ty.results().len(), open: Vec::new() };
        translate(module, operators, &mut body);
        body
    }

    fn push(&mut self, instruction: Instruction) {
        self.instructions.push(instruction);
    }

    fn open(&mut self, instruction: Instruction) {
        self.open.push(self.instructions.len());
        self.push(instruction);
    }
}

/// An open block of a running frame.
struct Label {
    height: usize,
    /// Values a branch carries, and where it goes.
    arity: usize,
    target: usize,
    is_loop: bool,
}

/// What may be done where a frame stands at a loop: the loop, the locals, the operand stack.
pub type AtLoop<'f, 'a> = dyn FnMut(&mut Machine<'a>, u32, &[i64], &[i64]) + 'f;

/// Runs a body; asks `at_loop` whenever it comes to a loop's header. Calls are left to the machine.
pub fn run<'a>(machine: &mut Machine<'a>, body: &Body, arguments: &[i64], at_loop: &mut AtLoop<'_, 'a>) -> Result<Vec<i64>, Stop> {
    let mut locals = arguments.to_vec();
    locals.resize(body.locals.len(), 0);
    let mut stack: Vec<i64> = Vec::new();
    let mut labels = vec![Label { height: 0, arity: body.results, target: body.instructions.len(), is_loop: false }];
    let mut place = 0;
    loop {
        machine.steps = machine.steps.checked_sub(1).ok_or(Stop::Steps)?;
        let Some(instruction) = body.instructions.get(place) else {
            return Ok(stack.split_off(stack.len() - body.results));
        };
        place += 1;
        let mut pop = || stack.pop().expect("valid");
        let mut branch: Option<u32> = None;
        match *instruction {
            Instruction::Op(op) => {
                let is_binary = matches!(op.row().shape, Shape::Binary | Shape::Compare);
                let b = if is_binary { pop() } else { 0 };
                let a = pop();
                let value = if op == Op::RefIsNull { i64::from(a == 0) } else { operate(op, a, b)? };
                stack.push(value);
            }
            Instruction::Load(op, offset) => {
                let value = machine.load(op, pop(), offset)?;
                stack.push(value);
            }
            Instruction::Store(op, offset) => {
                let value = pop();
                machine.store(op, pop(), offset, value)?;
            }
            Instruction::Constant(bits) => stack.push(bits),
            Instruction::LocalGet(local) => stack.push(locals[local as usize]),
            Instruction::LocalSet(local) => locals[local as usize] = pop(),
            Instruction::LocalTee(local) => locals[local as usize] = *stack.last().expect("valid"),
            Instruction::Drop => drop(pop()),
            Instruction::Select => {
                let (condition, second, first) = (pop(), pop(), pop());
                stack.push(if condition != 0 { first } else { second });
            }
            Instruction::Block { parameters, results, end } => {
                labels.push(Label { height: stack.len() - parameters, arity: results, target: end, is_loop: false });
            }
            Instruction::Loop { parameters, at } => {
                labels.push(Label { height: stack.len() - parameters, arity: parameters, target: place, is_loop: true });
                at_loop(machine, at, &locals, &stack);
            }
            Instruction::If { parameters, results, end, otherwise } => {
                let condition = pop();
                labels.push(Label { height: stack.len() - parameters, arity: results, target: end, is_loop: false });
                if condition == 0 {
                    place = otherwise;
                }
            }
            Instruction::Else { end } => {
                labels.pop();
                place = end;
            }
            Instruction::End => drop(labels.pop()),
            Instruction::Unreachable => return Err(Stop::Trap(TrapCode::UnreachableCodeReached)),
            Instruction::Branch(depth) => branch = Some(depth),
            Instruction::BranchIf(depth) => branch = (pop() != 0).then_some(depth),
            Instruction::BranchTable(ref depths) => branch = Some(depths[(pop() as u32 as usize).min(depths.len() - 1)]),
            Instruction::Return => return Ok(stack.split_off(stack.len() - body.results)),
            Instruction::Call(function) => {
                let count = machine.module.function_type(function).params().len();
                let arguments = stack.split_off(stack.len() - count);
                stack.extend(machine.call(function, &arguments)?);
            }
            Instruction::CallIndirect(table, ty) => {
                let index = pop();
                let count = machine.module.types[ty as usize].params().len();
                let arguments = stack.split_off(stack.len() - count);
                let function = machine.element(table, ty, index)?;
                stack.extend(machine.call(function, &arguments)?);
            }
            Instruction::Other(kind, count, has_result) => {
                let operands = stack.split_off(stack.len() - count);
                let value = machine.perform(kind, &operands)?;
                if has_result {
                    stack.push(value);
                }
            }
        }
        if let Some(depth) = branch {
            labels.truncate(labels.len() - depth as usize);
            let label = labels.last().expect("valid");
            let carried = stack.split_off(stack.len() - label.arity);
            stack.truncate(label.height);
            stack.extend(carried);
            place = label.target;
            if label.is_loop {
                let Instruction::Loop { at, .. } = body.instructions[place - 1] else { unreachable!("a loop") };
                at_loop(machine, at, &locals, &stack);
            } else {
                labels.pop();
            }
        }
    }
}

impl Translator for Body {
    /// So that dead code is reported and all ends are met.
    fn reachable(&self) -> bool {
        true
    }

    fn op(&mut self, op: Op, _: u32, _: &Reader<'_>) {
        self.push(Instruction::Op(op));
    }

    fn load(&mut self, op: Op, memory: MemArg, _: u32, _: &Reader<'_>) {
        self.push(Instruction::Load(op, memory.offset));
    }

    fn store(&mut self, op: Op, memory: MemArg, _: u32) {
        self.push(Instruction::Store(op, memory.offset));
    }

    fn constant(&mut self, _: ValType, bits: i64) {
        self.push(Instruction::Constant(bits));
    }

    fn ref_func(&mut self, function: u32, _: &Reader<'_>) {
        self.push(Instruction::Constant(i64::from(function) + 1));
    }

    fn local_get(&mut self, local: u32) {
        self.push(Instruction::LocalGet(local));
    }

    fn local_set(&mut self, local: u32) {
        self.push(Instruction::LocalSet(local));
    }

    fn local_tee(&mut self, local: u32) {
        self.push(Instruction::LocalTee(local));
    }

    fn global_get(&mut self, global: u32, _: &Reader<'_>) {
        self.push(Instruction::Other(NodeKind::GlobalGet(global), 0, true));
    }

    fn global_set(&mut self, global: u32) {
        self.push(Instruction::Other(NodeKind::GlobalSet(global), 1, false));
    }

    fn drop_value(&mut self) {
        self.push(Instruction::Drop);
    }

    fn select(&mut self, _: &Reader<'_>) {
        self.push(Instruction::Select);
    }

    fn block(&mut self, ty: BlockType<'_>) {
        self.open(Instruction::Block { parameters: ty.params.len(), results: ty.results.len(), end: 0 });
    }

    fn loop_(&mut self, ty: BlockType<'_>, rest: &Reader<'_>) {
        self.open(Instruction::Loop { parameters: ty.params.len(), at: rest.offset() });
    }

    fn if_(&mut self, ty: BlockType<'_>) {
        self.open(Instruction::If { parameters: ty.params.len(), results: ty.results.len(), end: 0, otherwise: 0 });
    }

    fn else_(&mut self) {
        self.push(Instruction::Else { end: 0 });
        let place = self.instructions.len();
        if let Instruction::If { otherwise, .. } = &mut self.instructions[*self.open.last().expect("an if")] {
            *otherwise = place;
        }
    }

    fn end(&mut self) {
        self.push(Instruction::End);
        let behind = self.instructions.len();
        let Some(start) = self.open.pop() else {
            // The function's own.
            self.instructions.pop();
            return;
        };
        let mut an_else = None;
        match &mut self.instructions[start] {
            Instruction::Block { end, .. } => *end = behind,
            Instruction::If { end, otherwise, .. } => {
                *end = behind;
                if *otherwise == 0 {
                    *otherwise = behind - 1;
                } else {
                    an_else = Some(*otherwise - 1);
                }
            }
            _ => {}
        }
        if let Some(place) = an_else {
            self.instructions[place] = Instruction::Else { end: behind };
        }
    }

    fn unreachable(&mut self, _: u32) {
        self.push(Instruction::Unreachable);
    }

    fn branch(&mut self, depth: u32) {
        self.push(Instruction::Branch(depth));
    }

    fn branch_if(&mut self, depth: u32) {
        self.push(Instruction::BranchIf(depth));
    }

    fn branch_table(&mut self, depths: &[u32], default: u32) {
        self.push(Instruction::BranchTable(depths.iter().copied().chain([default]).collect()));
    }

    fn return_(&mut self) {
        self.push(Instruction::Return);
    }

    fn call(&mut self, function: u32, _: u32) {
        self.push(Instruction::Call(function));
    }

    fn call_indirect(&mut self, table: u32, ty: u32, _: u32) {
        self.push(Instruction::CallIndirect(table, ty));
    }

    fn memory_size(&mut self, memory: u32, _: &Reader<'_>) {
        self.push(Instruction::Other(NodeKind::MemorySize(memory), 0, true));
    }

    fn memory_grow(&mut self, memory: u32, _: u32) {
        self.push(Instruction::Other(NodeKind::MemoryGrow(memory), 1, true));
    }

    fn bulk(&mut self, bulk: Bulk, _: u32) {
        self.push(Instruction::Other(NodeKind::Bulk(bulk), 3, false));
    }

    fn data_drop(&mut self, segment: u32, _: u32) {
        self.push(Instruction::Other(NodeKind::DataDrop(segment), 0, false));
    }

    fn elem_drop(&mut self, segment: u32, _: u32) {
        self.push(Instruction::Other(NodeKind::ElemDrop(segment), 0, false));
    }

    fn table_get(&mut self, table: u32, _: u32, _: &Reader<'_>) {
        self.push(Instruction::Other(NodeKind::TableGet(table), 1, true));
    }

    fn table_set(&mut self, table: u32, _: u32) {
        self.push(Instruction::Other(NodeKind::TableSet(table), 2, false));
    }

    fn table_size(&mut self, table: u32, _: &Reader<'_>) {
        self.push(Instruction::Other(NodeKind::TableSize(table), 0, true));
    }

    fn table_grow(&mut self, table: u32, _: u32) {
        self.push(Instruction::Other(NodeKind::TableGrow(table), 2, true));
    }
}
