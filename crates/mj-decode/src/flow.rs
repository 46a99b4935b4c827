//! Which code is in which loop, and what the code of each loop does.
//!
//! A loop is the code that can still go back to its header. Between `loop` and `end` there is often code that leaves for good: an arm that ends in a
//! branch further out or in a return. It is written inside and runs once. One pass forward notes the operators that control depends on, and what else
//! is of interest; one pass backward over the notes finds what is in which loop, for what comes behind the end of a block is known by then.
//!
//! Code that cannot be reached counts, too.

use core::ops::Range;

use crate::Reader;
use crate::translate::skip_immediates;

/// What control depends on.
#[derive(Clone, Copy, Debug)]
enum Step {
    Block,
    If,
    /// With its number.
    Loop(u32),
    Else,
    /// With the number of the loop that it closes, or none.
    End(u32),
    /// A branch to the label at this depth that may be taken.
    Label(u32),
    /// Control does not go on behind it: `return`, `unreachable`, and what follows the labels of `br` and `br_table`.
    Leave,
}

/// A step, and what is known of the code from there to the next one.
#[derive(Clone, Copy, Debug)]
struct Note {
    step: Step,
    /// Offset in the module behind the opcode.
    behind: u32,
    /// Number of the innermost loop that the code is in.
    inside: u32,
    effects: Effects,
}

/// What the code of a loop does.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Effects {
    /// It calls a function or a helper.
    pub calls: bool,
    /// It stores to a memory.
    pub stores: bool,
    /// It sets a global.
    pub sets_globals: bool,
}

/// A loop.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Offset in the module of its first operator.
    pub at: u32,
    /// Offset in the module behind its `end`.
    pub end: u32,
    /// Something branches back to it.
    pub is_target: bool,
    /// What its code does.
    pub effects: Effects,
    /// Number of the loop that it is in.
    around: u32,
    /// Places of it and of all loops in it, when loops are in the order of a tree: one in another is told by its first place.
    places: Range<u32>,
    /// Where the next loop in it goes, while places are given.
    next: u32,
    /// What is written between its `loop` and its `end`.
    writes: Range<u32>,
}

/// A local that is written behind a step.
#[derive(Clone, Copy, Debug)]
struct Write {
    local: u32,
    note: u32,
}

/// No loop.
const NONE: u32 = u32::MAX;

/// Loops this deep and deeper are told apart no more: what may go back to one of them counts as part of the innermost one.
const DEEPEST: usize = 63;

/// The flow of one body; reusable.
#[derive(Default, Debug)]
pub struct Flow {
    /// Loops in the order of their `loop` operators: the index is the loop's number.
    pub loops: Vec<Loop>,
    notes: Vec<Note>,
    writes: Vec<Write>,
    /// By local, the note behind which a write was recorded last, counted from 1.
    stamps: Vec<u32>,
    /// Open blocks while going forward: numbers of loops, or none.
    open: Vec<u32>,
    /// The loops among them, while going either way.
    open_loops: Vec<u32>,
    frames: Vec<Frame>,
}

/// A block that is open while going backward. Sets of loops have a bit for each depth.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Loops that control can go back to behind its end.
    behind: u64,
    /// Loops that control can go back to from its `else`, or behind its end if it has none.
    otherwise: u64,
    /// The loop that it is, as a set.
    own: Option<u64>,
}

impl Flow {
    /// Finds the loops of a body with so many locals; `reader` stands at its first operator.
    pub fn find(&mut self, locals: usize, reader: Reader<'_>) {
        self.loops.clear();
        self.notes.clear();
        self.writes.clear();
        self.stamps.clear();
        self.stamps.resize(locals, 0);
        self.open.clear();
        self.open_loops.clear();
        self.note(Step::Leave, reader.offset());
        self.go_forward(reader);
        if !self.loops.is_empty() {
            self.go_backward();
            self.gather_effects();
            self.order_loops();
        }
    }

    /// Number of the body's locals.
    #[must_use]
    pub fn locals(&self) -> usize {
        self.stamps.len()
    }

    fn note(&mut self, step: Step, behind: u32) {
        self.notes.push(Note { step, behind, inside: NONE, effects: Effects::default() });
    }

    fn effects(&mut self) -> &mut Effects {
        &mut self.notes.last_mut().expect("the first note is of the beginning").effects
    }

    fn go_forward(&mut self, mut reader: Reader<'_>) {
        while !reader.at_end() {
            let opcode = reader.byte();
            let behind = reader.offset();
            match opcode {
                0x00 | 0x0f => self.note(Step::Leave, behind),
                0x02 | 0x04 => {
                    reader.skip_number();
                    self.open.push(NONE);
                    self.note(if opcode == 0x02 { Step::Block } else { Step::If }, behind);
                }
                0x03 => {
                    reader.skip_number();
                    self.open_loop(behind, reader.offset());
                }
                0x05 => self.note(Step::Else, behind),
                0x0b => self.close(behind),
                0x0c | 0x0d => {
                    self.label(reader.u32(), behind);
                    if opcode == 0x0c {
                        self.note(Step::Leave, behind);
                    }
                }
                0x0e => {
                    for _ in 0..=reader.u32() {
                        self.label(reader.u32(), behind);
                    }
                    self.note(Step::Leave, behind);
                }
                0x21 | 0x22 => self.write(reader.u32()),
                0x24 => {
                    reader.skip_number();
                    self.effects().sets_globals = true;
                }
                0x36..=0x3e => {
                    self.effects().stores = true;
                    skip_immediates(opcode, &mut reader);
                }
                0x10 | 0x11 | 0x40 => {
                    self.effects().calls = true;
                    skip_immediates(opcode, &mut reader);
                }
                0xfc => {
                    self.effects().calls |= reader.clone().u32() > 7;
                    skip_immediates(opcode, &mut reader);
                }
                _ => skip_immediates(opcode, &mut reader),
            }
        }
    }

    fn open_loop(&mut self, behind: u32, at: u32) {
        let number = self.loops.len() as u32;
        let writes = self.writes.len() as u32;
        self.loops.push(Loop {
            at,
            end: at,
            is_target: false,
            effects: Effects::default(),
            around: NONE,
            places: 0..1,
            next: 0,
            writes: writes..writes,
        });
        self.open.push(number);
        self.open_loops.push(number);
        self.note(Step::Loop(number), behind);
    }

    fn close(&mut self, behind: u32) {
        // The body's own `end` closes nothing.
        let number = self.open.pop().unwrap_or(NONE);
        if let Some(closed) = self.loops.get_mut(number as usize) {
            closed.end = behind;
            closed.writes.end = self.writes.len() as u32;
            self.open_loops.pop();
        }
        self.note(Step::End(number), behind);
    }

    fn label(&mut self, depth: u32, behind: u32) {
        if let Some(index) = self.open.len().checked_sub(depth as usize + 1)
            && let Some(target) = self.loops.get_mut(self.open[index] as usize)
        {
            target.is_target = true;
        }
        self.note(Step::Label(depth), behind);
    }

    fn write(&mut self, local: u32) {
        let note = self.notes.len() as u32;
        if !self.open_loops.is_empty() && core::mem::replace(&mut self.stamps[local as usize], note) != note {
            self.writes.push(Write { local, note: note - 1 });
        }
    }

    fn go_backward(&mut self) {
        self.frames.clear();
        self.open_loops.clear();
        let mut reach = 0u64;
        for index in (0..self.notes.len()).rev() {
            self.notes[index].inside = deepest(reach, &self.open_loops);
            match self.notes[index].step {
                Step::End(number) => {
                    let own = (number != NONE).then(|| bit(self.open_loops.len()));
                    self.open_loops.extend(own.map(|_| number));
                    self.frames.push(Frame { behind: reach, otherwise: reach, own });
                }
                Step::Else => {
                    if let Some(frame) = self.frames.last_mut() {
                        frame.otherwise = core::mem::replace(&mut reach, frame.behind);
                    }
                }
                Step::If => reach |= self.frames.pop().map_or(0, |frame| frame.otherwise),
                Step::Block => {
                    self.frames.pop();
                }
                Step::Loop(number) => {
                    self.frames.pop();
                    self.open_loops.pop();
                    if self.open_loops.len() <= DEEPEST {
                        reach &= !bit(self.open_loops.len());
                    }
                    self.loops[number as usize].around = deepest(reach, &self.open_loops);
                }
                Step::Label(depth) => reach |= self.target(depth),
                Step::Leave => reach = 0,
            }
        }
    }

    /// Where a branch to the label at this depth can go back to.
    fn target(&self, depth: u32) -> u64 {
        let frame = self.frames.len().checked_sub(depth as usize + 1).map(|index| self.frames[index]);
        frame.map_or(0, |frame| frame.own.unwrap_or(frame.behind))
    }

    fn gather_effects(&mut self) {
        for &Note { inside, effects, .. } in &self.notes {
            if let Some(inner) = self.loops.get_mut(inside as usize) {
                inner.effects |= effects;
            }
        }
        // Inner loops have greater numbers.
        for number in (0..self.loops.len()).rev() {
            let Loop { around, effects, .. } = self.loops[number];
            if let Some(outer) = self.loops.get_mut(around as usize) {
                outer.effects |= effects;
            }
        }
    }

    /// The number of the loop whose first operator is at this offset in the module.
    #[must_use]
    pub fn number_at(&self, at: u32) -> Option<u32> {
        self.loops.binary_search_by_key(&at, |one| one.at).ok().map(|index| index as u32)
    }

    /// The number of the innermost loop that the code at this offset is in; an operator of control flow is where it ends.
    #[must_use]
    pub fn loop_around(&self, offset: u32) -> Option<u32> {
        let index = self.notes.partition_point(|note| note.behind <= offset).checked_sub(1)?;
        Some(self.notes[index].inside).filter(|&number| number != NONE)
    }

    /// The number of the loop that a loop is in.
    #[must_use]
    pub fn outer(&self, number: u32) -> Option<u32> {
        Some(self.loops[number as usize].around).filter(|&number| number != NONE)
    }

    /// The locals that the code of a loop writes; may name one more than once.
    pub fn written(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let Range { start, end } = self.loops[number as usize].writes;
        let writes = &self.writes[start as usize..end as usize];
        writes.iter().filter(move |write| self.is_in(self.notes[write.note as usize].inside, number)).map(|write| write.local)
    }

    /// Whether a loop is another one or in it.
    fn is_in(&self, inner: u32, outer: u32) -> bool {
        inner != NONE && self.loops[outer as usize].places.contains(&self.loops[inner as usize].places.start)
    }

    /// Gives every loop its places. Its number is greater than that of the loop it is in.
    fn order_loops(&mut self) {
        for number in (0..self.loops.len()).rev() {
            let Loop { around, places: Range { end: count, .. }, .. } = self.loops[number];
            if let Some(outer) = self.loops.get_mut(around as usize) {
                outer.places.end += count;
            }
        }
        let mut outermost = 0;
        for number in 0..self.loops.len() {
            let Loop { around, places: Range { end: count, .. }, .. } = self.loops[number];
            let next = self.loops.get(around as usize).map_or(outermost, |outer| outer.next);
            match self.loops.get_mut(around as usize) {
                Some(outer) => outer.next += count,
                None => outermost += count,
            }
            let one = &mut self.loops[number];
            (one.places, one.next) = (next..next + count, next + 1);
        }
    }
}

impl core::ops::BitOrAssign for Effects {
    fn bitor_assign(&mut self, other: Self) {
        self.calls |= other.calls;
        self.stores |= other.stores;
        self.sets_globals |= other.sets_globals;
    }
}

fn bit(depth: usize) -> u64 {
    1 << depth.min(DEEPEST)
}

/// The innermost loop of a set.
fn deepest(reach: u64, loops: &[u32]) -> u32 {
    match reach.checked_ilog2() {
        None => NONE,
        Some(depth) if depth as usize == DEEPEST => loops.last().copied().unwrap_or(NONE),
        Some(depth) => loops.get(depth as usize).copied().unwrap_or(NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(body: &[u8]) -> Flow {
        let mut flow = Flow::default();
        flow.find(4, Reader::new(body, 0));
        flow
    }

    #[test]
    fn an_arm_that_leaves_is_in_no_loop() {
        // loop; (local.get 0); if; (local.set 2 (local.get 0)); else; (local.set 1 (local.get 0)); br 1; end; end; end
        let body = [0x03, 0x40, 0x20, 0, 0x04, 0x40, 0x20, 0, 0x21, 2, 0x05, 0x20, 0, 0x21, 1, 0x0c, 1, 0x0b, 0x0b, 0x0b];
        let flow = flow(&body);
        assert_eq!([0, 2, 6, 11, 19].map(|at| flow.loop_around(at)), [None, Some(0), None, Some(0), None]);
        assert_eq!(flow.written(0).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn a_loop_in_such_an_arm_is_in_the_loop_around() {
        // loop; loop; block; br_if 0 (local.get 0); loop; br_if 0 (local.get 0); end; br_if 2 (local.get 0); return; end; br 0; end; end; end
        let body = [
            0x03, 0x40, 0x03, 0x40, 0x02, 0x40, 0x20, 0, 0x0d, 0, 0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b, 0x20, 0, 0x0d, 2, 0x0f, 0x0b, 0x0c,
            0, 0x0b, 0x0b, 0x0b,
        ];
        let flow = flow(&body);
        let expected = [Some(0), Some(1), Some(2), Some(0), None, Some(1), None];
        assert_eq!([2, 4, 12, 17, 21, 23, 26].map(|at| flow.loop_around(at)), expected);
        assert_eq!([0, 1, 2].map(|number| flow.outer(number)), [None, Some(0), Some(0)]);
        assert!(flow.loops.iter().all(|one| one.is_target));
        assert_eq!(flow.loops[1].end, 26);
    }

    #[test]
    fn loops_know_what_their_code_does() {
        // loop; loop; br_if 1 (i32.const 0); end; (i32.store (i32.const 0) (i32.const 0)); loop; (global.set 0 (i32.const 0)); br 0; end; end; call 0; end
        let body = [
            0x03, 0x40, 0x03, 0x40, 0x41, 0, 0x0d, 1, 0x0b, 0x41, 0, 0x41, 0, 0x36, 2, 0, 0x03, 0x40, 0x41, 0, 0x24, 0, 0x0c, 0, 0x0b,
            0x0b, 0x10, 0, 0x0b,
        ];
        let flow = flow(&body);
        let nothing = Effects::default();
        let effects: Vec<_> = flow.loops.iter().map(|one| (one.is_target, one.effects)).collect();
        // The store leads only to the last loop, which never ends.
        assert_eq!(effects, [(true, nothing), (false, nothing), (true, Effects { sets_globals: true, ..nothing })]);
    }
}
