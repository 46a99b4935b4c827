//! Short loops several turns at a time.
//!
//! The body is built again and again: what goes back in one turn goes on in the next, and the last turn's goes back to the header. What stands at the
//! header, such as the look whether someone interrupts, is then done once for all of them, and so is bringing values back to where the header wants
//! them. Each turn still decides for itself whether it is the last.

use mj_decode::translate;

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

/// How many bytes of turns one function takes in.
pub(super) const UNROLLED: u32 = 2000;

impl Builder<'_> {
    /// Builds a loop whose header was just opened several times, if it is short, and has no calls and no loops in it.
    pub(super) fn unroll(&mut self, number: u32) {
        let row = &self.flow.loops[number as usize];
        let (at, end) = (row.at, row.end);
        let is_innermost = self.flow.loops.get(number as usize + 1).is_none_or(|next| next.at >= end);
        if !self.options.unroll || row.effects.calls || !is_innermost {
            return;
        }
        let Some(&(_, turns)) = TURNS.iter().find(|&&(bytes, _)| end - at <= bytes) else { return };
        let more = (end - at) * (turns - 1);
        let frame = self.scratch.frames.last_mut().expect("the loop's");
        if let (Kind::Loop(open), true) = (frame.kind, more <= self.turns) {
            self.turns -= more;
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
