//! What the runtime asks of an instance while its code waits.

use std::ptr::NonNull;

use mj_abi::{CodePointer, TrapCode};
use mj_runtime::{InstanceHooks, Stop, StoreState};

use super::InstanceData;
use crate::store::{Interruption, StoreInner, UpdateDeadline};
use crate::{memory, table};

impl InstanceData {
    /// The store, through the pointer that it was entered with.
    fn running_store(&self) -> *mut StoreInner {
        // SAFETY: hooks are called while code of this instance waits, so context and store are alive.
        unsafe { StoreState::owner_of((*self.context.header()).store).cast() }
    }
}

impl InstanceHooks for InstanceData {
    fn memory_grow(&self, memory: u32, delta: u64) -> Result<Option<u64>, Stop> {
        let index = self.memories[memory as usize].place_unchecked();
        // SAFETY: compiled code waits for this hook, so nobody else uses the store.
        unsafe { memory::grow(self.running_store(), index, delta) }.map_err(Stop::from)
    }

    fn table_grow(&self, table: u32, initial: usize, delta: u64) -> Result<Option<u64>, Stop> {
        let index = self.tables[table as usize].place_unchecked();
        // SAFETY: compiled code waits for this hook, so nobody else uses the store.
        unsafe { table::grow(self.running_store(), index, delta, initial) }.map_err(Stop::from)
    }

    fn data_segment(&self, segment: u32) -> &[u8] {
        self.data_segment_bytes(segment)
    }

    fn data_drop(&self, segment: u32) {
        if let Some(left) = self.data.get(segment as usize) {
            left.set(false);
        }
    }

    fn element_segment(&self, segment: u32) -> &[usize] {
        self.element_segment_words(segment)
    }

    fn elem_drop(&self, segment: u32) {
        if let Some(segment) = self.elements.get(segment as usize) {
            segment.dropped.set(true);
        }
    }

    fn out_of_fuel(&self) -> Result<(), Stop> {
        // SAFETY: compiled code waits for this hook, so nobody else uses the store.
        if unsafe { (*self.running_store()).refuel() } { Ok(()) } else { Err(TrapCode::OutOfFuel.into()) }
    }

    fn interrupted(&self) -> Result<(), Stop> {
        let store = self.running_store();
        // SAFETY: compiled code waits for this hook, so nobody else uses the store.
        match unsafe { (*store).take_interruption() } {
            Interruption::None => Ok(()),
            Interruption::Requested => Err(TrapCode::Interrupt.into()),
            // SAFETY: as above.
            Interruption::Deadline => match unsafe { StoreInner::epoch_deadline(store) } {
                Ok(UpdateDeadline::Continue(ticks)) => {
                    // SAFETY: as above.
                    unsafe { (*store).set_epoch_deadline(ticks) };
                    Ok(())
                }
                Ok(UpdateDeadline::Interrupt) => {
                    // SAFETY: as above.
                    unsafe { (*store).leave_interrupted() };
                    Err(TrapCode::Interrupt.into())
                }
                Err(error) => {
                    // SAFETY: as above.
                    unsafe { (*store).leave_interrupted() };
                    Err(error.into())
                }
            },
        }
    }

    fn compile_lazily(&self, function: u32) -> Result<CodePointer, Stop> {
        let entry = self.module.compile_lazily(function).map_err(Stop::from)?;
        Ok(entry as CodePointer)
    }

    fn tier_up(&self, function: u32, place: u32) -> Option<NonNull<u8>> {
        self.module.tier_up(function, place)
    }
}
