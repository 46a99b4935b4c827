//! Values of the host that WebAssembly code can hold but not look into.
//!
//! A value lives until its store is dropped. A reference to it is its place in the store's list plus one, so that zero is null.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::error::Result;
use crate::store::{StoreId, StoreInner};
use crate::{AnyRef, AsContext, AsContextMut, ExnRef, StoreContext, StoreContextMut};

mod sealed {
    pub trait Sealed: Copy {}
}

/// What a [`Rooted`] can refer to.
pub trait GcRef: sealed::Sealed {}

impl sealed::Sealed for ExternRef {}
impl sealed::Sealed for AnyRef {}
impl sealed::Sealed for ExnRef {}
impl GcRef for ExternRef {}
impl GcRef for AnyRef {}
impl GcRef for ExnRef {}

/// A reference that keeps what it refers to alive. Here everything lives as long as the store, so it is only the reference.
pub struct Rooted<T: GcRef>(T);

impl<T: GcRef> Clone for Rooted<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: GcRef> Copy for Rooted<T> {}

impl<T: GcRef> Deref for Rooted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: GcRef> fmt::Debug for Rooted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rooted")
    }
}

impl<T: GcRef> Rooted<T> {
    /// The same reference in the form that outlives scopes.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn to_owned_rooted(&self, store: impl AsContextMut) -> Result<OwnedRooted<T>> {
        let _ = store;
        Ok(OwnedRooted(*self))
    }
}

impl Rooted<ExternRef> {
    /// Whether both refer to the same value.
    #[must_use]
    pub fn rooted_eq(a: Self, b: Self) -> bool {
        a.0 == b.0
    }

    /// Whether both refer to the same value.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn ref_eq(store: impl AsContext, a: &impl Deref<Target = ExternRef>, b: &impl Deref<Target = ExternRef>) -> Result<bool> {
        let _ = store;
        Ok(**a == **b)
    }

    /// Hashes which value it refers to.
    pub fn rooted_hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }

    /// Hashes which value it refers to.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn ref_hash<H: Hasher>(&self, store: impl AsContext, state: &mut H) -> Result<()> {
        let _ = store;
        self.0.hash(state);
        Ok(())
    }
}

impl OwnedRooted<ExternRef> {
    /// As [`Rooted::ref_eq`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ref_eq(store: impl AsContext, a: &impl Deref<Target = ExternRef>, b: &impl Deref<Target = ExternRef>) -> Result<bool> {
        Rooted::ref_eq(store, a, b)
    }
}

/// As [`Rooted`], but not bound to a scope.
pub struct OwnedRooted<T: GcRef>(Rooted<T>);

impl<T: GcRef> Clone for OwnedRooted<T> {
    fn clone(&self) -> Self {
        OwnedRooted(self.0)
    }
}

impl<T: GcRef> Deref for OwnedRooted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: GcRef> fmt::Debug for OwnedRooted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedRooted")
    }
}

impl<T: GcRef> OwnedRooted<T> {
    pub(crate) fn rooted(self) -> Rooted<T> {
        self.0
    }

    pub(crate) fn from_rooted(rooted: Rooted<T>) -> Self {
        OwnedRooted(rooted)
    }

    /// The same reference as [`Rooted`].
    pub fn to_rooted(&self, store: impl AsContextMut) -> Rooted<T> {
        let _ = store;
        self.0
    }

    /// The same reference as [`Rooted`].
    pub fn into_rooted(self, store: impl AsContextMut) -> Rooted<T> {
        self.to_rooted(store)
    }
}

/// A scope for references. They live as long as the store, so it is only a way to write the store.
#[derive(Debug)]
pub struct RootScope<C: AsContextMut>(C);

impl<C: AsContextMut> RootScope<C> {
    /// Opens a scope.
    pub fn new(store: C) -> Self {
        RootScope(store)
    }

    /// Makes room for more references.
    pub fn reserve(&mut self, additional: usize) {
        let _ = additional;
    }
}

impl<C: AsContextMut> AsContext for RootScope<C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.0.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for RootScope<C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.0.as_context_mut()
    }
}

/// A value of the host in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExternRef {
    store: StoreId,
    index: u32,
}

impl ExternRef {
    /// Puts a value into a store, where it stays until the store is dropped.
    ///
    /// # Errors
    ///
    /// If the store holds four billion values already.
    pub fn new<T>(mut store: impl AsContextMut, value: T) -> Result<Rooted<ExternRef>>
    where
        T: 'static + Any + Send + Sync,
    {
        let inner = store.as_context_mut().0.inner_mut();
        let index = u32::try_from(inner.extern_values.len()).map_err(|_| crate::format_err!("the store is full of external values"))?;
        inner.extern_values.push(Box::new(value));
        Ok(Rooted(ExternRef { store: inner.id(), index }))
    }

    /// The value. Always there, though the type leaves room for values that are not the host's.
    ///
    /// # Errors
    ///
    /// None yet.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn data<'a, T>(&self, store: impl Into<StoreContext<'a, T>>) -> Result<Option<&'a (dyn Any + Send + Sync)>>
    where
        T: 'static,
    {
        let inner = store.into().0.inner();
        inner.check_owner(self.store, "external reference");
        Ok(Some(&*inner.extern_values[self.index as usize]))
    }

    /// The value, to change it.
    ///
    /// # Errors
    ///
    /// None yet.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn data_mut<'a, T>(&self, store: impl Into<StoreContextMut<'a, T>>) -> Result<Option<&'a mut (dyn Any + Send + Sync)>>
    where
        T: 'static,
    {
        let inner = store.into().0.inner_mut();
        inner.check_owner(self.store, "external reference");
        Ok(Some(&mut *inner.extern_values[self.index as usize]))
    }

    pub(crate) fn comes_from_same_store(&self, store: &StoreInner) -> bool {
        self.store == store.id()
    }

    /// The word that stands for it in tables, globals and registers.
    pub(crate) fn word(&self) -> u64 {
        u64::from(self.index) + 1
    }

    pub(crate) fn from_word(store: &StoreInner, word: u64) -> Option<Rooted<ExternRef>> {
        let index = u32::try_from(word.checked_sub(1)?).expect("a reference is a place in the store's list");
        Some(Rooted(ExternRef { store: store.id(), index }))
    }
}
