//! The assembler: every instruction is one word.

use core::ops::{Deref, DerefMut};

use mj_asm::{Branch, CodeBuffer, FixupKind, Label};

/// Distance of `b` and `bl`: 128 MiB.
pub(crate) const BRANCH26: FixupKind = FixupKind::new(0, 26, 2).with_veneer();
/// Distance of conditional branches: 1 MiB.
pub(crate) const BRANCH19: FixupKind = FixupKind::new(5, 19, 2).with_veneer();
/// Distance of branches on a bit: 32 KiB.
pub(crate) const BRANCH14: FixupKind = FixupKind::new(5, 14, 2).with_veneer();
/// Distance of loads of constants: 1 MiB.
pub(crate) const LITERAL19: FixupKind = FixupKind::new(5, 19, 2).of_constant();
/// Distance of `adr`, whose two lowest bits are elsewhere and zero for aligned targets.
pub(crate) const ADDRESS19: FixupKind = FixupKind::new(5, 19, 2);
/// An entry of a table of distances.
pub(crate) const TABLE32: FixupKind = FixupKind::new(0, 32, 0);

/// What islands are made of.
const B: Branch = Branch { word: 0x1400_0000, kind: BRANCH26 };

/// What stands where no code is: `udf #0`.
const PADDING: u8 = 0;

/// An assembler: a [`CodeBuffer`] that knows AArch64 instructions.
#[derive(Default, Debug)]
pub struct Asm {
    /// The code.
    pub buffer: CodeBuffer,
    /// A jump back, or one to a given offset, did not reach.
    pub(crate) is_too_large: bool,
}

impl Deref for Asm {
    type Target = CodeBuffer;

    #[inline]
    fn deref(&self) -> &CodeBuffer {
        &self.buffer
    }
}

impl DerefMut for Asm {
    #[inline]
    fn deref_mut(&mut self) -> &mut CodeBuffer {
        &mut self.buffer
    }
}

impl Asm {
    /// An assembler that appends to `buffer`.
    #[must_use]
    pub fn new(buffer: CodeBuffer) -> Self {
        Self { buffer, is_too_large: false }
    }

    /// Whether a jump since the last call did not reach: the code is too large, and not to be executed.
    pub fn take_too_large(&mut self) -> bool {
        core::mem::take(&mut self.is_too_large)
    }

    /// Makes sure that `count` bytes of instructions can be put one behind the other; in front of them there may be an island.
    #[inline]
    pub fn reserve(&mut self, count: usize) {
        if self.buffer.needs_island(count) {
            self.buffer.put_island(count, B, PADDING);
        }
        self.buffer.reserve(count);
    }

    /// Puts an instruction.
    #[inline(always)]
    pub(crate) fn word(&mut self, word: u32) {
        self.buffer.put(u64::from(word), 4);
    }

    /// Puts an instruction with a distance to `to`.
    #[inline]
    pub(crate) fn refer(&mut self, word: u32, to: Label, kind: FixupKind) {
        let at = self.offset();
        self.word(word);
        self.buffer.use_label(to, at, at, kind);
    }
}
