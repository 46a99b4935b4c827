//! Host functions as compiled code calls them.
//!
//! A host function's context begins like any context, so that callers need not tell it from compiled code; its shim (generated) stores the
//! arguments, switches to the host's stack and calls [`HostContext::function`]. That function wraps its work into [`catch`].

use std::ffi::c_void;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use mj_abi::{CodePointer, ContextHeader, FuncRef, HostContext, HostFunction, MemoryDefinition, StoreContext};

use crate::store::{Pending, StoreBlock};
use crate::{ContextPointers, Stop, StoreState};

/// Runs the body of a host function. What it returns is what the function returns to its shim: 0, or 1 to unwind after an error, a trap, or
/// a panic, which all reach the innermost entry.
///
/// # Safety
/// `store` must be the context of the store whose compiled code called, and no reference into the store's state may be in use when `body` is done.
#[inline]
pub unsafe fn catch<E: Into<Stop>>(store: *mut StoreContext, body: impl FnOnce() -> Result<(), E>) -> usize {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        // SAFETY: by the caller's promise.
        Ok(Err(error)) => unsafe { stop(store, error) },
        // SAFETY: by the caller's promise.
        Err(panic) => unsafe { fail(store, Pending::Panic(panic)) },
    }
}

/// Out of line, so that [`catch`] makes no room on the stack for what fails.
///
/// # Safety
/// As for [`catch`].
#[cold]
#[inline(never)]
unsafe fn stop<E: Into<Stop>>(store: *mut StoreContext, error: E) -> usize {
    // SAFETY: by the caller's promise.
    unsafe { fail(store, Pending::Stop(error.into())) }
}

/// # Safety
/// As for [`catch`].
#[cold]
pub(crate) unsafe fn fail(store: *mut StoreContext, pending: Pending) -> usize {
    // SAFETY: the context is the block's first field, and its pointer is derived from the block's.
    unsafe { StoreBlock::fail(store.cast(), pending) };
    1
}

/// A host function's context and function reference, at one address.
#[repr(C)]
struct Block {
    context: HostContext,
    func_ref: FuncRef,
    no_memory: MemoryDefinition,
    drop_closure: Option<unsafe fn(*mut c_void)>,
}

/// An owned host function of one store.
pub struct HostContextBox {
    block: NonNull<Block>,
}

// SAFETY: the block is plain memory that belongs to a store; the constructors that take a closure demand that it may change threads.
unsafe impl Send for HostContextBox {}

impl HostContextBox {
    /// A host function whose closure is somebody else's.
    ///
    /// `shim` is the code that compiled code jumps to, made for the type `type_id`; it calls `function`, which finds `closure` in the context that it is given.
    ///
    /// # Safety
    /// `closure` must be what `function` expects, for as long as the box lives, from any thread that has the store.
    #[must_use]
    pub unsafe fn borrowing(
        store: &StoreState,
        pointers: ContextPointers,
        shim: CodePointer,
        type_id: u32,
        function: HostFunction,
        closure: *mut c_void,
    ) -> Self {
        Self::new(store, pointers, shim, type_id, function, closure, None)
    }

    /// A host function that owns its closure; `function` finds a `*mut C` in the context that it is given.
    #[must_use]
    pub fn owning<C: Send + 'static>(
        store: &StoreState,
        pointers: ContextPointers,
        shim: CodePointer,
        type_id: u32,
        function: HostFunction,
        closure: Box<C>,
    ) -> Self {
        unsafe fn drop_box<C>(closure: *mut c_void) {
            // SAFETY: called once, with the pointer from `Box::into_raw` below.
            drop(unsafe { Box::from_raw(closure.cast::<C>()) });
        }
        Self::new(store, pointers, shim, type_id, function, Box::into_raw(closure).cast(), Some(drop_box::<C>))
    }

    /// A host function that shares its closure with others; `function` finds a `*const C` in the context that it is given.
    #[must_use]
    pub fn sharing<C: Send + Sync + 'static>(
        store: &StoreState,
        pointers: ContextPointers,
        shim: CodePointer,
        type_id: u32,
        function: HostFunction,
        closure: Arc<C>,
    ) -> Self {
        unsafe fn drop_arc<C>(closure: *mut c_void) {
            // SAFETY: called once, with the pointer from `Arc::into_raw` below.
            drop(unsafe { Arc::from_raw(closure.cast_const().cast::<C>()) });
        }
        Self::new(store, pointers, shim, type_id, function, Arc::into_raw(closure).cast_mut().cast(), Some(drop_arc::<C>))
    }

    fn new(
        store: &StoreState,
        pointers: ContextPointers,
        shim: CodePointer,
        type_id: u32,
        function: HostFunction,
        closure: *mut c_void,
        drop_closure: Option<unsafe fn(*mut c_void)>,
    ) -> Self {
        let header = ContextHeader {
            store: store.context(),
            memory0_base: ptr::null_mut(),
            memory0: ptr::null_mut(),
            interrupt_page: store.interrupt_page(),
            type_ids: pointers.type_ids,
            helpers: pointers.helpers,
            instance: ptr::null_mut(),
        };
        let block = Box::into_raw(Box::new(Block {
            context: HostContext { header, function, closure },
            func_ref: FuncRef { slot: ptr::null(), context: ptr::null_mut(), type_id, function: u32::MAX, own_code: shim },
            no_memory: MemoryDefinition { base: ptr::null_mut(), length: 0 },
            drop_closure,
        }));
        // SAFETY: the block was just made, and stays where it is.
        unsafe {
            (*block).context.header.memory0 = &raw mut (*block).no_memory;
            (*block).func_ref.context = block.cast();
            (*block).func_ref.slot = &raw const (*block).func_ref.own_code;
        }
        Self { block: NonNull::new(block).expect("a box is not null") }
    }

    /// Changes what the shim calls from now on: another function for the same closure.
    pub fn set_function(&mut self, function: HostFunction) {
        // SAFETY: the block is alive, and compiled code, which reads the field, does not run: running borrows the store.
        unsafe { (*self.block.as_ptr()).context.function = function };
    }

    /// The function's context, for as long as the box lives.
    #[must_use]
    pub fn context(&self) -> *mut HostContext {
        self.block.as_ptr().cast()
    }

    /// The function as a reference value, for as long as the box lives.
    #[must_use]
    pub fn func_ref(&self) -> *mut FuncRef {
        // SAFETY: the block is alive.
        unsafe { &raw mut (*self.block.as_ptr()).func_ref }
    }
}

impl Drop for HostContextBox {
    fn drop(&mut self) {
        // SAFETY: from `Box::into_raw` in `new`; the closure is dropped once, by the function that was made for it.
        unsafe {
            let block = Box::from_raw(self.block.as_ptr());
            if let Some(drop_closure) = block.drop_closure {
                drop_closure(block.context.closure);
            }
        }
    }
}

impl fmt::Debug for HostContextBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostContextBox").field("context", &self.context()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mj_abi::RawValue;

    use super::*;
    use crate::{StackPool, Stubs};

    unsafe extern "C" fn nothing(_: *mut HostContext, _: *mut ContextHeader, _: *mut RawValue) -> usize {
        0
    }

    #[test]
    fn closures_are_dropped_with_their_function() {
        let store = StoreState::new(&StackPool::default(), Stubs { unwind: 0, interrupt: 0 }).unwrap();
        let pointers = ContextPointers { type_ids: ptr::null(), helpers: ptr::null() };
        let closure = Arc::new(5_u64);
        let shared = HostContextBox::sharing(&store, pointers, ptr::dangling(), 1, nothing, Arc::clone(&closure));
        let owned = HostContextBox::owning(&store, pointers, ptr::dangling(), 2, nothing, Box::new(Arc::clone(&closure)));
        assert_eq!(Arc::strong_count(&closure), 3);
        // SAFETY: the boxes are alive.
        unsafe {
            assert_eq!(*(*shared.context()).closure.cast::<u64>(), 5);
            assert_eq!((*owned.func_ref()).type_id, 2);
            assert_eq!((*owned.func_ref()).context, owned.context().cast());
            assert_eq!(*(*owned.func_ref()).slot, ptr::dangling());
            assert_eq!((*(*owned.func_ref()).context).store, store.context());
        }
        drop(shared);
        drop(owned);
        assert_eq!(Arc::strong_count(&closure), 1);
    }
}
