//! Condition codes.

/// A condition on the flags, by its number in instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Cc {
    Eq,
    Ne,
    /// Carry set: unsigned higher or same.
    Hs,
    /// Carry clear: unsigned lower.
    Lo,
    /// Negative.
    Mi,
    /// Positive or zero.
    Pl,
    /// Overflow; unordered.
    Vs,
    Vc,
    Hi,
    Ls,
    Ge,
    Lt,
    Gt,
    Le,
}

impl Cc {
    /// All conditions, by number.
    pub const ALL: [Cc; 14] = {
        use Cc::{Eq, Ge, Gt, Hi, Hs, Le, Lo, Ls, Lt, Mi, Ne, Pl, Vc, Vs};
        [Eq, Ne, Hs, Lo, Mi, Pl, Vs, Vc, Hi, Ls, Ge, Lt, Gt, Le]
    };

    /// The condition that holds exactly if this one does not.
    #[must_use]
    #[inline]
    pub const fn invert(self) -> Self {
        Self::ALL[(self as u8 ^ 1) as usize]
    }
}
