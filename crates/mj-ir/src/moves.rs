//! Parallel moves: several registers change their contents at once.
//!
//! A move whose destination nobody still reads goes first; what then remains are cycles, which a free register or an exchange breaks.
//! Loads into registers (from slots, of constants) come last, because nothing reads their destinations any more.

use smallvec::SmallVec;

use crate::{PReg, RegSet};

/// One register-to-register move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Destination.
    pub to: PReg,
    /// Source, of the same class.
    pub from: PReg,
}

/// Emits what the resolution decides.
pub trait MoveSink {
    /// `to := from`.
    fn copy(&mut self, to: PReg, from: PReg);
    /// Exchanges two registers of one class.
    fn exchange(&mut self, a: PReg, b: PReg);
}

/// Moves that happen at once. Destinations are distinct.
#[derive(Default, Debug)]
pub struct ParallelMoves {
    moves: SmallVec<[Move; 16]>,
    sources: RegSet,
}

impl ParallelMoves {
    /// Adds `to := from`.
    #[inline]
    pub fn push(&mut self, to: PReg, from: PReg) {
        debug_assert!(self.moves.iter().all(|other| other.to != to), "{to:?} is written twice");
        debug_assert_eq!(to.class(), from.class());
        if to != from {
            self.moves.push(Move { to, from });
            self.sources.insert(from);
        }
    }

    /// Emits all moves in a working order, and forgets them.
    #[inline]
    pub fn resolve(&mut self, sink: &mut impl MoveSink) {
        if !self.moves.is_empty() {
            self.resolve_some(sink, RegSet::EMPTY);
        }
    }

    /// As [`resolve`](Self::resolve), with registers that may be overwritten.
    pub fn resolve_with(&mut self, sink: &mut impl MoveSink, free: RegSet) {
        let mut free = free & !self.sources;
        for other in &self.moves {
            free.remove(other.to);
        }
        self.resolve_some(sink, free);
    }

    fn resolve_some(&mut self, sink: &mut impl MoveSink, free: RegSet) {
        while !self.moves.is_empty() {
            let before = self.moves.len();
            let mut index = 0;
            while index < self.moves.len() {
                let Move { to, from } = self.moves[index];
                if self.sources.contains(to) {
                    index += 1;
                } else {
                    sink.copy(to, from);
                    self.moves.swap_remove(index);
                    self.recompute_sources();
                }
            }
            if self.moves.len() == before {
                self.break_cycle(sink, free);
            }
        }
        self.sources = RegSet::EMPTY;
    }

    /// Every destination is still read: exchanging one pair completes one move of a cycle, and so does moving one destination's contents away.
    fn break_cycle(&mut self, sink: &mut impl MoveSink, free: RegSet) {
        let Some(Move { to, from }) = self.moves.pop() else { return };
        // A register that served for another cycle is read again before this one is broken: it is free once more.
        if let Some(away) = (free & RegSet::class(to.class()) & !self.sources).first() {
            sink.copy(away, to);
            for other in &mut self.moves {
                if other.from == to {
                    other.from = away;
                }
            }
            self.moves.push(Move { to, from });
            self.recompute_sources();
            return;
        }
        sink.exchange(to, from);
        // What was in `to` is now in `from`, and the other way round.
        for other in &mut self.moves {
            if other.from == to {
                other.from = from;
            } else if other.from == from {
                other.from = to;
            }
        }
        self.moves.retain(|other| other.to != other.from);
        self.recompute_sources();
    }

    fn recompute_sources(&mut self) {
        self.sources = RegSet::EMPTY;
        for other in &self.moves {
            self.sources.insert(other.from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine([u32; 64]);

    impl MoveSink for Machine {
        fn copy(&mut self, to: PReg, from: PReg) {
            self.0[to.index()] = self.0[from.index()];
        }
        fn exchange(&mut self, a: PReg, b: PReg) {
            self.0.swap(a.index(), b.index());
        }
    }

    #[test]
    fn every_mapping_of_five_registers_is_resolved() {
        for code in 0..2 * 5u32.pow(5) {
            let sources: Vec<u8> = (0..5).map(|digit| (code / 2 / 5u32.pow(digit) % 5) as u8).collect();
            let mut moves = ParallelMoves::default();
            for (to, &from) in sources.iter().enumerate() {
                moves.push(PReg::int(to as u8), PReg::int(from));
            }
            let mut machine = Machine(core::array::from_fn(|index| index as u32));
            match code % 2 {
                0 => moves.resolve(&mut machine),
                _ => moves.resolve_with(&mut machine, RegSet::one(PReg::int(7))),
            }
            let got: Vec<u8> = machine.0[..5].iter().map(|&value| value as u8).collect();
            assert_eq!(got, sources);
        }
    }
}
