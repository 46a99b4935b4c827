//! Physical registers and sets of them.
//!
//! Numbers 0 to 31 are integer registers by hardware number, 32 to 63 float and vector registers by hardware number plus 32,
//! so that a set is one word on every ISA.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

use mj_decode::ValType;

/// Register class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(u8)]
pub enum Class {
    /// Integers and references.
    Int,
    /// Floats and vectors.
    Float,
}

impl Class {
    /// The class of values of this type.
    #[must_use]
    #[inline]
    pub fn of(ty: ValType) -> Self {
        match ty {
            ValType::F32 | ValType::F64 | ValType::V128 => Class::Float,
            _ => Class::Int,
        }
    }
}

/// A physical register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PReg(u8);

impl PReg {
    /// Stands for "no register"; never part of a set.
    pub const NONE: PReg = PReg(255);

    /// The integer register with this hardware number (below 32).
    #[must_use]
    #[inline]
    pub const fn int(number: u8) -> Self {
        debug_assert!(number < 32);
        Self(number)
    }

    /// The float register with this hardware number (below 32).
    #[must_use]
    #[inline]
    pub const fn float(number: u8) -> Self {
        debug_assert!(number < 32);
        Self(number + 32)
    }

    /// Hardware number.
    #[must_use]
    #[inline]
    pub const fn number(self) -> u8 {
        self.0 & 31
    }

    /// Index below 64, for arrays over all registers.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        (self.0 & 63) as usize
    }

    /// [`index`](Self::index), if this is a register.
    #[must_use]
    #[inline]
    pub const fn index_or_none(self) -> Option<usize> {
        if self.is_none() { None } else { Some(self.index()) }
    }

    /// The register's class.
    #[must_use]
    #[inline]
    pub const fn class(self) -> Class {
        if self.0 & 32 == 0 { Class::Int } else { Class::Float }
    }

    /// Whether this is [`PReg::NONE`].
    #[must_use]
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 255
    }

    /// Whether this is a register.
    #[must_use]
    #[inline]
    pub const fn is_some(self) -> bool {
        self.0 != 255
    }
}

impl fmt::Debug for PReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class() {
            _ if self.is_none() => write!(f, "-"),
            Class::Int => write!(f, "i{}", self.number()),
            Class::Float => write!(f, "f{}", self.number()),
        }
    }
}

/// A set of registers.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct RegSet(u64);

impl RegSet {
    /// No register.
    pub const EMPTY: RegSet = RegSet(0);
    /// All integer registers.
    pub const INTS: RegSet = RegSet(0xffff_ffff);
    /// All float registers.
    pub const FLOATS: RegSet = RegSet(0xffff_ffff << 32);

    /// The set of these registers.
    #[must_use]
    pub const fn of(registers: &[PReg]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < registers.len() {
            bits |= 1 << registers[i].0;
            i += 1;
        }
        Self(bits)
    }

    /// The set of this register.
    #[must_use]
    #[inline]
    pub const fn one(register: PReg) -> Self {
        Self(1 << (register.0 & 63))
    }

    /// All registers of a class.
    #[must_use]
    #[inline]
    pub const fn class(class: Class) -> Self {
        match class {
            Class::Int => Self::INTS,
            Class::Float => Self::FLOATS,
        }
    }

    /// Both sets, in constants.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `register` is in the set.
    #[must_use]
    #[inline]
    pub const fn contains(self, register: PReg) -> bool {
        self.0 >> (register.0 & 63) & 1 != 0
    }

    /// Adds a register.
    #[inline]
    pub fn insert(&mut self, register: PReg) {
        debug_assert!(register.is_some());
        self.0 |= 1 << (register.0 & 63);
    }

    /// Removes a register.
    #[inline]
    pub fn remove(&mut self, register: PReg) {
        self.0 &= !(1 << (register.0 & 63));
    }

    /// Whether the set is empty.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Number of registers.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The register with the lowest number.
    #[must_use]
    #[inline]
    pub fn first(self) -> Option<PReg> {
        (self.0 != 0).then(|| PReg(self.0.trailing_zeros() as u8))
    }

    /// The register with the highest number.
    #[must_use]
    #[inline]
    pub fn last(self) -> Option<PReg> {
        (self.0 != 0).then(|| PReg(63 - self.0.leading_zeros() as u8))
    }

    /// The registers in ascending order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = PReg> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let register = RegSet(rest).first()?;
            rest &= rest - 1;
            Some(register)
        })
    }
}

impl fmt::Debug for RegSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl BitOr for RegSet {
    type Output = Self;
    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for RegSet {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for RegSet {
    type Output = Self;
    #[inline]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for RegSet {
    type Output = Self;
    #[inline]
    fn not(self) -> Self {
        Self(!self.0)
    }
}

/// What an ISA says of its registers.
#[derive(Clone, Copy, Debug)]
pub struct RegisterFile {
    /// Registers that may hold values.
    pub allocatable: RegSet,
    /// Of these, the ones a callee preserves.
    pub callee_saved: RegSet,
    /// Of these, the ones that some instructions insist on.
    pub special: RegSet,
    /// Integer argument and result positions.
    pub int_positions: [PReg; 8],
    /// Float argument and result positions.
    pub float_positions: [PReg; 8],
}

impl RegisterFile {
    /// The same machine with only the registers of `kept` and the callee-saved ones among them: for tests, so that everything spills.
    #[must_use]
    pub fn cut(self, kept: RegSet) -> Self {
        Self { allocatable: self.allocatable & kept, callee_saved: self.callee_saved & kept, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_both_classes() {
        let mut set = RegSet::of(&[PReg::int(3), PReg::float(3)]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [PReg::int(3), PReg::float(3)]);
        assert_eq!((set & RegSet::class(Class::Float)).first(), Some(PReg::float(3)));
        set.remove(PReg::int(3));
        assert!(!set.contains(PReg::int(3)) && set.contains(PReg::float(3)));
    }
}
