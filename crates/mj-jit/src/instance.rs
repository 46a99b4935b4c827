//! Instances of modules.

mod create;
mod data;
mod hooks;
mod inspect;

use std::fmt;
use std::sync::Arc;

use mj_decode::{Export as ModuleExportEntry, ExportKind};

use crate::error::{Context, Result};
use crate::linker::Definition;
use crate::module::ModuleInner;
use crate::store::{StoreId, StoreInner};
use crate::types::Found;
use crate::{
    AsContext, AsContextMut, Export, Extern, Func, Global, Memory, Module, ModuleExport, StoreContext, StoreContextMut, Table, TypedFunc,
    WasmParams, WasmResults,
};

pub(crate) use create::{create, instantiate, start};
pub(crate) use data::InstanceData;
pub use inspect::Identity;

/// An instance of a module in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    store: StoreId,
    index: u32,
}

impl Instance {
    /// Instantiates a module: links `imports` (one for each import, in their order), creates what it defines, and runs its start function.
    ///
    /// # Errors
    ///
    /// If the imports do not fit (the error names module, field, and both types), a limit forbids it, a segment lies outside its memory or table, or the
    /// start function fails.
    ///
    /// # Panics
    ///
    /// If an import belongs to another store.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Instance> {
        let store = store.as_context_mut().0;
        store.inner().check_imports(module.inner(), imports)?;
        // SAFETY: the pointer is to the whole store, which is borrowed until the end; the imports were checked.
        unsafe { instantiate(store.as_inner_ptr(), module, imports) }
    }

    /// The module it is an instance of.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn module<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>) -> Module {
        Module::from_inner(Arc::clone(&self.data(store.into().0.inner()).module))
    }

    /// Its exports, in the module's order.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn exports<'a, T: 'static>(&'a self, store: impl Into<StoreContextMut<'a, T>>) -> impl ExactSizeIterator<Item = Export<'a>> + 'a {
        let store = StoreContext::from(store.into()).0.inner();
        let data = self.data(store);
        data.module.env.exports.iter().map(|export| Export::new(&export.name, data.extern_of(export)))
    }

    /// The export with this name.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        self.data(store.as_context().0.inner()).get_export(name)
    }

    /// The export that was looked up in the module; `None` if that was another module.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_module_export(&self, store: impl AsContext, export: &ModuleExport) -> Option<Extern> {
        self.data(store.as_context().0.inner()).get_module_export(export)
    }

    /// The exported function with this name.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported function with this name, as a typed one.
    ///
    /// # Errors
    ///
    /// If there is none, or it has another type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_typed_func<Params, Results>(&self, store: impl AsContext, name: &str) -> Result<TypedFunc<Params, Results>>
    where
        Params: WasmParams,
        Results: WasmResults,
    {
        let function = self.get_export(&store, name).and_then(Extern::into_func);
        let function = function.with_context(|| format!("failed to find function export `{name}`"))?;
        function.typed(store).with_context(|| format!("failed to convert function `{name}` to given type"))
    }

    /// The exported table with this name.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported memory with this name.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported global with this name.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// An instance of the store, from its list.
    pub(crate) fn from_parts(store: StoreId, index: u32) -> Self {
        Self { store, index }
    }

    pub(crate) fn data<'a>(&self, store: &'a StoreInner) -> &'a InstanceData {
        store.check_owner(self.store, "instance");
        store.instance(self.index)
    }
}

impl InstanceData {
    /// What an export of the module is in this instance.
    pub fn extern_of(&self, export: &ModuleExportEntry) -> Extern {
        match export.kind {
            ExportKind::Function => self.function(export.index).into(),
            ExportKind::Global => self.global(export.index).into(),
            ExportKind::Table => self.tables[export.index as usize].into(),
            ExportKind::Memory => self.memories[export.index as usize].into(),
        }
    }

    pub fn get_export(&self, name: &str) -> Option<Extern> {
        Some(self.extern_of(self.module.export(name)?))
    }

    pub fn get_module_export(&self, export: &ModuleExport) -> Option<Extern> {
        let place = export.place_in(&self.module)?;
        Some(self.extern_of(&self.module.env.exports[place as usize]))
    }
}

impl StoreInner {
    /// Checks imports given one by one: number, owner, types.
    fn check_imports(&self, module: &ModuleInner, imports: &[Extern]) -> Result<()> {
        let expected = module.env.imports.len();
        crate::ensure!(imports.len() == expected, "expected {expected} imports, found {}", imports.len());
        for (index, import) in imports.iter().enumerate() {
            import.check_owner(self);
            self.check_import(module, index, import)?;
        }
        Ok(())
    }

    pub(crate) fn check_import(&self, module: &ModuleInner, index: usize, import: &Extern) -> Result<()> {
        let found: Found = import.found(self);
        crate::types::check_import(&module.env, &module.types, index, &found)
    }
}

/// A module whose imports were looked up in a linker, ready to be instantiated in any store of the right kind.
pub struct InstancePre<T: 'static> {
    module: Module,
    items: Arc<[Definition]>,
    marker: std::marker::PhantomData<fn(T) -> T>,
}

impl<T: 'static> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self { module: self.module.clone(), items: Arc::clone(&self.items), marker: self.marker }
    }
}

impl<T: 'static> fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstancePre").field("module", &self.module).finish_non_exhaustive()
    }
}

impl<T: 'static> InstancePre<T> {
    /// Takes definitions for all imports, in their order. Types of host functions are checked now; what belongs to a store may change, and is
    /// checked at instantiation.
    pub(crate) fn new(module: &Module, items: Vec<Definition>) -> Result<Self> {
        let inner = module.inner();
        for (index, item) in items.iter().enumerate() {
            if let Definition::Host(function) = item {
                crate::types::check_import(&inner.env, &inner.types, index, &Found::Func(Arc::clone(&function.ty)))?;
            }
        }
        Ok(Self { module: module.clone(), items: items.into(), marker: std::marker::PhantomData })
    }

    /// The module.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Instantiates the module in a store.
    ///
    /// # Errors
    ///
    /// As [`Instance::new`].
    ///
    /// # Panics
    ///
    /// If something that was defined in the linker belongs to another store.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance> {
        let store = store.as_context_mut().0;
        let inner = store.inner_mut();
        let mut imports = smallvec::SmallVec::<[Extern; 16]>::with_capacity(self.items.len());
        for (index, item) in self.items.iter().enumerate() {
            imports.push(match item {
                Definition::Host(function) => Func::from_host(inner, function).into(),
                Definition::Extern(item) => {
                    item.check_owner(inner);
                    inner.check_import(self.module.inner(), index, item)?;
                    *item
                }
            });
        }
        // SAFETY: the pointer is to the whole store, which is borrowed until the end; the imports were checked.
        unsafe { instantiate(store.as_inner_ptr(), &self.module, &imports) }
    }
}
