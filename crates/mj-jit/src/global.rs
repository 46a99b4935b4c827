//! Global variables.

use mj_abi::GlobalCell;
use mj_runtime::GlobalBox;

use crate::error::{Context, Result, bail, ensure};
use crate::store::{StoreId, StoreInner};
use crate::{AsContext, AsContextMut, GlobalType, Val};

/// A global: of an instance, or of the host.
#[derive(Clone, Copy, Debug)]
pub struct Global {
    store: StoreId,
    cell: *mut GlobalCell,
    ty: mj_decode::GlobalType,
}

// SAFETY: the pointer is followed only by whoever has the store.
unsafe impl Send for Global {}
// SAFETY: as above.
unsafe impl Sync for Global {}

impl Global {
    /// A global of the host.
    ///
    /// # Errors
    ///
    /// If the value is not of the type.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, val: Val) -> Result<Global> {
        let store = store.as_context_mut().0.inner_mut();
        let ty = ty.lower()?;
        let value = val.lower(store, ty.content).context("the value given for the global does not fit its type")?;
        let global = GlobalBox::new(value);
        let cell = global.cell();
        store.host_globals.push(global);
        Ok(Global { store: store.id(), cell, ty })
    }

    /// Its type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> GlobalType {
        self.cell(store.as_context().0.inner());
        GlobalType::lift(self.ty)
    }

    /// Its value.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get(&self, store: impl AsContext) -> Val {
        let store = store.as_context().0.inner();
        // SAFETY: the cell belongs to this store, and compiled code does not run.
        let value = unsafe { (*self.cell(store)).value };
        Val::lift(store, value, self.ty.content)
    }

    /// Assigns it.
    ///
    /// # Errors
    ///
    /// If it is constant, or the value is not of its type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn set(&self, mut store: impl AsContextMut, val: Val) -> Result<()> {
        let store = store.as_context_mut().0.inner();
        let cell = self.cell(store);
        ensure!(self.ty.mutable, "immutable global cannot be set");
        let value = val.lower(store, self.ty.content).context("type mismatch: the value does not fit the global's type")?;
        // SAFETY: the cell belongs to this store, and compiled code does not run.
        unsafe { (*cell).value = value };
        Ok(())
    }

    pub(crate) fn new_handle(store: StoreId, cell: *mut GlobalCell, ty: mj_decode::GlobalType) -> Self {
        Self { store, cell, ty }
    }

    pub(crate) fn owner(&self) -> StoreId {
        self.store
    }

    /// Its cell, which lives as long as the store.
    #[track_caller]
    pub(crate) fn cell(&self, store: &StoreInner) -> *mut GlobalCell {
        store.check_owner(self.store, "global");
        self.cell
    }

    pub(crate) fn lowered_type(&self) -> mj_decode::GlobalType {
        self.ty
    }

    /// A global with zero or null in it.
    pub(crate) fn default_for(store: impl AsContextMut, ty: GlobalType) -> Result<Global> {
        let Some(value) = ty.content().default_value() else { bail!("values of type `{}` have no default", ty.content()) };
        Global::new(store, ty, value)
    }
}
