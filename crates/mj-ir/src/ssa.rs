//! A function in SSA form: nodes in blocks with parameters.
//!
//! Blocks stand in a reverse postorder, nearly that of the source: only edges to a loop's header go back, and the blocks of a loop are contiguous. A node is an operator and its result; a node without result is a value that nobody uses. Constants belong to
//! no block.
//!
//! Invariants, which [`Function::verify`] checks: an argument of a node is a constant, or dominates it, and has the type its user wants. The arguments of
//! an edge match the parameters of its target. A [`NodeKind::Result`] stands directly behind its call or the result before it. The
//! not-taken edge of a branch goes forward, to a block with no other edge into it.

mod bounds;
mod build;
mod fold;
mod prune;
mod relate;
mod simplifications;
mod text;
mod verify;

use core::ops::Range;

use cranelift_entity::packed_option::{PackedOption, ReservedValue};
use cranelift_entity::{EntityRef, PrimaryMap, entity_impl};
use mj_abi::TrapCode;
use mj_decode::{Bulk, Op, Shape, ValType};

pub use bounds::Bounds;
pub use build::{BuildOptions, Source, TooLarge};
pub use fold::evaluate;
pub use prune::Uses;
pub use simplifications::{SIMPLIFICATIONS, Simplification};

/// A node, and the value it defines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u32);
entity_impl!(Node, "v");

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(u32);
entity_impl!(Block, "block");

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NodeKind {
    /// A parameter of its block.
    Parameter,
    /// A constant: integers sign-extended, floats as bits, references as 0.
    Constant(i64),
    /// A value operator; loads and stores use [`NodeRow::offset`].
    Operator(Op),
    /// The first argument if the third is not zero, else the second.
    Select,
    /// A constant in a register, where that is worth one: its argument.
    Held,
    /// The reference to a function.
    FuncRef(u32),
    /// Address of the store's page for interruption.
    InterruptPage,
    /// Looks whether the store is interrupted, at a loop's header: its argument is the page's address.
    CheckInterrupt,
    /// Value of a global.
    GlobalGet(u32),
    /// Changes a global.
    GlobalSet(u32),
    /// Pages of a memory.
    MemorySize(u32),
    /// Grows a memory; the old size in pages or -1.
    MemoryGrow(u32),
    /// Element of a table.
    TableGet(u32),
    /// Changes an element of a table: index, reference.
    TableSet(u32),
    /// Elements of a table.
    TableSize(u32),
    /// Grows a table: initial element, number; the old size or -1.
    TableGrow(u32),
    /// A bulk operator with three arguments.
    Bulk(Bulk),
    /// `data.drop`.
    DataDrop(u32),
    /// `elem.drop`.
    ElemDrop(u32),
    /// A call of a function, by index of the whole index space.
    Call(u32),
    /// A call through a table; the index is the last argument.
    CallIndirect {
        /// The table.
        table: u32,
        /// Index of the expected type.
        ty: u32,
    },
    /// The result with this number of the call that is its argument, where that has several.
    Result(u32),
    /// Takes this much from the store's fuel.
    Fuel(u32),
    /// What the frame that is taken over holds in a canonical slot: locals first, then the operand stack. Only in the first block.
    Slot(u32),
}

/// One node.
#[derive(Clone, Copy, Debug)]
pub struct NodeRow {
    /// What it does.
    pub kind: NodeKind,
    /// Type of its result, if it has one.
    pub ty: Option<ValType>,
    /// Its operands.
    pub arguments: List,
    /// Constant offset of a memory access.
    pub offset: u64,
    /// The access lies inside memory for sure: nobody need compare.
    pub bounded: bool,
    /// Byte offset of the operator in the module.
    pub at: u32,
    /// The block it stands in; none for constants.
    pub block: PackedOption<Block>,
    /// The node behind it in its block.
    pub next: PackedOption<Node>,
}

/// A list of nodes in [`Function::lists`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct List {
    start: u32,
    len: u32,
}

/// A way from one block to another.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Where it goes.
    pub to: Block,
    /// What the target's parameters become.
    pub arguments: List,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// Goes on at another block.
    Jump(Edge),
    /// Takes the first edge if `condition` is not zero, else the second, which nothing joins.
    Branch {
        /// An i32.
        condition: Node,
        /// Where to if it is not zero.
        taken: Edge,
        /// Where to if it is zero: a block that no other edge goes to.
        other: Edge,
    },
    /// Takes the edge with the number `index` (unsigned), the last one if there are not so many.
    Switch {
        /// An i32.
        index: Node,
        /// In [`Function::edges`].
        edges: Range<u32>,
    },
    /// Returns.
    Return(List),
    /// Traps.
    Trap {
        /// Why.
        code: TrapCode,
        /// Byte offset of the operator in the module.
        at: u32,
    },
}

/// A straight line of nodes.
#[derive(Clone, Debug)]
pub struct BlockRow {
    /// Parameters.
    pub parameters: List,
    /// Its first node.
    pub first: PackedOption<Node>,
    /// Its last node.
    pub last: PackedOption<Node>,
    /// Its end.
    pub terminator: Terminator,
    /// If it is a loop's header: the first block behind the loop (which may not exist).
    pub loop_end: PackedOption<Block>,
    /// The header of the innermost loop it is in; its own if it is one.
    pub header: PackedOption<Block>,
    /// Loops around it.
    pub depth: u32,
    /// Its immediate dominator; none for the first block.
    pub dominator: PackedOption<Block>,
    /// How many blocks dominate it, itself apart.
    dominator_depth: u32,
    /// One of them that may be far up, so that no way up is long; the first block's is itself.
    dominator_jump: Block,
    /// Control comes here rarely, as far as the code tells: it ends in a trap.
    pub is_cold: bool,
}

/// A function.
#[derive(Default, Debug)]
pub struct Function {
    /// All nodes.
    pub nodes: PrimaryMap<Node, NodeRow>,
    /// All blocks, in order; the first is where the function begins, its parameters are the function's.
    pub blocks: PrimaryMap<Block, BlockRow>,
    /// The pool of all lists.
    pub lists: Vec<Node>,
    /// The pool of the edges of switches.
    pub edges: Vec<Edge>,
    /// Something calls a function or a helper.
    pub calls: bool,
    /// An i32 may stand where its zero extension is wanted: who keeps the upper halves of their registers zero needs no conversion.
    pub carries: bool,
    /// Its index in the whole index space.
    pub index: u32,
    /// It continues a frame at a loop: see [`Source::entry`].
    pub entry: Option<u32>,
    scratch: build::Scratch,
}

impl List {
    /// Number of its nodes.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether it has none.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl Function {
    /// Forgets everything, for the next function.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.blocks.clear();
        self.lists.clear();
        self.edges.clear();
        self.calls = false;
        self.carries = false;
    }

    /// Makes a list.
    pub fn list(&mut self, nodes: &[Node]) -> List {
        let start = self.lists.len() as u32;
        self.lists.extend_from_slice(nodes);
        List { start, len: nodes.len() as u32 }
    }

    /// The nodes of a list.
    #[must_use]
    #[inline]
    pub fn nodes_in(&self, list: List) -> &[Node] {
        &self.lists[list.start as usize..(list.start + list.len) as usize]
    }

    /// The nodes of a list, to be replaced.
    #[inline]
    pub fn nodes_in_mut(&mut self, list: List) -> &mut [Node] {
        &mut self.lists[list.start as usize..(list.start + list.len) as usize]
    }

    /// The operands of a node.
    #[must_use]
    #[inline]
    pub fn arguments(&self, node: Node) -> &[Node] {
        self.nodes_in(self.nodes[node].arguments)
    }

    /// The parameters of a block.
    #[must_use]
    #[inline]
    pub fn parameters(&self, block: Block) -> &[Node] {
        self.nodes_in(self.blocks[block].parameters)
    }

    /// The bits of a node that is a constant.
    #[must_use]
    #[inline]
    pub fn constant(&self, node: Node) -> Option<i64> {
        match self.nodes[node].kind {
            NodeKind::Constant(bits) => Some(bits),
            _ => None,
        }
    }

    /// A constant, as a node of its own.
    pub fn constant_node(&mut self, ty: ValType, bits: i64) -> Node {
        self.nodes.push(NodeRow { kind: NodeKind::Constant(bits), ty: Some(ty), ..NodeRow::default() })
    }

    /// Type of a value.
    ///
    /// # Panics
    /// If the node has no result.
    #[must_use]
    #[inline]
    pub fn type_of(&self, node: Node) -> ValType {
        self.nodes[node].ty.expect("a value")
    }

    /// A value of the first block that is no WebAssembly value: an address that the caller passes.
    pub fn add_pointer(&mut self) -> Node {
        self.nodes.push(NodeRow { ty: Some(ValType::I64), block: Block::new(0).into(), ..NodeRow::default() })
    }

    /// The nodes of a block, in order, parameters apart.
    pub fn nodes_of(&self, block: Block) -> impl Iterator<Item = Node> + '_ {
        let mut next = self.blocks[block].first.expand();
        core::iter::from_fn(move || {
            let node = next?;
            next = self.nodes[node].next.expand();
            Some(node)
        })
    }

    /// Appends a node to a block.
    pub fn append(&mut self, block: Block, node: Node) {
        self.nodes[node].block = block.into();
        match self.blocks[block].last.expand() {
            Some(last) => self.nodes[last].next = node.into(),
            None => self.blocks[block].first = node.into(),
        }
        self.blocks[block].last = node.into();
    }

    /// The edges out of a block: of a branch the taken one first.
    #[inline]
    pub fn edges_of(&self, block: Block) -> impl Iterator<Item = Edge> + '_ {
        let nowhere = Edge { to: Block::reserved_value(), arguments: List::default() };
        let (few, count, rest) = match self.blocks[block].terminator {
            Terminator::Jump(edge) => ([edge, nowhere], 1, 0..0),
            Terminator::Branch { taken, other, .. } => ([taken, other], 2, 0..0),
            Terminator::Switch { ref edges, .. } => ([nowhere; 2], 0, edges.clone()),
            Terminator::Return(_) | Terminator::Trap { .. } => ([nowhere; 2], 0, 0..0),
        };
        let mut rest = self.edges[rest.start as usize..rest.end as usize].iter();
        let mut next = 0;
        core::iter::from_fn(move || {
            if next < count {
                next += 1;
                return Some(few[next - 1]);
            }
            rest.next().copied()
        })
    }

    /// The edge with this number of [`edges_of`](Self::edges_of) a block.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[inline]
    pub fn edge(&self, block: Block, index: usize) -> Edge {
        match self.blocks[block].terminator {
            Terminator::Jump(edge) if index == 0 => edge,
            Terminator::Branch { taken, .. } if index == 0 => taken,
            Terminator::Branch { other, .. } if index == 1 => other,
            Terminator::Switch { ref edges, .. } => self.edges[edges.start as usize..edges.end as usize][index],
            _ => panic!("{block} has no edge {index}"),
        }
    }

    /// The header of the innermost loop that a block is in, other than its own.
    #[must_use]
    pub fn loop_around(&self, block: Block) -> Option<Block> {
        let row = &self.blocks[block];
        if row.loop_end.is_some() { self.outer_header(block) } else { row.header.expand() }
    }

    /// The header of the loop around a loop.
    #[must_use]
    pub fn outer_header(&self, header: Block) -> Option<Block> {
        // In front of a header stands its preheader, which is in the loop around.
        let preheader = Block::new(header.index().checked_sub(1)?);
        self.blocks[preheader].header.expand().filter(|_| self.blocks[header].depth > 1)
    }

    /// What a node does to the world.
    #[must_use]
    #[inline]
    pub fn effect(&self, node: Node) -> Effect {
        self.nodes[node].kind.effect()
    }
}

/// What a node does beside computing its result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// Nothing, and it always gives the same: it may be left out, repeated and moved.
    Pure,
    /// It reads what others may change: it may be left out, and stays where it is between writes.
    Reads,
    /// It may trap, and writes nothing; a load.
    MayTrap,
    /// It writes, or calls.
    Writes,
}

/// What each operator does to the world.
static OPERATORS: [Effect; Op::ALL.len()] = {
    let mut effects = [Effect::Pure; Op::ALL.len()];
    let mut index = 0;
    while index < effects.len() {
        let op = Op::ALL[index];
        effects[op as usize] = match op.row().shape {
            Shape::Store => Effect::Writes,
            _ if op.may_trap() => Effect::MayTrap,
            _ => Effect::Pure,
        };
        index += 1;
    }
    effects
};

impl NodeKind {
    /// What a node of this kind does to the world.
    #[must_use]
    #[inline]
    pub fn effect(self) -> Effect {
        match self {
            NodeKind::Parameter
            | NodeKind::Constant(_)
            | NodeKind::Select
            | NodeKind::Held
            | NodeKind::FuncRef(_)
            | NodeKind::InterruptPage
            | NodeKind::Result(_)
            | NodeKind::Slot(_) => Effect::Pure,
            NodeKind::Operator(op) => OPERATORS[op as usize],
            NodeKind::GlobalGet(_) | NodeKind::MemorySize(_) | NodeKind::TableSize(_) => Effect::Reads,
            NodeKind::TableGet(_) | NodeKind::CheckInterrupt => Effect::MayTrap,
            NodeKind::GlobalSet(_)
            | NodeKind::MemoryGrow(_)
            | NodeKind::TableSet(_)
            | NodeKind::TableGrow(_)
            | NodeKind::Bulk(_)
            | NodeKind::DataDrop(_)
            | NodeKind::ElemDrop(_)
            | NodeKind::Call(_)
            | NodeKind::CallIndirect { .. }
            | NodeKind::Fuel(_) => Effect::Writes,
        }
    }

    /// Whether it is compiled to a call, so that values must survive it.
    #[must_use]
    pub fn is_call(self) -> bool {
        matches!(
            self,
            NodeKind::MemoryGrow(_)
                | NodeKind::TableGrow(_)
                | NodeKind::Bulk(_)
                | NodeKind::DataDrop(_)
                | NodeKind::ElemDrop(_)
                | NodeKind::Call(_)
                | NodeKind::CallIndirect { .. }
        )
    }
}

impl Default for NodeRow {
    fn default() -> Self {
        Self {
            kind: NodeKind::Parameter,
            ty: None,
            arguments: List::default(),
            offset: 0,
            bounded: false,
            at: 0,
            block: PackedOption::default(),
            next: PackedOption::default(),
        }
    }
}

impl Default for BlockRow {
    fn default() -> Self {
        Self {
            parameters: List::default(),
            first: PackedOption::default(),
            last: PackedOption::default(),
            terminator: Terminator::Jump(Edge { to: Block::reserved_value(), arguments: List::default() }),
            loop_end: PackedOption::default(),
            header: PackedOption::default(),
            depth: 0,
            dominator: PackedOption::default(),
            dominator_depth: 0,
            dominator_jump: Block(0),
            is_cold: false,
        }
    }
}

impl Block {
    /// The block behind this one.
    #[must_use]
    pub fn following(self) -> Block {
        Block::new(self.index() + 1)
    }
}
