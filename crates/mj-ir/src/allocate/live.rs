//! What the allocator knows beforehand: where values are used, which are alive where blocks begin, how many are alive at once.
//!
//! Positions number steps and block ends in their order. Most values die in the block that defines them. The others, the *far* ones, get dense numbers, and
//! each block a set of those it needs from before. One pass goes backward over the blocks and ignores edges that go back; what is then alive at a
//! loop's header is alive in the whole loop, outer loops first. With structured control flow that is exact, and nothing is iterated.
//!
//! Invariant: constants and a block's own parameters are in no set of the block.

use core::ops::Range;

use cranelift_entity::EntityRef;

use crate::ssa::{Block, Edge, Function, Node, NodeKind, Terminator};
use crate::{Class, Selected};

/// The number of no far value.
const NEAR: u32 = u32::MAX;

/// No use any more.
pub(super) const NEVER: u32 = u32::MAX;

/// An edge, by the block it leaves and its number there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub from: Block,
    pub index: u32,
}

/// The result; reusable.
#[derive(Default, Debug)]
pub(super) struct Live {
    /// Number among the far values, by node.
    far: Vec<u32>,
    values: Vec<Node>,
    /// Which of them are floats.
    floats: Vec<u64>,
    /// One row of words a block: what it needs from before.
    sets: Vec<u64>,
    words: usize,
    /// What is alive behind the block at hand.
    out: Vec<u64>,
    /// Positions of uses, ascending, of all values one after another.
    positions: Vec<u32>,
    /// Where a value's positions begin in `positions`; the next value's begin is their end.
    starts: Vec<u32>,
    /// Position of the first step of each block; at the end the position behind everything.
    pub begins: Vec<u32>,
    /// Edges into each block, in the order of the blocks they leave.
    incoming: Vec<Incoming>,
    incoming_starts: Vec<u32>,
    /// Number of the first edge out of each block.
    pub first_edge: Vec<u32>,
    /// Preorder numbers in the dominator tree, and sizes of subtrees.
    preorder: Vec<u32>,
    size: Vec<u32>,
    /// The most values alive at once in each block of a loop, by class; loops' headers say it for the whole loop.
    pub pressure: Vec<[u32; 2]>,
    scratch: Vec<u32>,
}

fn resize<T: Clone>(vec: &mut Vec<T>, len: usize, value: T) {
    vec.clear();
    vec.resize(len, value);
}

impl Live {
    /// False if the sets would take more than `most` bytes: they are the one thing here that is not linear.
    pub fn compute(&mut self, function: &Function, selected: &Selected, class: impl Fn(Node) -> Class, most: usize) -> bool {
        self.number_positions(function, selected);
        self.number_edges(function);
        self.number_dominators(function);
        self.collect_uses(function, selected);
        self.words = self.values.len().div_ceil(64);
        if self.words * function.blocks.len() * 8 > most {
            return false;
        }
        resize(&mut self.sets, self.words * function.blocks.len(), 0);
        resize(&mut self.out, self.words, 0);
        if self.words > 0 {
            for block in function.blocks.keys().rev() {
                self.block(function, selected, block);
            }
            self.extend_over_loops(function);
        }
        self.measure_pressure(function, selected, class);
        true
    }

    fn number_positions(&mut self, function: &Function, selected: &Selected) {
        self.begins.clear();
        let mut position = 0;
        for block in function.blocks.keys() {
            self.begins.push(position);
            position += selected.blocks[block].len() as u32 + 1;
        }
        self.begins.push(position);
    }

    fn number_edges(&mut self, function: &Function) {
        self.first_edge.clear();
        resize(&mut self.incoming_starts, function.blocks.len() + 1, 0);
        let mut count = 0;
        for block in function.blocks.keys() {
            self.first_edge.push(count);
            for edge in function.edges_of(block) {
                self.incoming_starts[edge.to.index() + 1] += 1;
                count += 1;
            }
        }
        self.first_edge.push(count);
        for index in 0..function.blocks.len() {
            self.incoming_starts[index + 1] += self.incoming_starts[index];
        }
        resize(&mut self.incoming, count as usize, Incoming { from: Block::new(0), index: 0 });
        let mut cursors = core::mem::take(&mut self.scratch);
        cursors.clear();
        cursors.extend_from_slice(&self.incoming_starts);
        for from in function.blocks.keys() {
            for (index, edge) in function.edges_of(from).enumerate() {
                let cursor = &mut cursors[edge.to.index()];
                self.incoming[*cursor as usize] = Incoming { from, index: index as u32 };
                *cursor += 1;
            }
        }
        self.scratch = cursors;
    }

    /// A block's subtree in the dominator tree is a range of preorder numbers.
    fn number_dominators(&mut self, function: &Function) {
        let count = function.blocks.len();
        resize(&mut self.size, count, 1);
        resize(&mut self.preorder, count, 0);
        for block in function.blocks.keys().rev() {
            if let Some(dominator) = function.blocks[block].dominator.expand() {
                self.size[dominator.index()] += self.size[block.index()];
            }
        }
        let next = &mut self.scratch;
        resize(next, count, 1);
        for (block, row) in &function.blocks {
            if let Some(dominator) = row.dominator.expand() {
                let dominator = dominator.index();
                self.preorder[block.index()] = next[dominator];
                next[block.index()] = next[dominator] + 1;
                next[dominator] += self.size[block.index()];
            }
        }
    }

    /// A block's number in a walk over the dominator tree.
    pub fn preorder(&self, block: Block) -> u32 {
        self.preorder[block.index()]
    }

    /// Whether `a` dominates `b`.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let (a, b) = (a.index(), b.index());
        self.preorder[b].wrapping_sub(self.preorder[a]) < self.size[a]
    }

    /// Calls `each` for what is used in each place of some blocks, with the place's position, in ascending order.
    fn each_use(&self, function: &Function, selected: &Selected, blocks: Range<usize>, mut each: impl FnMut(Node, u32, Block)) {
        for block in blocks.map(Block::new) {
            let row = &function.blocks[block];
            let mut position = self.begins[block.index()];
            for step in selected.blocks[block].clone() {
                for operand in selected.uses(&selected.steps[step as usize]) {
                    each(operand.value, position, block);
                }
                position += 1;
            }
            let mut edge = |edge: &Edge| function.nodes_in(edge.arguments).iter().for_each(|&value| each(value, position, block));
            match &row.terminator {
                Terminator::Jump(only) => edge(only),
                Terminator::Branch { taken, other, .. } => {
                    edge(taken);
                    edge(other);
                }
                Terminator::Switch { edges, .. } => function.edges[edges.start as usize..edges.end as usize].iter().for_each(edge),
                Terminator::Return(_) | Terminator::Trap { .. } => {}
            }
        }
    }

    /// Collects the positions of all uses, and numbers the values that are far.
    fn collect_uses(&mut self, function: &Function, selected: &Selected) {
        let mut starts = core::mem::take(&mut self.starts);
        let mut far = core::mem::take(&mut self.far);
        let mut values = core::mem::take(&mut self.values);
        resize(&mut starts, function.nodes.len() + 2, 0);
        resize(&mut far, function.nodes.len(), NEAR);
        values.clear();
        self.each_use(function, selected, 0..function.blocks.len(), |value, _, block| {
            starts[value.index() + 2] += 1;
            let row = &function.nodes[value];
            if row.block != block.into() && far[value.index()] == NEAR && !matches!(row.kind, NodeKind::Constant(_)) {
                far[value.index()] = values.len() as u32;
                values.push(value);
            }
        });
        self.far = far;
        self.values = values;
        let mut sum = 0;
        for start in &mut starts[2..] {
            sum += *start;
            *start = sum;
        }
        let mut positions = core::mem::take(&mut self.positions);
        resize(&mut positions, sum as usize, 0);
        self.each_use(function, selected, 0..function.blocks.len(), |value, position, _| {
            let cursor = &mut starts[value.index() + 1];
            positions[*cursor as usize] = position;
            *cursor += 1;
        });
        self.starts = starts;
        self.positions = positions;
    }

    /// The positions at which a value is used.
    pub fn uses_of(&self, value: Node) -> &[u32] {
        &self.positions[self.starts[value.index()] as usize..self.starts[value.index() + 1] as usize]
    }

    /// Range of a value's uses in the list of all.
    pub fn use_range(&self, value: Node) -> Range<u32> {
        self.starts[value.index()]..self.starts[value.index() + 1]
    }

    /// The position with this index in the list of all uses.
    #[inline]
    pub fn position(&self, index: u32) -> u32 {
        self.positions[index as usize]
    }

    /// The first use of a value at `position` or behind it.
    pub fn first_use_from(&self, value: Node, position: u32) -> u32 {
        let uses = self.uses_of(value);
        uses.get(uses.partition_point(|&use_| use_ < position)).copied().unwrap_or(NEVER)
    }

    /// The edges into a block.
    pub fn incoming(&self, block: Block) -> &[Incoming] {
        &self.incoming[self.incoming_starts[block.index()] as usize..self.incoming_starts[block.index() + 1] as usize]
    }

    /// Position of the end of a block.
    pub fn end(&self, block: Block) -> u32 {
        self.begins[block.index() + 1] - 1
    }

    /// The values that a block needs from before, its parameters apart, in the order of their numbers.
    pub fn live_in(&self, block: Block) -> impl Iterator<Item = Node> + '_ {
        self.members(self.row(block).iter().copied())
    }

    /// Lists those of them that are used in blocks up to `end`, in any order, perhaps more than once.
    pub fn list_used(&self, function: &Function, selected: &Selected, block: Block, end: Block, into: &mut Vec<Node>) {
        self.each_use(function, selected, block.index()..end.index(), |value, _, _| {
            if self.is_live_in(block, value) {
                into.push(value);
            }
        });
    }

    /// How many they are.
    pub fn count_live_in(&self, block: Block) -> u32 {
        self.row(block).iter().map(|word| word.count_ones()).sum()
    }

    /// Those of them that are in a set of far values.
    pub fn live_in_and<'a>(&'a self, block: Block, set: &'a [u64]) -> impl Iterator<Item = Node> + 'a {
        self.members(self.row(block).iter().zip(set).map(|(&word, &other)| word & other))
    }

    fn row(&self, block: Block) -> &[u64] {
        &self.sets[block.index() * self.words..][..self.words]
    }

    fn members<'a>(&'a self, words: impl Iterator<Item = u64> + 'a) -> impl Iterator<Item = Node> + 'a {
        words
            .enumerate()
            .filter(|&(_, word)| word != 0)
            .flat_map(move |(index, word)| bits(word).map(move |bit| self.values[64 * index + bit]))
    }

    /// The number of a value among the far ones; the greatest number there is if it is not.
    #[inline]
    pub fn number(&self, value: Node) -> u32 {
        self.far[value.index()]
    }

    /// Words that a set of far values has.
    pub fn words(&self) -> usize {
        self.words
    }

    /// Whether a block needs `value` from before.
    #[inline]
    pub fn is_live_in(&self, block: Block, value: Node) -> bool {
        let far = self.far[value.index()];
        far != NEAR && self.sets[block.index() * self.words + far as usize / 64] >> (far % 64) & 1 != 0
    }

    /// Makes [`is_live_out`](Self::is_live_out) speak of `block`.
    pub fn enter(&mut self, function: &Function, block: Block) {
        if self.words == 0 {
            return;
        }
        let mut edges = function.edges_of(block);
        match edges.next() {
            Some(first) => {
                let row = first.to.index() * self.words;
                self.out.copy_from_slice(&self.sets[row..row + self.words]);
            }
            None => self.out.fill(0),
        }
        for edge in edges {
            let row = edge.to.index() * self.words;
            add(&mut self.out, &self.sets[row..row + self.words]);
        }
    }

    /// Whether a successor of the block that was entered last needs `value`, not counting edge arguments.
    #[inline]
    pub fn is_live_out(&self, value: Node) -> bool {
        let far = self.far[value.index()];
        far != NEAR && self.out[far as usize / 64] >> (far % 64) & 1 != 0
    }

    /// What a block needs: what its successors need and it uses, less what it defines.
    fn block(&mut self, function: &Function, selected: &Selected, block: Block) {
        let row = block.index() * self.words;
        let (before, behind) = self.sets.split_at_mut(row + self.words);
        let set = &mut before[row..];
        for edge in function.edges_of(block).filter(|edge| edge.to > block) {
            let other = (edge.to.index() - block.index() - 1) * self.words;
            add(set, &behind[other..other + self.words]);
        }
        let mut note = |value: Node, is_used: bool| {
            let far = self.far[value.index()];
            if far != NEAR {
                let bit = 1 << (far % 64);
                if is_used {
                    set[far as usize / 64] |= bit;
                } else {
                    set[far as usize / 64] &= !bit;
                }
            }
        };
        for edge in function.edges_of(block) {
            function.nodes_in(edge.arguments).iter().for_each(|&value| note(value, true));
        }
        for step in selected.blocks[block].clone().rev() {
            let step = &selected.steps[step as usize];
            selected.definitions(step).iter().for_each(|defined| note(defined.value, false));
            selected.uses(step).iter().for_each(|operand| note(operand.value, true));
        }
        function.parameters(block).iter().for_each(|&value| note(value, false));
        if block.index() == 0 {
            selected.arrivals.iter().for_each(|&(value, _)| note(value, false));
        }
    }

    /// What is alive at a loop's header is alive in all of the loop: block by block from the header around it, outer loops first.
    fn extend_over_loops(&mut self, function: &Function) {
        for block in function.blocks.keys() {
            let Some(header) = function.loop_around(block) else { continue };
            let (before, behind) = self.sets.split_at_mut(block.index() * self.words);
            let from = &before[header.index() * self.words..][..self.words];
            add(&mut behind[..self.words], from);
        }
    }

    /// Goes backward over each block of a loop and counts.
    fn measure_pressure(&mut self, function: &Function, selected: &Selected, class: impl Fn(Node) -> Class) {
        resize(&mut self.pressure, function.blocks.len(), [0; 2]);
        if function.blocks.values().all(|row| row.header.is_none()) {
            return;
        }
        self.floats.clear();
        let classes =
            |values: &[Node]| (0..).zip(values).fold(0, |word, (bit, &value)| word | u64::from(class(value) == Class::Float) << bit);
        self.floats.extend(self.values.chunks(64).map(classes));
        let mut seen = core::mem::take(&mut self.scratch);
        resize(&mut seen, function.nodes.len(), 0);
        for (block, _) in function.blocks.iter().filter(|(_, row)| row.header.is_some()) {
            self.enter(function, block);
            let mut set = core::mem::take(&mut self.out);
            let stamp = block.as_u32() + 1;
            let mut live = [0u32; 2];
            for (&word, &floats) in set.iter().zip(&self.floats).filter(|&(&word, _)| word != 0) {
                live[Class::Int as usize] += (word & !floats).count_ones();
                live[Class::Float as usize] += (word & floats).count_ones();
            }
            let mut most = live;
            let mut note = |value: Node, is_used: bool, live: &mut [u32; 2]| {
                let far = self.far[value.index()];
                if far == NEAR {
                    if (seen[value.index()] == stamp) == is_used || function.constant(value).is_some() {
                        return;
                    }
                    seen[value.index()] = if is_used { stamp } else { 0 };
                } else {
                    let (word, bit) = (&mut set[far as usize / 64], 1 << (far % 64));
                    if (*word & bit != 0) == is_used {
                        return;
                    }
                    *word ^= bit;
                }
                let count = &mut live[class(value) as usize];
                *count = if is_used { *count + 1 } else { count.saturating_sub(1) };
            };
            for edge in function.edges_of(block) {
                function.nodes_in(edge.arguments).iter().for_each(|&value| note(value, true, &mut live));
            }
            most = [most[0].max(live[0]), most[1].max(live[1])];
            for step in selected.blocks[block].clone().rev() {
                let step = &selected.steps[step as usize];
                selected.definitions(step).iter().for_each(|defined| note(defined.value, false, &mut live));
                selected.uses(step).iter().for_each(|operand| note(operand.value, true, &mut live));
                most = [most[0].max(live[0]), most[1].max(live[1])];
            }
            self.out = set;
            self.pressure[block.index()] = most;
        }
        self.scratch = seen;
        // Inner loops first.
        for block in function.blocks.keys().rev() {
            let Some(header) = function.loop_around(block) else { continue };
            let inner = self.pressure[block.index()];
            let most = &mut self.pressure[header.index()];
            *most = [most[0].max(inner[0]), most[1].max(inner[1])];
        }
    }
}

/// Adds a set to another one.
#[inline]
fn add(set: &mut [u64], other: &[u64]) {
    set.iter_mut().zip(other).for_each(|(word, &other)| *word |= other);
}

/// The positions of the ones in a word.
fn bits(word: u64) -> impl Iterator<Item = usize> {
    let mut rest = word;
    core::iter::from_fn(move || {
        let bit = (rest != 0).then_some(rest.trailing_zeros() as usize)?;
        rest &= rest - 1;
        Some(bit)
    })
}
