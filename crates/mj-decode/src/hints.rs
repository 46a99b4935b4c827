//! What a compiler that goes forward once wants to know beforehand: which locals matter, which loops touch which locals.
//!
//! One light pass, over a whole body or over one outermost loop at a time. Uses are weighted by loop depth. For loops there is one event
//! list: each loop owns a range of it, nested loops' ranges lie inside their parents', and an event is a local that is
//! read or written at least once there. The list is linear in the body however deep loops nest.
//!
//! Code that cannot be reached counts too, so a loop is found by its position, not by counting.

use crate::Reader;
use crate::translate::skip_immediates;

/// What is known about one loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoopHints {
    /// Offset in the module of the loop's first operator.
    pub at: u32,
    events: core::ops::Range<u32>,
    /// Something in the loop calls.
    pub has_call: bool,
}

/// A local touched in a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The local.
    pub local: u32,
    /// Written, not only read.
    pub written: bool,
}

/// Hints of one function body; reusable.
#[derive(Default, Debug)]
pub struct BodyHints {
    /// Uses of each local, weighted by 8 per loop depth, saturating.
    pub weights: Vec<u32>,
    /// Loops in the order of their `loop` operators.
    pub loops: Vec<LoopHints>,
    /// Something in the body calls a function or a helper.
    pub has_call: bool,
    events: Vec<u32>,
    stamps: Vec<u32>,
    open: Vec<Option<u32>>,
    open_loops: Vec<u32>,
    /// Changes wherever a loop begins or ends: a stamp of the same segment says that the event is recorded.
    segment: u32,
}

/// What the pass does at an opcode.
#[derive(Clone, Copy)]
enum Scan {
    Nothing,
    /// One LEB128 number follows.
    Number,
    /// Two of them follow (a multi-memory access, with three, is not supported).
    Memory,
    Local,
    Block,
    Loop,
    End,
    Call,
    Other,
}

static SCAN: [Scan; 256] = {
    let mut table = [Scan::Other; 256];
    let mut opcode = 0;
    while opcode < 256 {
        table[opcode] = match opcode {
            0x00 | 0x01 | 0x05 | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => Scan::Nothing,
            0x0c | 0x0d | 0x23..=0x26 | 0x3f | 0x41 | 0x42 | 0xd0 | 0xd2 => Scan::Number,
            0x28..=0x3e => Scan::Memory,
            0x20..=0x22 => Scan::Local,
            0x02 | 0x04 => Scan::Block,
            0x03 => Scan::Loop,
            0x0b => Scan::End,
            0x10 | 0x11 | 0x40 => Scan::Call,
            _ => Scan::Other,
        };
        opcode += 1;
    }
    table
};

impl BodyHints {
    /// The locals a loop touches; may name a local more than once.
    pub fn touches(&self, hints: &LoopHints) -> impl Iterator<Item = Touch> + '_ {
        self.events[hints.events.start as usize..hints.events.end as usize]
            .iter()
            .map(|&event| Touch { local: event >> 1, written: event & 1 != 0 })
    }

    /// Forgets everything, for a body with this many locals.
    pub fn begin(&mut self, locals: usize) {
        self.weights.clear();
        self.weights.resize(locals, 0);
        self.stamps.clear();
        self.stamps.resize(locals, 0);
        self.segment = 1;
        self.has_call = false;
        self.forget_loops();
    }

    fn forget_loops(&mut self) {
        self.loops.clear();
        self.events.clear();
        self.open.clear();
        self.open_loops.clear();
    }

    /// Gathers the hints of the rest of a body.
    pub fn gather(&mut self, reader: Reader<'_>) {
        self.forget_loops();
        self.run(reader, false);
    }

    /// Gathers the hints of an outermost loop and the loops in it, in place of those of the last one; `reader` stands at its first operator.
    pub fn gather_loop(&mut self, reader: Reader<'_>) {
        self.forget_loops();
        self.open_loop(&reader);
        self.run(reader, true);
    }

    /// The hints of the loop whose first operator is at this offset in the module.
    #[must_use]
    pub fn loop_at(&self, at: u32) -> Option<&LoopHints> {
        self.loops.binary_search_by_key(&at, |hints| hints.at).ok().map(|index| &self.loops[index])
    }

    fn open_loop(&mut self, reader: &Reader<'_>) {
        let index = self.loops.len() as u32;
        let start = self.events.len() as u32;
        self.loops.push(LoopHints { at: reader.offset(), events: start..start, ..LoopHints::default() });
        self.open.push(Some(index));
        self.open_loops.push(index);
        self.segment += 1;
    }

    /// Goes on to the end of the bytes, or until the loop that is open first is closed.
    fn run(&mut self, mut reader: Reader<'_>, one_loop: bool) {
        let mut weight = weight_at(self.open_loops.len());
        while !reader.at_end() {
            let opcode = reader.byte();
            match SCAN[usize::from(opcode)] {
                Scan::Nothing => {}
                Scan::Number => reader.skip_number(),
                Scan::Memory => {
                    reader.skip_number();
                    reader.skip_number();
                }
                Scan::Local => {
                    let local = reader.u32();
                    self.touch(local, opcode != 0x20, weight);
                }
                Scan::Block => {
                    reader.skip_number();
                    self.open.push(None);
                }
                Scan::Loop => {
                    reader.skip_number();
                    self.open_loop(&reader);
                    weight = weight_at(self.open_loops.len());
                }
                Scan::End => {
                    if let Some(Some(index)) = self.open.pop() {
                        let hints = &mut self.loops[index as usize];
                        hints.events.end = self.events.len() as u32;
                        self.open_loops.pop();
                        self.segment += 1;
                        weight = weight_at(self.open_loops.len());
                        if one_loop && self.open.is_empty() {
                            return;
                        }
                    }
                }
                Scan::Call => {
                    self.call();
                    skip_immediates(opcode, &mut reader);
                }
                Scan::Other => {
                    if opcode == 0xfc && reader.clone().u32() > 7 {
                        self.call();
                    }
                    skip_immediates(opcode, &mut reader);
                }
            }
        }
    }

    #[inline]
    fn touch(&mut self, local: u32, written: bool, weight: u32) {
        let index = local as usize;
        self.weights[index] = self.weights[index].saturating_add(weight);
        if !self.open_loops.is_empty() {
            // A stamp is the segment twice, plus one if the recorded event is a write.
            let stamp = self.segment << 1 | u32::from(written);
            if self.stamps[index] >> 1 != self.segment || self.stamps[index] < stamp {
                self.stamps[index] = stamp;
                self.events.push(local << 1 | u32::from(written));
            }
        }
    }

    fn call(&mut self) {
        self.has_call = true;
        self.mark(|hints| &mut hints.has_call);
    }

    /// Sets `claim` for all open loops.
    #[inline]
    fn mark(&mut self, claim: impl Fn(&mut LoopHints) -> &mut bool) {
        for &open in self.open_loops.iter().rev() {
            let claim = claim(&mut self.loops[open as usize]);
            if *claim {
                break;
            }
            *claim = true;
        }
    }
}

fn weight_at(depth: usize) -> u32 {
    1 << (3 * depth.min(7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_know_their_locals_and_calls() {
        // loop (local.get 0) drop loop (local.get 1) (local.set 2) end call 0 end end
        let body = [0x03, 0x40, 0x20, 0, 0x1a, 0x03, 0x40, 0x20, 1, 0x21, 2, 0x0b, 0x10, 0, 0x0b, 0x0b];
        let mut hints = BodyHints::default();
        hints.begin(3);
        hints.gather(Reader::new(&body, 0));
        assert_eq!(hints.weights, [8, 64, 64]);
        let locals = |index: usize| hints.touches(&hints.loops[index]).map(|touch| (touch.local, touch.written)).collect::<Vec<_>>();
        assert_eq!(locals(0), [(0, false), (1, false), (2, true)]);
        assert_eq!(locals(1), [(1, false), (2, true)]);
        assert!(hints.loops[0].has_call && !hints.loops[1].has_call);
        hints.begin(3);
        hints.gather_loop(Reader::new(&body[2..], 2));
        assert_eq!(hints.loop_at(7).map(|hints| hints.has_call), Some(false));
        assert_eq!((hints.loops.len(), hints.loop_at(3)), (2, None));
    }
}
