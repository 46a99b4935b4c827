//! Interruption: by handle, once, or when the engine's epoch reaches the store's deadline.
//!
//! Both protect the store's interrupt page; what for is written down here. The hook that runs then makes the page readable first and looks
//! second, so that nothing gets lost: at worst it finds nothing to do.
//!
//! Invariant: while a store's deadline has passed, its page is protected or `fired` is false, and `increment_epoch` protects it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::StoreInner;
use crate::Engine;

/// How to go on when a deadline has passed.
#[derive(Debug)]
#[non_exhaustive]
pub enum UpdateDeadline {
    /// Trap with [`Trap::Interrupt`](crate::Trap::Interrupt).
    Interrupt,
    /// Go on, with a deadline so many ticks from now.
    Continue(u64),
}

/// Interrupts a store's code from any thread. Outlives the store: then it does nothing.
#[derive(Clone, Debug)]
pub struct InterruptHandle {
    requested: Arc<AtomicBool>,
    page: mj_runtime::InterruptHandle,
}

impl InterruptHandle {
    /// Makes the store's code trap with [`Trap::Interrupt`](crate::Trap::Interrupt) at its next loop iteration or call. If it is not running,
    /// the next call into it traps.
    pub fn interrupt(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.page.interrupt();
    }
}

/// What may interrupt a store.
#[derive(Debug)]
pub(super) struct Interrupts {
    requested: Arc<AtomicBool>,
    deadline: Option<Arc<Deadline>>,
    page: mj_runtime::InterruptHandle,
}

/// A store's epoch deadline.
#[derive(Debug)]
struct Deadline {
    at: AtomicU64,
    /// The page was protected because of it.
    fired: AtomicBool,
    page: mj_runtime::InterruptHandle,
}

impl Deadline {
    fn check(&self, epoch: u64) {
        if self.at.load(Ordering::SeqCst) <= epoch && !self.fired.swap(true, Ordering::SeqCst) {
            self.page.interrupt();
        }
    }
}

/// The engine's epoch and the stores that wait for it.
#[derive(Debug, Default)]
pub(crate) struct Epoch {
    now: AtomicU64,
    deadlines: Mutex<Vec<Weak<Deadline>>>,
}

impl Epoch {
    /// One tick.
    pub fn increment(&self) {
        let epoch = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        let mut deadlines = self.deadlines.lock().unwrap_or_else(PoisonError::into_inner);
        deadlines.retain(|deadline| match deadline.upgrade() {
            Some(deadline) => {
                deadline.check(epoch);
                true
            }
            None => false,
        });
    }

    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn add(&self, deadline: &Arc<Deadline>) {
        let mut deadlines = self.deadlines.lock().unwrap_or_else(PoisonError::into_inner);
        if deadlines.len() == deadlines.capacity() {
            // Stores come and go between ticks, too.
            deadlines.retain(|deadline| deadline.strong_count() > 0);
        }
        deadlines.push(Arc::downgrade(deadline));
    }
}

impl Interrupts {
    /// Deadlines have passed at first, if there are any.
    pub fn new(engine: &Engine, page: mj_runtime::InterruptHandle) -> Self {
        let deadline = engine.config().epochs.then(|| {
            let deadline = Arc::new(Deadline { at: AtomicU64::new(0), fired: AtomicBool::new(false), page: page.clone() });
            engine.epoch().add(&deadline);
            deadline.check(engine.epoch().now());
            deadline
        });
        Self { requested: Arc::default(), deadline, page }
    }
}

/// What an interruption was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interruption {
    /// Nothing that still holds.
    None,
    /// A handle.
    Requested,
    /// The deadline.
    Deadline,
}

impl StoreInner {
    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle { requested: Arc::clone(&self.interrupts.requested), page: self.interrupts.page.clone() }
    }

    pub(crate) fn set_epoch_deadline(&mut self, ticks: u64) {
        let Some(deadline) = &self.interrupts.deadline else { return };
        let now = self.engine().epoch().now();
        deadline.at.store(now.saturating_add(ticks), Ordering::SeqCst);
        if deadline.fired.swap(false, Ordering::SeqCst) {
            self.interrupts.page.clear();
            if self.interrupts.requested.load(Ordering::SeqCst) {
                self.interrupts.page.interrupt();
            }
        }
        deadline.check(self.engine().epoch().now());
    }

    /// The page was touched while it was protected: makes it readable and says what for.
    pub(crate) fn take_interruption(&mut self) -> Interruption {
        self.interrupts.page.clear();
        if let Some(deadline) = &self.interrupts.deadline {
            deadline.fired.store(false, Ordering::SeqCst);
        }
        // A request comes first: it must not depend on what a callback makes of the deadline, which stays passed.
        if self.interrupts.requested.swap(false, Ordering::SeqCst) {
            self.leave_interrupted();
            return Interruption::Requested;
        }
        match &self.interrupts.deadline {
            Some(deadline) if deadline.at.load(Ordering::SeqCst) <= self.engine().epoch().now() => Interruption::Deadline,
            _ => Interruption::None,
        }
    }

    /// The deadline stays passed: the next call is interrupted as well.
    pub(crate) fn leave_interrupted(&mut self) {
        if let Some(deadline) = &self.interrupts.deadline {
            deadline.check(self.engine().epoch().now());
        }
    }
}
