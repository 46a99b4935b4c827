//! What a compiler that goes forward once wants to know beforehand: which locals matter, which loops touch which locals.
//!
//! One light pass over the body. Uses are weighted by loop depth. For loops there is one event list for the
//! whole function: each loop owns a range of it, nested loops' ranges lie inside their parents', and an event is a local that is
//! read or written at least once there. The list is linear in the body however deep loops nest.

use crate::Reader;
use crate::translate::skip_immediates;

/// What is known about one loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoopHints {
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
}

impl BodyHints {
    /// The locals a loop touches; may name a local more than once.
    pub fn touches(&self, hints: &LoopHints) -> impl Iterator<Item = Touch> + '_ {
        self.events[hints.events.start as usize..hints.events.end as usize]
            .iter()
            .map(|&event| Touch { local: event >> 1, written: event & 1 != 0 })
    }

    pub(crate) fn gather(&mut self, mut reader: Reader<'_>, locals: usize) {
        self.weights.clear();
        self.weights.resize(locals, 0);
        self.stamps.clear();
        self.stamps.resize(locals, 0);
        self.loops.clear();
        self.events.clear();
        self.open.clear();
        self.has_call = false;
        // `segment` changes wherever a loop begins or ends: a stamp of the same segment says that the event is recorded.
        let mut segment = 1u32;
        let mut weight = 1u32;
        let mut depth = 0u32;
        while !reader.at_end() {
            let opcode = reader.byte();
            match opcode {
                0x20..=0x22 => {
                    let local = reader.u32();
                    self.touch(local, opcode != 0x20, depth > 0, segment, weight);
                    continue;
                }
                0x02 | 0x04 => self.open.push(None),
                0x03 => {
                    self.open.push(Some(self.loops.len() as u32));
                    let start = self.events.len() as u32;
                    self.loops.push(LoopHints { events: start..start, has_call: false });
                    depth += 1;
                    segment += 1;
                    weight = weight_at(depth);
                }
                0x0b => {
                    if let Some(Some(index)) = self.open.pop() {
                        self.loops[index as usize].events.end = self.events.len() as u32;
                        depth -= 1;
                        segment += 1;
                        weight = weight_at(depth);
                    }
                }
                0x10 | 0x11 | 0x40 => self.call(),
                0xfc if reader.clone().u32() > 7 => self.call(),
                _ => {}
            }
            skip_immediates(opcode, &mut reader);
        }
    }

    #[inline]
    fn touch(&mut self, local: u32, written: bool, in_loop: bool, segment: u32, weight: u32) {
        let index = local as usize;
        self.weights[index] = self.weights[index].saturating_add(weight);
        if in_loop {
            // A stamp is the segment twice, plus one if the recorded event is a write.
            let stamp = segment << 1 | u32::from(written);
            if self.stamps[index] >> 1 != segment || self.stamps[index] < stamp {
                self.stamps[index] = stamp;
                self.events.push(local << 1 | u32::from(written));
            }
        }
    }

    fn call(&mut self) {
        self.has_call = true;
        for open in self.open.iter().rev().flatten() {
            let hints = &mut self.loops[*open as usize];
            if hints.has_call {
                break;
            }
            hints.has_call = true;
        }
    }
}

fn weight_at(depth: u32) -> u32 {
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
        hints.gather(Reader::new(&body, 0), 3);
        assert_eq!(hints.weights, [8, 64, 64]);
        let locals = |index: usize| hints.touches(&hints.loops[index]).map(|touch| (touch.local, touch.written)).collect::<Vec<_>>();
        assert_eq!(locals(0), [(0, false), (1, false), (2, true)]);
        assert_eq!(locals(1), [(1, false), (2, true)]);
        assert!(hints.loops[0].has_call && !hints.loops[1].has_call);
    }
}
