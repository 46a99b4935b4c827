//! Loads and stores.

use mj_asm::Label;

use crate::encode::{Asm, LITERAL19};
use crate::register::{Extend, Fpr, Gpr};
use crate::rows::{Access, FloatAccess, FloatPair, LDR_D, LDR_Q, LDR_S, LDR_W, LDR_X, LDRSW, Pair};

/// A memory operand. Bases may be the stack pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mem {
    /// `[base, #offset]`: an offset that [`Mem::fits`].
    Base(Gpr, i32),
    /// `[base, #offset]!`: `base` is changed first; -256 to 255.
    Pre(Gpr, i32),
    /// `[base], #offset`: `base` is changed afterwards; -256 to 255.
    Post(Gpr, i32),
    /// `[base, index, extend]`; with `true`, the index counts elements. The extension is `Uxtw`, `Sxtw`, `Uxtx` (`lsl`) or `Sxtx`.
    Indexed(Gpr, Gpr, Extend, bool),
    /// A constant or other label near by: loads of at least 32 bits only.
    Label(Label),
}

impl Mem {
    /// `[base, #offset]`.
    #[must_use]
    #[inline]
    pub const fn base(base: Gpr, offset: i32) -> Self {
        Mem::Base(base, offset)
    }

    /// `[base, index, extend]`, the index in bytes.
    #[must_use]
    #[inline]
    pub const fn indexed(base: Gpr, index: Gpr, extend: Extend) -> Self {
        Mem::Indexed(base, index, extend, false)
    }

    /// Whether an access of `bytes` (a power of two) can have this offset: a multiple of its size up to 4095 of them, or -256 to 255.
    #[must_use]
    #[inline]
    pub const fn fits(bytes: u32, offset: i64) -> bool {
        is_scaled(bytes.trailing_zeros(), offset) || offset >= -256 && offset <= 255
    }

    /// Whether a pair of values of `bytes` each can have this offset: a multiple of their size, from -64 to 63 of them.
    #[must_use]
    #[inline]
    pub const fn fits_pair(bytes: u32, offset: i64) -> bool {
        let units = offset >> bytes.trailing_zeros();
        units << bytes.trailing_zeros() == offset && units >= -64 && units <= 63
    }
}

const fn is_scaled(size: u32, offset: i64) -> bool {
    offset >= 0 && offset & ((1 << size) - 1) == 0 && offset >> size <= 4095
}

/// The bits that say how an access addresses memory, and its base; `size` is the logarithm of its bytes.
#[inline]
fn address(mem: Mem, size: u32) -> u32 {
    let nine = |offset: i32| {
        debug_assert!((-256..=255).contains(&offset), "an offset of {offset} bytes has no encoding");
        (offset as u32 & 0x1ff) << 12
    };
    match mem {
        Mem::Base(base, offset) if is_scaled(size, i64::from(offset)) => 1 << 24 | (offset as u32 >> size) << 10 | base.or_sp() << 5,
        Mem::Base(base, offset) => nine(offset) | base.or_sp() << 5,
        Mem::Pre(base, offset) => nine(offset) | 0b11 << 10 | base.or_sp() << 5,
        Mem::Post(base, offset) => nine(offset) | 0b01 << 10 | base.or_sp() << 5,
        Mem::Indexed(base, index, extend, scaled) => {
            debug_assert!(matches!(extend, Extend::Uxtw | Extend::Uxtx | Extend::Sxtw | Extend::Sxtx));
            1 << 21 | index.or_zero() << 16 | (extend as u32) << 13 | u32::from(scaled) << 12 | 0b10 << 10 | base.or_sp() << 5
        }
        Mem::Label(_) => unreachable!("labels are loaded from only"),
    }
}

/// The bits that say how a pair addresses memory, and its base.
#[inline]
fn pair_address(mem: Mem, size: u32) -> u32 {
    let (mode, base, offset) = match mem {
        Mem::Post(base, offset) => (0b01, base, offset),
        Mem::Base(base, offset) => (0b10, base, offset),
        Mem::Pre(base, offset) => (0b11, base, offset),
        Mem::Indexed(..) | Mem::Label(_) => unreachable!("pairs have a base and an offset"),
    };
    debug_assert!(Mem::fits_pair(1 << size, i64::from(offset)), "an offset of {offset} bytes has no encoding");
    mode << 23 | ((offset >> size) as u32 & 0x7f) << 15 | base.or_sp() << 5
}

const LOAD_LITERAL: u32 = 0b011 << 27;
const VECTOR: u32 = 1 << 26;

impl Asm {
    /// Loads; what is narrower than `dst` is extended as the row says, 32 bits with zeros.
    #[inline]
    pub fn load_rm(&mut self, row: Access, dst: Gpr, src: Mem) {
        debug_assert!(row.opc != 0, "{} stores", row.mnemonic);
        if let Mem::Label(label) = src {
            return self.load_label(row, dst, label);
        }
        self.access(row, dst, src);
    }

    /// Stores the low bits.
    #[inline]
    pub fn store_mr(&mut self, row: Access, dst: Mem, src: Gpr) {
        debug_assert!(row.opc == 0, "{} loads", row.mnemonic);
        self.access(row, src, dst);
    }

    #[inline]
    fn access(&mut self, row: Access, register: Gpr, mem: Mem) {
        self.word(row.size << 30 | 0b111 << 27 | row.opc << 22 | address(mem, row.size) | register.or_zero());
    }

    fn load_label(&mut self, row: Access, dst: Gpr, label: Label) {
        let opc = match row {
            LDR_W => 0b00,
            LDR_X => 0b01,
            LDRSW => 0b10,
            _ => unreachable!("{} loads no constant", row.mnemonic),
        };
        self.refer(opc << 30 | LOAD_LITERAL | dst.or_zero(), label, LITERAL19);
    }

    /// Loads; the other bits of `dst` become zero.
    #[inline]
    pub fn load_vm(&mut self, row: FloatAccess, dst: Fpr, src: Mem) {
        debug_assert!(row.opc & 1 == 1, "{} stores", row.mnemonic);
        if let Mem::Label(label) = src {
            return self.load_label_v(row, dst, label);
        }
        self.access_v(row, dst, src);
    }

    /// Stores the low bits.
    #[inline]
    pub fn store_mv(&mut self, row: FloatAccess, dst: Mem, src: Fpr) {
        debug_assert!(row.opc & 1 == 0, "{} loads", row.mnemonic);
        self.access_v(row, src, dst);
    }

    #[inline]
    fn access_v(&mut self, row: FloatAccess, register: Fpr, mem: Mem) {
        let size = if row.size == 0 { 4 } else { row.size };
        self.word(row.size << 30 | 0b111 << 27 | VECTOR | row.opc << 22 | address(mem, size) | register.bits());
    }

    fn load_label_v(&mut self, row: FloatAccess, dst: Fpr, label: Label) {
        let opc = match row {
            LDR_S => 0b00,
            LDR_D => 0b01,
            LDR_Q => 0b10,
            _ => unreachable!("{} loads no constant", row.mnemonic),
        };
        self.refer(opc << 30 | LOAD_LITERAL | VECTOR | dst.bits(), label, LITERAL19);
    }

    /// Loads two registers, `first` from the lower address.
    #[inline]
    pub fn load_pair(&mut self, row: Pair, first: Gpr, second: Gpr, src: Mem) {
        debug_assert!(row.l == 1 && first != second);
        self.pair(row, first, second, src);
    }

    /// Stores two registers, `first` at the lower address.
    #[inline]
    pub fn store_pair(&mut self, row: Pair, dst: Mem, first: Gpr, second: Gpr) {
        debug_assert!(row.l == 0);
        self.pair(row, first, second, dst);
    }

    #[inline]
    fn pair(&mut self, row: Pair, first: Gpr, second: Gpr, mem: Mem) {
        let size = 2 + (row.opc >> 1);
        let word = row.opc << 30 | 0b101 << 27 | row.l << 22 | pair_address(mem, size);
        self.word(word | second.or_zero() << 10 | first.or_zero());
    }

    /// Loads two vector registers, `first` from the lower address.
    #[inline]
    pub fn load_pair_v(&mut self, row: FloatPair, first: Fpr, second: Fpr, src: Mem) {
        debug_assert!(row.l == 1 && first != second);
        self.pair_v(row, first, second, src);
    }

    /// Stores two vector registers, `first` at the lower address.
    #[inline]
    pub fn store_pair_v(&mut self, row: FloatPair, dst: Mem, first: Fpr, second: Fpr) {
        debug_assert!(row.l == 0);
        self.pair_v(row, first, second, dst);
    }

    #[inline]
    fn pair_v(&mut self, row: FloatPair, first: Fpr, second: Fpr, mem: Mem) {
        let word = row.opc << 30 | 0b101 << 27 | VECTOR | row.l << 22 | pair_address(mem, 2 + row.opc);
        self.word(word | second.bits() << 10 | first.bits());
    }
}
