//! What a host function gets to know about who called it.

use mj_abi::ContextHeader;

use crate::error::Result;
use crate::instance::InstanceData;
use crate::store::{GcHeapOutOfMemory, StoreData};
use crate::{AsContext, AsContextMut, Engine, Extern, ModuleExport, StoreContext, StoreContextMut};

/// The store that a host function is called in, and the instance that calls.
pub struct Caller<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    instance: Calling,
}

/// The context of the instance that calls; of the host function itself, if the host calls.
#[derive(Clone, Copy)]
pub(super) struct Calling(pub *mut ContextHeader);

// SAFETY: the pointer is followed only together with the store.
unsafe impl Send for Calling {}
// SAFETY: as above.
unsafe impl Sync for Calling {}

impl<'a, T: 'static> Caller<'a, T> {
    pub(super) fn new(store: &'a mut StoreData<T>, instance: Calling) -> Self {
        Caller { store: StoreContextMut(store), instance }
    }

    fn instance(&self) -> Option<&InstanceData> {
        // SAFETY: the context is that of a function which waits for this one, so it is alive, and its hooks are an `InstanceData`.
        unsafe { Some(mj_runtime::hooks_of(self.instance.0)?.cast::<InstanceData>().as_ref()) }
    }

    /// What the calling instance exports under this name; nothing if the host called.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.kept(self.instance()?.get_export(name)?)
    }

    /// What the calling instance exports as `export` of its module.
    pub fn get_module_export(&self, export: &ModuleExport) -> Option<Extern> {
        self.kept(self.instance()?.get_module_export(export)?)
    }

    /// Something of the calling instance, which the host may use for as long as the store.
    fn kept(&self, item: Extern) -> Option<Extern> {
        if let Some(late) = &self.store.0.inner().late {
            late.pin(item.owner());
        }
        Some(item)
    }

    /// The instance that calls; nothing if the host called. An instance that was linked late is the caller's to keep.
    pub(crate) fn calling_instance(&self) -> Option<&InstanceData> {
        self.instance()
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The host's data, to change it.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// As [`Store::get_fuel`](crate::Store::get_fuel).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn get_fuel(&self) -> Result<u64> {
        self.store.get_fuel()
    }

    /// As [`Store::set_fuel`](crate::Store::set_fuel).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<()> {
        self.store.set_fuel(fuel)
    }

    /// As [`Store::gc`](crate::Store::gc).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn gc(&mut self, why: Option<&GcHeapOutOfMemory<()>>) -> Result<()> {
        self.store.gc(why)
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;

    #[inline]
    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    #[inline]
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}

impl<'a, T: 'static> From<Caller<'a, T>> for StoreContextMut<'a, T> {
    fn from(caller: Caller<'a, T>) -> Self {
        caller.store
    }
}
