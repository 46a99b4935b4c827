//! What memory and globals are known to hold.
//!
//! Facts are kept in the order of the code: a write forgets what it may change, wherever it stands. A fact holds where the block it comes from dominates,
//! since all ways from there lead through code that has been seen; but for loops, whose headers forget what anything in the loop may change.

use mj_decode::Op;

use crate::ssa::{Block, Node};

/// Facts that are kept at once; a new one replaces the oldest.
const KEPT: usize = 16;

/// A place relative to a value: what a sum of a value and a constant is counts from that value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// None if it is a constant, so that the distance is the address.
    pub(super) root: Option<Node>,
    pub(super) distance: i64,
    pub(super) size: i64,
}

impl Place {
    /// Whether the two have no byte in common for sure.
    fn misses(&self, other: &Place) -> bool {
        // A sum that wraps is off by 2^32. Nearer places are what they seem to be.
        let apart = other.distance - self.distance;
        self.root == other.root && (apart >= self.size || -apart >= other.size) && apart.abs() < 1 << 31
    }
}

/// A place in memory that has been loaded or stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) place: Place,
    pub(super) base: Node,
    pub(super) offset: u64,
    /// The load or store.
    pub(super) op: Op,
    /// What was loaded or stored.
    pub(super) value: Node,
    pub(super) block: Block,
}

/// A global, or the size of a memory.
#[derive(Clone, Copy, Debug)]
struct KnownCell {
    cell: Cell,
    value: Node,
    block: Block,
    mutable: bool,
}

/// Something outside memory that has a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cell {
    Global(u32),
    MemorySize(u32),
}

/// All facts; reusable.
#[derive(Default, Debug)]
pub(super) struct Facts {
    known: Vec<Known>,
    oldest: usize,
    cells: Vec<KnownCell>,
    oldest_cell: usize,
}

impl Facts {
    pub(super) fn clear(&mut self) {
        self.forget_memory();
        self.cells.clear();
        (self.oldest, self.oldest_cell) = (0, 0);
    }

    #[inline]
    pub(super) fn forget_memory(&mut self) {
        self.known.clear();
    }

    /// Forgets the values of globals that may be set, and the sizes of memories if `sizes`.
    pub(super) fn forget_cells(&mut self, sizes: bool) {
        self.cells.retain(|known| !known.mutable || !sizes && matches!(known.cell, Cell::MemorySize(_)));
    }

    /// Forgets the values of those globals that may be set.
    pub(super) fn forget_globals(&mut self, which: impl Fn(u32) -> bool) {
        self.cells.retain(|known| !known.mutable || !matches!(known.cell, Cell::Global(global) if which(global)));
    }

    /// Forgets what a store there may change.
    pub(super) fn forget_stored(&mut self, place: Place) {
        self.known.retain(|known| known.place.misses(&place));
    }

    pub(super) fn add(&mut self, known: Known) {
        if self.known.len() < KEPT {
            self.known.push(known);
        } else {
            self.oldest = (self.oldest + 1) % KEPT;
            self.known[self.oldest] = known;
        }
    }

    /// What is known about the place `base + offset`, in blocks that `dominates` holds for.
    #[inline]
    pub(super) fn at(&self, base: Node, offset: u64, dominates: impl Fn(Block) -> bool) -> impl Iterator<Item = Known> {
        self.known.iter().filter(move |known| known.base == base && known.offset == offset && dominates(known.block)).copied()
    }

    /// Notes the value of a cell; `mutable` if calls may change it.
    pub(super) fn set_cell(&mut self, cell: Cell, value: Node, block: Block, mutable: bool) {
        let fact = KnownCell { cell, value, block, mutable };
        if let Some(known) = self.cells.iter_mut().find(|known| known.cell == cell) {
            *known = fact;
        } else if self.cells.len() < KEPT {
            self.cells.push(fact);
        } else {
            self.oldest_cell = (self.oldest_cell + 1) % KEPT;
            self.cells[self.oldest_cell] = fact;
        }
    }

    /// The value of a cell, if it is known in a block that `dominates` holds for.
    pub(super) fn cell(&self, cell: Cell, dominates: impl Fn(Block) -> bool) -> Option<Node> {
        self.cells.iter().find(|known| known.cell == cell && dominates(known.block)).map(|known| known.value)
    }
}
