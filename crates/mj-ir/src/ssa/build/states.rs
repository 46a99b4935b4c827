//! What the locals are, at every place that something still comes from.
//!
//! States form a tree: each differs from its parent by one local. A branch remembers a number; where branches meet, the locals that may differ are those
//! on the ways up to the nearest common ancestor. So neither a block nor a branch copies all locals.
//!
//! Where a way is long and few locals differ, states on it get shorter ways to that ancestor, so that who comes that way again does not take as long.
//! Invariant: a parent's rank is less than its children's.

use cranelift_entity::packed_option::ReservedValue;

use crate::ssa::Node;

/// A state: its parent's, but for one local.
#[derive(Clone, Copy, Debug)]
struct State {
    parent: u32,
    local: u32,
    value: Node,
    before: Node,
    /// Its number; but less if its way has been made shorter.
    rank: u32,
    /// The meeting that last went up from here.
    passed: u32,
}

/// A way of more steps than this, and four for each local that differs, is made shorter.
const LONG: usize = 64;

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
    /// Some way of the last meeting was long.
    is_long: bool,
    filled: Vec<u32>,
    rows: Vec<Node>,
}

impl Locals {
    /// No locals.
    pub(super) fn begin(&mut self) {
        self.values.clear();
        self.states.clear();
        let nobody = Node::reserved_value();
        self.states.push(State { parent: 0, local: 0, value: nobody, before: nobody, rank: 0, passed: 0 });
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
            let number = self.states.len() as u32;
            self.states.push(State { parent: self.current, local, value, before, rank: number, passed: 0 });
            self.current = number;
        }
    }

    fn rank(&self, state: u32) -> u32 {
        self.states[state as usize].rank
    }

    /// The number of the state as it is.
    #[inline]
    pub(super) fn current(&self) -> u32 {
        self.current
    }

    /// More steps than these make a way long.
    fn long(&self) -> usize {
        LONG + 4 * self.columns.len()
    }

    /// Goes to another state.
    pub(super) fn go_to(&mut self, state: u32) {
        let mut target = state;
        self.way.clear();
        while self.current != target {
            if self.rank(self.current) > self.rank(target) {
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
        states.sort_unstable_by_key(|&state| core::cmp::Reverse((self.states[state as usize].rank, state)));
        // Each state between is passed once.
        let mut ancestor = states[0];
        let mut steps = 0;
        for &state in &states[1..] {
            let mut state = state;
            while ancestor != state {
                let is_above = self.rank(ancestor) <= self.rank(state);
                let row = &mut self.states[if is_above { state } else { ancestor } as usize];
                if is_above && row.passed == self.meeting {
                    // It joins another one's way to the ancestor.
                    break;
                }
                row.passed = self.meeting;
                steps += 1;
                let State { parent, local, .. } = *row;
                *if is_above { &mut state } else { &mut ancestor } = parent;
                let seen = &mut self.seen[local as usize];
                if seen.0 != self.meeting {
                    *seen = (self.meeting, self.columns.len() as u32);
                    self.columns.push(local);
                }
            }
        }
        self.is_long = steps > self.long();
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
                break;
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
        if self.is_long && self.is_far_below(state, ancestor) {
            self.shorten(state);
        }
    }

    /// Whether the way from a state to one above it is long.
    fn is_far_below(&self, mut state: u32, ancestor: u32) -> bool {
        for _ in 0..self.long() {
            if state == ancestor {
                return false;
            }
            state = self.states[state as usize].parent;
        }
        true
    }

    /// Gives a state, and others on its way, shorter ways to the ancestor of the last meeting.
    #[cold]
    fn shorten(&mut self, state: u32) {
        let ancestor = self.current;
        let mut way = core::mem::take(&mut self.way);
        way.clear();
        let mut at = state;
        while at != ancestor {
            way.push(at);
            at = self.states[at as usize].parent;
        }
        let mut now: Vec<Node> = self.columns.iter().map(|&local| self.values[local as usize]).collect();
        let apart = self.long() / 2;
        for (number, &at) in way.iter().rev().enumerate() {
            let State { local, value, .. } = self.states[at as usize];
            now[self.seen[local as usize].1 as usize] = value;
            if number % apart == apart - 1 || at == state {
                self.hang(at, ancestor, &now);
            }
        }
        self.way = way;
    }

    /// Makes `ancestor` the next state above `state` but for one for each column, which are `now` there.
    fn hang(&mut self, state: u32, ancestor: u32, now: &[Node]) {
        let mut parent = ancestor;
        let last = self.states[state as usize].local;
        for (column, &value) in now.iter().enumerate() {
            let local = self.columns[column];
            let before = self.values[local as usize];
            if local != last && before != value {
                let rank = self.rank(parent) + 1;
                self.states.push(State { parent, local, value, before, rank, passed: 0 });
                parent = self.states.len() as u32 - 1;
            }
        }
        let rank = self.rank(parent) + 1;
        if rank < self.rank(state) {
            let before = self.values[last as usize];
            let row = &mut self.states[state as usize];
            (row.parent, row.before, row.rank) = (parent, before, rank);
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
