//! Globals that belong to no instance: those the host makes.

use mj_abi::{GlobalCell, RawValue};

use crate::heap::Fixed;

/// A global's cell on the heap, at one address until it is dropped.
#[derive(Debug)]
pub struct GlobalBox {
    cell: Fixed<GlobalCell>,
}

// SAFETY: the cell is plain memory; whoever may use the box decides which thread may use the cell.
unsafe impl Send for GlobalBox {}

impl GlobalBox {
    /// A global with this value.
    #[must_use]
    pub fn new(value: RawValue) -> Self {
        Self { cell: Fixed::new(GlobalCell { value }) }
    }

    /// Its cell, for contexts.
    #[must_use]
    pub fn cell(&self) -> *mut GlobalCell {
        self.cell.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_keeps_its_address_when_its_box_moves() {
        let global = GlobalBox::new(RawValue::new(42));
        let cell = global.cell();
        let moved = Box::new(global);
        assert_eq!(moved.cell(), cell);
        // SAFETY: the box is alive and nothing else uses the cell.
        assert_eq!(unsafe { (*cell).value.low }, 42);
    }
}
