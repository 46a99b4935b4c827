//! Stacks for compiled code: a guard region, and above it the stack proper.
//!
//! Frames of ordinary size do not check for overflow: they run into the guard region, which is larger than such a frame
//! ([`mj_abi::UNCHECKED_FRAME`]), and the signal handler recognises the address. Stacks are pooled, for a store needs one at its first entry only
//! and mapping it anew would cost more than the entry. Code that checks everything itself compares, and never comes near the guard region.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use mj_abi::STACK_GUARD;

use crate::mapping::{Access, LARGEST_PAGE, Mapping, page_size, round_to_pages};
use crate::{Checks, ResourceError, sys};

/// Bytes at the top of a returned stack that stay resident.
const KEPT_RESIDENT: usize = 64 << 10;

const _: () = assert!(KEPT_RESIDENT.is_multiple_of(LARGEST_PAGE) && STACK_GUARD.is_multiple_of(LARGEST_PAGE));

/// Least size of a stack: a few frames of the largest unchecked size.
const LEAST: usize = 4 * mj_abi::UNCHECKED_FRAME as usize;

/// Bytes of a WebAssembly stack by default. Real programs recurse deep: parsers, tree walkers, garbage collectors' mark phases.
pub(crate) const DEFAULT_SIZE: usize = 8 << 20;

/// A stack, guard region included.
#[derive(Debug)]
pub(crate) struct Stack {
    mapping: Mapping,
    guard: usize,
}

impl Stack {
    fn new(size: usize) -> Result<Self, ResourceError> {
        let guard = round_to_pages(STACK_GUARD).expect("the guard region is small");
        let length = size.saturating_add(guard);
        let mapping = Mapping::anonymous("a stack for compiled code", length, Access::ReadWrite, sys::STACK)?;
        mapping.prefer_small_pages();
        mapping.protect(0..guard, Access::None).map_err(|error| ResourceError::new("a guard region for a stack", guard, error))?;
        Ok(Self { mapping, guard })
    }

    /// Addresses of the guard region.
    pub(crate) fn guard(&self) -> Range<usize> {
        let start = self.mapping.addresses().start;
        start..start + self.guard
    }

    /// Addresses that frames may use.
    pub(crate) fn usable(&self) -> Range<usize> {
        let all = self.mapping.addresses();
        all.start + self.guard..all.end
    }

    /// Gives back what a deep recursion has touched.
    fn trim(&self) -> std::io::Result<()> {
        let top = self.mapping.length().saturating_sub(KEPT_RESIDENT).max(self.guard);
        self.mapping.discard(self.guard..top)
    }
}

/// A pool of stacks of one size, shared by all its clones.
#[derive(Clone, Debug)]
pub struct StackPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    free: Mutex<Vec<Stack>>,
    most: usize,
    size: usize,
    checks: Checks,
}

impl Default for StackPool {
    /// Stacks of 8 MiB, of which 16 are kept.
    fn default() -> Self {
        Self::new(DEFAULT_SIZE, 16)
    }
}

impl StackPool {
    /// A pool of stacks with `size` usable bytes (rounded up to pages, 128 KiB at least), which keeps at most `most` that nobody uses.
    #[must_use]
    pub fn new(size: usize, most: usize) -> Self {
        Self::with_checks(size, most, Checks::Hardware)
    }

    /// The same, for code that checks so.
    #[must_use]
    pub fn with_checks(size: usize, most: usize, checks: Checks) -> Self {
        let largest = (isize::MAX as usize).next_multiple_of(page_size()) - page_size() - 4 * STACK_GUARD;
        let size = round_to_pages(size.clamp(LEAST, largest)).unwrap_or(largest);
        Self { shared: Arc::new(Shared { free: Mutex::new(Vec::new()), most, size, checks }) }
    }

    /// Who checks for overflow.
    pub(crate) fn checks(&self) -> Checks {
        self.shared.checks
    }

    /// Usable bytes of each stack.
    #[must_use]
    pub fn stack_size(&self) -> usize {
        self.shared.size
    }

    /// Number of stacks that wait.
    #[must_use]
    pub fn unused(&self) -> usize {
        self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A stack from the pool, or a new one.
    pub(crate) fn take(&self) -> Result<Stack, ResourceError> {
        let pooled = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        pooled.map_or_else(|| Stack::new(self.shared.size + self.shared.checks.stack_reserve()), Ok)
    }

    /// Takes a stack back, which no frame is on any more.
    pub(crate) fn give_back(&self, stack: Stack) {
        if self.shared.most == 0 || stack.trim().is_err() {
            return;
        }
        let mut free = self.shared.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.shared.most {
            free.push(stack);
        } else {
            drop(free);
            drop(stack);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_usable_above_its_guard_region() {
        let pool = StackPool::new(1 << 20, 1);
        let stack = pool.take().unwrap();
        let usable = stack.usable();
        assert_eq!(usable.len(), 1 << 20);
        assert_eq!(stack.guard(), usable.start - STACK_GUARD..usable.start);
        for address in [usable.start, usable.end - 1] {
            // SAFETY: inside the usable part of a stack that nobody else uses.
            unsafe { (address as *mut u8).write(1) };
        }
    }

    #[test]
    fn code_that_checks_itself_gets_room_below_its_limit() {
        let stack = StackPool::with_checks(1 << 20, 1, Checks::Compiled).take().unwrap();
        assert_eq!(stack.usable().len(), (1 << 20) + STACK_GUARD);
    }

    #[test]
    fn stacks_are_reused_and_not_hoarded() {
        let pool = StackPool::new(1, 1);
        assert_eq!(pool.stack_size(), LEAST);
        let (first, second) = (pool.take().unwrap(), pool.take().unwrap());
        let address = first.usable();
        pool.give_back(first);
        pool.give_back(second);
        assert_eq!(pool.unused(), 1);
        assert_eq!(pool.take().unwrap().usable(), address);
    }

    #[test]
    fn a_returned_stack_keeps_only_its_top() {
        let pool = StackPool::new(1 << 20, 1);
        let stack = pool.take().unwrap();
        let usable = stack.usable();
        // SAFETY: inside the usable part of a stack that nobody else uses.
        unsafe { (usable.start as *mut u8).write(1) };
        pool.give_back(stack);
        let stack = pool.take().unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { (stack.usable().start as *mut u8).read() }, 0);
    }

    #[test]
    fn a_stack_that_cannot_be_had_is_an_error() {
        let error = StackPool::new(usize::MAX, 1).take().unwrap_err();
        assert!(error.to_string().contains("stack"), "{error}");
    }
}
