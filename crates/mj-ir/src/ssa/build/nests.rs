//! Loops as the code is built: which are around a block, and blocks in an order that keeps loops together.
//!
//! What is written in a loop is not all in it: an arm that leaves it for good ([`mj_decode::Flow`]) runs once. Blocks are built as they are written;
//! in the end, those that are in a loop only as written come behind it.

use core::ops::Range;

use cranelift_entity::packed_option::PackedOption;
use cranelift_entity::{EntityRef, PrimaryMap};

use super::Builder;
use crate::ssa::{Block, BlockRow, Function, Terminator};

/// The loops of a function while it is built; reusable.
#[derive(Default, Debug)]
pub(super) struct Nests {
    /// Loops whose end has not come.
    open: Vec<OpenLoop>,
    /// The innermost one of them that the current block is in.
    innermost: Option<usize>,
    /// All headers, in order.
    headers: Vec<Header>,
}

/// A loop whose end has not come.
#[derive(Clone, Copy, Debug)]
struct OpenLoop {
    header: Block,
    /// The loop as it is written: its number in the flow.
    number: u32,
    /// The loop around it, in `Nests::open`.
    around: Option<usize>,
    /// Values moved in front of it.
    moved: u32,
    /// The locals that it writes, in `Scratch::written`.
    written: (u32, u32),
}

#[derive(Clone, Copy, Debug)]
struct Header {
    block: Block,
    /// The header of the loop around it.
    around: PackedOption<Block>,
}

/// Values moved in front of one loop at most: each may cost a register in all of it.
const HOISTED: u32 = 16;

/// In so many loops, what a loop writes is not looked for: it is taken to write what the one around it does.
const DEEP: usize = 32;

/// Loops that a value is moved in front of at once, at most: each is looked at.
const OUTWARD: usize = 64;

impl Nests {
    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.innermost = None;
        self.headers.clear();
    }

    /// The header of the loop that the current block is in.
    fn header(&self) -> PackedOption<Block> {
        self.innermost.map(|index| self.open[index].header).into()
    }

    /// Whether the current block is in a loop.
    pub(super) fn is_in_loop(&self) -> bool {
        self.innermost.is_some()
    }

    /// A loop begins behind the current block, as the next one.
    pub(super) fn enter(&mut self, header: Block, number: u32, written: (u32, u32)) {
        self.headers.push(Header { block: header, around: self.header() });
        self.open.push(OpenLoop { header, number, around: self.innermost, moved: 0, written });
    }

    /// What the loop with this number writes, if it is the last one that was entered, and deep in others.
    pub(super) fn deep_written(&self, number: Option<u32>) -> Option<Range<usize>> {
        let last = self.open.last().filter(|last| self.open.len() > DEEP && Some(last.number) == number)?;
        Some(last.written.0 as usize..last.written.1 as usize)
    }

    /// The loop that began last ends.
    pub(super) fn leave(&mut self) {
        let around = self.open.pop().and_then(|open| open.around);
        if self.innermost == Some(self.open.len()) {
            self.innermost = around;
        }
    }

    /// Of the loops that the current block is in, the outermost one that `is_outside` holds for and for all between, and in front of which more may
    /// be moved.
    pub(super) fn outermost(&mut self, is_outside: impl Fn(Block) -> bool) -> Option<Block> {
        let mut found = None;
        let mut next = self.innermost;
        for _ in 0..OUTWARD {
            let Some(index) = next.filter(|&index| is_outside(self.open[index].header)) else { break };
            if self.open[index].moved < HOISTED {
                found = Some(index);
            }
            next = self.open[index].around;
        }
        let open = &mut self.open[found?];
        open.moved += 1;
        Some(open.header)
    }
}

impl Builder<'_> {
    /// Finds the loops around the block that begins here, and gives its header.
    pub(super) fn find_loops(&mut self) -> PackedOption<Block> {
        let (flow, nests) = (self.flow, &mut self.scratch.nests);
        let mut number = if nests.open.is_empty() { None } else { flow.loop_around(self.place) };
        nests.innermost = None;
        while let Some(wanted) = number {
            // Loops further in have greater numbers.
            nests.innermost = nests.open.binary_search_by_key(&wanted, |open| open.number).ok();
            if nests.innermost.is_some() {
                break;
            }
            // It was entered elsewhere: this is its rest.
            number = flow.outer(wanted);
        }
        self.scratch.nests.header()
    }

    /// Puts blocks behind the loops that they are written in and not part of, and finds what the loops are.
    pub(super) fn order_blocks(&mut self) {
        if self.is_in_order() {
            return self.function.set_loops();
        }
        let order = self.contiguous();
        self.function.reorder(&order);
        self.function.find_loop_ends();
        self.function.set_loops();
    }

    /// Whether the blocks between a header and the last one that goes back to it are those of the loop.
    fn is_in_order(&self) -> bool {
        let blocks = &self.function.blocks;
        let mut open: Vec<(Block, Block)> = Vec::new();
        blocks.iter().all(|(block, row)| {
            while open.last().is_some_and(|&(_, end)| end <= block) {
                open.pop();
            }
            open.extend(row.loop_end.expand().map(|end| (block, end)));
            // Behind the last way back a block is in no loop, whatever the flow said.
            open.last().is_none_or(|&(header, _)| self.real_header(block, row.header) == Some(header))
        })
    }

    /// The nearest loop, from a header outward, that something behind `block` goes back to: what the flow took for a way back may be none.
    fn real_header(&self, block: Block, header: PackedOption<Block>) -> Option<Block> {
        let goes_back = |header: Block| self.function.blocks[header].loop_end.expand().is_some_and(|end| block < end);
        let mut header = header.expand();
        while let Some(outer) = header.filter(|&header| !goes_back(header)) {
            let headers = &self.scratch.nests.headers;
            let index = headers.binary_search_by_key(&outer, |header| header.block).expect("headers have been noted");
            header = headers[index].around.expand();
        }
        header
    }

    /// The blocks in an order that keeps those of each loop together, and otherwise as they are.
    fn contiguous(&self) -> Vec<Block> {
        let blocks = &self.function.blocks;
        // Blocks of a loop, those of inner loops apart, as chains in the order of the blocks; the last chain is that of no loop.
        let outside = blocks.len();
        let mut chains: Vec<Vec<Block>> = vec![Vec::new(); outside + 1];
        let place = |header: Option<Block>| header.map_or(outside, Block::index);
        for (block, row) in blocks {
            let is_header = row.loop_end.is_some();
            if is_header {
                let index =
                    self.scratch.nests.headers.binary_search_by_key(&block, |header| header.block).expect("headers have been noted");
                let around = self.real_header(block, self.scratch.nests.headers[index].around);
                chains[place(around)].push(block);
            } else {
                chains[place(self.real_header(block, row.header))].push(block);
            }
        }
        let mut order = Vec::with_capacity(blocks.len());
        let mut open = vec![(outside, 0)];
        while let Some((chain, next)) = open.pop() {
            let Some(&block) = chains[chain].get(next) else { continue };
            open.push((chain, next + 1));
            order.push(block);
            if blocks[block].loop_end.is_some() {
                open.push((block.index(), 0));
            }
        }
        order
    }
}

impl Function {
    /// Puts the blocks into another order: one in which edges still go forward but to headers.
    fn reorder(&mut self, order: &[Block]) {
        let mut places = vec![Block::new(0); self.blocks.len()];
        order.iter().enumerate().for_each(|(index, &block)| places[block.index()] = Block::new(index));
        let moved = |block: &mut Block| *block = places[block.index()];
        let mut rows: PrimaryMap<Block, BlockRow> = PrimaryMap::with_capacity(order.len());
        for &block in order {
            let mut row = core::mem::take(&mut self.blocks[block]);
            row.dominator = row.dominator.map(|block| places[block.index()]).into();
            moved(&mut row.dominator_jump);
            match &mut row.terminator {
                Terminator::Jump(edge) => moved(&mut edge.to),
                Terminator::Branch { taken, other, .. } => {
                    moved(&mut taken.to);
                    moved(&mut other.to);
                }
                Terminator::Switch { .. } | Terminator::Return(_) | Terminator::Trap { .. } => {}
            }
            rows.push(row);
        }
        self.blocks = rows;
        self.edges.iter_mut().for_each(|edge| moved(&mut edge.to));
        for row in self.nodes.values_mut() {
            row.block = row.block.map(|block| places[block.index()]).into();
        }
    }
}
