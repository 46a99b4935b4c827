//! Short loops several turns at a time.
//!
//! The body is built again and again: what goes back in one turn goes on in the next, and the last turn's goes back to the header. What stands at the
//! header, such as the look whether someone interrupts, is then done once for all of them, and so is bringing values back to where the header wants
//! them. Each turn still decides for itself whether it is the last.

use core::cmp::Reverse;

use mj_decode::{Flow, Loop, translate};

use super::{Builder, Frame, Kind, LoopFrame, NO_EDGE};

/// The loop that is being built several times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrolled {
    /// Offset of its first operator, and the one behind its end.
    at: u32,
    end: u32,
    /// Turns behind the one at hand.
    left: u32,
    open: LoopFrame,
    /// Pending edges that fall out of its end, a chain, and their number.
    behind: (u32, u32),
}

/// Loops of at most so many bytes do so many turns; the first row that fits counts.
const TURNS: [(u32, u32); 2] = [(48, 4), (160, 2)];

/// Which loops are unrolled, and how often; reusable.
#[derive(Default, Debug)]
pub(super) struct Turns {
    /// By number of the loop.
    turns: Vec<u32>,
    /// Depth, number, turns, and the bytes that they are more.
    candidates: Vec<(Reverse<u32>, u32, u32, u32)>,
}

impl Turns {
    /// Chooses short loops without calls and without loops in them, the deepest first: all in all, a quarter of the body's bytes may be built again.
    pub(super) fn choose(&mut self, flow: &Flow, body: usize) {
        self.turns.clear();
        self.turns.resize(flow.loops.len(), 1);
        self.candidates.clear();
        for (number, row) in (0..).zip(&flow.loops) {
            let is_innermost = flow.loops.get(number as usize + 1).is_none_or(|next| next.at >= row.end);
            let bytes = row.end - row.at;
            let turns = TURNS.iter().find(|&&(most, _)| bytes <= most).map_or(1, |&(_, turns)| turns);
            if is_innermost && turns > 1 && row.is_target && !row.effects.calls {
                let depth = core::iter::successors(flow.outer(number), |&outer| flow.outer(outer)).take(DEEP).count() as u32;
                self.candidates.push((Reverse(depth), number, turns, bytes * (turns - 1)));
            }
        }
        self.candidates.sort_unstable();
        let mut left = if body > LONGEST { 0 } else { body as u32 / 4 + 64 };
        for &(_, number, turns, more) in &self.candidates {
            if more <= left {
                left -= more;
                self.turns[number as usize] = turns;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.turns.clear();
    }
}

/// In bodies of more bytes, many short loops are of no importance.
const LONGEST: usize = 2000;

/// Loops deeper than that are as deep as that.
const DEEP: usize = 8;

impl Builder<'_> {
    /// Builds a loop whose header was just opened several times, if it was chosen.
    pub(super) fn unroll(&mut self, number: u32) {
        let turns = self.scratch.turns.turns.get(number as usize).copied().unwrap_or(1);
        let frame = self.scratch.frames.last_mut().expect("the loop's");
        if let (Kind::Loop(open), true) = (frame.kind, turns > 1) {
            let Loop { at, end, .. } = self.flow.loops[number as usize];
            frame.kind = Kind::Turn;
            self.scratch.unrolled = Some(Unrolled { at, end, left: turns - 1, open, behind: (NO_EDGE, 0) });
        }
    }

    /// Ends a turn that another one follows.
    pub(super) fn close_turn(&mut self) {
        let index = self.scratch.frames.len() - 1;
        let frame = self.scratch.frames[index];
        let mut unrolled = self.scratch.unrolled.take().expect("a turn has been opened");
        if self.is_open {
            // It falls out of the loop.
            let (edges, count) = unrolled.behind;
            self.scratch.frames[index] = Frame { kind: Kind::Block, edges, count, ..frame };
            self.jump_to_end(index);
            unrolled.behind = (self.scratch.frames[index].edges, self.scratch.frames[index].count);
        }
        // What goes back stands in the loop, and has its parameters.
        self.place = unrolled.at;
        self.scratch.frames[index] = Frame { kind: Kind::Block, results: frame.parameters, ..frame };
        self.close_frame();
        let height = self.scratch.stack.len() - if self.is_open { frame.parameters } else { 0 };
        unrolled.left = if self.is_open { unrolled.left - 1 } else { 0 };
        let next = Frame { kind: Kind::Turn, height, edges: NO_EDGE, count: 0, switch: (0, 0), ..frame };
        if unrolled.left > 0 {
            self.scratch.unrolled = Some(unrolled);
            self.scratch.frames.push(next);
        } else {
            let (edges, count) = unrolled.behind;
            self.scratch.frames.push(Frame { kind: Kind::Loop(unrolled.open), edges, count, ..next });
        }
        if self.is_open {
            translate(self.module, self.operators.between(unrolled.at, unrolled.end), self);
        } else {
            // Nothing goes back, or there is no room.
            self.place = unrolled.end;
            self.close_loop(unrolled.open);
            self.close_frame();
        }
    }
}
