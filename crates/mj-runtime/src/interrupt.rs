//! Stopping a store from another thread without counting anything.
//!
//! Compiled code touches its store's *interrupt page* at back edges and entries. Protecting the page makes the next touch fault, and the signal
//! handler diverts the thread to the interrupt stub, which asks [`InstanceHooks::interrupted`](crate::InstanceHooks::interrupted).
//! Code that does without signals looks at a word of the page instead, and calls a helper that asks the same.
//! The page belongs to the store and to handles that are just using it; afterwards it is made readable and reused.
//!
//! Invariant: a page in the free list is readable, writable, and known to nobody.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::mapping::{Access, Mapping, page_size};
use crate::{Checks, ResourceError};

/// Pages that wait for their next store.
static FREE: Mutex<Vec<Mapping>> = Mutex::new(Vec::new());

/// Pages that may wait.
const MOST_FREE: usize = 64;

/// The interrupt page of one store.
#[derive(Debug)]
pub(crate) struct InterruptPage {
    /// Present until the drop.
    mapping: Option<Mapping>,
    /// Whether the page was ever protected. Most are not, and need no system call when they are reused.
    was_protected: AtomicBool,
    checks: Checks,
}

impl InterruptPage {
    pub(crate) fn new(checks: Checks) -> Result<Self, ResourceError> {
        let pooled = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mapping = pooled.map_or_else(|| Mapping::zeroed("an interrupt page", page_size()), Ok)?;
        Ok(Self { mapping: Some(mapping), was_protected: AtomicBool::new(false), checks })
    }

    fn mapping(&self) -> &Mapping {
        self.mapping.as_ref().expect("present until the drop")
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.mapping().base()
    }

    /// The word that code without signals looks at.
    fn asked(&self) -> &AtomicU32 {
        let page = self.base().cast::<mj_abi::InterruptPage>();
        // SAFETY: the page is readable and writable: it is protected only where this word is not used. All accesses of ours are atomic, and compiled
        // code loads the word with one instruction.
        unsafe { AtomicU32::from_ptr(&raw mut (*page).asked) }
    }

    /// Makes the next touch fault, or the next look find something.
    pub(crate) fn protect(&self) {
        if self.checks == Checks::Compiled {
            // Whoever finds this sees all that was written before: why code is interrupted.
            return self.asked().store(1, Ordering::Release);
        }
        self.was_protected.store(true, Ordering::Relaxed);
        // Fails only if the kernel cannot split its record of neighbouring pages; there is no better moment to say so than the next call.
        let _ = self.mapping().protect(0..page_size(), Access::None);
    }

    /// Makes touches and looks harmless again.
    pub(crate) fn unprotect(&self) {
        if self.checks == Checks::Compiled {
            // Reading and writing in one: a request is either seen, with its reason, or comes later and stays.
            self.asked().swap(0, Ordering::AcqRel);
            return;
        }
        let _ = self.mapping().protect(0..page_size(), Access::ReadWrite);
    }
}

impl Drop for InterruptPage {
    fn drop(&mut self) {
        let Some(mapping) = self.mapping.take() else { return };
        // Zeroed too: what a store counted there is not the next one's business.
        if *self.was_protected.get_mut() && mapping.protect(0..page_size(), Access::ReadWrite).is_err() {
            return;
        }
        // SAFETY: the page is readable and writable, and nobody else knows it any more.
        unsafe { mapping.base().write_bytes(0, 64) };
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MOST_FREE {
            free.push(mapping);
        }
    }
}

/// Interrupts a store from any thread. Outlives the store: then it does nothing.
#[derive(Clone, Debug)]
pub struct InterruptHandle {
    page: Weak<InterruptPage>,
}

impl InterruptHandle {
    pub(crate) fn new(page: &Arc<InterruptPage>) -> Self {
        Self { page: Arc::downgrade(page) }
    }

    /// Diverts the store's compiled code at its next back edge or entry, or as soon as it runs again.
    pub fn interrupt(&self) {
        if let Some(page) = self.page.upgrade() {
            page.protect();
        }
    }

    /// Takes an interruption back that has not happened yet.
    pub fn clear(&self) {
        if let Some(page) = self.page.upgrade() {
            page.unprotect();
        }
    }

    /// Whether the store still exists.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.page.strong_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_outlive_their_store() {
        let page = Arc::new(InterruptPage::new(Checks::Hardware).unwrap());
        let handle = InterruptHandle::new(&page);
        assert!(handle.is_live());
        handle.interrupt();
        handle.clone().clear();
        // SAFETY: the page is readable again.
        assert_eq!(unsafe { page.base().read_volatile() }, 0);
        drop(page);
        assert!(!handle.is_live());
        handle.interrupt();
    }

    #[test]
    fn where_code_looks_itself_nothing_is_protected() {
        for _ in 0..2 {
            let page = Arc::new(InterruptPage::new(Checks::Compiled).unwrap());
            let handle = InterruptHandle::new(&page);
            assert_eq!(page.asked().load(Ordering::Relaxed), 0);
            handle.interrupt();
            assert_eq!(page.asked().load(Ordering::Relaxed), 1);
            handle.clear();
            assert_eq!(page.asked().load(Ordering::Relaxed), 0);
            handle.interrupt();
        }
    }

    #[test]
    fn a_page_that_was_left_protected_comes_back_readable_and_zero() {
        for _ in 0..4 {
            let page = Arc::new(InterruptPage::new(Checks::Hardware).unwrap());
            // SAFETY: new pages are readable and writable, and this one is ours.
            unsafe {
                assert_eq!(page.base().read_volatile(), 0);
                page.base().write_volatile(5);
            }
            InterruptHandle::new(&page).interrupt();
        }
    }
}
