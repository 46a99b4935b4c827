//! What the locals are, at every place that something still comes from.
//!
//! States form a tree: each differs from its parent by one local. A branch remembers a number; where branches meet, the locals that may differ are those
//! on the ways up to the nearest common ancestor. So neither a block nor a branch copies all locals. A parent's number is less than its children's.

use cranelift_entity::packed_option::ReservedValue;

use crate::ssa::Node;

/// A state: its parent's, but for one local.
#[derive(Clone, Copy, Debug)]
struct State {
    parent: u32,
    local: u32,
    value: Node,
    before: Node,
}

/// The values of all locals, now and before; reusable.
#[derive(Default, Debug)]
pub(super) struct Locals {
    values: Vec<Node>,
    states: Vec<State>,
    current: u32,
    /// By local: the meeting it was last seen in, and its column there.
    seen: Vec<(u32, u32)>,
    meeting: u32,
    way: Vec<u32>,
    columns: Vec<u32>,
    filled: Vec<u32>,
    rows: Vec<Node>,
}

impl Locals {
    /// No locals.
    pub(super) fn begin(&mut self) {
        self.values.clear();
        self.states.clear();
        let nobody = Node::reserved_value();
        self.states.push(State { parent: 0, local: 0, value: nobody, before: nobody });
        self.current = 0;
        self.seen.clear();
        self.meeting = 0;
    }

    /// Declares `count` more locals, which are `value` in all states.
    pub(super) fn declare(&mut self, count: usize, value: Node) {
        let len = self.values.len() + count;
        self.values.resize(len, value);
        self.seen.resize(len, (0, 0));
    }

    #[inline]
    pub(super) fn get(&self, local: u32) -> Node {
        self.values[local as usize]
    }

    #[inline]
    pub(super) fn set(&mut self, local: u32, value: Node) {
        let before = core::mem::replace(&mut self.values[local as usize], value);
        if before != value {
            self.states.push(State { parent: self.current, local, value, before });
            self.current = self.states.len() as u32 - 1;
        }
    }

    /// The number of the state as it is.
    #[inline]
    pub(super) fn current(&self) -> u32 {
        self.current
    }

    /// Goes to another state.
    pub(super) fn go_to(&mut self, state: u32) {
        let mut target = state;
        self.way.clear();
        while self.current != target {
            if self.current > target {
                let row = self.states[self.current as usize];
                self.values[row.local as usize] = row.before;
                self.current = row.parent;
            } else {
                self.way.push(target);
                target = self.states[target as usize].parent;
            }
        }
        while let Some(next) = self.way.pop() {
            let row = self.states[next as usize];
            self.values[row.local as usize] = row.value;
        }
        self.current = state;
    }

    /// The distinct locals among `locals`, in order.
    pub(super) fn distinct(&mut self, locals: impl Iterator<Item = u32>, into: &mut Vec<u32>) {
        self.meeting += 1;
        for local in locals {
            let seen = &mut self.seen[local as usize].0;
            if *seen != self.meeting {
                *seen = self.meeting;
                into.push(local);
            }
        }
    }

    /// Goes to the nearest common ancestor of `states`; returns the number of locals in which they may differ, the columns.
    pub(super) fn meet(&mut self, states: &mut [u32]) -> usize {
        self.meeting += 1;
        self.columns.clear();
        states.sort_unstable_by(|a, b| b.cmp(a));
        // The greatest first, each state between is passed once.
        let mut ancestor = states[0];
        for &state in &states[1..] {
            let mut state = state;
            while ancestor != state {
                let higher = if ancestor > state { &mut ancestor } else { &mut state };
                let row = self.states[*higher as usize];
                *higher = row.parent;
                let seen = &mut self.seen[row.local as usize];
                if seen.0 != self.meeting {
                    *seen = (self.meeting, self.columns.len() as u32);
                    self.columns.push(row.local);
                }
            }
        }
        self.go_to(ancestor);
        self.filled.clear();
        self.filled.resize(self.columns.len(), u32::MAX);
        self.rows.clear();
        self.columns.len()
    }

    /// Fills in what the columns of the last meeting are in `state`, which is the next to be asked for.
    pub(super) fn add_row(&mut self, state: u32, previous: Option<u32>) {
        let width = self.columns.len();
        let start = self.rows.len();
        let row_number = start.checked_div(width).unwrap_or(0) as u32;
        let ancestor = self.current;
        let values = &self.values;
        self.rows.extend(self.columns.iter().map(|&local| values[local as usize]));
        let mut left = width;
        let mut at = state;
        while at != ancestor && left > 0 {
            if previous == Some(at) {
                for column in 0..width {
                    if self.filled[column] != row_number {
                        self.rows[start + column] = self.rows[start - width + column];
                    }
                }
                return;
            }
            let row = self.states[at as usize];
            let column = self.seen[row.local as usize].1 as usize;
            if self.filled[column] != row_number {
                self.filled[column] = row_number;
                self.rows[start + column] = row.value;
                left -= 1;
            }
            at = row.parent;
        }
    }

    /// Sets the local of a column of the last meeting.
    pub(super) fn set_column(&mut self, column: usize, value: Node) {
        self.set(self.columns[column], value);
    }

    /// A value of the last meeting.
    #[inline]
    pub(super) fn row_value(&self, row: usize, column: usize) -> Node {
        self.rows[row * self.columns.len() + column]
    }
}
