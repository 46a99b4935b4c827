//! Reservations that wait for their next memory.
//!
//! A slot is made clean when its memory is dropped, and keeps its accessible prefix: a program that is instantiated again and again
//! then costs no system call. Small memories are zeroed by hand, so that their pages need not be faulted in again.
//!
//! Invariant: every byte of every slot in the pool is zero. A slot that cannot be cleaned is unmapped instead.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Bounds, LinearMemory, MemoryError, MemoryPlan, Shape, Slot};

/// Bytes at the start of a slot that are zeroed by hand and stay resident; what lies behind goes back to the kernel.
pub(super) const KEPT_RESIDENT: usize = 64 << 10;

/// How many slots to look through for one whose accessible prefix already fits.
const LOOKED_THROUGH: usize = 16;

/// A pool of reservations, shared by all its clones.
#[derive(Clone)]
pub struct MemoryPool {
    shared: Arc<Shared>,
}

struct Shared {
    /// Boxed, because definitions keep their addresses.
    #[expect(clippy::vec_box)]
    free: Mutex<Vec<Box<Slot>>>,
    most: usize,
}

impl MemoryPool {
    /// A pool that keeps at most `most` reservations that nobody uses.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { shared: Arc::new(Shared { free: Mutex::new(Vec::new()), most }) }
    }

    /// A memory in a reservation from the pool, or in a new one. It comes back to the pool when it is dropped.
    pub fn allocate(&self, plan: &MemoryPlan) -> Result<LinearMemory, MemoryError> {
        let shape = Shape::new(plan)?;
        let slot = match self.take(shape, plan.minimum as usize) {
            Some(slot) => slot,
            None => match Slot::reserve(plan, shape) {
                // Address space may be short because of the slots that lie here.
                Err(MemoryError::Reservation(error)) if plan.bounds == Bounds::Guard => {
                    if !self.clear() {
                        return Err(MemoryError::Reservation(error));
                    }
                    Box::new(Slot::reserve(plan, shape)?)
                }
                slot => Box::new(slot?),
            },
        };
        LinearMemory::in_slot(slot, plan, Some(self.clone()))
    }

    /// Number of reservations that wait.
    #[must_use]
    pub fn unused(&self) -> usize {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Unmaps the reservations that wait; says whether there were any.
    pub fn clear(&self) -> bool {
        let slots = std::mem::take(&mut *self.shared.free.lock().unwrap_or_else(PoisonError::into_inner));
        !slots.is_empty()
    }

    fn take(&self, shape: Shape, minimum: usize) -> Option<Box<Slot>> {
        let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut candidate = None;
        for (index, slot) in free.iter().enumerate().rev().take(LOOKED_THROUGH) {
            if slot.shape() == shape {
                candidate = Some(index);
                if slot.accessible == minimum {
                    break;
                }
            }
        }
        candidate.map(|index| free.swap_remove(index))
    }

    pub(super) fn give_back(&self, mut slot: Box<Slot>) {
        if self.shared.most == 0 || slot.clear().is_err() {
            return;
        }
        slot.definition.get_mut().length = 0;
        let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.shared.most {
            free.push(slot);
        } else {
            // Unmapping takes a while: not under the lock.
            drop(free);
            drop(slot);
        }
    }
}

impl std::fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryPool").field("unused", &self.unused()).field("most", &self.shared.most).finish()
    }
}
