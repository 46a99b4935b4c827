//! Tables of references.

use mj_decode::ValType as Kind;

use crate::error::{Context, Error, Result, bail, ensure, format_err};
use crate::store::{StoreId, StoreInner, StoreTable};
use crate::{AsContext, AsContextMut, Ref, TableType, Trap, Val};

/// Elements that a table without maximum can grow to: address space for them is reserved.
const MOST_ELEMENTS: u64 = 10_000_000;

/// A table: of an instance, or of the host.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    store: StoreId,
    place: u32,
}

impl Table {
    /// A table of the host, every element being `init`.
    ///
    /// # Errors
    ///
    /// If `init` is not of the element type, a limit forbids it, or there is not enough address space.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Ref) -> Result<Table> {
        let ty = ty.lower()?;
        let store = store.as_context_mut().0;
        store.inner().check_counts(0, 1, 0)?;
        let word = lower(store.inner(), init, ty.element)?;
        let id = store.inner().id();
        // SAFETY: the pointer is to the whole store, which is borrowed until the end.
        let table = unsafe { create(store.as_inner_ptr(), id, ty) }?;
        store.inner_mut().tables[table.place].table.words_mut().fill(word);
        Ok(table)
    }

    /// Its type, as it was created.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        TableType::lift(self.in_store(store.as_context().0.inner()).ty)
    }

    /// An element; `None` outside the table.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get(&self, store: impl AsContext, index: u64) -> Option<Ref> {
        let store = store.as_context().0.inner();
        let table = self.in_store(store);
        let word = table.table.get(index)?;
        Val::lift(store, mj_abi::RawValue::new(word as u64), table.ty.element).ref_()
    }

    /// Assigns an element.
    ///
    /// # Errors
    ///
    /// If it is outside the table, or `val` is not of the element type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn set(&self, mut store: impl AsContextMut, index: u64, val: Ref) -> Result<()> {
        let store = store.as_context_mut().0.inner_mut();
        let word = lower(store, val, self.in_store(store).ty.element)?;
        let place = self.place(store);
        ensure!(store.tables[place].table.set(index, word), "table element index out of bounds");
        Ok(())
    }

    /// Its size in elements.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.in_store(store.as_context().0.inner()).table.len() as u64
    }

    /// Grows it by `delta` elements, each being `init`. Returns the size before.
    ///
    /// # Errors
    ///
    /// If `init` is not of the element type, its maximum or a limit forbids it, or there is not enough memory.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Ref) -> Result<u64> {
        let store = store.as_context_mut().0;
        let word = lower(store.inner(), init, self.in_store(store.inner()).ty.element)?;
        let place = self.place(store.inner());
        // SAFETY: the pointer is to the whole store, which is borrowed until the end.
        match unsafe { grow(store.as_inner_ptr(), place, delta, word) }? {
            Some(old) => Ok(old),
            None => bail!("failed to grow table by `{delta}`"),
        }
    }

    /// Copies `len` elements from one table to another, or within one.
    ///
    /// # Errors
    ///
    /// If they are not all inside the tables, or the element types differ.
    ///
    /// # Panics
    ///
    /// If one belongs to another store.
    pub fn copy(
        mut store: impl AsContextMut,
        dst_table: &Table,
        dst_index: u64,
        src_table: &Table,
        src_index: u64,
        len: u64,
    ) -> Result<()> {
        let store = store.as_context_mut().0.inner_mut();
        let (dst, src) = (dst_table.place(store), src_table.place(store));
        let element = |place: u32| store.tables[place].ty.element;
        ensure!(element(dst) == element(src), "type mismatch: source and destination tables have different element types");
        let is_inside = if dst == src {
            store.tables[dst].table.copy_within(dst_index, src_index, len)
        } else {
            let [destination, source] = store.tables.two_mut(dst, src);
            destination.table.init(source.table.words(), dst_index, src_index, len)
        };
        if is_inside { Ok(()) } else { Err(Trap::TableOutOfBounds.into()) }
    }

    /// Sets `len` elements from `dst` on to `val`.
    ///
    /// # Errors
    ///
    /// If they are not all inside the table, or `val` is not of the element type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn fill(&self, mut store: impl AsContextMut, dst: u64, val: Ref, len: u64) -> Result<()> {
        let store = store.as_context_mut().0.inner_mut();
        let word = lower(store, val, self.in_store(store).ty.element)?;
        let place = self.place(store);
        if store.tables[place].table.fill(dst, word, len) { Ok(()) } else { Err(Trap::TableOutOfBounds.into()) }
    }

    pub(crate) fn owner(&self) -> StoreId {
        self.store
    }

    /// Its place in the store's list, for who knows that it belongs to the store.
    pub(crate) fn place_unchecked(&self) -> u32 {
        self.place
    }

    /// Its place in the store's list.
    #[track_caller]
    pub(crate) fn place(&self, store: &StoreInner) -> u32 {
        store.check_owner(self.store, "table");
        self.place
    }

    #[track_caller]
    fn in_store<'a>(&self, store: &'a StoreInner) -> &'a StoreTable {
        &store.tables[self.place(store)]
    }

    /// Its type with its current size as minimum.
    pub(crate) fn current_type(&self, store: &StoreInner) -> mj_decode::TableType {
        let table = self.in_store(store);
        mj_decode::TableType { minimum: table.table.len() as u64, ..table.ty }
    }
}

/// The word of a reference that must be of the element type.
fn lower(store: &StoreInner, reference: Ref, element: Kind) -> Result<usize> {
    let value = Val::from(reference).lower(store, element).context("the reference does not fit the table's element type")?;
    Ok(value.low as usize)
}

/// Asks the store's limiter whether a table may have `desired` elements.
///
/// # Safety
///
/// As [`create`].
unsafe fn ask(this: *mut StoreInner, current: u64, desired: u64, maximum: Option<u64>) -> Result<bool> {
    let number = |elements: u64| usize::try_from(elements).unwrap_or(usize::MAX);
    let mut answer = Ok(true);
    // SAFETY: by the caller's promise.
    unsafe {
        StoreInner::with_limiter(this, &mut |limiter| {
            answer = limiter.table_growing(number(current), number(desired), maximum.map(number));
        });
    }
    answer
}

/// Tells the store's limiter that a table could not grow although it had allowed it.
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
                answer = limiter.table_grow_failed(error);
            }
        });
    }
    answer
}

/// Creates a table of nulls that belongs to `owner`: the store, or an instance of it.
///
/// # Safety
///
/// `this` must come from `StoreData::as_inner_ptr` of a store that nobody else uses.
pub(crate) unsafe fn create(this: *mut StoreInner, owner: StoreId, ty: mj_decode::TableType) -> Result<Table> {
    // SAFETY: by the caller's promise.
    if !unsafe { ask(this, 0, ty.minimum, ty.maximum) }? {
        bail!("table minimum size of {} elements exceeds table limits", ty.minimum);
    }
    // SAFETY: as above.
    let store = unsafe { &mut *this };
    let pool = store.engine().config().pooling.as_ref().map(|pool| pool.table_elements as u64);
    let limit = pool.unwrap_or(MOST_ELEMENTS.max(ty.minimum));
    let table = mj_runtime::Table::new(ty.minimum, ty.maximum, limit)
        .map_err(|error| Error::new(error).context(format!("cannot create a table of {} elements", ty.minimum)))?;
    let place = store.tables.add(StoreTable { table, ty });
    Ok(Table { store: owner, place })
}

/// Grows a table by `delta` elements; the size before, or `None` if that cannot be.
///
/// # Safety
///
/// As [`create`]; `word` must be of the element type, and of this store.
pub(crate) unsafe fn grow(this: *mut StoreInner, place: u32, delta: u64, word: usize) -> Result<Option<u64>> {
    // SAFETY: by the caller's promise; the reference ends before the limiter is asked.
    let (maximum, current) = unsafe {
        let table = &(&(*this).tables)[place];
        (table.ty.maximum, table.table.len() as u64)
    };
    if delta == 0 {
        return Ok(Some(current));
    }
    let desired = current.saturating_add(delta);
    // SAFETY: by the caller's promise.
    if !unsafe { ask(this, current, desired, maximum) }? {
        return Ok(None);
    }
    // SAFETY: by the caller's promise; the reference ends with the statement.
    let grown = unsafe { (&mut (*this).tables)[place].table.grow(delta, word) };
    if grown.is_none() {
        let error = format_err!("the table cannot grow from {current} to {desired} elements");
        // SAFETY: by the caller's promise.
        unsafe { tell_failure(this, error) }?;
        return Ok(None);
    }
    // SAFETY: by the caller's promise; the reference ends with the statement.
    unsafe { (*this).note_growth((delta as usize).saturating_mul(size_of::<usize>())) };
    Ok(grown)
}
