//! The backward pass: what folds into what, and when each value is used next.
//!
//! A node folds into its only user in the same block, if the ISA can fold it at all; a load only if nothing stands between that writes memory or
//! traps otherwise. A comparison goes to its only user, so that the flags live from one step to the next and no further; all other
//! conditions become values where they are computed.
//!
//! Invariant: `next` is [`DEAD`] for every value but those used further down in the block at hand or needed behind it.

use core::ops::Range;

use cranelift_entity::SecondaryMap;
use cranelift_entity::packed_option::PackedOption;
use mj_decode::{Op, Shape};
use mj_ir::{Block, Edge, Graph, Liveness, Node, NodeKind, Terminator};
use smallvec::SmallVec;

use crate::isa::{self, Isa, Operands, Producer, Take};
use crate::{Bounds, Cond, Options};

/// The position of a use that never comes.
pub(super) const DEAD: u32 = u32::MAX;

/// The position of a use in another block.
const FAR: u32 = u32::MAX - 1;

/// A value used by a step, and when it is used after that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub value: Node,
    pub next: u32,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub(super) enum What<F> {
    /// A form of the ISA.
    Form(F),
    /// A call of a function.
    Call(u32),
    /// `memory.grow` of a memory.
    MemoryGrow(u32),
}

/// One or more nodes, to be emitted together.
#[derive(Clone, Debug)]
pub(super) struct Step<F> {
    pub what: What<F>,
    /// The value it defines.
    pub result: PackedOption<Node>,
    /// When that is used.
    pub next: u32,
    /// The form defines the flags, and the result is 1 if this condition holds.
    pub condition: Option<Cond>,
    /// In [`Covered::uses`].
    pub uses: Range<u32>,
    pub immediate: i64,
    pub offset: u64,
    pub at: u32,
}

/// A block's share of [`Covered`].
#[derive(Clone, Debug, Default)]
pub(super) struct BlockSteps {
    /// The steps, last first.
    pub steps: Range<u32>,
    /// The condition on which the block branches.
    pub condition: Option<Cond>,
    /// Of the values alive at its start and its parameters: when each is used. In [`Covered::entries`].
    pub entries: Range<u32>,
}

/// The result of the pass; reusable.
#[derive(Debug)]
pub(super) struct Covered<F> {
    pub blocks: SecondaryMap<Block, BlockSteps>,
    pub steps: Vec<Step<F>>,
    pub uses: Vec<Use>,
    pub entries: Vec<Use>,
    /// The parameter that a value becomes on an edge, if there is one.
    pub becomes: SecondaryMap<Node, PackedOption<Node>>,
    next: SecondaryMap<Node, u32>,
    folded: SecondaryMap<Node, bool>,
    /// Barriers in front of a node in its block.
    barriers: SecondaryMap<Node, u32>,
}

impl<F> Default for Covered<F> {
    fn default() -> Self {
        Self {
            blocks: SecondaryMap::new(),
            steps: Vec::new(),
            uses: Vec::new(),
            entries: Vec::new(),
            becomes: SecondaryMap::new(),
            next: SecondaryMap::with_default(DEAD),
            folded: SecondaryMap::new(),
            barriers: SecondaryMap::new(),
        }
    }
}

impl<F: Copy> Covered<F> {
    /// Covers a graph.
    pub fn cover<I: Isa<Form = F>>(&mut self, isa: &I, graph: &Graph, liveness: &Liveness, options: &Options) {
        self.blocks.clear();
        self.steps.clear();
        self.uses.clear();
        self.entries.clear();
        self.becomes.clear();
        self.next.clear();
        self.folded.clear();
        self.barriers.clear();
        let guarded = options.bounds == Bounds::Guard;
        let mut pass = Pass { isa, graph, liveness, out: self, guarded, block: Block::from_u32(0), position: 0, constants: Vec::new() };
        for block in graph.blocks.keys().rev() {
            pass.block(block);
        }
    }

    /// The uses of a step.
    pub fn uses_of(&self, step: &Step<F>) -> &[Use] {
        &self.uses[step.uses.start as usize..step.uses.end as usize]
    }
}

struct Pass<'a, I: Isa> {
    isa: &'a I,
    graph: &'a Graph,
    liveness: &'a Liveness,
    out: &'a mut Covered<I::Form>,
    guarded: bool,
    block: Block,
    /// Of the step that was covered last.
    position: u32,
    /// Constants used in the block.
    constants: Vec<Node>,
}

/// A covered operator before it is a step.
struct Selected<F> {
    cover: isa::Cover<F>,
    operands: SmallVec<[Node; 4]>,
    offset: u64,
    at: u32,
}

impl<F: Copy> Selected<F> {
    fn step(&self, form: F) -> Step<F> {
        Step {
            what: What::Form(form),
            result: PackedOption::default(),
            next: DEAD,
            condition: None,
            uses: 0..0,
            immediate: self.cover.immediate,
            offset: self.offset,
            at: self.at,
        }
    }
}

/// Whether the operator's result is a condition.
fn is_test(op: Op) -> bool {
    matches!(op.row().shape, Shape::Test | Shape::Compare)
}

/// The operands of an operator as the selector sees them.
struct View<'p, 'a, I: Isa> {
    pass: &'p Pass<'a, I>,
    arguments: &'p [Node],
    /// Barriers in front of the user.
    barriers: u32,
}

impl<I: Isa> Operands for View<'_, '_, I> {
    fn constant(&self, operand: usize) -> Option<i64> {
        self.pass.graph.constant(self.arguments[operand])
    }

    fn producer(&self, operand: usize) -> Option<Producer> {
        let graph = self.pass.graph;
        let node = self.arguments[operand];
        let op = self.pass.private_operator(node)?;
        let &[first, ref rest @ ..] = graph.arguments(node) else { return None };
        if !self.pass.isa.is_foldable(op) || graph.constant(first).is_some() {
            return None;
        }
        let is_load = op.row().shape == Shape::Load;
        if is_load && (!self.pass.guarded || self.pass.out.barriers[node] != self.barriers || graph.nodes[node].offset >= 1 << 31) {
            return None;
        }
        Some(Producer { op, constant: rest.first().and_then(|&second| graph.constant(second)) })
    }
}

impl<I: Isa> Pass<'_, I> {
    /// The operator of a node that only one other node of this block uses.
    fn private_operator(&self, node: Node) -> Option<Op> {
        let row = &self.graph.nodes[node];
        match row.kind {
            NodeKind::Operator(op) if row.uses == 1 && row.block == self.block.into() => Some(op),
            _ => None,
        }
    }

    fn block(&mut self, block: Block) {
        self.block = block;
        self.position = FAR - 1;
        let start = self.out.steps.len() as u32;
        let nodes = self.graph.nodes_of(block);
        let barriers = self.count_barriers(nodes);
        for successor in self.graph.successors(block) {
            for value in self.liveness.live_in(successor) {
                self.out.next[value] = FAR;
            }
        }
        let condition = self.terminator(barriers);
        for &node in nodes.iter().rev() {
            if !self.liveness.is_dead(node) && !self.out.folded[node] {
                self.node(node);
            }
        }
        let entries = self.enter(block);
        self.out.blocks[block] = BlockSteps { steps: start..self.out.steps.len() as u32, condition, entries };
    }

    fn count_barriers(&mut self, nodes: &[Node]) -> u32 {
        let mut count = 0;
        for &node in nodes {
            self.out.barriers[node] = count;
            count += u32::from(self.graph.is_barrier(node));
        }
        count
    }

    /// Notes when the values that come into the block are used, and forgets it.
    fn enter(&mut self, block: Block) -> Range<u32> {
        let start = self.out.entries.len() as u32;
        let parameters = self.graph.blocks[block].parameters.as_slice(&self.graph.lists);
        for value in self.liveness.live_in(block).chain(parameters.iter().copied()) {
            let next = core::mem::replace(&mut self.out.next[value], DEAD);
            self.out.entries.push(Use { value, next });
        }
        for constant in self.constants.drain(..) {
            self.out.next[constant] = DEAD;
        }
        start..self.out.entries.len() as u32
    }

    fn terminator(&mut self, barriers: u32) -> Option<Cond> {
        let (list, condition) = match self.graph.blocks[self.block].terminator {
            Terminator::Jump(edge) => {
                self.note_parameters(edge);
                (edge.arguments, None)
            }
            Terminator::Branch { condition, taken } => {
                self.note_parameters(taken);
                (taken.arguments, Some(condition))
            }
            Terminator::Return(list) => (list, None),
        };
        for &value in list.as_slice(&self.graph.lists) {
            if self.out.next[value] == DEAD {
                self.use_at(value, self.position);
            }
        }
        condition.map(|condition| {
            let (selected, condition) = self.condition(condition, barriers);
            self.push(selected.step(selected.cover.form), &selected.operands);
            condition
        })
    }

    fn note_parameters(&mut self, edge: Edge) {
        let parameters = self.graph.blocks[edge.to].parameters.as_slice(&self.graph.lists);
        for (&parameter, &argument) in parameters.iter().zip(edge.arguments.as_slice(&self.graph.lists)) {
            self.out.becomes[argument] = parameter.into();
        }
    }

    fn use_at(&mut self, value: Node, position: u32) {
        if self.out.next[value] == DEAD && self.graph.constant(value).is_some() {
            self.constants.push(value);
        }
        self.out.next[value] = position;
    }

    /// Adds a step in front of those that are there.
    fn push(&mut self, mut step: Step<I::Form>, operands: &[Node]) {
        self.position -= 1;
        if let Some(result) = step.result.expand() {
            step.next = core::mem::replace(&mut self.out.next[result], DEAD);
        }
        let start = self.out.uses.len() as u32;
        for &value in operands {
            let next = self.out.next[value];
            self.out.uses.push(Use { value, next });
        }
        for &value in operands {
            self.use_at(value, self.position);
        }
        step.uses = start..self.out.uses.len() as u32;
        self.out.steps.push(step);
    }

    fn node(&mut self, node: Node) {
        let row = &self.graph.nodes[node];
        let result = PackedOption::from(row.ty.map(|_| node));
        let arguments = self.graph.arguments(node);
        let called = |what| Step { what, result, next: DEAD, condition: None, uses: 0..0, immediate: 0, offset: 0, at: row.at };
        match row.kind {
            NodeKind::Operator(Op::I32Eqz) if self.private_operator(arguments[0]).is_some_and(is_test) => {
                let (selected, condition) = self.condition(arguments[0], self.out.barriers[node]);
                self.push(Step { result, condition: Some(condition.invert()), ..selected.step(selected.cover.form) }, &selected.operands);
            }
            NodeKind::Operator(op) => {
                let selected = self.select(op, arguments, self.out.barriers[node], row.offset, row.at);
                let condition = selected.cover.condition;
                self.push(Step { result, condition, ..selected.step(selected.cover.form) }, &selected.operands);
            }
            NodeKind::Select => {
                let (selected, condition) = self.condition(arguments[2], self.out.barriers[node]);
                let form = self.isa.select_form(self.graph.type_of(node), condition);
                self.push(Step { result, ..called(What::Form(form)) }, &arguments[..2]);
                self.push(selected.step(selected.cover.form), &selected.operands);
            }
            NodeKind::Call(function) => self.push(called(What::Call(function)), arguments),
            NodeKind::MemoryGrow(memory) => self.push(called(What::MemoryGrow(memory)), arguments),
            NodeKind::Parameter | NodeKind::Constant(_) => unreachable!("stands in no block's nodes"),
        }
    }

    /// Covers an operator; what it folds needs no step of its own any more.
    fn select(&mut self, op: Op, arguments: &[Node], barriers: u32, offset: u64, at: u32) -> Selected<I::Form> {
        let cover = self.isa.cover(op, &View { pass: self, arguments, barriers });
        let mut selected = Selected { cover, operands: SmallVec::new(), offset, at };
        let order = if cover.swap { [1, 0] } else { [0, 1] };
        for operand in order.into_iter().filter(|&operand| operand < arguments.len()) {
            let argument = arguments[operand];
            match cover.takes[operand] {
                Take::Register => selected.operands.push(argument),
                Take::Immediate => {}
                Take::Folded => {
                    let producer = &self.graph.nodes[argument];
                    (selected.offset, selected.at) = (producer.offset, producer.at);
                    self.out.folded[argument] = true;
                    let leaves = self.graph.arguments(argument).iter().copied();
                    selected.operands.extend(leaves.filter(|&leaf| self.graph.constant(leaf).is_none()));
                }
            }
        }
        selected
    }

    /// Covers what sets the flags for "`value` is not zero", and gives the condition.
    fn condition(&mut self, mut value: Node, barriers: u32) -> (Selected<I::Form>, Cond) {
        let mut inverted = false;
        while self.private_operator(value) == Some(Op::I32Eqz) && self.private_operator(self.graph.arguments(value)[0]).is_some_and(is_test)
        {
            self.out.folded[value] = true;
            value = self.graph.arguments(value)[0];
            inverted = !inverted;
        }
        let selected = match self.private_operator(value) {
            Some(op) if is_test(op) => {
                self.out.folded[value] = true;
                self.select(op, self.graph.arguments(value), barriers, 0, self.graph.nodes[value].at)
            }
            _ => {
                // "Not zero" is the inverse of `i32.eqz`, which folds what can be folded.
                inverted = !inverted;
                self.select(Op::I32Eqz, &[value], barriers, 0, 0)
            }
        };
        let condition = selected.cover.condition.expect("tests and comparisons define the flags");
        let condition = if inverted { condition.invert() } else { condition };
        (selected, condition)
    }
}
