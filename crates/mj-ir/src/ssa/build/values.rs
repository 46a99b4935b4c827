//! New nodes: numbered, so that a value which is there already is found, and placed, so that loops repeat less.

use cranelift_entity::EntityRef;
use cranelift_entity::packed_option::ReservedValue;
use mj_decode::{Op, Shape, ValType};

use super::Builder;
use crate::ssa::{Block, List, Node, NodeKind, NodeRow};

/// Nodes by hash, in pairs of entries: who comes third makes the oldest one forgotten. Reusable.
#[derive(Default, Debug)]
pub(super) struct Numbers {
    entries: Vec<u32>,
    mask: u32,
}

impl Numbers {
    /// Forgets everything; room for a body of this many bytes.
    pub(super) fn begin(&mut self, body: usize) {
        let room = body.clamp(64, 1 << 16).next_power_of_two();
        self.entries.clear();
        self.entries.resize(room, u32::MAX);
        self.mask = room as u32 - 1;
    }

    /// The nodes that may be the one with this hash, the latest first.
    #[inline]
    fn at(&self, hash: u32) -> impl Iterator<Item = Node> {
        let place = (hash & self.mask) as usize;
        [self.entries[place], self.entries[place ^ 1]].into_iter().filter(|&entry| entry != u32::MAX).map(|entry| Node::new(entry as usize))
    }

    #[inline]
    fn insert(&mut self, hash: u32, node: Node) {
        let place = (hash & self.mask) as usize;
        self.entries[place ^ 1] = core::mem::replace(&mut self.entries[place], node.as_u32());
    }
}

/// Multiplies and folds: quick, and good enough in all bits.
#[inline]
fn mix(hash: u64, value: u64) -> u64 {
    let product = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 29
}

fn hash(kind: NodeKind, arguments: &[Node]) -> u32 {
    let start = match kind {
        NodeKind::Operator(op) => op as u64,
        NodeKind::Select => 0x100,
        NodeKind::Held => 0x101,
        NodeKind::InterruptPage => 0x102,
        NodeKind::FuncRef(function) => 0x200 | u64::from(function) << 32,
        _ => 0x300,
    };
    arguments.iter().fold(mix(0, start), |hash, argument| mix(hash, argument.index() as u64)) as u32
}

impl Builder<'_> {
    pub(super) fn constant_node(&mut self, ty: ValType, bits: i64) -> Node {
        let hash = mix(mix(0x400, ty as u64), bits as u64) as u32;
        for found in self.scratch.numbers.at(hash) {
            let row = &self.function.nodes[found];
            if row.kind == NodeKind::Constant(bits) && row.ty == Some(ty) {
                return found;
            }
        }
        let node = self.function.constant_node(ty, bits);
        self.scratch.numbers.insert(hash, node);
        node
    }

    pub(super) fn i32(&mut self, value: i32) -> Node {
        self.constant_node(ValType::I32, i64::from(value))
    }

    /// A new node at the end of the current block.
    pub(super) fn push_node(&mut self, kind: NodeKind, ty: Option<ValType>, arguments: &[Node], offset: u64, at: u32) -> Node {
        let block = self.current();
        self.place(block, kind, ty, arguments, offset, at)
    }

    fn place(&mut self, block: Block, kind: NodeKind, ty: Option<ValType>, arguments: &[Node], offset: u64, at: u32) -> Node {
        let arguments = if arguments.is_empty() { List::default() } else { self.function.list(arguments) };
        let row = NodeRow { kind, ty, arguments, offset, at, ..NodeRow::default() };
        let node = self.function.nodes.push(row);
        self.function.append(block, node);
        node
    }

    /// The value of a node without effect, or of an operator that may trap and depends on nothing but its operands.
    pub(super) fn value(&mut self, kind: NodeKind, ty: ValType, arguments: &[Node], at: u32) -> Node {
        let hash = if self.options.number { hash(kind, arguments) } else { 0 };
        if self.options.number {
            for found in self.scratch.numbers.at(hash) {
                let row = &self.function.nodes[found];
                if row.kind == kind
                    && self.function.nodes_in(row.arguments) == arguments
                    && row.block.expand().is_some_and(|block| self.dominates(block))
                {
                    return found;
                }
            }
        }
        let block = self.home_of(kind, arguments);
        let node = self.place(block, kind, Some(ty), arguments, 0, at);
        if self.options.number {
            self.scratch.numbers.insert(hash, node);
        }
        node
    }

    /// The block a new value goes to: the current one, or that in front of the outermost loop that does not change it.
    fn home_of(&mut self, kind: NodeKind, arguments: &[Node]) -> Block {
        let current = self.current();
        if !self.options.hoist || !self.is_worth_moving(kind, arguments) {
            return current;
        }
        // All of them dominate the current block, so the latest decides.
        let latest = arguments.iter().filter_map(|&argument| self.function.nodes[argument].block.expand()).max();
        let header = self.scratch.nests.outermost(|header| latest.is_none_or(|block| block < header));
        header.map_or(current, |header| Block::new(header.index() - 1))
    }

    /// Whether a value is worth a register across a loop: one that costs an instruction wherever it is used.
    fn is_worth_moving(&self, kind: NodeKind, arguments: &[Node]) -> bool {
        let NodeKind::Operator(op) = kind else { return matches!(kind, NodeKind::FuncRef(_) | NodeKind::Held | NodeKind::InterruptPage) };
        let row = op.row();
        if matches!(row.shape, Shape::Compare | Shape::Test) || op.may_trap() {
            return false;
        }
        match op {
            // They fold into what uses them, or cost as much as a move.
            Op::I64ExtendI32U | Op::I32WrapI64 | Op::I64ExtendI32S => false,
            Op::I32Add | Op::I64Add | Op::I32And | Op::I64And | Op::I32Shl | Op::I64Shl => self.function.constant(arguments[1]).is_none(),
            _ => true,
        }
    }

    /// The result of an operator, simplified.
    pub(super) fn operator(&mut self, op: Op, arguments: &[Node], at: u32) -> Node {
        if self.options.fold {
            return self.simplify(op, arguments, at);
        }
        self.value(NodeKind::Operator(op), op.row().result, arguments, at)
    }

    pub(super) fn nobody() -> Node {
        Node::reserved_value()
    }
}
