//! Constants that a function keeps behind its code.
//!
//! Equal constants are stored once. The few that an ordinary function has are found by looking through them; a map takes over
//! for the functions with many, so that no function is worse than linear.

use std::collections::HashMap;

use crate::Label;

/// Constants up to which looking through all of them beats a map.
const SCANNED: usize = 8;

/// Capacity above which the map is dropped with the function, so that one large function does not make the others clear it.
const KEPT_CAPACITY: usize = 256;

/// The constants of one function.
#[derive(Default, Debug)]
pub(crate) struct Constants {
    entries: Vec<Constant>,
    by_value: HashMap<(u128, bool), Label>,
}

/// One constant and the label bound to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant {
    /// The value; the low half if not `is_wide`.
    pub(crate) bits: u128,
    /// 16 bytes, otherwise 8.
    pub(crate) is_wide: bool,
    /// Where it will be.
    pub(crate) label: Label,
}

impl Constants {
    /// The label of an equal constant.
    pub(crate) fn find(&self, bits: u128, is_wide: bool) -> Option<Label> {
        if self.entries.len() <= SCANNED {
            self.entries.iter().find(|entry| entry.bits == bits && entry.is_wide == is_wide).map(|entry| entry.label)
        } else {
            self.by_value.get(&(bits, is_wide)).copied()
        }
    }

    pub(crate) fn add(&mut self, constant: Constant) {
        self.entries.push(constant);
        if self.entries.len() == SCANNED + 1 {
            self.by_value.extend(self.entries.iter().map(|entry| ((entry.bits, entry.is_wide), entry.label)));
        } else if self.entries.len() > SCANNED {
            self.by_value.insert((constant.bits, constant.is_wide), constant.label);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The constants in the order in which they are laid out: the wide ones first, so that none needs padding.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = Constant> {
        let of = |wide| self.entries.iter().copied().filter(move |entry| entry.is_wide == wide);
        of(true).chain(of(false))
    }

    /// Bytes of all constants.
    pub(crate) fn size(&self) -> usize {
        self.entries.iter().map(|entry| if entry.is_wide { 16 } else { 8 }).sum()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        if self.by_value.capacity() > KEPT_CAPACITY {
            self.by_value = HashMap::new();
        } else if !self.by_value.is_empty() {
            self.by_value.clear();
        }
    }
}
