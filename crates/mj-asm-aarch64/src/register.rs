//! Registers by hardware number, operand widths, and how a register operand is changed on the way in.

use core::fmt;

/// A general-purpose register, the zero register or the stack pointer. The last two have the same number; instructions take one or the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gpr(u8);

/// Tells the stack pointer from the zero register; no part of the number.
const STACK: u8 = 32;

impl Gpr {
    /// The register with this hardware number (below 32); 31 is the zero register.
    #[must_use]
    #[inline]
    pub const fn new(number: u8) -> Self {
        debug_assert!(number < 32);
        Self(number & 31)
    }

    /// Hardware number.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u8 {
        self.0 & 31
    }

    /// The number where 31 means zero.
    #[inline]
    pub(crate) const fn or_zero(self) -> u32 {
        debug_assert!(self.0 != SP.0, "this operand cannot be the stack pointer");
        self.number() as u32
    }

    /// The number where 31 means the stack pointer.
    #[inline]
    pub(crate) const fn or_sp(self) -> u32 {
        debug_assert!(self.0 != XZR.0, "this operand cannot be the zero register");
        self.number() as u32
    }
}

impl fmt::Debug for Gpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            XZR => f.write_str("XZR"),
            SP => f.write_str("SP"),
            Gpr(number) => write!(f, "X{number}"),
        }
    }
}

/// A vector register; scalar floats are in its low bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fpr(u8);

impl Fpr {
    /// The register with this hardware number (below 32).
    #[must_use]
    #[inline]
    pub const fn new(number: u8) -> Self {
        debug_assert!(number < 32);
        Self(number & 31)
    }

    /// Hardware number.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u8 {
        self.0
    }

    #[inline]
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Fpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "V{}", self.0)
    }
}

macro_rules! names {
    ($kind:ident: $($name:ident $number:literal)*) => {$(
        #[allow(missing_docs)]
        pub const $name: $kind = $kind($number);
    )*};
}

names!(Gpr: X0 0 X1 1 X2 2 X3 3 X4 4 X5 5 X6 6 X7 7 X8 8 X9 9 X10 10 X11 11 X12 12 X13 13 X14 14 X15 15 X16 16 X17 17 X18 18 X19 19 X20 20
    X21 21 X22 22 X23 23 X24 24 X25 25 X26 26 X27 27 X28 28 X29 29 X30 30 XZR 31);
names!(Fpr: V0 0 V1 1 V2 2 V3 3 V4 4 V5 5 V6 6 V7 7 V8 8 V9 9 V10 10 V11 11 V12 12 V13 13 V14 14 V15 15 V16 16 V17 17 V18 18 V19 19 V20 20
    V21 21 V22 22 V23 23 V24 24 V25 25 V26 26 V27 27 V28 28 V29 29 V30 30 V31 31);

/// The stack pointer.
pub const SP: Gpr = Gpr(31 | STACK);

/// Width of an integer or scalar float operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Width {
    W32,
    W64,
}

impl Width {
    /// Bits.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u32 {
        32 << self as u32
    }

    /// Bytes.
    #[must_use]
    #[inline]
    pub const fn bytes(self) -> usize {
        4 << self as usize
    }

    /// The bit `sf`, at the top of integer instructions.
    #[inline]
    pub(crate) const fn sf(self) -> u32 {
        (self as u32) << 31
    }

    /// The field `ftype` of scalar float instructions.
    #[inline]
    pub(crate) const fn ftype(self) -> u32 {
        (self as u32) << 22
    }
}

/// How a register operand is shifted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Shift {
    Lsl,
    Lsr,
    Asr,
    /// Only with logical instructions.
    Ror,
}

/// How a register operand is extended to the width of the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Extend {
    Uxtb,
    Uxth,
    Uxtw,
    /// No extension; `lsl` in address operands.
    Uxtx,
    Sxtb,
    Sxth,
    Sxtw,
    Sxtx,
}
