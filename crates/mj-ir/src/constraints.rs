//! Constraint rows: what an instruction asks of the registers it works on.
//!
//! Instruction selection makes them, register allocators obey them; neither knows the other.

use crate::{Class, PReg, RegSet};

/// Where a use must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// In any register of its class.
    Any,
    /// In any register, with the upper 32 bits known to be zero.
    ZeroExtended,
    /// In this register.
    Fixed(PReg),
    /// In any register, in its slot, or nowhere if it is a constant. Only graph allocation knows it.
    Anywhere,
}

/// Where the definition comes to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Definition {
    /// There is none (or the flags).
    None,
    /// In any register of the result's class.
    Any,
    /// Preferably in the first use's register: `emit` copies it if it is another one, so no other use may be in the definition's register.
    Tied,
    /// In this register.
    Fixed(PReg),
}

/// The constraint row of a form.
#[derive(Clone, Copy, Debug)]
pub struct Constraints {
    /// One entry a use, in order.
    pub uses: &'static [Use],
    /// The definition.
    pub definition: Definition,
    /// Temporaries needed, by class.
    pub temporaries: &'static [Class],
    /// Registers whose contents are lost, fixed uses and the definition apart.
    pub clobbers: RegSet,
    /// The definition is written before all uses are read.
    pub early_definition: bool,
    /// The first two uses may change places.
    pub commutative: bool,
    /// No use or definition is fixed, and nothing is clobbered.
    pub is_plain: bool,
}

impl Constraints {
    /// A row with these uses and this definition, and nothing special.
    #[must_use]
    pub const fn new(uses: &'static [Use], definition: Definition) -> Self {
        Self { uses, definition, temporaries: &[], clobbers: RegSet::EMPTY, early_definition: false, commutative: false, is_plain: true }
    }
}
