//! From the operator stream to a [`Graph`], in one pass.
//!
//! Structured control flow makes it direct. All edges to a forward label are known when it is bound: where they agree on a local or result,
//! that is the value; where they differ, the block gets a parameter. A loop's header gets a parameter for each local that the loop writes, which the
//! hints tell beforehand. So no block is ever completed later, and no parameter is a mere copy but in loops.
//!
//! It covers value operators, locals, `block`, `loop`, `br`, `br_if`, `return`, direct calls with at most one result, and `memory.grow`; anything else
//! ends in [`Unsupported`], behind which nothing is looked at any more.

use core::fmt;

use cranelift_entity::packed_option::PackedOption;
use mj_decode::{BlockType, BodyHints, Bulk, MemArg, Module, Op, Reader, Shape, Translator, ValType, read_locals, translate};

use crate::graph::{Block, BlockRow, Edge, Graph, Node, NodeKind, NodeList, NodeRow, Terminator};

/// An operator that the graph does not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unsupported {
    /// Its name, or what is special about it.
    pub operator: &'static str,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the graph compiler does not know {}", self.operator)
    }
}

impl std::error::Error for Unsupported {}

/// An open block.
struct Frame {
    /// Depth of the operand stack below its parameters.
    height: usize,
    results: usize,
    target: Target,
}

/// Where branches to a frame go.
enum Target {
    /// To its end: the blocks that branch, and where in `pending` their values start, results first, then all locals.
    End(Vec<(Block, usize)>),
    /// To the header of a loop, whose parameters are those of its type, then these locals.
    Header { block: Block, parameters: usize, locals: Vec<u32> },
}

struct Builder<'a> {
    graph: &'a mut Graph,
    module: &'a Module,
    hints: &'a BodyHints,
    stack: Vec<Node>,
    locals: Vec<Node>,
    frames: Vec<Frame>,
    pending: Vec<Node>,
    is_open: bool,
    unsupported: Option<Unsupported>,
}

impl Graph {
    /// Builds the graph of `function` (an index of the whole index space), whose body is `body`.
    ///
    /// # Errors
    /// If the body has an operator that the graph does not know. The graph is of no use then.
    pub fn build(&mut self, module: &Module, function: u32, body: Reader<'_>, hints: &mut BodyHints) -> Result<(), Unsupported> {
        self.clear();
        let ty = &module.types[module.functions[function as usize] as usize];
        let mut types = ty.params().to_vec();
        let parameters = types.len();
        let operators = read_locals(body, |count, ty| types.resize(types.len() + count as usize, ty));
        hints.begin(types.len());
        hints.gather(operators.clone());
        self.calls = hints.has_call;
        let mut builder = Builder {
            graph: self,
            module,
            hints,
            stack: Vec::new(),
            locals: Vec::new(),
            frames: Vec::new(),
            pending: Vec::new(),
            is_open: false,
            unsupported: None,
        };
        builder.open_block();
        for (index, &ty) in types.iter().enumerate() {
            let local = if index < parameters { builder.parameter(ty) } else { builder.constant_node(ty, 0) };
            builder.locals.push(local);
        }
        builder.open_frame(0, ty.results().len());
        translate(module, operators, &mut builder);
        builder.unsupported.map_or(Ok(()), Err)
    }
}

impl Builder<'_> {
    fn open_block(&mut self) -> Block {
        let start = self.graph.order.len() as u32;
        self.is_open = true;
        self.graph.blocks.push(BlockRow {
            parameters: NodeList::default(),
            nodes: start..start,
            terminator: Terminator::default(),
            loop_end: PackedOption::default(),
            loop_calls: false,
        })
    }

    fn current(&self) -> Block {
        self.graph.blocks.last().map(|(block, _)| block).expect("the first block is opened first")
    }

    fn terminate(&mut self, terminator: Terminator) {
        let block = self.current();
        let end = self.graph.order.len() as u32;
        let row = &mut self.graph.blocks[block];
        row.nodes.end = end;
        row.terminator = terminator;
        self.is_open = false;
    }

    fn list(&mut self, values: impl IntoIterator<Item = Node>) -> NodeList {
        let mut list = NodeList::default();
        for value in values {
            self.graph.nodes[value].uses += 1;
            list.push(value, &mut self.graph.lists);
        }
        list
    }

    fn constant_node(&mut self, ty: ValType, bits: i64) -> Node {
        self.graph.nodes.push(NodeRow { kind: NodeKind::Constant(bits), ty: Some(ty), ..NodeRow::default() })
    }

    /// A new parameter of the current block.
    fn parameter(&mut self, ty: ValType) -> Node {
        let block = self.current();
        let node = self.graph.nodes.push(NodeRow { ty: Some(ty), block: block.into(), ..NodeRow::default() });
        self.graph.blocks[block].parameters.push(node, &mut self.graph.lists);
        node
    }

    /// Appends a node that takes the top `count` values; pushes its result.
    fn node(&mut self, kind: NodeKind, ty: Option<ValType>, count: usize, offset: u64, at: u32) {
        let base = self.stack.len() - count;
        let arguments: NodeList = {
            let graph = &mut *self.graph;
            for &value in &self.stack[base..] {
                graph.nodes[value].uses += 1;
            }
            NodeList::from_slice(&self.stack[base..], &mut graph.lists)
        };
        self.stack.truncate(base);
        let block = self.current().into();
        let node = self.graph.nodes.push(NodeRow { kind, ty, arguments, offset, at, block, uses: 0 });
        self.graph.order.push(node);
        if ty.is_some() {
            self.stack.push(node);
        }
    }

    fn open_frame(&mut self, parameters: usize, results: usize) {
        self.frames.push(Frame { height: self.stack.len() - parameters, results, target: Target::End(Vec::new()) });
    }

    fn refuse(&mut self, operator: &'static str) {
        self.unsupported.get_or_insert(Unsupported { operator });
    }

    fn refused(&self) -> bool {
        self.unsupported.is_some()
    }

    fn pop(&mut self) -> Node {
        self.stack.pop().expect("validation counts the operands")
    }

    /// The edge from here to the frame at `depth` from the inside. The target of one to an end is filled in by [`join`](Self::join).
    fn edge(&mut self, relative: u32) -> Edge {
        let from = self.current();
        let index = self.frames.len() - 1 - relative as usize;
        let (to, values) = match &mut self.frames[index].target {
            Target::Header { block, parameters, locals } => {
                let top = self.stack.len() - *parameters;
                let written = locals.iter().map(|&local| self.locals[local as usize]);
                (*block, self.stack[top..].iter().copied().chain(written).collect::<Vec<_>>())
            }
            Target::End(edges) => {
                edges.push((from, self.pending.len()));
                let top = self.stack.len() - self.frames[index].results;
                self.pending.extend_from_slice(&self.stack[top..]);
                self.pending.extend_from_slice(&self.locals);
                (from, Vec::new())
            }
        };
        Edge { to, arguments: self.list(values) }
    }

    /// Opens the block where `edges` meet; the top `results` entries of the stack and all locals become what they carry.
    fn join(&mut self, height: usize, results: usize, edges: &[(Block, usize)]) {
        let block = self.open_block();
        self.stack.truncate(height);
        let mut arguments = vec![NodeList::default(); edges.len()];
        for column in 0..results + self.locals.len() {
            let first = self.pending[edges[0].1 + column];
            let value = if edges.iter().all(|&(_, start)| self.pending[start + column] == first) {
                first
            } else {
                let ty = self.graph.type_of(first);
                for (list, &(_, start)) in arguments.iter_mut().zip(edges) {
                    let argument = self.pending[start + column];
                    self.graph.nodes[argument].uses += 1;
                    list.push(argument, &mut self.graph.lists);
                }
                self.parameter(ty)
            };
            match column.checked_sub(results) {
                None => self.stack.push(value),
                Some(local) => self.locals[local] = value,
            }
        }
        for (arguments, &(from, _)) in arguments.into_iter().zip(edges) {
            match &mut self.graph.blocks[from].terminator {
                Terminator::Jump(edge) | Terminator::Branch { taken: edge, .. } => *edge = Edge { to: block, arguments },
                Terminator::Return(_) => unreachable!("a return has no edge"),
            }
        }
    }

    fn value_operator(&mut self, op: Op, at: u32, offset: u64) {
        let row = op.row();
        let (count, ty) = match row.shape {
            Shape::Store => (2, None),
            Shape::Binary | Shape::Compare => (2, Some(row.result)),
            Shape::Load | Shape::Unary | Shape::Test => (1, Some(row.result)),
        };
        self.node(NodeKind::Operator(op), ty, count, offset, at);
    }
}

impl Translator for Builder<'_> {
    fn reachable(&self) -> bool {
        self.is_open
    }

    fn op(&mut self, op: Op, at: u32, _: &Reader<'_>) {
        if !self.refused() {
            self.value_operator(op, at, 0);
        }
    }

    fn load(&mut self, op: Op, memory: MemArg, at: u32, _: &Reader<'_>) {
        self.store(op, memory, at);
    }

    fn store(&mut self, op: Op, memory: MemArg, at: u32) {
        if memory.memory != 0 {
            self.refuse("a second memory");
        }
        if !self.refused() {
            self.value_operator(op, at, memory.offset);
        }
    }

    fn constant(&mut self, ty: ValType, bits: i64) {
        let node = self.constant_node(ty, bits);
        self.stack.push(node);
    }

    fn ref_func(&mut self, _: u32, _: &Reader<'_>) {
        self.refuse("ref.func");
    }

    fn local_get(&mut self, local: u32) {
        self.stack.push(self.locals[local as usize]);
    }

    fn local_set(&mut self, local: u32) {
        if !self.refused() {
            self.locals[local as usize] = self.pop();
        }
    }

    fn local_tee(&mut self, local: u32) {
        if !self.refused() {
            self.local_set(local);
            self.local_get(local);
        }
    }

    fn global_get(&mut self, _: u32, _: &Reader<'_>) {
        self.refuse("global.get");
    }

    fn global_set(&mut self, _: u32) {
        self.refuse("global.set");
    }

    fn drop_value(&mut self) {
        if !self.refused() {
            self.pop();
        }
    }

    fn select(&mut self, _: &Reader<'_>) {
        if self.refused() {
            return;
        }
        let [first, second, condition] = *self.stack.last_chunk().expect("three operands");
        match self.graph.constant(condition) {
            Some(bits) => {
                self.stack.truncate(self.stack.len() - 3);
                self.stack.push(if bits as i32 != 0 { first } else { second });
            }
            None => self.node(NodeKind::Select, Some(self.graph.type_of(first)), 3, 0, 0),
        }
    }

    fn block(&mut self, ty: BlockType<'_>) {
        if !self.refused() {
            self.open_frame(ty.params.len(), ty.results.len());
        }
    }

    fn loop_(&mut self, ty: BlockType<'_>, rest: &Reader<'_>) {
        if self.refused() {
            return;
        }
        let hints = self.hints.loop_at(rest.offset()).expect("the body has been scanned");
        let mut locals: Vec<u32> = self.hints.touches(hints).filter(|touch| touch.written).map(|touch| touch.local).collect();
        locals.sort_unstable();
        locals.dedup();
        let height = self.stack.len() - ty.params.len();
        let block = Block::from_u32(self.graph.blocks.len() as u32);
        self.frames.push(Frame {
            height,
            results: ty.results.len(),
            target: Target::Header { block, parameters: ty.params.len(), locals: locals.clone() },
        });
        let edge = self.edge(0);
        self.terminate(Terminator::Jump(edge));
        self.open_block();
        self.graph.blocks[block].loop_calls = hints.has_call;
        for index in height..self.stack.len() {
            self.stack[index] = self.parameter(ty.params[index - height]);
        }
        for local in locals {
            let ty = self.graph.type_of(self.locals[local as usize]);
            self.locals[local as usize] = self.parameter(ty);
        }
    }

    fn if_(&mut self, _: BlockType<'_>) {
        self.refuse("if");
    }

    fn else_(&mut self) {
        self.refuse("else");
    }

    fn end(&mut self) {
        if self.refused() {
            return;
        }
        let frame = self.frames.pop().expect("validation matches the ends");
        match frame.target {
            Target::Header { block, .. } => {
                // A block that is still open cannot lead back to the header: it stands behind the loop already.
                let end = self.graph.blocks.len() as u32 - u32::from(self.is_open);
                self.graph.blocks[block].loop_end = Block::from_u32(end).into();
            }
            Target::End(mut edges) => {
                if self.is_open && !edges.is_empty() {
                    edges.push((self.current(), self.pending.len()));
                    let top = self.stack.len() - frame.results;
                    self.pending.extend_from_slice(&self.stack[top..]);
                    self.pending.extend_from_slice(&self.locals);
                    self.terminate(Terminator::default());
                }
                if !edges.is_empty() {
                    self.join(frame.height, frame.results, &edges);
                }
            }
        }
        if self.frames.is_empty() && self.is_open {
            let results = core::mem::take(&mut self.stack);
            let list = self.list(results);
            self.terminate(Terminator::Return(list));
        }
    }

    fn unreachable(&mut self, _: u32) {
        self.refuse("unreachable");
    }

    fn branch(&mut self, depth: u32) {
        if !self.refused() {
            let edge = self.edge(depth);
            self.terminate(Terminator::Jump(edge));
        }
    }

    fn branch_if(&mut self, depth: u32) {
        if self.refused() {
            return;
        }
        let condition = self.pop();
        match self.graph.constant(condition) {
            Some(bits) if bits as i32 != 0 => self.branch(depth),
            Some(_) => {}
            None => {
                let taken = self.edge(depth);
                self.graph.nodes[condition].uses += 1;
                self.terminate(Terminator::Branch { condition, taken });
                self.open_block();
            }
        }
    }

    fn branch_table(&mut self, _: &[u32], _: u32) {
        self.refuse("br_table");
    }

    fn return_(&mut self) {
        if self.refused() {
            return;
        }
        let top = self.stack.len() - self.frames[0].results;
        let results = self.stack.split_off(top);
        let list = self.list(results);
        self.terminate(Terminator::Return(list));
    }

    fn call(&mut self, function: u32, at: u32) {
        let ty = &self.module.types[self.module.functions[function as usize] as usize];
        match *ty.results() {
            _ if self.refused() => {}
            [] => self.node(NodeKind::Call(function), None, ty.params().len(), 0, at),
            [result] => self.node(NodeKind::Call(function), Some(result), ty.params().len(), 0, at),
            _ => self.refuse("a call with several results"),
        }
    }

    fn call_indirect(&mut self, _: u32, _: u32, _: u32) {
        self.refuse("call_indirect");
    }

    fn memory_size(&mut self, _: u32, _: &Reader<'_>) {
        self.refuse("memory.size");
    }

    fn memory_grow(&mut self, memory: u32, at: u32) {
        if !self.refused() {
            self.node(NodeKind::MemoryGrow(memory), Some(ValType::I32), 1, 0, at);
        }
    }

    fn bulk(&mut self, _: Bulk, _: u32) {
        self.refuse("a bulk operator");
    }

    fn data_drop(&mut self, _: u32, _: u32) {
        self.refuse("data.drop");
    }

    fn elem_drop(&mut self, _: u32, _: u32) {
        self.refuse("elem.drop");
    }

    fn table_get(&mut self, _: u32, _: u32, _: &Reader<'_>) {
        self.refuse("table.get");
    }

    fn table_set(&mut self, _: u32, _: u32) {
        self.refuse("table.set");
    }

    fn table_size(&mut self, _: u32, _: &Reader<'_>) {
        self.refuse("table.size");
    }

    fn table_grow(&mut self, _: u32, _: u32) {
        self.refuse("table.grow");
    }
}
