//! What follows from the edges: dominators, loops, coldness.

use cranelift_entity::EntityRef;

use super::{Block, BlockRow, Function, Terminator};

impl Function {
    /// Finds dominators, loops, and what is cold, of a function whose edges go to blocks that are there.
    pub fn relate(&mut self) {
        let mut dominators: Vec<Option<Block>> = vec![None; self.blocks.len()];
        let keys: Vec<Block> = self.blocks.keys().collect();
        for &from in &keys {
            self.set_dominator(from, dominators[from.index()]);
            for edge in self.edges_of(from) {
                if edge.to > from {
                    let dominator = match dominators[edge.to.index()] {
                        None => from,
                        Some(other) => self.common_dominator(other, from),
                    };
                    dominators[edge.to.index()] = Some(dominator);
                }
            }
        }
        self.find_loop_ends();
        self.set_loops();
        self.set_cold();
    }

    /// Finds the last blocks that go back to headers.
    pub(super) fn find_loop_ends(&mut self) {
        for from in self.blocks.keys() {
            self.blocks[from].loop_end = None.into();
            let targets: smallvec::SmallVec<[Block; 2]> = self.edges_of(from).map(|edge| edge.to).filter(|&to| to <= from).collect();
            for to in targets {
                self.blocks[to].loop_end = from.following().into();
            }
        }
    }

    /// Sets the immediate dominator of a block; its own is set.
    ///
    /// The jump beside it is as long as that of the dominator and the one from there together if those two are equally long; else it goes to the
    /// dominator. So ways up have a length that is logarithmic in the depth (E. W. Myers, *An applicative random-access stack*, 1983).
    pub(super) fn set_dominator(&mut self, block: Block, dominator: Option<Block>) {
        let blocks = &mut self.blocks;
        let (depth, jump) = match dominator {
            None => (0, block),
            Some(dominator) => {
                let BlockRow { dominator_depth: depth, dominator_jump: first, .. } = blocks[dominator];
                let BlockRow { dominator_depth: first_depth, dominator_jump: second, .. } = blocks[first];
                let is_even = depth - first_depth == first_depth - blocks[second].dominator_depth;
                (depth + 1, if is_even { second } else { dominator })
            }
        };
        let row = &mut blocks[block];
        (row.dominator, row.dominator_depth, row.dominator_jump) = (dominator.into(), depth, jump);
    }

    /// The dominator of a block that has this depth, which is not greater than the block's own.
    fn dominator_at(&self, mut block: Block, depth: u32) -> Block {
        while self.blocks[block].dominator_depth > depth {
            let jump = self.blocks[block].dominator_jump;
            block = if self.blocks[jump].dominator_depth < depth { self.dominator_of(block) } else { jump };
        }
        block
    }

    fn dominator_of(&self, block: Block) -> Block {
        self.blocks[block].dominator.expand().unwrap_or(block)
    }

    /// The nearest block that dominates both, whose dominators are known.
    pub(super) fn common_dominator(&self, a: Block, b: Block) -> Block {
        let depth = self.blocks[a].dominator_depth.min(self.blocks[b].dominator_depth);
        let (mut a, mut b) = (self.dominator_at(a, depth), self.dominator_at(b, depth));
        while a != b {
            let jumps = (self.blocks[a].dominator_jump, self.blocks[b].dominator_jump);
            (a, b) = if jumps.0 == jumps.1 { (self.dominator_of(a), self.dominator_of(b)) } else { jumps };
        }
        a
    }

    /// Whether `a` dominates `b`.
    #[must_use]
    #[inline]
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let depth = self.blocks[a].dominator_depth;
        depth <= self.blocks[b].dominator_depth && self.dominator_at(b, depth) == a
    }

    /// Finds the innermost loop of each block, where the ends of loops are behind the last blocks that go back.
    pub(super) fn set_loops(&mut self) {
        let blocks = &mut self.blocks;
        let mut open: Vec<(Block, Block)> = Vec::new();
        for block in 0..blocks.len() {
            let block = Block::new(block);
            while open.last().is_some_and(|&(_, end)| end <= block) {
                open.pop();
            }
            if let Some(end) = blocks[block].loop_end.expand() {
                // A loop that begins in another one goes back to its header, so it is all inside.
                for (header, outer_end) in open.iter_mut().rev().take_while(|(_, outer_end)| *outer_end < end) {
                    *outer_end = end;
                    blocks[*header].loop_end = end.into();
                }
                open.push((block, end));
            }
            blocks[block].header = open.last().map(|&(header, _)| header).into();
            blocks[block].depth = open.len() as u32;
        }
    }

    /// Finds the blocks that lead to nothing but traps.
    pub(super) fn set_cold(&mut self) {
        for block in (0..self.blocks.len()).rev() {
            let block = Block::new(block);
            let is_cold = match self.blocks[block].terminator {
                Terminator::Return(_) => false,
                Terminator::Trap { .. } => true,
                _ => self.edges_of(block).all(|edge| edge.to > block && self.blocks[edge.to].is_cold),
            };
            self.blocks[block].is_cold = is_cold;
        }
    }
}
