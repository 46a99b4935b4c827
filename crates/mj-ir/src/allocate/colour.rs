//! Slots: values that are never alive at once share one.
//!
//! A slot's value is alive from its definition to its last use, to the end of every loop that it comes into from outside, and, for a parameter,
//! where edges bring it. In the order of the blocks that is one interval, and intervals are coloured in order of their begins.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use cranelift_entity::EntityRef;

use super::state::NO_SLOT;
use super::{Action, FOREIGN_SLOT, Pass};
use crate::ssa::{Block, Node, NodeKind};

impl Pass<'_> {
    /// Replaces the numbers of slots by those of colours.
    pub(super) fn colour(&mut self) {
        let count = self.state.slots as usize;
        if count == 0 {
            return;
        }
        let mut intervals: Vec<Option<(u32, u32)>> = vec![None; count];
        for (node, state) in self.function.nodes.keys().zip(&self.state.values) {
            if state.slot < FOREIGN_SLOT {
                let (begin, end) = self.interval(node);
                let (first, last) = intervals[state.slot as usize].unwrap_or((begin, end));
                intervals[state.slot as usize] = Some((first.min(begin), last.max(end)));
            }
        }
        let everything = (0, u32::MAX);
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.sort_by_key(|&slot| intervals[slot as usize].unwrap_or(everything).0);
        let mut colours = vec![0; count];
        let mut busy: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::new();
        let mut free: Vec<u32> = Vec::new();
        let mut colour_count = 0;
        for slot in order {
            let (begin, end) = intervals[slot as usize].unwrap_or(everything);
            while let Some(&Reverse((until, colour))) = busy.peek().filter(|&&Reverse((until, _))| until < begin) {
                let _ = until;
                busy.pop();
                free.push(colour);
            }
            let colour = free.pop().unwrap_or_else(|| {
                colour_count += 1;
                colour_count - 1
            });
            colours[slot as usize] = colour;
            busy.push(Reverse((end, colour)));
        }
        self.out.slots = colour_count;
        self.rename(&colours);
    }

    fn rename(&mut self, colours: &[u32]) {
        let rename = |slot: &mut u32| {
            if *slot < FOREIGN_SLOT {
                *slot = colours[*slot as usize];
            }
        };
        for action in &mut self.out.actions {
            match action {
                Action::Load { slot, .. } | Action::Store { slot, .. } | Action::StoreConstant { slot, .. } => rename(slot),
                Action::CopySlot { to, from, .. } => {
                    rename(to);
                    rename(from);
                }
                Action::Step(_) | Action::Copy { .. } | Action::Exchange(..) | Action::Constant { .. } => {}
            }
        }
        for location in &mut self.out.locations {
            if let super::Location::Slot(slot) = location {
                rename(slot);
            }
        }
        for value in &mut self.state.values {
            if value.slot != NO_SLOT {
                rename(&mut value.slot);
            }
        }
    }

    /// First and last position at which a value's slot must keep it.
    fn interval(&self, node: Node) -> (u32, u32) {
        let block = self.function.nodes[node].block.expand().expect("constants have no slots");
        let mut begin = self.live.begins[block.index()];
        let mut end = self.live.uses_of(node).last().copied().unwrap_or(begin).max(begin);
        // Where it is defined in its block does not matter: another slot's last use may be in the same block.
        if matches!(self.function.nodes[node].kind, NodeKind::Parameter) {
            for edge in self.live.incoming(block) {
                begin = begin.min(self.live.end(edge.from));
                end = end.max(self.live.end(edge.from));
            }
        }
        let first = self.live.begins[block.index()];
        let mut header = self.block_at(end).and_then(|at| self.function.blocks[at].header.expand());
        while let Some(at) = header {
            if self.live.begins[at.index()] > first {
                end = end.max(self.loop_end(at) - 1);
            }
            header = self.function.outer_header(at);
        }
        (begin, end)
    }

    fn block_at(&self, position: u32) -> Option<Block> {
        let begins = &self.live.begins[..self.live.begins.len() - 1];
        begins.partition_point(|&begin| begin <= position).checked_sub(1).map(Block::new)
    }
}
