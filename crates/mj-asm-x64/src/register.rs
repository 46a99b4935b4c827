//! Registers by hardware number, and operand widths.

use core::fmt;

macro_rules! registers {
    ($($kind:ident $(#[$doc:meta])*: $($name:ident $number:literal)*;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $kind(u8);

        impl $kind {
            /// The register with this hardware number (below 16).
            #[must_use]
            #[inline]
            pub const fn new(number: u8) -> Self {
                debug_assert!(number < 16);
                Self(number & 15)
            }

            /// Hardware number.
            #[must_use]
            #[inline]
            pub const fn number(self) -> u8 {
                self.0
            }
        }

        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str([$(stringify!($name)),*][self.0 as usize])
            }
        }

        $(#[allow(missing_docs)]
        pub const $name: $kind = $kind($number);)*
    )*};
}

registers! {
    Gpr /** A general-purpose register. */: RAX 0 RCX 1 RDX 2 RBX 3 RSP 4 RBP 5 RSI 6 RDI 7 R8 8 R9 9 R10 10 R11 11 R12 12 R13 13 R14 14 R15 15;
    Xmm /** A vector register. */: XMM0 0 XMM1 1 XMM2 2 XMM3 3 XMM4 4 XMM5 5 XMM6 6 XMM7 7 XMM8 8 XMM9 9 XMM10 10 XMM11 11 XMM12 12 XMM13 13
        XMM14 14 XMM15 15;
}

/// Width of an integer operand; of a scalar float, `W32` or `W64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Width {
    W8,
    W16,
    W32,
    W64,
}

impl Width {
    /// Bytes.
    #[must_use]
    #[inline]
    pub const fn bytes(self) -> usize {
        1 << self as u8
    }

    /// Operand-size prefix byte, 0 if none.
    #[inline]
    pub(crate) const fn prefix(self) -> u8 {
        if matches!(self, Width::W16) { 0x66 } else { 0 }
    }

    /// REX.W.
    #[inline]
    pub(crate) const fn rex_w(self) -> u8 {
        if matches!(self, Width::W64) { 8 } else { 0 }
    }

    /// The low opcode bit that tells bytes from wider operands.
    #[inline]
    pub(crate) const fn wide_bit(self) -> u8 {
        if matches!(self, Width::W8) { 0 } else { 1 }
    }

    /// Bytes of an immediate that is not shortened.
    #[inline]
    pub(crate) const fn immediate_bytes(self) -> usize {
        if matches!(self, Width::W64) { 4 } else { self.bytes() }
    }
}
