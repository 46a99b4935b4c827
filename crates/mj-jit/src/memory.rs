//! Linear memories.

use std::fmt;

use crate::error::{Error, Result, bail, format_err};
use crate::store::{StoreId, StoreInner, StoreMemory};
use crate::{AsContext, AsContextMut, MemoryType, StoreContext, StoreContextMut};

/// An access that is not all inside a memory.
#[derive(Debug)]
#[non_exhaustive]
pub struct MemoryAccessError {}

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds memory access")
    }
}

impl std::error::Error for MemoryAccessError {}

/// A linear memory: of an instance, or of the host.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    store: StoreId,
    place: u32,
}

impl Memory {
    /// A memory of the host, zeroed.
    ///
    /// # Errors
    ///
    /// If a limit forbids it, or there is not enough memory or address space.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Memory> {
        let ty = ty.lower()?;
        let store = store.as_context_mut().0;
        store.inner().check_counts(0, 0, 1)?;
        let id = store.inner().id();
        // SAFETY: the pointer is to the whole store, which is borrowed until the end.
        unsafe { create(store.as_inner_ptr(), id, ty) }
    }

    /// Its type, as it was created.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        MemoryType::lift(self.get(store.as_context().0.inner()).ty)
    }

    /// Copies bytes from `offset` on into `buffer`.
    ///
    /// # Errors
    ///
    /// If they are not all inside the memory.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn read(&self, store: impl AsContext, offset: usize, buffer: &mut [u8]) -> Result<(), MemoryAccessError> {
        let bytes = self.get(store.as_context().0.inner()).memory.bytes();
        let source = offset.checked_add(buffer.len()).and_then(|end| bytes.get(offset..end));
        buffer.copy_from_slice(source.ok_or(MemoryAccessError {})?);
        Ok(())
    }

    /// Copies `buffer` into the memory from `offset` on.
    ///
    /// # Errors
    ///
    /// If it is not all inside the memory.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn write(&self, mut store: impl AsContextMut, offset: usize, buffer: &[u8]) -> Result<(), MemoryAccessError> {
        let bytes = self.get_mut(store.as_context_mut().0.inner_mut()).memory.bytes_mut();
        let target = offset.checked_add(buffer.len()).and_then(|end| bytes.get_mut(offset..end));
        target.ok_or(MemoryAccessError {})?.copy_from_slice(buffer);
        Ok(())
    }

    /// Its bytes.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    #[inline]
    pub fn data<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        self.get(store.into().0.inner()).memory.bytes()
    }

    /// Its bytes, to change them.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    #[inline]
    pub fn data_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        self.get_mut(store.into().0.inner_mut()).memory.bytes_mut()
    }

    /// Its bytes and the host's data, to change both.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    #[inline]
    pub fn data_and_store_mut<'a, T: 'static>(&self, store: impl Into<StoreContextMut<'a, T>>) -> (&'a mut [u8], &'a mut T) {
        let (inner, data) = store.into().0.parts_mut();
        (self.get_mut(inner).memory.bytes_mut(), data)
    }

    /// Its bytes and the host's data.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn data_and_store<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> (&'a [u8], &'a T) {
        let (inner, data) = store.into().0.parts();
        (self.get(inner).memory.bytes(), data)
    }

    /// Where its bytes are. They stay there while the store lives.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn data_ptr(&self, store: impl AsContext) -> *mut u8 {
        self.get(store.as_context().0.inner()).memory.base()
    }

    /// Its size in bytes.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        self.get(store.as_context().0.inner()).memory.len()
    }

    /// Its size in pages.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn size(&self, store: impl AsContext) -> u64 {
        let memory = self.get(store.as_context().0.inner());
        memory.memory.len() as u64 >> memory.ty.page_size_log2
    }

    /// Bytes of a page.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn page_size(&self, store: impl AsContext) -> u64 {
        self.ty(store).page_size()
    }

    /// Logarithm of the page size.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn page_size_log2(&self, store: impl AsContext) -> u8 {
        self.ty(store).page_size_log2()
    }

    /// Grows it by `delta` pages of zeros. Returns the size before, in pages.
    ///
    /// # Errors
    ///
    /// If its maximum or a limit forbids it, or there is not enough memory.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64> {
        let store = store.as_context_mut().0;
        let place = self.place(store.inner());
        // SAFETY: the pointer is to the whole store, which is borrowed until the end.
        match unsafe { grow(store.as_inner_ptr(), place, delta) }? {
            Some(old) => Ok(old),
            None => bail!("failed to grow memory by `{delta}`"),
        }
    }

    pub(crate) fn owner(&self) -> StoreId {
        self.store
    }

    /// Its place in the store's list, for who knows that it belongs to the store.
    pub(crate) fn place_unchecked(&self) -> u32 {
        self.place
    }

    /// Its place in the store's list.
    #[inline]
    #[track_caller]
    pub(crate) fn place(&self, store: &StoreInner) -> u32 {
        store.check_owner(self.store, "memory");
        self.place
    }

    #[inline]
    #[track_caller]
    fn get<'a>(&self, store: &'a StoreInner) -> &'a StoreMemory {
        &store.memories[self.place(store)]
    }

    #[inline]
    #[track_caller]
    fn get_mut<'a>(&self, store: &'a mut StoreInner) -> &'a mut StoreMemory {
        let place = self.place(store);
        &mut store.memories[place]
    }

    /// Its type with its current size as minimum.
    pub(crate) fn current_type(&self, store: &StoreInner) -> mj_decode::MemoryType {
        let memory = self.get(store);
        mj_decode::MemoryType { minimum: memory.memory.len() as u64 >> memory.ty.page_size_log2, ..memory.ty }
    }
}

/// Asks the store's limiter whether a memory may have `desired` bytes.
///
/// # Safety
///
/// As [`create`].
unsafe fn ask(this: *mut StoreInner, current: u64, desired: u64, maximum: Option<u64>) -> Result<bool> {
    let number = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut answer = Ok(true);
    // SAFETY: by the caller's promise.
    unsafe {
        StoreInner::with_limiter(this, &mut |limiter| {
            answer = limiter.memory_growing(number(current), number(desired), maximum.map(number));
        });
    }
    answer
}

/// Tells the store's limiter that a memory could not grow although it had allowed it.
///
/// # Safety
///
/// As [`create`].
unsafe fn tell_failure(this: *mut StoreInner, error: Error) -> Result<()> {
    let (mut error, mut answer) = (Some(error), Ok(()));
    // SAFETY: by the caller's promise.
    unsafe {
        StoreInner::with_limiter(this, &mut |limiter| {
            if let Some(error) = error.take() {
                answer = limiter.memory_grow_failed(error);
            }
        });
    }
    answer
}

/// Creates a memory that belongs to `owner`: the store, or an instance of it.
///
/// # Safety
///
/// `this` must come from `StoreData::as_inner_ptr` of a store that nobody else uses.
pub(crate) unsafe fn create(this: *mut StoreInner, owner: StoreId, ty: mj_decode::MemoryType) -> Result<Memory> {
    let bytes = |pages: u64| pages.saturating_mul(ty.page_size());
    let (minimum, maximum) = (bytes(ty.minimum), ty.maximum.map(bytes));
    // SAFETY: by the caller's promise.
    if !unsafe { ask(this, 0, minimum, maximum) }? {
        bail!("memory minimum size of {} pages exceeds memory limits", ty.minimum);
    }
    // SAFETY: as above.
    let store = unsafe { &mut *this };
    let plan = store.engine().memory_plan(minimum, maximum);
    let memory = store.engine().memories().allocate(&plan).map_err(|error| {
        Error::new(error).context(format!("cannot create a memory of {minimum} bytes (address space: `Config::memory_reservation`)"))
    })?;
    let place = store.memories.add(StoreMemory { memory, ty });
    Ok(Memory { store: owner, place })
}

/// Grows a memory by `delta` pages; the size before, or `None` if that cannot be.
///
/// # Safety
///
/// As [`create`].
pub(crate) unsafe fn grow(this: *mut StoreInner, place: u32, delta: u64) -> Result<Option<u64>> {
    // SAFETY: by the caller's promise; the reference ends before the limiter is asked.
    let (ty, current) = unsafe {
        let memory = &(&(*this).memories)[place];
        (memory.ty, memory.memory.len() as u64)
    };
    let pages = current >> ty.page_size_log2;
    if delta == 0 {
        return Ok(Some(pages));
    }
    let bytes = |pages: u64| pages.saturating_mul(ty.page_size());
    let desired = bytes(pages.saturating_add(delta));
    let largest = 1u64 << 32;
    let maximum = ty.maximum.map(bytes);
    // SAFETY: by the caller's promise.
    if !unsafe { ask(this, current, desired, maximum) }? {
        return Ok(None);
    }
    let grown = if desired <= maximum.unwrap_or(largest).min(largest) {
        // SAFETY: by the caller's promise; the reference ends with the statement.
        unsafe { (&mut (*this).memories)[place].memory.grow(desired - current) }
    } else {
        None
    };
    if grown.is_none() {
        let error = format_err!("the memory cannot grow from {current} to {desired} bytes");
        // SAFETY: by the caller's promise.
        unsafe { tell_failure(this, error) }?;
        return Ok(None);
    }
    // SAFETY: by the caller's promise; the reference ends with the statement.
    unsafe { (*this).note_growth((desired - current) as usize) };
    Ok(Some(pages))
}
