//! Linear memories: a reservation whose accessible prefix is the memory.
//!
//! The base never moves, because growing only makes more of the reservation accessible. There are two ways to keep accesses inside:
//!
//! - [`Bounds::Guard`]: a 32-bit address plus a 32-bit offset immediate plus the widest access stays inside the reservation (8 GiB
//!   and a little), and everything behind the memory's end is inaccessible, so compiled code need not check anything.
//! - [`Bounds::Explicit`]: compiled code compares with the length. The reservation is as large as can be had, at least the minimum;
//!   growing beyond it fails.
//!
//! Reservations are reused through [`MemoryPool`], since a fresh one costs more than an instantiation may.
//!
//! Invariants: in guard mode the accessible prefix is exactly the memory; a memory handed out reads as zeros from end to end, whatever
//! the reservation held before.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;

use mj_abi::MemoryDefinition;

use crate::ResourceError;
use crate::mapping::{Access, LARGEST_PAGE, Mapping, page_size, round_to_pages};
use crate::ranges::Ranges;

mod pool;

pub use pool::MemoryPool;

/// Bytes that a 32-bit address and a 32-bit offset immediate can reach, and then some for the width of the access.
const GUARDED_REACH: usize = (8 << 30) + (64 << 10);

const _: () = assert!(GUARDED_REACH.is_multiple_of(LARGEST_PAGE) && pool::KEPT_RESIDENT.is_multiple_of(LARGEST_PAGE));

/// All reservations of the process, for the signal handler.
static RESERVATIONS: Ranges<()> = Ranges::new();

/// Whether a linear memory or its guard region is at `address`. Called by the signal handler.
pub(crate) fn is_reserved(address: usize) -> bool {
    RESERVATIONS.try_find(address, |_, ()| ()).is_some()
}

/// Who keeps accesses inside a memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Bounds {
    /// The hardware. For memories with 32-bit addresses and pages that are multiples of the host's.
    Guard,
    /// Compiled code.
    Explicit,
}

/// What a memory is to be like. Sizes are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryPlan {
    /// Size at first.
    pub minimum: u64,
    /// Size it may grow to, if limited by its type.
    pub maximum: Option<u64>,
    /// Who checks.
    pub bounds: Bounds,
    /// Address space to reserve for growing in explicit mode, an upper bound. Without meaning in guard mode.
    pub reservation: u64,
    /// Inaccessible bytes in front of the memory, against compiler bugs that make addresses negative.
    pub guard_before: u64,
    /// Inaccessible bytes behind the reservation in explicit mode, against bounds checks that are off by little.
    pub guard_after: u64,
}

impl MemoryPlan {
    /// A memory with 32-bit addresses that the hardware bounds, with 2 GiB of guard in front.
    #[must_use]
    pub fn guarded(minimum: u64, maximum: Option<u64>) -> Self {
        Self { minimum, maximum, bounds: Bounds::Guard, reservation: 0, guard_before: 2 << 30, guard_after: 0 }
    }

    /// A memory that compiled code bounds, with room to grow to `reservation` bytes (or `maximum`, if that is less).
    #[must_use]
    pub fn explicit(minimum: u64, maximum: Option<u64>, reservation: u64) -> Self {
        Self { minimum, maximum, bounds: Bounds::Explicit, reservation, guard_before: 0, guard_after: 64 << 10 }
    }
}

/// Why there is no memory.
#[derive(Debug)]
#[non_exhaustive]
pub enum MemoryError {
    /// There is not enough address space. In guard mode the caller may fall back to [`Bounds::Explicit`].
    Reservation(ResourceError),
    /// The reservation was made, but the operating system does not give memory for its start.
    Commit(ResourceError),
    /// The plan contradicts itself or the machine; says how.
    Plan(&'static str),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::Reservation(error) | MemoryError::Commit(error) => error.fmt(f),
            MemoryError::Plan(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for MemoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MemoryError::Reservation(error) | MemoryError::Commit(error) => Some(error),
            MemoryError::Plan(_) => None,
        }
    }
}

/// A reservation with the definition that describes it, both at fixed addresses.
struct Slot {
    definition: UnsafeCell<MemoryDefinition>,
    mapping: Mapping,
    /// Offset of the memory's first byte in the mapping.
    start: usize,
    /// Bytes from `start` that may become accessible.
    capacity: usize,
    /// Bytes from `start` that are accessible, whole pages.
    accessible: usize,
}

/// What decides which reservations serve a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    before: usize,
    capacity: usize,
    after: usize,
}

impl Shape {
    fn new(plan: &MemoryPlan) -> Result<Self, MemoryError> {
        let too_large = MemoryError::Plan("the memory's minimum size does not fit this machine's address space");
        let Some(minimum) = usize::try_from(plan.minimum).ok().filter(|&bytes| bytes <= isize::MAX as usize) else { return Err(too_large) };
        if plan.maximum.is_some_and(|maximum| maximum < plan.minimum) {
            return Err(MemoryError::Plan("the memory's maximum size is below its minimum"));
        }
        let bytes = |size: u64| {
            round_to_pages(usize::try_from(size).unwrap_or(usize::MAX)).unwrap_or(isize::MAX as usize / page_size() * page_size())
        };
        let before = bytes(plan.guard_before);
        match plan.bounds {
            Bounds::Guard if plan.minimum > 1 << 32 => Err(MemoryError::Plan("a memory of more than 4 GiB needs explicit bounds checks")),
            Bounds::Guard if !minimum.is_multiple_of(page_size()) => {
                Err(MemoryError::Plan("a memory whose size is not a multiple of the host's pages needs explicit bounds checks"))
            }
            Bounds::Guard => Ok(Self { before, capacity: 1 << 32, after: GUARDED_REACH - (1 << 32) }),
            Bounds::Explicit => {
                let wanted = plan.reservation.min(plan.maximum.unwrap_or(u64::MAX)).max(plan.minimum);
                Ok(Self { before, capacity: bytes(wanted).max(page_size()), after: bytes(plan.guard_after) })
            }
        }
    }
}

impl Slot {
    /// Reserves for `plan`; in explicit mode with less than asked for, if need be. Nothing is accessible yet.
    fn reserve(plan: &MemoryPlan, mut shape: Shape) -> Result<Self, MemoryError> {
        let minimum = plan.minimum as usize;
        loop {
            let total = shape.before.checked_add(shape.capacity).and_then(|sum| sum.checked_add(shape.after)).unwrap_or(usize::MAX);
            match Mapping::reserve("address space for a linear memory", total) {
                Ok(mapping) => {
                    RESERVATIONS.insert(mapping.addresses(), ());
                    let base = mapping.base().wrapping_add(shape.before);
                    let definition = UnsafeCell::new(MemoryDefinition { base, length: 0 });
                    return Ok(Self { definition, mapping, start: shape.before, capacity: shape.capacity, accessible: 0 });
                }
                Err(error) => {
                    let half = round_to_pages((shape.capacity / 2).max(minimum).max(1)).unwrap_or(shape.capacity);
                    if plan.bounds == Bounds::Guard || half >= shape.capacity {
                        return Err(MemoryError::Reservation(error));
                    }
                    shape.capacity = half;
                }
            }
        }
    }

    fn shape(&self) -> Shape {
        Shape { before: self.start, capacity: self.capacity, after: self.mapping.length() - self.start - self.capacity }
    }

    fn base(&self) -> *mut u8 {
        self.mapping.base().wrapping_add(self.start)
    }

    /// Makes exactly the pages of the first `length` bytes accessible.
    fn set_accessible(&mut self, length: usize) -> std::io::Result<()> {
        let wanted = round_to_pages(length).expect("lengths are below the capacity, which is whole pages");
        if wanted > self.accessible {
            self.mapping.protect(self.pages(self.accessible..wanted), Access::ReadWrite)?;
        } else if wanted < self.accessible {
            self.mapping.protect(self.pages(wanted..self.accessible), Access::None)?;
        }
        self.accessible = wanted;
        Ok(())
    }

    /// Zeroes all that is accessible, cheaply: a small prefix keeps its pages, the rest gives them back.
    fn clear(&mut self) -> std::io::Result<()> {
        let kept = self.accessible.min(pool::KEPT_RESIDENT);
        self.mapping.discard(self.pages(kept..self.accessible))?;
        // SAFETY: the first `accessible` bytes are ours, readable and writable, and nobody refers to them: a slot is cleared when its memory is gone.
        unsafe { self.base().write_bytes(0, kept) };
        Ok(())
    }

    fn pages(&self, range: Range<usize>) -> Range<usize> {
        self.start + range.start..self.start + range.end
    }
}

// SAFETY: the definition's pointer is into the slot's own mapping, which is plain memory.
unsafe impl Send for Slot {}

impl Drop for Slot {
    fn drop(&mut self) {
        RESERVATIONS.remove(self.mapping.base() as usize);
    }
}

/// A linear memory.
pub struct LinearMemory {
    /// From `Box::into_raw`; compiled code has pointers to the definition inside.
    slot: NonNull<Slot>,
    /// Bytes it may grow to: the least of the type's maximum and the reservation.
    limit: usize,
    pool: Option<MemoryPool>,
}

// SAFETY: the slot is plain memory that this value owns alone.
unsafe impl Send for LinearMemory {}

impl LinearMemory {
    /// A memory with a reservation of its own.
    pub fn new(plan: &MemoryPlan) -> Result<Self, MemoryError> {
        let slot = Slot::reserve(plan, Shape::new(plan)?)?;
        Self::in_slot(Box::new(slot), plan, None)
    }

    fn in_slot(mut slot: Box<Slot>, plan: &MemoryPlan, pool: Option<MemoryPool>) -> Result<Self, MemoryError> {
        let minimum = plan.minimum as usize;
        slot.set_accessible(minimum)
            .map_err(|error| MemoryError::Commit(ResourceError::new("memory for a linear memory", minimum, error)))?;
        slot.definition.get_mut().length = minimum;
        let limit = slot.capacity.min(usize::try_from(plan.maximum.unwrap_or(u64::MAX)).unwrap_or(usize::MAX));
        let slot = NonNull::new(Box::into_raw(slot)).expect("a box is not null");
        Ok(Self { slot, limit, pool })
    }

    fn slot(&self) -> &Slot {
        // SAFETY: the slot lives until `drop`, and is borrowed mutably through `&mut self` only.
        unsafe { self.slot.as_ref() }
    }

    /// What compiled code sees; at this address until the memory is dropped.
    #[must_use]
    #[inline]
    pub fn definition(&self) -> *mut MemoryDefinition {
        self.slot().definition.get()
    }

    /// First byte; at this address until the memory is dropped.
    #[must_use]
    #[inline]
    pub fn base(&self) -> *mut u8 {
        self.slot().base()
    }

    /// Current size in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: only `grow` writes the definition, through `&mut self`.
        unsafe { (*self.definition()).length }
    }

    /// Whether the memory has no bytes at present.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes up to which [`LinearMemory::grow`] may succeed.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The contents. Compiled code that can reach the memory must not run meanwhile.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are accessible and initialised (by the kernel, to zeros).
        unsafe { std::slice::from_raw_parts(self.base(), self.len()) }
    }

    /// The contents, to write. Compiled code that can reach the memory must not run meanwhile.
    #[must_use]
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.base(), self.len()) }
    }

    /// Grows by `delta` bytes of zeros. Returns the old size, or `None` (and nothing has changed) beyond the maximum or the reservation, or
    /// if the operating system has no more memory.
    pub fn grow(&mut self, delta: u64) -> Option<u64> {
        let old = self.len();
        let new = old.checked_add(usize::try_from(delta).ok()?).filter(|&new| new <= self.limit)?;
        // SAFETY: borrowed through `&mut self`, as `slot` says.
        let slot = unsafe { self.slot.as_mut() };
        slot.set_accessible(new).ok()?;
        slot.definition.get_mut().length = new;
        Some(old as u64)
    }
}

impl Drop for LinearMemory {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::into_raw`, and nothing uses it after this.
        let slot = unsafe { Box::from_raw(self.slot.as_ptr()) };
        if let Some(pool) = self.pool.take() {
            pool.give_back(slot);
        }
    }
}

impl fmt::Debug for LinearMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinearMemory").field("base", &self.base()).field("len", &self.len()).field("limit", &self.limit).finish()
    }
}

#[cfg(test)]
mod tests;
