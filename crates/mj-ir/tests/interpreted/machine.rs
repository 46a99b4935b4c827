//! An interpreter of SSA functions: slow, direct, and of nothing but what modules without imports need.
//!
//! Values are 64 bits as in constants: integers sign-extended, floats as bits, a reference to function n as n + 1.

use mj_abi::TrapCode;
use mj_decode::{Bulk, ConstEnvironment, ConstExpr, DataMode, ElementItems, ElementMode, Flow, Module, Op, Reader, Shape, ValType};
use mj_ir::ssa::{Block, Bounds, BuildOptions, Edge, Function, Node, NodeKind, Source, Terminator, Uses, evaluate};

const PAGE: usize = 1 << 16;

/// An instance, and its functions in SSA form.
#[derive(Clone)]
pub struct Machine<'a> {
    pub module: &'a Module,
    bytes: &'a [u8],
    functions: &'a [Function],
    pub memories: Vec<Vec<u8>>,
    pub globals: Vec<i64>,
    pub tables: Vec<Vec<i64>>,
    data: Vec<bool>,
    elements: Vec<Option<Vec<i64>>>,
    /// Nodes that may still be run.
    pub steps: u64,
    pub fuel: u64,
}

/// Why nothing comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    Trap(TrapCode),
    /// It takes too long.
    Steps,
}

/// A value's bits as a constant of its type has them.
pub fn canonical(ty: ValType, bits: u64) -> i64 {
    match ty {
        ValType::I32 => i64::from(bits as i32),
        ValType::F32 => i64::from(bits as u32),
        _ => bits as i64,
    }
}

struct Environment<'a>(&'a [i64]);

impl ConstEnvironment for Environment<'_> {
    fn global(&mut self, global: u32) -> u64 {
        self.0[global as usize] as u64
    }

    fn function(&mut self, function: u32) -> u64 {
        u64::from(function) + 1
    }
}

/// Builds all functions, checked.
pub fn build(module: &Module, bytes: &[u8], options: BuildOptions, prune: bool) -> Vec<Function> {
    let (mut flow, mut uses) = (Flow::default(), Uses::default());
    let build = |(number, body): (u32, &core::ops::Range<u32>)| {
        let body = Reader::new(&bytes[body.start as usize..body.end as usize], body.start);
        build_one(
            &Source { module, function: number, body, entry: None, needs_register: |_, _, _| true },
            &mut flow,
            &mut uses,
            options,
            prune,
        )
    };
    (0..).zip(&module.bodies).map(build).collect()
}

/// Builds a function, checked.
pub fn build_one(source: &Source<'_>, flow: &mut Flow, uses: &mut Uses, options: BuildOptions, prune: bool) -> Function {
    let (module, number) = (source.module, source.function);
    let mut function = Function::default();
    function.build(source, flow, options).expect("small enough");
    let check = |function: &Function| {
        if let Err(wrong) = function.verify(module) {
            panic!("function {number}: {wrong}\n{function}");
        }
        let text = function.to_string();
        let read = Function::parse(&text).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
        assert_eq!(read.to_string(), text);
        read.verify(module).unwrap_or_else(|wrong| panic!("read back, function {number}: {wrong}\n{function}"));
    };
    check(&function);
    if prune {
        uses.prune(&mut function);
        Bounds::default().find(&mut function, module);
        check(&function);
    }
    function
}

impl<'a> Machine<'a> {
    /// Instantiates a module without imports.
    pub fn new(module: &'a Module, bytes: &'a [u8], functions: &'a [Function]) -> Result<Self, Stop> {
        let mut globals = Vec::new();
        for (expr, ty) in module.global_initials.iter().zip(&module.globals) {
            let value = canonical(ty.content, expr.evaluate(&mut Environment(&globals)));
            globals.push(value);
        }
        let mut machine = Machine {
            module,
            bytes,
            functions,
            memories: module.memories.iter().map(|memory| vec![0; memory.minimum as usize * PAGE]).collect(),
            globals,
            tables: module.tables.iter().map(|table| vec![0; table.minimum as usize]).collect(),
            data: vec![true; module.data.len()],
            elements: Vec::new(),
            steps: 5_000_000,
            fuel: 0,
        };
        let evaluate = |machine: &Self, expr: &ConstExpr| expr.evaluate(&mut Environment(&machine.globals)) as i64;
        for segment in &module.elements {
            let items = match &segment.items {
                ElementItems::Functions(functions) => functions.iter().map(|&function| i64::from(function) + 1).collect(),
                ElementItems::Expressions(expressions) => expressions.iter().map(|expr| evaluate(&machine, expr)).collect(),
            };
            machine.elements.push(Some(items));
        }
        for (number, segment) in (0..).zip(&module.elements) {
            if let ElementMode::Active { table, offset } = &segment.mode {
                let length = machine.elements[number as usize].as_ref().map_or(0, Vec::len) as i64;
                let offset = i64::from(evaluate(&machine, offset) as i32);
                machine.bulk(Bulk::TableInit(*table, number), [offset, 0, length])?;
            }
            if !matches!(segment.mode, ElementMode::Passive) {
                machine.elements[number as usize] = None;
            }
        }
        for (number, segment) in (0..).zip(&module.data) {
            if let DataMode::Active { memory, offset } = &segment.mode {
                let offset = i64::from(evaluate(&machine, offset) as i32);
                machine.bulk(Bulk::MemoryInit(*memory, number), [offset, 0, segment.range.len() as i64])?;
                machine.data[number as usize] = false;
            }
        }
        if let Some(start) = module.start {
            machine.call(start, &[])?;
        }
        Ok(machine)
    }

    /// Calls a function.
    pub fn call(&mut self, index: u32, arguments: &[i64]) -> Result<Vec<i64>, Stop> {
        let functions = self.functions;
        let mut frame = Frame::new(&functions[index as usize]);
        frame.enter(Block::from_u32(0), arguments);
        self.run(&mut frame)
    }

    /// Takes a frame over, whose canonical slots are these.
    pub fn go_on(&mut self, function: &Function, slots: Vec<i64>) -> Result<Vec<i64>, Stop> {
        let mut frame = Frame::new(function);
        frame.slots = slots;
        self.run(&mut frame)
    }

    /// Goes on in a frame to its end.
    fn run(&mut self, frame: &mut Frame<'_>) -> Result<Vec<i64>, Stop> {
        let function = frame.function;
        loop {
            let block = frame.block;
            for node in function.nodes_of(block) {
                self.steps = self.steps.checked_sub(1).ok_or(Stop::Steps)?;
                self.step(frame, node)?;
            }
            self.steps = self.steps.checked_sub(1).ok_or(Stop::Steps)?;
            match &function.blocks[block].terminator {
                Terminator::Jump(edge) => frame.follow(*edge),
                Terminator::Branch { condition, taken, other } => frame.follow(if frame.get(*condition) != 0 { *taken } else { *other }),
                Terminator::Switch { index, edges } => {
                    let number = (frame.get(*index) as u32).min(edges.len() as u32 - 1) + edges.start;
                    frame.follow(function.edges[number as usize]);
                }
                Terminator::Return(values) => return Ok(function.nodes_in(*values).iter().map(|&value| frame.get(value)).collect()),
                Terminator::Trap { code, .. } => return Err(Stop::Trap(*code)),
            }
        }
    }

    fn step(&mut self, frame: &mut Frame<'_>, node: Node) -> Result<(), Stop> {
        let function = frame.function;
        let row = &function.nodes[node];
        let arguments: Vec<i64> = match row.kind {
            NodeKind::Result(_) => Vec::new(),
            _ => function.arguments(node).iter().map(|&value| frame.get(value)).collect(),
        };
        let value = match row.kind {
            NodeKind::Operator(Op::RefIsNull) => i64::from(arguments[0] == 0),
            NodeKind::Operator(op) if row.bounded && self.place(op, arguments[0], row.offset).is_err() => {
                panic!("{node} is bounded, and not inside memory: {:?} +{}", arguments[0], row.offset)
            }
            NodeKind::Operator(op) => match op.row().shape {
                Shape::Load => self.load(op, arguments[0], row.offset)?,
                Shape::Store => {
                    self.store(op, arguments[0], row.offset, arguments[1])?;
                    0
                }
                _ => operate(op, arguments[0], arguments.get(1).copied().unwrap_or(0))?,
            },
            NodeKind::Select => arguments[usize::from(arguments[2] == 0)],
            NodeKind::Held => arguments[0],
            NodeKind::InterruptPage | NodeKind::CheckInterrupt => 0,
            NodeKind::FuncRef(index) => i64::from(index) + 1,
            NodeKind::Call(index) => {
                frame.results = self.call(index, &arguments)?;
                frame.results.first().copied().unwrap_or(0)
            }
            NodeKind::CallIndirect { table, ty } => {
                let (&element, arguments) = arguments.split_last().expect("an index");
                let index = self.element(table, ty, element)?;
                frame.results = self.call(index, arguments)?;
                frame.results.first().copied().unwrap_or(0)
            }
            NodeKind::Result(number) => frame.results[number as usize],
            NodeKind::Slot(number) => frame.slots[number as usize],
            kind => self.perform(kind, &arguments)?,
        };
        frame.values[node.as_u32() as usize] = value;
        Ok(())
    }

    /// The function that is called through a table.
    pub fn element(&self, table: u32, ty: u32, element: i64) -> Result<u32, Stop> {
        let reference = self.tables[table as usize].get(element as u32 as usize).ok_or(Stop::Trap(TrapCode::TableOutOfBounds))?;
        let index = u32::try_from(reference - 1).map_err(|_| Stop::Trap(TrapCode::IndirectCallToNull))?;
        if self.module.function_type(index) != &self.module.types[ty as usize] {
            return Err(Stop::Trap(TrapCode::BadSignature));
        }
        Ok(index)
    }

    /// Does what changes or reads the instance.
    pub fn perform(&mut self, kind: NodeKind, arguments: &[i64]) -> Result<i64, Stop> {
        let out_of_table = Stop::Trap(TrapCode::TableOutOfBounds);
        Ok(match kind {
            NodeKind::GlobalGet(index) => self.globals[index as usize],
            NodeKind::GlobalSet(index) => {
                self.globals[index as usize] = arguments[0];
                0
            }
            NodeKind::MemorySize(index) => (self.memories[index as usize].len() / PAGE) as i64,
            NodeKind::MemoryGrow(index) => {
                let memory = &mut self.memories[index as usize];
                let (pages, more) = (memory.len() / PAGE, arguments[0] as u32 as usize);
                let limit = self.module.memories[index as usize].maximum.unwrap_or(1 << 16) as usize;
                if pages + more > limit {
                    -1
                } else {
                    memory.resize((pages + more) * PAGE, 0);
                    pages as i64
                }
            }
            NodeKind::TableGet(table) => *self.tables[table as usize].get(arguments[0] as u32 as usize).ok_or(out_of_table)?,
            NodeKind::TableSet(table) => {
                *self.tables[table as usize].get_mut(arguments[0] as u32 as usize).ok_or(out_of_table)? = arguments[1];
                0
            }
            NodeKind::TableSize(table) => self.tables[table as usize].len() as i64,
            NodeKind::TableGrow(table) => {
                let limit = self.module.tables[table as usize].maximum.unwrap_or(10_000_000);
                let table = &mut self.tables[table as usize];
                let (size, more) = (table.len(), arguments[1] as u32 as usize);
                if (size + more) as u64 > limit {
                    -1
                } else {
                    table.resize(size + more, arguments[0]);
                    size as i64
                }
            }
            NodeKind::Bulk(bulk) => {
                self.bulk(bulk, [arguments[0], arguments[1], arguments[2]])?;
                0
            }
            NodeKind::DataDrop(segment) => {
                self.data[segment as usize] = false;
                0
            }
            NodeKind::ElemDrop(segment) => {
                self.elements[segment as usize] = None;
                0
            }
            NodeKind::Fuel(amount) => {
                self.fuel += u64::from(amount);
                0
            }
            other => unreachable!("{other:?} is not for the instance"),
        })
    }

    fn place(&self, op: Op, address: i64, offset: u64) -> Result<core::ops::Range<usize>, Stop> {
        let start = u64::from(address as u32) + offset;
        let end = start + u64::from(op.row().access);
        let is_inside = end <= self.memories[0].len() as u64;
        is_inside.then_some(start as usize..end as usize).ok_or(Stop::Trap(TrapCode::MemoryOutOfBounds))
    }

    pub fn load(&self, op: Op, address: i64, offset: u64) -> Result<i64, Stop> {
        use Op::*;
        let place = self.place(op, address, offset)?;
        let mut word = [0; 8];
        word[..place.len()].copy_from_slice(&self.memories[0][place]);
        let bits = u64::from_le_bytes(word);
        Ok(match op {
            I32Load8S | I64Load8S => i64::from(bits as i8),
            I32Load16S | I64Load16S => i64::from(bits as i16),
            I64Load32S => i64::from(bits as i32),
            _ => canonical(op.row().result, bits),
        })
    }

    pub fn store(&mut self, op: Op, address: i64, offset: u64, value: i64) -> Result<(), Stop> {
        let place = self.place(op, address, offset)?;
        let length = place.len();
        self.memories[0][place].copy_from_slice(&value.to_le_bytes()[..length]);
        Ok(())
    }

    fn bulk(&mut self, bulk: Bulk, [to, second, length]: [i64; 3]) -> Result<(), Stop> {
        let (to, length) = (to as u32 as usize, length as u32 as usize);
        let from = second as u32 as usize;
        let range = |start: usize, of: usize, code: TrapCode| {
            let end = start.checked_add(length).filter(|&end| end <= of);
            end.map(|end| start..end).ok_or(Stop::Trap(code))
        };
        let (memory_code, table_code) = (TrapCode::MemoryOutOfBounds, TrapCode::TableOutOfBounds);
        match bulk {
            Bulk::MemoryCopy(a, b) => {
                let source = range(from, self.memories[b as usize].len(), memory_code)?;
                let target = range(to, self.memories[a as usize].len(), memory_code)?;
                let copied = self.memories[b as usize][source].to_vec();
                self.memories[a as usize][target].copy_from_slice(&copied);
            }
            Bulk::MemoryFill(index) => {
                let target = range(to, self.memories[index as usize].len(), memory_code)?;
                self.memories[index as usize][target].fill(second as u8);
            }
            Bulk::MemoryInit(index, segment) => {
                let bytes = &self.bytes[self.module.data[segment as usize].range.start as usize..];
                let available = if self.data[segment as usize] { self.module.data[segment as usize].range.len() } else { 0 };
                let source = range(from, available, memory_code)?;
                let target = range(to, self.memories[index as usize].len(), memory_code)?;
                self.memories[index as usize][target].copy_from_slice(&bytes[source]);
            }
            Bulk::TableCopy(a, b) => {
                let source = range(from, self.tables[b as usize].len(), table_code)?;
                let target = range(to, self.tables[a as usize].len(), table_code)?;
                let copied = self.tables[b as usize][source].to_vec();
                self.tables[a as usize][target].copy_from_slice(&copied);
            }
            Bulk::TableFill(index) => {
                let target = range(to, self.tables[index as usize].len(), table_code)?;
                self.tables[index as usize][target].fill(second);
            }
            Bulk::TableInit(index, segment) => {
                let items = self.elements[segment as usize].as_deref().unwrap_or(&[]);
                let source = range(from, items.len(), table_code)?;
                let target = range(to, self.tables[index as usize].len(), table_code)?;
                self.tables[index as usize][target].copy_from_slice(&items[source]);
            }
        }
        Ok(())
    }
}

/// A function that runs.
struct Frame<'a> {
    function: &'a Function,
    values: Vec<i64>,
    block: Block,
    /// Of the last call.
    results: Vec<i64>,
    /// What [`NodeKind::Slot`] finds.
    slots: Vec<i64>,
}

impl<'a> Frame<'a> {
    fn new(function: &'a Function) -> Self {
        let values = function.nodes.values().map(|row| if let NodeKind::Constant(bits) = row.kind { bits } else { 0 }).collect();
        Self { function, values, block: Block::from_u32(0), results: Vec::new(), slots: Vec::new() }
    }

    fn get(&self, value: Node) -> i64 {
        self.values[value.as_u32() as usize]
    }

    fn enter(&mut self, block: Block, arguments: &[i64]) {
        self.block = block;
        for (&parameter, &argument) in self.function.parameters(block).iter().zip(arguments) {
            self.values[parameter.as_u32() as usize] = argument;
        }
    }

    fn follow(&mut self, edge: Edge) {
        let arguments: Vec<i64> = self.function.nodes_in(edge.arguments).iter().map(|&value| self.get(value)).collect();
        self.enter(edge.to, &arguments);
    }
}

pub fn operate(op: Op, a: i64, b: i64) -> Result<i64, Stop> {
    use Op::*;
    if let Some(value) = evaluate(op, a, b) {
        return Ok(value);
    }
    let code = match op {
        I32DivS | I64DivS if b != 0 => TrapCode::IntegerOverflow,
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU => TrapCode::IntegerDivisionByZero,
        I32TruncF32S | I32TruncF32U | I64TruncF32S | I64TruncF32U => match f32::from_bits(a as u32).is_nan() {
            true => TrapCode::BadConversionToInteger,
            false => TrapCode::IntegerOverflow,
        },
        I32TruncF64S | I32TruncF64U | I64TruncF64S | I64TruncF64U => match f64::from_bits(a as u64).is_nan() {
            true => TrapCode::BadConversionToInteger,
            false => TrapCode::IntegerOverflow,
        },
        // Modules are generated so that they do not see which NaN, but for these two, which keep what they can of its bits.
        F32DemoteF64 => return Ok(i64::from((f64::from_bits(a as u64) as f32).to_bits())),
        F64PromoteF32 => return Ok(f64::from(f32::from_bits(a as u32)).to_bits() as i64),
        _ if op.row().result == ValType::F32 => return Ok(i64::from(f32::NAN.to_bits())),
        _ => return Ok(f64::NAN.to_bits() as i64),
    };
    Err(Stop::Trap(code))
}
