//! Linking by name.
//!
//! Names are interned, so that a definition is found by two numbers, and a linker can be cloned without copying them.

mod commands;
mod late;
mod names;
mod unknown;

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::error::{Result, bail, ensure};
use crate::func::HostFunc;
use crate::{AsContext, AsContextMut, Caller, Engine, Extern, Func, FuncType, ImportType, Instance, InstancePre, IntoFunc, Module, Val};

use names::{Key, Names};

pub use late::{LateInstance, LateLinkError, LateLinking};
pub use unknown::UnknownImportError;

/// What a name stands for.
#[derive(Clone)]
pub(crate) enum Definition {
    /// Something of one store.
    Extern(Extern),
    /// A function that any store can have.
    Host(Arc<HostFunc>),
}

impl Definition {
    /// What it is in a store, which gets it if need be.
    fn in_store<T: 'static>(&self, mut store: impl AsContextMut<Data = T>) -> Extern {
        let store = store.as_context_mut().0.inner_mut();
        match self {
            Definition::Extern(item) => {
                item.check_owner(store);
                *item
            }
            Definition::Host(function) => Func::from_host(store, function).into(),
        }
    }
}

/// Finds imports by name.
///
/// Definitions are functions of the host, which any store of the same engine with data of type `T` can have, or things of one store.
///
/// Stores have data of this very type, not of one that a `T` could stand for:
///
/// ```compile_fail,E0308
/// fn narrowed(linker: mj_jit::Linker<for<'a> fn(&'a str)>) -> mj_jit::Linker<fn(&'static str)> {
///     linker
/// }
/// ```
pub struct Linker<T> {
    engine: Engine,
    names: Names,
    definitions: HashMap<Key, Definition>,
    allow_shadowing: bool,
    allow_unknown_exports: bool,
    /// Its functions take a `T` and leave one: neither a more general nor a more special type will do.
    marker: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            names: self.names.clone(),
            definitions: self.definitions.clone(),
            allow_shadowing: self.allow_shadowing,
            allow_unknown_exports: self.allow_unknown_exports,
            marker: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").field("definitions", &self.definitions.len()).finish_non_exhaustive()
    }
}

impl<T: 'static> Default for Linker<T> {
    /// A linker of the default engine.
    fn default() -> Self {
        Linker::new(&Engine::default())
    }
}

impl<T> Linker<T> {
    /// A linker without definitions.
    #[must_use]
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker {
            engine: engine.clone(),
            names: Names::default(),
            definitions: HashMap::new(),
            allow_shadowing: false,
            allow_unknown_exports: false,
            marker: PhantomData,
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again. It may not at first.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    /// Whether [`Linker::module`] accepts commands that export more than `_start`, a memory and a table. It does not at first.
    pub fn allow_unknown_exports(&mut self, allow: bool) -> &mut Self {
        self.allow_unknown_exports = allow;
        self
    }

    /// Defines `module` `name` as `item`, which belongs to the store.
    ///
    /// # Errors
    ///
    /// If the name is defined already.
    ///
    /// # Panics
    ///
    /// If the item belongs to another store.
    pub fn define(&mut self, store: impl AsContext<Data = T>, module: &str, name: &str, item: impl Into<Extern>) -> Result<&mut Self>
    where
        T: 'static,
    {
        let item = item.into();
        item.check_owner(store.as_context().0.inner());
        self.insert(module, name, Definition::Extern(item))
    }

    /// Defines a function of the host with a type that is known at run time, as [`Func::new`].
    ///
    /// # Errors
    ///
    /// If the name is defined already, or the operating system has no executable memory left.
    ///
    /// # Panics
    ///
    /// If the type belongs to another engine.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self>
    where
        T: 'static,
    {
        let function = HostFunc::dynamic(&self.engine, &ty, func)?;
        self.insert(module, name, Definition::Host(Arc::new(function)))
    }

    /// Defines a function of the host whose type is that of a Rust closure, as [`Func::wrap`].
    ///
    /// # Errors
    ///
    /// If the name is defined already, or the operating system has no executable memory left.
    pub fn func_wrap<Params, Args>(&mut self, module: &str, name: &str, func: impl IntoFunc<T, Params, Args>) -> Result<&mut Self>
    where
        T: 'static,
    {
        let function = func.into_func(&self.engine)?;
        self.insert(module, name, Definition::Host(Arc::new(function)))
    }

    /// Defines everything that an instance exports, as fields of `module_name`.
    ///
    /// # Errors
    ///
    /// If a name is defined already.
    ///
    /// # Panics
    ///
    /// If the instance belongs to another store.
    pub fn instance(&mut self, mut store: impl AsContextMut<Data = T>, module_name: &str, instance: Instance) -> Result<&mut Self>
    where
        T: 'static,
    {
        for export in instance.exports(store.as_context_mut()) {
            let (name, item) = (export.name(), export.clone().into_extern());
            self.insert(module_name, name, Definition::Extern(item))?;
        }
        Ok(self)
    }

    /// Makes `as_module` `as_name` another name of `module` `name`.
    ///
    /// # Errors
    ///
    /// If the latter is not defined, or the former is already.
    pub fn alias(&mut self, module: &str, name: &str, as_module: &str, as_name: &str) -> Result<&mut Self> {
        let Some(definition) = self.find(module, name).cloned() else { bail!("no item named `{module}::{name}` defined") };
        self.insert(as_module, as_name, definition)
    }

    /// Makes all fields of `module` fields of `as_module`, too.
    ///
    /// # Errors
    ///
    /// If one of those is defined already.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<()> {
        let Some(module) = self.names.find(module) else { return Ok(()) };
        let fields = self.definitions.iter().filter(|(key, _)| key.module == module);
        let fields: Vec<_> = fields.map(|(key, definition)| (key.name, definition.clone())).collect();
        for (name, definition) in fields {
            let name = self.names.text(name).clone();
            self.insert(as_module, &name, definition)?;
        }
        Ok(())
    }

    /// Instantiates a module with imports from here.
    ///
    /// # Errors
    ///
    /// If an import is not defined, and as [`Instance::new`].
    ///
    /// # Panics
    ///
    /// If something that was defined belongs to another store.
    pub fn instantiate(&self, store: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance>
    where
        T: 'static,
    {
        self.instantiate_pre(module)?.instantiate(store)
    }

    /// Looks a module's imports up, for instantiating it often.
    ///
    /// # Errors
    ///
    /// If an import is not defined, or is a function of the host of another type.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>>
    where
        T: 'static,
    {
        ensure!(Engine::same(&self.engine, module.engine()), "a linker cannot link a module of another engine");
        let imports = module.imports();
        let items = imports.map(|import| self.find_import(&import).cloned().ok_or_else(|| UnknownImportError::new(&import).into()));
        InstancePre::new(module, items.collect::<Result<Vec<_>>>()?)
    }

    /// All definitions: module, name, and what they are in the store.
    ///
    /// # Panics
    ///
    /// If something that was defined belongs to another store.
    pub fn iter<'a: 'p, 'p>(&'a self, mut store: impl AsContextMut<Data = T> + 'p) -> impl Iterator<Item = (&'a str, &'a str, Extern)> + 'p
    where
        T: 'static,
    {
        self.definitions.iter().map(move |(key, definition)| {
            let item = definition.in_store(store.as_context_mut());
            (&**self.names.text(key.module), &**self.names.text(key.name), item)
        })
    }

    /// What a name stands for in a store.
    ///
    /// # Errors
    ///
    /// If it is not defined.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get(&self, store: impl AsContextMut<Data = T>, module: &str, name: &str) -> Result<Extern>
    where
        T: 'static,
    {
        match self.find(module, name) {
            Some(definition) => Ok(definition.in_store(store)),
            None => bail!("no item named `{module}::{name}` defined"),
        }
    }

    /// What an import finds here; `None` if it is not defined.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_by_import(&self, store: impl AsContextMut<Data = T>, import: &ImportType<'_>) -> Option<Extern>
    where
        T: 'static,
    {
        Some(self.find_import(import)?.in_store(store))
    }

    /// As [`Linker::get_by_import`].
    ///
    /// # Errors
    ///
    /// None yet.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn try_get_by_import(&self, store: impl AsContextMut<Data = T>, import: &ImportType<'_>) -> Result<Option<Extern>>
    where
        T: 'static,
    {
        Ok(self.get_by_import(store, import))
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition) -> Result<&mut Self> {
        let key = Key { module: self.names.intern(module), name: self.names.intern(name) };
        if !self.allow_shadowing && self.definitions.contains_key(&key) {
            bail!("import of `{module}::{name}` defined twice");
        }
        self.definitions.insert(key, definition);
        Ok(self)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.definitions.get(&Key { module: self.names.find(module)?, name: self.names.find(name)? })
    }

    fn find_import(&self, import: &ImportType<'_>) -> Option<&Definition> {
        self.find(import.module(), import.name())
    }
}
