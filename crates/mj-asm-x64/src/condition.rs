//! Condition codes.

/// A condition on the flags, by hardware number: what `jcc`, `setcc` and `cmovcc` test.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Cc {
    /// Overflow.
    O,
    /// No overflow.
    No,
    /// Below: carry; unsigned `<`.
    B,
    /// Above or equal: no carry; unsigned `>=`.
    Ae,
    /// Equal: zero.
    E,
    /// Not equal.
    Ne,
    /// Below or equal: carry or zero; unsigned `<=`.
    Be,
    /// Above: unsigned `>`.
    A,
    /// Sign: negative.
    S,
    /// No sign.
    Ns,
    /// Parity: even, or a float comparison was unordered.
    P,
    /// No parity: odd, or a float comparison was ordered.
    Np,
    /// Less: signed `<`.
    L,
    /// Greater or equal: signed `>=`.
    Ge,
    /// Less or equal: signed `<=`.
    Le,
    /// Greater: signed `>`.
    G,
}

impl Cc {
    /// All conditions, by hardware number.
    pub const ALL: [Cc; 16] =
        [Cc::O, Cc::No, Cc::B, Cc::Ae, Cc::E, Cc::Ne, Cc::Be, Cc::A, Cc::S, Cc::Ns, Cc::P, Cc::Np, Cc::L, Cc::Ge, Cc::Le, Cc::G];

    /// The condition that holds exactly if this one does not.
    #[must_use]
    #[inline]
    pub const fn invert(self) -> Self {
        // The lowest bit of the number negates (manual volume 1, appendix B).
        Self::ALL[self as usize ^ 1]
    }
}
