//! Memory operands.

use mj_asm::Label;

use crate::register::Gpr;

/// In the place of a base register: pc-relative, the displacement being a label's number.
pub(crate) const BASE_LABEL: u8 = 16;
/// In the place of a base register: none.
pub(crate) const BASE_NONE: u8 = 17;
/// In the place of an index register: none. It is the number that would be `rsp`, which cannot be an index.
pub(crate) const INDEX_NONE: u8 = 4;

/// A memory operand: `[base + (index << scale) + disp]`, or a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    pub(crate) base: u8,
    pub(crate) index: u8,
    pub(crate) scale_log2: u8,
    pub(crate) disp: i32,
}

impl Mem {
    /// `[base + disp]`.
    #[must_use]
    #[inline]
    pub const fn base(base: Gpr, disp: i32) -> Self {
        Self { base: base.number(), index: INDEX_NONE, scale_log2: 0, disp }
    }

    /// `[base + (index << scale_log2) + disp]`; the index is not `rsp`, the shift at most 3.
    #[must_use]
    #[inline]
    pub const fn indexed(base: Gpr, index: Gpr, scale_log2: u8, disp: i32) -> Self {
        debug_assert!(index.number() != INDEX_NONE && scale_log2 < 4);
        Self { base: base.number(), index: index.number(), scale_log2, disp }
    }

    /// `[(index << scale_log2) + disp]`: for `lea`. The index is not `rsp`, the shift at most 3.
    #[must_use]
    #[inline]
    pub const fn scaled(index: Gpr, scale_log2: u8, disp: i32) -> Self {
        debug_assert!(index.number() != INDEX_NONE && scale_log2 < 4);
        Self { base: BASE_NONE, index: index.number(), scale_log2, disp }
    }

    /// What `label` refers to, pc-relative: a constant of the pool, or a table in the code.
    #[must_use]
    #[inline]
    pub const fn label(label: Label) -> Self {
        Self { base: BASE_LABEL, index: INDEX_NONE, scale_log2: 0, disp: label.number() as i32 }
    }
}
