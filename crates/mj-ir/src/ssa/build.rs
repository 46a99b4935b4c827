//! From the operator stream to a [`Function`], in one pass.
//!
//! Structured control flow makes it direct. All edges to a forward label are known when it is bound: where they agree on a local or result,
//! that is the value; where they differ, the block gets a parameter. A loop's header gets a parameter for each local that the loop writes, which the
//! hints tell beforehand. So no block is ever completed later, and no parameter is a mere copy but in loops, whose useless ones are replaced at their end.
//!
//! What an operator gives is simplified ([`simplify`]), looked up among the values that dominate it ([`values`]), and moved in front of loops that do not
//! change it ([`nests`]). Loads and globals are looked up among what is known of memory ([`memory`]). States of locals are in [`states`].
//!
//! The continuation of a frame at a loop ([`Source::entry`]) begins with that loop, the blocks around it being open. What is around it are the rests of
//! loops, which nothing can go back into: behind each comes a whole copy of that loop, which its branches go to ([`Kind::Rest`]). So loops stay
//! reducible. What is open at the loop is in [`outline`].

mod bulk;
mod memory;
mod nests;
mod outline;
mod simplify;
mod states;
mod translate;
mod unroll;
mod values;

use core::fmt;

use cranelift_entity::EntityRef;
use cranelift_entity::packed_option::ReservedValue;
use mj_decode::{BlockType, Flow, FuncType, Module, Op, Reader, Translator, ValType, read_locals, translate};

use self::memory::Facts;
use self::nests::Nests;
use self::outline::Outline;
use self::states::Locals;
use self::unroll::{Turns, Unrolled};
use self::values::Numbers;
use super::{Block, BlockRow, Edge, Function, List, Node, NodeKind, NodeRow, Terminator};

/// What a function is built from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The module.
    pub module: &'a Module,
    /// Index of the function in the whole index space.
    pub function: u32,
    /// Its body, local declarations included.
    pub body: Reader<'a>,
    /// The continuation of a frame that stands at a loop's header, by the offset in the module of the loop's first operator; none for the function itself.
    pub entry: Option<u32>,
    /// Whether an integer operator on two operands takes this constant as the operand with this number (sign-extended) from a register only.
    pub needs_register: fn(Op, usize, i64) -> bool,
}

/// What building does beside translating; [`SIMPLIFICATIONS`](super::SIMPLIFICATIONS) says what each is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BuildOptions {
    /// Charge fuel.
    pub fuel: bool,
    /// Look for interruption in loops.
    pub interruption: bool,
    /// Fold constants and simplify.
    pub fold: bool,
    /// Find values that are there already.
    pub number: bool,
    /// Move what a loop does not change in front of it.
    pub hoist: bool,
    /// Find what memory holds already.
    pub memory: bool,
    /// Find what globals and sizes of memories are already.
    pub globals: bool,
    /// Do several turns of short loops at a time.
    pub unroll: bool,
    /// Do short copies and fills of memory without calls.
    pub bulk: bool,
}

impl Default for BuildOptions {
    /// Everything but fuel and interruption.
    fn default() -> Self {
        Self {
            fuel: false,
            interruption: false,
            fold: true,
            number: true,
            hoist: true,
            memory: true,
            globals: true,
            unroll: true,
            bulk: true,
        }
    }
}

/// The graph would be out of proportion to the body: many edges that each carry many values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the function has too many ways with too many values on them")
    }
}

impl std::error::Error for TooLarge {}

/// What building works with; reusable.
#[derive(Default, Debug)]
pub(super) struct Scratch {
    stack: Vec<Node>,
    locals: Locals,
    frames: Vec<Frame>,
    pending: Vec<Pending>,
    /// Values on pending edges, and parameters of `if`s.
    carried: Vec<Node>,
    /// Locals written in open loops.
    written: Vec<u32>,
    /// Argument lists of edges to headers.
    header_edges: Vec<HeaderEdge>,
    nests: Nests,
    rests: Vec<Rest>,
    unrolled: Option<Unrolled>,
    turns: Turns,
    numbers: Numbers,
    facts: Facts,
    /// Edges of switches that are as others are.
    copies: Vec<(u32, u32)>,
    /// What a parameter is instead, by node; empty if nothing is replaced.
    replaced: Vec<Node>,
    nodes: Vec<Node>,
    states: Vec<u32>,
    arrivals: Vec<Arrival>,
    /// Columns of a join that get parameters.
    different: Vec<u32>,
}

/// An open block.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Depth of the operand stack below its parameters.
    height: usize,
    parameters: usize,
    results: usize,
    /// Pending edges to its end, a chain; to the copy of a rest.
    edges: u32,
    count: u32,
    /// The last switch that branches to its end, and the edge that does.
    switch: (u32, u32),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Block,
    /// Where the condition is zero, and the parameters in `carried`.
    If {
        otherwise: Otherwise,
        carried: usize,
    },
    Loop(LoopFrame),
    /// The rest of a loop, with this number in `rests`: branches to it go to a copy behind its end.
    Rest(usize),
    /// A turn of [`Scratch::unrolled`]: branches to the loop go on in the next one.
    Turn,
}

/// A loop around the one where a frame is taken over.
#[derive(Clone, Debug)]
struct Rest {
    /// Offset of its first operator.
    at: u32,
    /// Offset behind its end.
    end: u32,
    parameters: Vec<ValType>,
    results: Vec<ValType>,
}

/// How control comes to an `else`.
#[derive(Clone, Copy, Debug)]
enum Otherwise {
    Never,
    /// By the taken edge of this block, with these locals.
    Edge(Block, u32),
    /// The condition is zero, so that the current block goes on there.
    Always,
}

#[derive(Clone, Copy, Debug)]
struct LoopFrame {
    header: Block,
    /// Its parameters for locals are these in `written`.
    written: (u32, u32),
    /// Edges to the header, a chain in `header_edges`.
    edges: u32,
    /// The last block that goes to the header.
    last: Block,
}

#[derive(Clone, Copy, Debug)]
struct HeaderEdge {
    arguments: List,
    next: u32,
}

/// An edge to an end that has not come.
#[derive(Clone, Copy, Debug)]
struct Pending {
    from: Block,
    exit: Exit,
    state: u32,
    /// Start of its values in `carried`.
    carried: usize,
    next: u32,
}

/// Which of a block's edges.
#[derive(Clone, Copy, Debug)]
enum Exit {
    Jump,
    Taken,
    /// In [`Function::edges`].
    Switch(u32),
}

/// An edge that arrives where it goes.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    from: Block,
    exit: Exit,
    state: u32,
    carried: usize,
}

const NO_EDGE: u32 = u32::MAX;

struct Builder<'a> {
    function: &'a mut Function,
    scratch: &'a mut Scratch,
    module: &'a Module,
    operators: Reader<'a>,
    flow: &'a Flow,
    options: BuildOptions,
    needs_register: fn(Op, usize, i64) -> bool,
    is_open: bool,
    /// Offset behind the last operator of control flow: where what is built now stands.
    place: u32,
    /// Operators since fuel was last charged.
    fuel: u32,
    switches: u32,
    /// Entries that lists may have in all.
    room: usize,
    is_too_large: bool,
}

impl Function {
    /// Builds the function.
    ///
    /// # Errors
    /// If the graph would be out of proportion; the function is of no use then.
    ///
    /// # Panics
    /// If [`Source::entry`] is no loop that can be reached.
    pub fn build(&mut self, source: &Source<'_>, flow: &mut Flow, options: BuildOptions) -> Result<(), TooLarge> {
        self.clear();
        self.index = source.function;
        self.entry = source.entry;
        let mut scratch = core::mem::take(&mut self.scratch);
        let result = scratch.build(self, source, flow, options);
        self.scratch = scratch;
        result
    }
}

impl Scratch {
    fn build(&mut self, function: &mut Function, source: &Source<'_>, flow: &mut Flow, options: BuildOptions) -> Result<(), TooLarge> {
        let mut groups: Vec<(u32, ValType)> = Vec::new();
        let operators = read_locals(source.body.clone(), |count, ty| groups.push((count, ty)));
        let ty = source.module.function_type(source.function);
        let locals = ty.params().len() + groups.iter().map(|&(count, _)| count as usize).sum::<usize>();
        flow.find(locals, operators.clone());
        let length = operators.remaining();
        self.clear(length);
        if options.unroll {
            self.turns.choose(flow, length);
        }
        let mut builder = Builder {
            function,
            scratch: self,
            module: source.module,
            operators: operators.clone(),
            flow,
            options,
            needs_register: source.needs_register,
            is_open: false,
            place: 0,
            fuel: 0,
            switches: 0,
            room: LISTS_PER_BYTE * length + LISTS_AT_LEAST,
            is_too_large: false,
        };
        builder.open_block(None);
        match source.entry {
            None => {
                builder.begin(ty, &groups);
                translate(source.module, operators, &mut builder);
            }
            Some(entry) => builder.take_over(ty, &groups, &operators, entry),
        }
        builder.finish()
    }

    fn clear(&mut self, body: usize) {
        self.stack.clear();
        self.locals.begin();
        self.frames.clear();
        self.pending.clear();
        self.carried.clear();
        self.written.clear();
        self.header_edges.clear();
        self.nests.clear();
        self.rests.clear();
        self.unrolled = None;
        self.turns.clear();
        self.numbers.begin(body);
        self.facts.clear();
        self.copies.clear();
        self.replaced.clear();
        self.nodes.clear();
    }
}

/// Copies of the loops around an entry may have this many times the bytes of the body, all together.
const COPIES: usize = 8;

/// Lists may have this many entries a byte of the body, and [`LISTS_AT_LEAST`]; ordinary code has less than one.
const LISTS_PER_BYTE: usize = 32;
const LISTS_AT_LEAST: usize = 1 << 20;

impl Builder<'_> {
    /// The first block of a function: its parameters, and zeros.
    fn begin(&mut self, ty: &FuncType, groups: &[(u32, ValType)]) {
        for &ty in ty.params() {
            let parameter = self.parameter(ty);
            self.scratch.locals.declare(1, parameter);
            self.scratch.nodes.push(parameter);
        }
        self.set_parameters();
        for &(count, ty) in groups {
            let zero = self.constant_node(ty, 0);
            self.scratch.locals.declare(count as usize, zero);
        }
        self.open_frame(Kind::Block, 0, ty.results().len());
    }

    /// What follows from the header of the loop at `entry` on, in a frame that stands there.
    ///
    /// # Panics
    /// If no such loop can be reached.
    fn take_over(&mut self, ty: &FuncType, groups: &[(u32, ValType)], operators: &Reader<'_>, entry: u32) {
        let mut types = ty.params().to_vec();
        groups.iter().for_each(|&(count, ty)| types.resize(types.len() + count as usize, ty));
        let mut outline = Outline::find(self.module, operators.clone(), &types, ty.results(), entry);
        assert!(outline.is_found, "function {} has no loop at {entry}", self.function.index);
        for (slot, &ty) in (0..).zip(types.iter().chain(&outline.stack)) {
            let value = self.push_node(NodeKind::Slot(slot), Some(ty), &[], 0, 0);
            if (slot as usize) < types.len() {
                self.scratch.locals.declare(1, value);
            } else {
                self.scratch.stack.push(value);
            }
        }
        let innermost = outline.open.pop().expect("the loop that was found");
        let mut copied = 0;
        for open in outline.open {
            let kind = match open.loop_at {
                Some(at) => {
                    let end = self.flow.loops[self.flow.number_at(at).expect("a loop") as usize].end;
                    copied += (end - at) as usize;
                    self.scratch.rests.push(Rest { at, end, parameters: open.parameters.clone(), results: open.results.clone() });
                    Kind::Rest(self.scratch.rests.len() - 1)
                }
                None if open.is_if => Kind::If { otherwise: Otherwise::Never, carried: 0 },
                None => Kind::Block,
            };
            self.scratch.frames.push(Frame {
                kind,
                height: open.height,
                // An `else` does not come, so that nobody asks for the parameters of an `if`.
                parameters: if let Kind::Rest(_) = kind { open.parameters.len() } else { 0 },
                results: open.results.len(),
                edges: NO_EDGE,
                count: 0,
                switch: (0, 0),
            });
        }
        if copied > operators.remaining() * COPIES {
            self.is_too_large = true;
            return;
        }
        let end = operators.offset() + operators.remaining() as u32;
        let rest = operators.between(entry, end);
        self.loop_(BlockType { params: &innermost.parameters, results: &innermost.results }, &rest);
        if self.is_open {
            translate(self.module, rest, self);
        }
    }

    /// Ends the rest of a loop: a copy of the loop follows, if anything goes back to it.
    fn close_rest(&mut self, number: usize) {
        let index = self.scratch.frames.len() - 1;
        let frame = self.scratch.frames[index];
        if frame.count == 0 {
            return self.close_frame();
        }
        // What leaves the rest at its end goes to where the copy ends.
        let mut behind = (NO_EDGE, 0);
        if self.is_open {
            self.scratch.frames[index].edges = NO_EDGE;
            self.scratch.frames[index].count = 0;
            self.scratch.frames[index].kind = Kind::Block;
            self.jump_to_end(index);
            behind = (self.scratch.frames[index].edges, self.scratch.frames[index].count);
        }
        self.scratch.frames[index] = Frame { results: frame.parameters, ..frame };
        self.close_frame();
        if !self.is_open {
            return;
        }
        let Rest { at, end, parameters, results } = self.scratch.rests[number].clone();
        let rest = self.operators.between(at, end);
        self.loop_(BlockType { params: &parameters, results: &results }, &rest);
        let frame = self.scratch.frames.last_mut().expect("the loop");
        (frame.edges, frame.count) = behind;
        if self.is_open {
            translate(self.module, rest, self);
        } else {
            self.scratch.frames.pop();
        }
    }

    fn current(&self) -> Block {
        Block::new(self.function.blocks.len() - 1)
    }

    /// Opens the next block; the builder stands in it.
    fn open_block(&mut self, dominator: Option<Block>) -> Block {
        self.is_open = true;
        let header = self.find_loops();
        let block = self.function.blocks.push(BlockRow { header, ..BlockRow::default() });
        self.function.set_dominator(block, dominator);
        block
    }

    /// Whether a block dominates the current one.
    #[inline]
    fn dominates(&self, block: Block) -> bool {
        self.function.dominates(block, self.current())
    }

    /// A new parameter of the current block, which [`set_parameters`](Self::set_parameters) lists.
    fn parameter(&mut self, ty: ValType) -> Node {
        let block = self.current();
        self.function.nodes.push(NodeRow { ty: Some(ty), block: block.into(), ..NodeRow::default() })
    }

    /// Makes the nodes in `scratch.nodes` the parameters of the current block.
    fn set_parameters(&mut self) {
        let block = self.current();
        let list = self.function.list(&self.scratch.nodes);
        self.function.blocks[block].parameters = list;
        self.scratch.nodes.clear();
    }

    fn terminate(&mut self, terminator: Terminator) {
        let block = self.current();
        self.function.blocks[block].terminator = terminator;
        self.is_open = false;
    }

    fn pop(&mut self) -> Node {
        self.scratch.stack.pop().expect("validation counts the operands")
    }

    fn open_frame(&mut self, kind: Kind, parameters: usize, results: usize) {
        let height = self.scratch.stack.len() - parameters;
        self.scratch.frames.push(Frame { kind, height, parameters, results, edges: NO_EDGE, count: 0, switch: (0, 0) });
    }

    /// A place holder for an edge to a label that is not bound yet.
    fn unknown() -> Edge {
        Edge { to: Block::reserved_value(), arguments: List::default() }
    }

    /// Opens the not-taken successor of a branch.
    fn branch_on(&mut self, condition: Node, taken: Edge) {
        let block = self.current();
        let other = Edge { to: block.following(), arguments: List::default() };
        self.terminate(Terminator::Branch { condition, taken, other });
        self.open_block(Some(block));
    }

    /// The edge from here to the frame with this number, by the exit that is not filled in yet.
    fn edge_to(&mut self, index: usize, exit: Exit) -> Edge {
        let frame = self.scratch.frames[index];
        match frame.kind {
            Kind::Loop(open) => self.header_edge(index, open),
            _ => {
                if let Exit::Switch(edge) = exit {
                    if frame.switch.0 == self.switches {
                        self.scratch.copies.push((edge, frame.switch.1));
                        return Self::unknown();
                    }
                    self.scratch.frames[index].switch = (self.switches, edge);
                }
                let count = if let Kind::Rest(_) | Kind::Turn = frame.kind { frame.parameters } else { frame.results };
                let top = self.scratch.stack.len() - count;
                let carried = self.scratch.carried.len();
                self.scratch.carried.extend_from_slice(&self.scratch.stack[top..]);
                let state = self.scratch.locals.current();
                self.add_pending(index, Arrival { from: self.current(), exit, state, carried });
                Self::unknown()
            }
        }
    }

    fn add_pending(&mut self, index: usize, arrival: Arrival) {
        let Arrival { from, exit, state, carried } = arrival;
        let frame = &mut self.scratch.frames[index];
        self.scratch.pending.push(Pending { from, exit, state, carried, next: frame.edges });
        frame.edges = self.scratch.pending.len() as u32 - 1;
        frame.count += 1;
    }

    /// The edge from here to a header.
    fn header_edge(&mut self, index: usize, mut open: LoopFrame) -> Edge {
        let scratch = &mut *self.scratch;
        scratch.nodes.clear();
        let top = scratch.stack.len() - scratch.frames[index].parameters;
        scratch.nodes.extend_from_slice(&scratch.stack[top..]);
        let written = &scratch.written[open.written.0 as usize..open.written.1 as usize];
        scratch.nodes.extend(written.iter().map(|&local| scratch.locals.get(local)));
        let arguments = if self.has_room(self.scratch.nodes.len()) { self.function.list(&self.scratch.nodes) } else { List::default() };
        self.scratch.nodes.clear();
        let number = self.scratch.header_edges.len() as u32;
        self.scratch.header_edges.push(HeaderEdge { arguments, next: open.edges });
        open.edges = number;
        open.last = open.last.max(self.current());
        self.scratch.frames[index].kind = Kind::Loop(open);
        Edge { to: open.header, arguments }
    }

    /// Whether lists may have so many more entries; if not, nothing goes on.
    fn has_room(&mut self, entries: usize) -> bool {
        let fits = self.function.lists.len() + entries <= self.room;
        if !fits {
            self.is_too_large = true;
            self.is_open = false;
        }
        fits
    }

    /// Sets an edge that was unknown.
    fn fill_in(&mut self, from: Block, exit: Exit, edge: Edge) {
        match (exit, &mut self.function.blocks[from].terminator) {
            (Exit::Switch(index), _) => self.function.edges[index as usize] = edge,
            (Exit::Jump, terminator) => *terminator = Terminator::Jump(edge),
            (Exit::Taken, Terminator::Branch { taken, .. }) => *taken = edge,
            (Exit::Taken, _) => unreachable!("only a branch has a taken edge"),
        }
    }

    /// Goes to the end of the frame with this number; out of it, if it is a loop.
    fn jump_to_end(&mut self, index: usize) {
        let top = self.scratch.stack.len() - self.scratch.frames[index].results;
        let carried = self.scratch.carried.len();
        self.scratch.carried.extend_from_slice(&self.scratch.stack[top..]);
        let state = self.scratch.locals.current();
        self.add_pending(index, Arrival { from: self.current(), exit: Exit::Jump, state, carried });
        self.terminate(Terminator::Jump(Self::unknown()));
    }

    /// Opens the block that only the taken edge of `from` goes to.
    fn open_alone(&mut self, from: Block) {
        let block = self.open_block(Some(from));
        self.fill_in(from, Exit::Taken, Edge { to: block, arguments: List::default() });
    }

    /// Ends the innermost frame, to whose end `frame.count` edges go; the current block falls through if it is open.
    fn close_frame(&mut self) {
        let index = self.scratch.frames.len() - 1;
        if self.is_too_large {
            self.scratch.frames.pop();
            return;
        }
        if self.is_open && self.scratch.frames[index].count > 0 {
            self.jump_to_end(index);
        }
        let frame = self.scratch.frames.pop().expect("validation matches the ends");
        if self.is_open {
            return;
        }
        self.scratch.stack.truncate(frame.height);
        if frame.count == 0 {
            return;
        }
        let scratch = &mut *self.scratch;
        scratch.arrivals.clear();
        let mut next = frame.edges;
        while next != NO_EDGE {
            let Pending { from, exit, state, carried, next: before } = scratch.pending[next as usize];
            scratch.arrivals.push(Arrival { from, exit, state, carried });
            next = before;
        }
        scratch.arrivals.reverse();
        if let &[Arrival { from, exit: Exit::Jump, state, carried }] = &scratch.arrivals[..]
            && from.index() == self.function.blocks.len() - 1
        {
            // Nothing lies between the only branch and its target.
            scratch.locals.go_to(state);
            scratch.stack.extend_from_slice(&scratch.carried[carried..carried + frame.results]);
            self.is_open = true;
            return;
        }
        let arrivals = core::mem::take(&mut self.scratch.arrivals);
        self.join(&arrivals, frame.results);
        self.scratch.arrivals = arrivals;
    }

    /// Opens the block where `arrivals` meet, with what they carry.
    fn join(&mut self, arrivals: &[Arrival], results: usize) {
        let columns = self.meet(arrivals);
        if columns * arrivals.len() > self.room {
            self.has_room(self.room);
            return;
        }
        let mut dominator = arrivals[arrivals.len() - 1].from;
        for arrival in arrivals.iter().rev() {
            dominator = self.function.common_dominator(dominator, arrival.from);
        }
        let block = self.open_block(Some(dominator));
        let mut different = core::mem::take(&mut self.scratch.different);
        different.clear();
        for column in 0..results + columns {
            let first = self.arriving(arrivals, results, 0, column);
            let agree = (1..arrivals.len()).all(|row| self.arriving(arrivals, results, row, column) == first);
            let value = if agree {
                first
            } else {
                different.push(column as u32);
                let ty = self.function.type_of(first);
                let parameter = self.parameter(ty);
                self.scratch.nodes.push(parameter);
                parameter
            };
            match column.checked_sub(results) {
                None => self.scratch.stack.push(value),
                Some(column) => self.scratch.locals.set_column(column, value),
            }
        }
        self.set_parameters();
        if self.has_room(different.len() * arrivals.len()) {
            for (row, arrival) in arrivals.iter().enumerate() {
                for &column in &different {
                    let value = self.arriving(arrivals, results, row, column as usize);
                    self.scratch.nodes.push(value);
                }
                let arguments = self.function.list(&self.scratch.nodes);
                self.scratch.nodes.clear();
                self.fill_in(arrival.from, arrival.exit, Edge { to: block, arguments });
            }
        }
        self.scratch.different = different;
    }

    /// Brings the locals to where all arrivals come from; returns the number of those that may differ.
    fn meet(&mut self, arrivals: &[Arrival]) -> usize {
        let scratch = &mut *self.scratch;
        if let [arrival] = arrivals {
            scratch.locals.go_to(arrival.state);
            return 0;
        }
        scratch.states.clear();
        scratch.states.extend(arrivals.iter().map(|arrival| arrival.state));
        let columns = scratch.locals.meet(&mut scratch.states);
        if columns > 0 && columns * arrivals.len() <= self.room {
            let mut previous = None;
            for arrival in arrivals {
                scratch.locals.add_row(arrival.state, previous);
                previous = Some(arrival.state);
            }
        }
        columns
    }

    /// A result or, behind them, a local on an edge.
    #[inline]
    fn arriving(&self, arrivals: &[Arrival], results: usize, row: usize, column: usize) -> Node {
        let value = match column.checked_sub(results) {
            None => self.scratch.carried[arrivals[row].carried + column],
            Some(column) => self.scratch.locals.row_value(row, column),
        };
        self.resolve(value)
    }

    /// What stands for a value since its loop has ended.
    #[inline]
    fn resolve(&self, mut value: Node) -> Node {
        while let Some(&other) = self.scratch.replaced.get(value.index())
            && other != Self::nobody()
        {
            value = other;
        }
        value
    }

    /// Ends a loop, whose frame is still there.
    fn close_loop(&mut self, open: LoopFrame) {
        self.scratch.nests.leave();
        if open.last >= open.header {
            self.function.blocks[open.header].loop_end = open.last.following().into();
        }
        self.replace_parameters(open);
        for index in open.written.0..open.written.1 {
            let local = self.scratch.written[index as usize];
            let value = self.resolve(self.scratch.locals.get(local));
            self.scratch.locals.set(local, value);
        }
        self.scratch.written.truncate(open.written.0 as usize);
    }

    /// Parameters of a header that always have the value they had first are that value.
    fn replace_parameters(&mut self, open: LoopFrame) {
        let parameters = self.function.blocks[open.header].parameters;
        let mut kept = 0;
        for number in 0..parameters.len() {
            let parameter = self.function.nodes_in(parameters)[number];
            match self.constant_argument(open, parameter, number) {
                Some(value) => {
                    let len = self.scratch.replaced.len().max(parameter.index() + 1);
                    self.scratch.replaced.resize(len, Self::nobody());
                    self.scratch.replaced[parameter.index()] = value;
                }
                None => {
                    if kept < number {
                        self.function.nodes_in_mut(parameters)[kept] = parameter;
                        let mut next = open.edges;
                        while next != NO_EDGE {
                            let edge = self.scratch.header_edges[next as usize];
                            let arguments = self.function.nodes_in_mut(edge.arguments);
                            arguments[kept] = arguments[number];
                            next = edge.next;
                        }
                    }
                    kept += 1;
                }
            }
        }
        self.function.blocks[open.header].parameters.len = kept as u32;
    }

    /// The value a header's parameter has on all edges but those that pass itself on.
    fn constant_argument(&self, open: LoopFrame, parameter: Node, number: usize) -> Option<Node> {
        let mut value = None;
        let mut next = open.edges;
        while next != NO_EDGE {
            let edge = self.scratch.header_edges[next as usize];
            let argument = self.resolve(self.function.nodes_in(edge.arguments)[number]);
            if argument != parameter && value != Some(argument) {
                if value.is_some() {
                    return None;
                }
                value = Some(argument);
            }
            next = edge.next;
        }
        value
    }

    fn finish(&mut self) -> Result<(), TooLarge> {
        let copies = core::mem::take(&mut self.scratch.copies);
        for &(copy, original) in &copies {
            let Edge { to, arguments } = self.function.edges[original as usize];
            if !self.has_room(arguments.len()) {
                break;
            }
            self.scratch.nodes.clear();
            self.scratch.nodes.extend_from_slice(self.function.nodes_in(arguments));
            let arguments = self.function.list(&self.scratch.nodes);
            self.function.edges[copy as usize] = Edge { to, arguments };
        }
        self.scratch.copies = copies;
        if self.is_too_large {
            return Err(TooLarge);
        }
        if !self.scratch.replaced.is_empty() {
            self.replace_uses();
        }
        self.order_blocks();
        self.function.set_cold();
        Ok(())
    }

    /// Puts values in the places of parameters that are the same.
    fn replace_uses(&mut self) {
        let mut lists = core::mem::take(&mut self.function.lists);
        for value in &mut lists {
            *value = self.resolve(*value);
        }
        self.function.lists = lists;
        for block in 0..self.function.blocks.len() {
            let block = Block::new(block);
            if let Terminator::Branch { condition: value, .. } | Terminator::Switch { index: value, .. } =
                self.function.blocks[block].terminator
            {
                let resolved = self.resolve(value);
                if let Terminator::Branch { condition: value, .. } | Terminator::Switch { index: value, .. } =
                    &mut self.function.blocks[block].terminator
                {
                    *value = resolved;
                }
            }
        }
        self.function.shorten_edges();
    }
}

impl Function {
    /// Gives each edge as many arguments as its target has parameters.
    pub(super) fn shorten_edges(&mut self) {
        let Function { blocks, edges, .. } = self;
        let lengths: Vec<u32> = blocks.values().map(|row| row.parameters.len).collect();
        let shorten = |edge: &mut Edge| edge.arguments.len = lengths[edge.to.index()];
        for row in blocks.values_mut() {
            match &mut row.terminator {
                Terminator::Jump(edge) => shorten(edge),
                Terminator::Branch { taken, other, .. } => {
                    shorten(taken);
                    shorten(other);
                }
                Terminator::Switch { .. } | Terminator::Return(_) | Terminator::Trap { .. } => {}
            }
        }
        edges.iter_mut().for_each(shorten);
    }
}
