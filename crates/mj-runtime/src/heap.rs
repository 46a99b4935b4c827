//! Values on the heap that compiled code has pointers to.

use std::cell::UnsafeCell;
use std::ptr::NonNull;

/// A value on the heap, at one address until it is dropped. A box would not do: moving one says that nobody else has pointers to what is in it.
#[derive(Debug)]
pub(crate) struct Fixed<T> {
    /// From `Box::into_raw`.
    place: NonNull<UnsafeCell<T>>,
}

// SAFETY: it owns the value.
unsafe impl<T: Send> Send for Fixed<T> {}

impl<T> Fixed<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { place: NonNull::from(Box::leak(Box::new(UnsafeCell::new(value)))) }
    }

    /// Where the value is.
    #[inline]
    pub(crate) fn get(&self) -> *mut T {
        // SAFETY: the value is there until the drop.
        unsafe { self.place.as_ref() }.get()
    }
}

impl<T> Drop for Fixed<T> {
    fn drop(&mut self) {
        // SAFETY: from a box, and nothing uses it after this.
        drop(unsafe { Box::from_raw(self.place.as_ptr()) });
    }
}
