//! Fields that do not reach far: whose label is still unknown, and how far the code may go on before something is done.
//!
//! Uses of one kind come in the order of their offsets, so of their limits too: each kind has a queue. A label's binding does not look at it; bound
//! ones are dropped when the limit is near. Then either much room is gained, or a whole queue becomes veneers, which reach
//! further. Between two looks at a queue goes code in proportion to its length, so the whole is linear.

use crate::{FixupKind, Label};

/// An unconditional branch: an instruction of four bytes and the field for its distance.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// The instruction with distance 0.
    pub word: u32,
    /// Its field; distances count from the instruction.
    pub kind: FixupKind,
}

/// A use of a label that was not bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    /// Its fixup.
    pub(crate) fixup: u32,
    /// The offset that its distance counts from.
    pub(crate) base: u32,
    pub(crate) label: Label,
}

/// The uses of one reach.
#[derive(Debug)]
struct Queue {
    reach: u32,
    pending: Vec<Pending>,
}

impl Queue {
    /// The offset that the first of them reaches.
    fn limit(&self) -> usize {
        self.pending.first().map_or(2 * NO_LIMIT, |first| (first.base + self.reach) as usize)
    }
}

/// What an island has to hold: first the branches that reach least, constants last.
pub(crate) struct Due {
    pub(crate) branches: Vec<Pending>,
    pub(crate) constants: bool,
}

/// Bytes that an island may have besides veneers and constants, and that may be put without asking.
const SLACK: usize = 1024;

/// The part of a field's reach that a look at its queue must gain.
const LEAST_GAIN: usize = 4;

const NO_LIMIT: usize = 1 << 40;

/// All uses of short reach in a function.
#[derive(Debug)]
pub(crate) struct Reaches {
    /// By reach, the shortest first.
    queues: Vec<Queue>,
    /// The offset that all uses of constants reach.
    constant_limit: usize,
    constant_reach: usize,
    constant_bytes: usize,
    /// Where the code may end before an island, at most.
    deadline: usize,
}

impl Default for Reaches {
    fn default() -> Self {
        Self { queues: Vec::new(), constant_limit: NO_LIMIT, constant_reach: 0, constant_bytes: 0, deadline: NO_LIMIT }
    }
}

impl Reaches {
    pub(crate) fn add(&mut self, kind: FixupKind, pending: Pending) {
        let reach = kind.reach();
        let index = self.queues.partition_point(|queue| queue.reach < reach);
        if self.queues.get(index).is_none_or(|queue| queue.reach != reach) {
            self.queues.insert(index, Queue { reach, pending: Vec::new() });
        }
        self.queues[index].pending.push(pending);
        self.update();
    }

    #[inline]
    pub(crate) fn add_constant(&mut self, bytes: usize) {
        self.constant_bytes += bytes;
    }

    /// A use of a constant at `base`.
    pub(crate) fn add_constant_use(&mut self, kind: FixupKind, base: u32) {
        self.constant_reach = kind.reach() as usize;
        self.constant_limit = self.constant_limit.min(base as usize + self.constant_reach);
        self.update();
    }

    /// The constants have been put.
    pub(crate) fn forget_constants(&mut self) {
        self.constant_bytes = 0;
        self.constant_limit = NO_LIMIT;
        self.update();
    }

    /// An island may be put just before a field runs out of reach, if what stands there before that field's veneer has room.
    fn update(&mut self) {
        let mut island = SLACK;
        self.deadline = NO_LIMIT;
        for queue in &self.queues {
            island += 4 * queue.pending.len();
            self.deadline = self.deadline.min(queue.limit().saturating_sub(island));
        }
        if self.constant_limit != NO_LIMIT {
            self.deadline = self.deadline.min(self.constant_limit.saturating_sub(island + self.constant_bytes));
        }
    }

    #[inline]
    pub(crate) fn are_at_risk(&self, end: usize) -> bool {
        end >= self.deadline
    }

    /// What cannot wait until the code ends at `end`. Its owner puts it: it is pending no more.
    pub(crate) fn due(&mut self, end: usize, is_pending: impl Fn(&Pending) -> bool) -> Due {
        let mut island = SLACK;
        let mut branches = Vec::new();
        for queue in &mut self.queues {
            queue.pending.retain(&is_pending);
            island += 4 * queue.pending.len();
            if end + island + queue.reach as usize / LEAST_GAIN >= queue.limit() {
                branches.append(&mut queue.pending);
            }
        }
        island += self.constant_bytes + self.constant_reach / LEAST_GAIN;
        let constants = self.constant_bytes > 0 && end + island >= self.constant_limit;
        self.update();
        Due { branches, constants }
    }

    pub(crate) fn clear(&mut self) {
        if self.deadline != NO_LIMIT || self.constant_bytes != 0 {
            self.queues.iter_mut().for_each(|queue| queue.pending.clear());
            let queues = core::mem::take(&mut self.queues);
            *self = Self { queues, ..Self::default() };
        }
    }
}
