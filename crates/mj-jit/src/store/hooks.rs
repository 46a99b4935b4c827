//! What the non-generic part of a store asks of the generic part.

use std::ptr;

use super::{StoreContextMut, StoreData, StoreInner, UpdateDeadline};
use crate::ResourceLimiter;
use crate::error::Result;

/// A passage between the host and WebAssembly; see [`Store::call_hook`](crate::Store::call_hook).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallHook {
    /// The host calls WebAssembly.
    CallingWasm,
    /// The host's call returns.
    ReturningFromWasm,
    /// WebAssembly calls the host.
    CallingHost,
    /// WebAssembly's call returns.
    ReturningFromHost,
}

impl CallHook {
    /// Whether the host runs after it.
    #[must_use]
    pub fn entering_host(&self) -> bool {
        matches!(self, CallHook::ReturningFromWasm | CallHook::CallingHost)
    }

    /// Whether WebAssembly runs after it.
    #[must_use]
    pub fn exiting_host(&self) -> bool {
        matches!(self, CallHook::ReturningFromHost | CallHook::CallingWasm)
    }
}

/// Called when the deadline has passed.
pub(super) type EpochCallback<T> = Box<dyn FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + Sync>;

/// Gets a store's limiter.
type Ask<'a> = &'a mut dyn FnMut(&mut dyn ResourceLimiter);

/// The generic part's operations, for one type of host data.
///
/// Each takes a pointer that [`StoreData::as_inner_ptr`] gave, of a store of that type which nobody else borrows.
#[derive(Debug)]
pub(crate) struct StoreOperations {
    limiter: unsafe fn(*mut StoreInner, Ask<'_>),
    call_hook: unsafe fn(*mut StoreInner, CallHook) -> Result<()>,
    epoch_deadline: unsafe fn(*mut StoreInner) -> Result<UpdateDeadline>,
}

impl StoreOperations {
    pub fn of<T: 'static>() -> &'static Self {
        &const { StoreOperations { limiter: limiter::<T>, call_hook: call_hook::<T>, epoch_deadline: epoch_deadline::<T> } }
    }
}

impl StoreInner {
    /// Shows the store's limiter to `ask`, if there is one.
    ///
    /// # Safety
    ///
    /// `this` must come from [`StoreData::as_inner_ptr`], and nobody else may use the store meanwhile.
    pub(crate) unsafe fn with_limiter(this: *mut Self, ask: Ask<'_>) {
        // SAFETY: by the caller's promise; the operations are those of the store's own type.
        unsafe { ((*this).operations().limiter)(this, ask) }
    }

    /// Calls the store's hook.
    ///
    /// # Safety
    ///
    /// As [`StoreInner::with_limiter`].
    #[cold]
    pub(crate) unsafe fn call_hook(this: *mut Self, hook: CallHook) -> Result<()> {
        // SAFETY: as in `with_limiter`.
        unsafe { ((*this).operations().call_hook)(this, hook) }
    }

    /// Asks how to go on after the deadline.
    ///
    /// # Safety
    ///
    /// As [`StoreInner::with_limiter`].
    pub(crate) unsafe fn epoch_deadline(this: *mut Self) -> Result<UpdateDeadline> {
        // SAFETY: as in `with_limiter`.
        unsafe { ((*this).operations().epoch_deadline)(this) }
    }
}

/// # Safety
///
/// `inner` must be the first part of a `StoreData<T>` that nobody else uses.
unsafe fn limiter<T: 'static>(inner: *mut StoreInner, ask: Ask<'_>) {
    // SAFETY: by the caller's promise.
    let store = unsafe { &mut *inner.cast::<StoreData<T>>() };
    if let Some(limiter) = &mut store.limiter {
        ask(limiter(&mut store.data));
    }
}

/// # Safety
///
/// As [`limiter`].
unsafe fn call_hook<T: 'static>(inner: *mut StoreInner, kind: CallHook) -> Result<()> {
    // SAFETY: by the caller's promise.
    let store = unsafe { &mut *inner.cast::<StoreData<T>>() };
    // Taken out while it runs, for it gets the store. Calls that it makes itself are not reported.
    let Some(mut hook) = store.call_hook.take() else { return Ok(()) };
    store.inner.hooks_running += 1;
    let outcome = hook(StoreContextMut(store), kind);
    store.inner.hooks_running -= 1;
    store.call_hook.get_or_insert(hook);
    outcome
}

/// # Safety
///
/// As [`limiter`].
unsafe fn epoch_deadline<T: 'static>(inner: *mut StoreInner) -> Result<UpdateDeadline> {
    // SAFETY: by the caller's promise.
    let store = unsafe { &mut *inner.cast::<StoreData<T>>() };
    let Some(mut callback) = store.epoch_callback.take() else { return Ok(UpdateDeadline::Interrupt) };
    let outcome = callback(StoreContextMut(store));
    store.epoch_callback.get_or_insert(callback);
    debug_assert!(ptr::eq(inner, &raw const store.inner));
    outcome
}
