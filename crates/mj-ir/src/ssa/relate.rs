//! What follows from the edges: dominators, loops, coldness.

use cranelift_entity::EntityRef;

use super::{Block, Function, Terminator};

impl Function {
    /// Finds dominators, loops, and what is cold, of a function whose edges go to blocks that are there.
    pub fn relate(&mut self) {
        let mut dominators: Vec<Option<Block>> = vec![None; self.blocks.len()];
        let keys: Vec<Block> = self.blocks.keys().collect();
        for &from in &keys {
            self.blocks[from].dominator = dominators[from.index()].into();
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

    /// The nearest block that dominates both, whose dominators are known.
    pub(super) fn common_dominator(&self, mut a: Block, mut b: Block) -> Block {
        while a != b {
            let later = if a > b { &mut a } else { &mut b };
            match self.blocks[*later].dominator.expand() {
                Some(dominator) => *later = dominator,
                None => return Block::new(0),
            }
        }
        a
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
