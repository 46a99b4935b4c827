//! The code buffer: bytes, labels, and the fixups between them.
//!
//! It is on the hot path of a compiler that spends a hundred cycles on an operator, so the bytes are kept as a vector at full
//! length with a cursor: an instruction is built in one word and written as eight bytes with one bounds check, and the bytes above
//! its length are overwritten by the next one. Room is made by [`CodeBuffer::reserve`], once an operator.
//!
//! A label may be used before it is bound: its uses form a chain, which [`CodeBuffer::bind`] walks. A use of a bound label
//! is patched at once. Labels belong to one function and are forgotten by [`CodeBuffer::finish_function`]; offsets go on.
//!
//! Fields that do not reach through a whole function say so by their kind. Before they run out of reach, [`CodeBuffer::needs_island`] asks for an
//! *island*: constants, and veneers that branches go through. Where that cannot happen, nothing is counted and nothing asked.
//!
//! Invariants: a label is bound exactly once. A used label is bound before its function is finished. A buffer is less than 2 GiB.

use mj_abi::Site;

use crate::constants::{Constant, Constants};
use crate::fixup::{Excess, FixupKind};
use crate::reach::{Branch, Pending, Reaches};

/// Bytes that one [`CodeBuffer::put`] writes.
const WORD: usize = 8;

/// Bytes that may be written beyond the end of the code.
const HEADROOM: usize = 2 * WORD;

/// In a label's word: it is bound, and the other bits are its offset. Otherwise the word is the number of the last fixup
/// of its chain plus one, or 0.
const BOUND: u32 = 1 << 31;

/// A place in the code of the current function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Label(u32);

impl Label {
    /// The label's number, dense from 0 in each function.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The label with this number.
    #[must_use]
    #[inline]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// A reference to another function's entry, to be filled in when the code is placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relocation {
    /// Offset of the 32-bit pc-relative field in the buffer. The distance counts from the end of the field.
    pub at: u32,
    /// What is referred to: index among the module's own functions.
    pub function: u32,
}

/// A state of a buffer, see [`CodeBuffer::mark`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    cursor: u32,
    sites: usize,
    relocations: usize,
}

#[derive(Clone, Copy, Debug)]
struct Fixup {
    at: u32,
    /// The offset that distances count from.
    base: u32,
    /// The next one in the label's chain plus one, or 0.
    next: u32,
    kind: FixupKind,
}

/// Code under construction; see the module's header.
#[derive(Default, Debug)]
pub struct CodeBuffer {
    bytes: Vec<u8>,
    cursor: u32,
    /// Where the last label was bound.
    last_bound: u32,
    labels: Vec<u32>,
    fixups: Vec<Fixup>,
    constants: Constants,
    reaches: Reaches,
    sites: Vec<Site>,
    relocations: Vec<Relocation>,
}

impl CodeBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offset of the next byte.
    #[must_use]
    #[inline]
    pub fn offset(&self) -> usize {
        self.cursor as usize
    }

    /// The code so far.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.bytes[..self.offset()]
    }

    /// Makes sure that `count` more bytes can be [`put`](Self::put), plus the words that the last one writes.
    ///
    /// # Panics
    /// If the buffer would reach 2 GiB.
    #[inline]
    pub fn reserve(&mut self, count: usize) {
        if self.bytes.len() - self.offset() < count + HEADROOM {
            self.grow(count);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, count: usize) {
        let needed = self.offset() + count + HEADROOM;
        assert!(needed < BOUND as usize, "a unit of machine code is limited to 2 GiB");
        self.bytes.resize(needed.next_power_of_two().max(4096), 0);
    }

    /// Appends the low `length` bytes (0 to 8) of `value`, lowest first.
    ///
    /// # Panics
    /// If the room was not [reserved](Self::reserve).
    #[inline]
    pub fn put(&mut self, value: u64, length: usize) {
        debug_assert!(length <= WORD);
        let at = self.cursor as usize;
        self.bytes[at..at + WORD].copy_from_slice(&value.to_le_bytes());
        self.cursor += length as u32;
    }

    /// Appends the low `first_length` bytes of `first`, then the low `second_length` bytes of `second`, with one check for both.
    ///
    /// # Panics
    /// As [`put`](Self::put).
    #[inline]
    pub fn put_pair(&mut self, first: u64, first_length: usize, second: u64, second_length: usize) {
        debug_assert!(first_length <= WORD && second_length <= WORD);
        let at = self.cursor as usize;
        let room = &mut self.bytes[at..at + 2 * WORD];
        room[..WORD].copy_from_slice(&first.to_le_bytes());
        // The minimum lets the compiler see that the second word is inside.
        let middle = first_length.min(WORD);
        room[middle..middle + WORD].copy_from_slice(&second.to_le_bytes());
        self.cursor += (first_length + second_length) as u32;
    }

    /// Appends bytes of any number, reserving room for them.
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        let at = self.offset();
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.cursor += bytes.len() as u32;
    }

    /// Appends zeroed bytes, reserving room for them: space to be filled by [`move_tail`](Self::move_tail).
    pub fn put_space(&mut self, count: usize) {
        self.reserve(count);
        let at = self.offset();
        self.bytes[at..at + count].fill(0);
        self.cursor += count as u32;
    }

    /// Appends `fill` until the offset is a multiple of `alignment` (a power of two).
    pub fn align(&mut self, alignment: usize, fill: u8) {
        let at = self.offset();
        let end = at.next_multiple_of(alignment);
        self.reserve(end - at);
        self.bytes[at..end].fill(fill);
        self.cursor = end as u32;
    }

    /// Takes the bytes from `from` to the end off the end and writes them at `to`: for a prologue, which is known last but comes
    /// first. They must not refer to labels.
    ///
    /// # Panics
    /// If the bytes do not fit between `to` and `from`.
    pub fn move_tail(&mut self, from: usize, to: usize) {
        let end = self.offset();
        assert!(to + (end - from) <= from, "no room for {} bytes at {to}", end - from);
        self.bytes.copy_within(from..end, to);
        self.cursor = from as u32;
    }

    /// The 32-bit word at `at`.
    #[must_use]
    #[inline]
    pub fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().expect("four bytes"))
    }

    /// Overwrites the 32-bit word at `at`.
    #[inline]
    pub fn patch(&mut self, at: usize, word: u32) {
        self.bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    /// A new label.
    #[inline]
    pub fn label(&mut self) -> Label {
        self.labels.push(0);
        Label(self.labels.len() as u32 - 1)
    }

    /// A new label, bound here.
    #[inline]
    pub fn label_here(&mut self) -> Label {
        self.last_bound = self.cursor;
        self.labels.push(self.cursor | BOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Makes `label` refer to the current end of the code.
    #[inline]
    pub fn bind(&mut self, label: Label) {
        let offset = self.cursor;
        self.last_bound = offset;
        let mut next = core::mem::replace(&mut self.labels[label.0 as usize], offset | BOUND);
        debug_assert!(next & BOUND == 0, "{label:?} is bound twice");
        while next != 0 {
            let fixup = self.fixups[next as usize - 1];
            self.apply(fixup, offset);
            next = fixup.next;
        }
    }

    /// Whether a label is bound at the current end of the code, so that control may come from elsewhere.
    #[must_use]
    #[inline]
    pub fn is_target(&self) -> bool {
        self.last_bound == self.cursor
    }

    /// Whether a label was bound at `offset` or behind it, so that control may have come from elsewhere since.
    #[must_use]
    #[inline]
    pub fn is_target_since(&self, offset: usize) -> bool {
        self.last_bound as usize >= offset
    }

    /// The offset of a label, if it is bound already.
    #[must_use]
    #[inline]
    pub fn label_offset(&self, label: Label) -> Option<usize> {
        let word = self.labels[label.0 as usize];
        (word & BOUND != 0).then_some((word & !BOUND) as usize)
    }

    /// Whether `label` was used before it was bound, or is bound.
    #[must_use]
    #[inline]
    pub fn is_used_or_bound(&self, label: Label) -> bool {
        self.labels[label.0 as usize] != 0
    }

    /// Lets the field `kind` at `at` hold the distance from offset `base` to `label`, now or when the label is bound.
    /// The bytes must have been put.
    ///
    /// # Panics
    /// If the distance does not fit the field.
    #[inline]
    pub fn use_label(&mut self, label: Label, at: usize, base: usize, kind: FixupKind) {
        let word = self.labels[label.0 as usize];
        let fixup = Fixup { at: at as u32, base: base as u32, next: word, kind };
        if word & BOUND != 0 {
            self.apply(fixup, word & !BOUND);
        } else {
            self.fixups.push(fixup);
            self.labels[label.0 as usize] = self.fixups.len() as u32;
            match kind.excess {
                Excess::Cut | Excess::Refused => {}
                Excess::Veneer => self.reaches.add(kind, Pending { fixup: self.fixups.len() as u32 - 1, base: base as u32, label }),
                Excess::Constant => self.reaches.add_constant_use(kind, base as u32),
            }
        }
    }

    /// Takes the last `length` bytes off again: an instruction that the next one makes superfluous. Nothing may refer to them or behind them.
    #[inline]
    pub fn take_back(&mut self, length: usize) {
        debug_assert!(!self.is_target(), "the end of the code is a label's");
        self.cursor -= length as u32;
    }

    /// Whether [`put_island`](Self::put_island) has to be called before `count` more bytes are put, because some field would not reach its label.
    #[must_use]
    #[inline]
    pub fn needs_island(&self, count: usize) -> bool {
        self.reaches.are_at_risk(self.offset() + count)
    }

    /// Puts an island, if one is needed in front of the next `count` bytes: `branch` around it, constants, and a `branch` for each use of a label that
    /// is not bound by now and would be out of reach soon. Control comes from above and goes on behind.
    #[cold]
    #[inline(never)]
    pub fn put_island(&mut self, count: usize, branch: Branch, fill: u8) {
        let labels = &self.labels;
        let due = self.reaches.due(self.cursor as usize + count, |pending| labels[pending.label.0 as usize] & BOUND == 0);
        if due.branches.is_empty() && !due.constants {
            return;
        }
        let over = self.label();
        self.reserve(4 * due.branches.len() + self.constants.size() + 64);
        self.put_branch(over, branch);
        for Pending { fixup, label, .. } in due.branches {
            // The veneer takes the place of its user in the label's chain.
            let user = self.fixups[fixup as usize];
            let at = self.cursor;
            self.apply(user, at);
            self.put(u64::from(branch.word), 4);
            self.fixups[fixup as usize] = Fixup { at, base: at, next: user.next, kind: branch.kind };
            self.reaches.add(branch.kind, Pending { fixup, base: at, label });
        }
        if due.constants {
            self.put_constants(fill);
        }
        self.bind(over);
    }

    fn put_branch(&mut self, to: Label, branch: Branch) {
        let at = self.offset();
        self.put(u64::from(branch.word), 4);
        self.use_label(to, at, at, branch.kind);
    }

    #[inline]
    fn apply(&mut self, fixup: Fixup, target: u32) {
        let distance = (target as i32).wrapping_sub(fixup.base as i32);
        if !fixup.kind.fits(distance) {
            does_not_fit(fixup, distance);
        }
        // Four bytes are there even for a byte at the end of the code: the buffer goes on behind it.
        let at = fixup.at as usize;
        let field: &mut [u8; 4] = (&mut self.bytes[at..at + 4]).try_into().expect("four bytes");
        *field = fixup.kind.apply(u32::from_le_bytes(*field), distance).to_le_bytes();
    }

    /// The label of an 8-byte constant that [`finish_function`](Self::finish_function) puts behind the code.
    pub fn constant8(&mut self, bits: u64) -> Label {
        self.constant(u128::from(bits), false)
    }

    /// The label of a 16-byte constant, 16-aligned, that [`finish_function`](Self::finish_function) puts behind the code.
    pub fn constant16(&mut self, bits: u128) -> Label {
        self.constant(bits, true)
    }

    fn constant(&mut self, bits: u128, is_wide: bool) -> Label {
        if let Some(label) = self.constants.find(bits, is_wide) {
            return label;
        }
        let label = self.label();
        self.constants.add(Constant { bits, is_wide, label });
        self.reaches.add_constant(if is_wide { 16 } else { 8 });
        label
    }

    /// Puts the function's constants at the end and forgets its labels. `fill` pads in front of the constants.
    pub fn finish_function(&mut self, fill: u8) {
        if !self.constants.is_empty() {
            self.put_constants(fill);
        }
        debug_assert!(self.labels.iter().all(|&word| word == 0 || word & BOUND != 0), "a label is used but not bound");
        self.labels.clear();
        self.fixups.clear();
        self.reaches.clear();
    }

    fn put_constants(&mut self, fill: u8) {
        let mut constants = core::mem::take(&mut self.constants);
        self.align(16, fill);
        self.reserve(constants.size());
        for constant in constants.in_order() {
            self.bind(constant.label);
            self.put(constant.bits as u64, 8);
            if constant.is_wide {
                self.put((constant.bits >> 64) as u64, 8);
            }
        }
        constants.clear();
        self.constants = constants;
        self.reaches.forget_constants();
    }

    /// Appends a site; offsets must not decrease.
    #[inline]
    pub fn add_site(&mut self, site: Site) {
        debug_assert!(self.sites.last().is_none_or(|last| last.code <= site.code), "sites are in the order of the code");
        self.sites.push(site);
    }

    /// The sites so far.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Records that the 32-bit field at `at` refers to `function`'s entry.
    #[inline]
    pub fn add_relocation(&mut self, at: usize, function: u32) {
        self.relocations.push(Relocation { at: at as u32, function });
    }

    /// The relocations so far.
    #[must_use]
    pub fn relocations(&self) -> &[Relocation] {
        &self.relocations
    }

    /// The buffer's present state, to go back to. To be taken between functions.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { cursor: self.cursor, sites: self.sites.len(), relocations: self.relocations.len() }
    }

    /// Forgets everything since `mark`, labels and constants of the current function included: for a function whose
    /// compilation failed.
    pub fn rewind(&mut self, mark: Mark) {
        assert!(mark.cursor <= self.cursor, "a buffer is rewound to a mark that lies behind its end");
        self.cursor = mark.cursor;
        // What was bound behind it is nothing's target any more.
        self.last_bound = self.last_bound.min(mark.cursor);
        self.sites.truncate(mark.sites);
        self.relocations.truncate(mark.relocations);
        self.labels.clear();
        self.fixups.clear();
        self.constants.clear();
        self.reaches.clear();
    }

    /// Empties the buffer and keeps its allocations.
    pub fn clear(&mut self) {
        self.rewind(Mark { cursor: 0, sites: 0, relocations: 0 });
    }

    /// Hands out code, sites and relocations, and is empty afterwards.
    pub fn take(&mut self) -> (Vec<u8>, Vec<Site>, Vec<Relocation>) {
        let mut code = core::mem::take(&mut self.bytes);
        code.truncate(self.offset());
        let parts = (code, core::mem::take(&mut self.sites), core::mem::take(&mut self.relocations));
        self.clear();
        parts
    }
}

#[cold]
#[inline(never)]
fn does_not_fit(fixup: Fixup, distance: i32) -> ! {
    panic!("a distance of {distance} bytes does not fit {:?} at {:#x}", fixup.kind, fixup.at);
}
