//! A function as a graph: values in SSA form, in blocks with parameters.
//!
//! Blocks stand in the order of the source, which for structured control flow is a reverse postorder: only edges to a loop's header
//! go back, and the blocks of a loop are contiguous. A node is an operator and its result; nodes without result are values that nobody
//! uses. Constants belong to no block.
//!
//! Invariants: an argument of a node is a constant, or dominates it. The arguments of an edge match the parameters of its target. A block
//! with parameters has more than one edge into it, or is a loop's header.

use core::ops::Range;

use cranelift_entity::packed_option::{PackedOption, ReservedValue};
use cranelift_entity::{EntityList, ListPool, PrimaryMap, entity_impl};
use mj_decode::{Op, Shape, ValType};

/// A node, and the value it defines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(u32);
entity_impl!(Node, "n");

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(u32);
entity_impl!(Block, "b");

/// Nodes in order, kept in [`Graph::lists`].
pub type NodeList = EntityList<Node>;

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeKind {
    /// A parameter of its block.
    Parameter,
    /// A constant: integers sign-extended, floats as bits.
    Constant(i64),
    /// A value operator.
    Operator(Op),
    /// The first argument if the third is not zero, else the second.
    Select,
    /// A call of a function, by index of the whole index space.
    Call(u32),
    /// `memory.grow` of a memory.
    MemoryGrow(u32),
}

/// One node.
#[derive(Clone, Copy, Debug)]
pub struct NodeRow {
    /// What it does.
    pub kind: NodeKind,
    /// Type of its result, if it has one.
    pub ty: Option<ValType>,
    /// Its operands.
    pub arguments: NodeList,
    /// Constant offset of a memory access.
    pub offset: u64,
    /// Byte offset of the operator in the module.
    pub at: u32,
    /// The block it stands in; none for constants.
    pub block: PackedOption<Block>,
    /// How many operands of nodes, edges and conditions it is.
    pub uses: u32,
}

/// A way from one block to another.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Where it goes.
    pub to: Block,
    /// What the target's parameters become.
    pub arguments: NodeList,
}

/// How a block ends.
#[derive(Clone, Copy, Debug)]
pub enum Terminator {
    /// Goes on at another block.
    Jump(Edge),
    /// Takes the edge if `condition` is not zero; else goes on at the next block, which nothing else leads to.
    Branch {
        /// An i32.
        condition: Node,
        /// Where to if it is not zero.
        taken: Edge,
    },
    /// Returns.
    Return(NodeList),
}

/// A straight line of nodes.
#[derive(Clone, Debug)]
pub struct BlockRow {
    /// Parameters.
    pub parameters: NodeList,
    /// Its nodes, in [`Graph::order`].
    pub nodes: Range<u32>,
    /// Its end.
    pub terminator: Terminator,
    /// If it is a loop's header: the first block behind the loop.
    pub loop_end: PackedOption<Block>,
    /// It is the header of a loop in which something calls.
    pub loop_calls: bool,
}

/// A function.
#[derive(Default, Debug)]
pub struct Graph {
    /// All nodes.
    pub nodes: PrimaryMap<Node, NodeRow>,
    /// All blocks, in order; the first is where the function begins, its parameters are the function's.
    pub blocks: PrimaryMap<Block, BlockRow>,
    /// The nodes of all blocks, in order.
    pub order: Vec<Node>,
    /// The pool of all lists.
    pub lists: ListPool<Node>,
    /// Something calls.
    pub calls: bool,
}

impl Graph {
    /// Forgets everything, for the next function.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.blocks.clear();
        self.order.clear();
        self.lists.clear();
        self.calls = false;
    }

    /// The operands of a node.
    #[must_use]
    #[inline]
    pub fn arguments(&self, node: Node) -> &[Node] {
        self.nodes[node].arguments.as_slice(&self.lists)
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

    /// Type of a value.
    ///
    /// # Panics
    /// If the node has no result.
    #[must_use]
    #[inline]
    pub fn type_of(&self, node: Node) -> ValType {
        self.nodes[node].ty.expect("a value")
    }

    /// The nodes of a block.
    #[must_use]
    pub fn nodes_of(&self, block: Block) -> &[Node] {
        let Range { start, end } = self.blocks[block].nodes;
        &self.order[start as usize..end as usize]
    }

    /// The edges out of a block.
    pub fn successors(&self, block: Block) -> impl Iterator<Item = Block> + use<> {
        let next = Block::from_u32(block.as_u32() + 1);
        let (first, second) = match self.blocks[block].terminator {
            Terminator::Jump(edge) => (Some(edge.to), None),
            Terminator::Branch { taken, .. } => (Some(taken.to), Some(next)),
            Terminator::Return(_) => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Calls `each` for what a block's terminator uses: condition, edge arguments, results.
    pub fn terminator_uses(&self, block: Block, mut each: impl FnMut(Node)) {
        let (condition, list) = match self.blocks[block].terminator {
            Terminator::Jump(edge) => (None, edge.arguments),
            Terminator::Branch { condition, taken } => (Some(condition), taken.arguments),
            Terminator::Return(list) => (None, list),
        };
        list.as_slice(&self.lists).iter().copied().chain(condition).for_each(&mut each);
    }

    /// Whether a node may be left out if nobody uses its result.
    #[must_use]
    pub fn is_pure(&self, node: Node) -> bool {
        match self.nodes[node].kind {
            NodeKind::Parameter | NodeKind::Constant(_) | NodeKind::Select => true,
            NodeKind::Operator(op) => !may_trap(op),
            NodeKind::Call(_) | NodeKind::MemoryGrow(_) => false,
        }
    }

    /// Whether a load must not be moved to behind the node: it writes memory, or stops the program in another way than a load.
    #[must_use]
    pub fn is_barrier(&self, node: Node) -> bool {
        match self.nodes[node].kind {
            NodeKind::Operator(op) => may_trap(op) && op.row().shape != Shape::Load,
            _ => !self.is_pure(node),
        }
    }
}

/// Whether an operator may trap; a store counts as one that does.
fn may_trap(op: Op) -> bool {
    use Op::{I32DivS, I32DivU, I32RemS, I32RemU, I64DivS, I64DivU, I64RemS, I64RemU};
    use Op::{I32TruncF32S, I32TruncF32U, I32TruncF64S, I32TruncF64U, I64TruncF32S, I64TruncF32U, I64TruncF64S, I64TruncF64U};
    match op {
        I32DivS | I32DivU | I32RemS | I32RemU | I64DivS | I64DivU | I64RemS | I64RemU => true,
        I32TruncF32S | I32TruncF32U | I32TruncF64S | I32TruncF64U => true,
        I64TruncF32S | I64TruncF32U | I64TruncF64S | I64TruncF64U => true,
        _ => matches!(op.row().shape, Shape::Load | Shape::Store),
    }
}

impl Default for NodeRow {
    fn default() -> Self {
        Self {
            kind: NodeKind::Parameter,
            ty: None,
            arguments: NodeList::default(),
            offset: 0,
            at: 0,
            block: PackedOption::default(),
            uses: 0,
        }
    }
}

impl Default for Terminator {
    fn default() -> Self {
        Terminator::Jump(Edge { to: Block::reserved_value(), arguments: NodeList::default() })
    }
}
