//! What can be imported and exported.

use crate::store::{StoreId, StoreInner};
use crate::types::{ExternType, Found};
use crate::{AsContext, Func, Global, Memory, Table};

/// A memory that several threads may use at once. There are none: threads are not supported yet.
#[derive(Clone, Copy, Debug)]
pub enum SharedMemory {}

/// An exception's tag. There are none: exceptions are not supported yet.
#[derive(Clone, Copy, Debug)]
pub enum Tag {}

/// Something that can be imported and exported.
#[derive(Clone, Copy, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A global.
    Global(Global),
    /// A table.
    Table(Table),
    /// A linear memory.
    Memory(Memory),
    /// A shared memory: not supported, never made.
    SharedMemory(SharedMemory),
    /// An exception's tag: not supported, never made.
    Tag(Tag),
}

macro_rules! accessors {
    ($($variant:ident $into:ident;)*) => {
        impl Extern {
            $(
                #[doc = concat!("The `", stringify!($variant), "`, if it is one.")]
                #[must_use]
                pub fn $into(self) -> Option<$variant> {
                    if let Extern::$variant(value) = self { Some(value) } else { None }
                }
            )*
        }

        impl Export<'_> {
            $(
                #[doc = concat!("The `", stringify!($variant), "`, if it is one.")]
                #[must_use]
                pub fn $into(self) -> Option<$variant> {
                    self.definition.$into()
                }
            )*
        }

        $(impl From<$variant> for Extern {
            fn from(value: $variant) -> Self {
                Extern::$variant(value)
            }
        })*
    };
}

accessors! {
    Func into_func;
    Global into_global;
    Table into_table;
    Memory into_memory;
    SharedMemory into_shared_memory;
    Tag into_tag;
}

impl Extern {
    /// Its type. Sizes of memories and tables are those at their creation.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        match self {
            Extern::Func(function) => function.ty(store).into(),
            Extern::Global(global) => global.ty(store).into(),
            Extern::Table(table) => table.ty(store).into(),
            Extern::Memory(memory) => memory.ty(store).into(),
            Extern::SharedMemory(memory) => match *memory {},
            Extern::Tag(tag) => match *tag {},
        }
    }

    /// Whom it belongs to.
    pub(crate) fn owner(&self) -> StoreId {
        match self {
            Extern::Func(function) => function.owner(),
            Extern::Global(global) => global.owner(),
            Extern::Table(table) => table.owner(),
            Extern::Memory(memory) => memory.owner(),
            Extern::SharedMemory(memory) => match *memory {},
            Extern::Tag(tag) => match *tag {},
        }
    }

    /// Panics if it does not belong to this store.
    #[track_caller]
    pub(crate) fn check_owner(&self, store: &StoreInner) {
        match self {
            Extern::Func(function) => store.check_owner(function.owner(), "function"),
            Extern::Global(global) => store.check_owner(global.owner(), "global"),
            Extern::Table(table) => store.check_owner(table.owner(), "table"),
            Extern::Memory(memory) => store.check_owner(memory.owner(), "memory"),
            Extern::SharedMemory(memory) => match *memory {},
            Extern::Tag(tag) => match *tag {},
        }
    }

    /// Its type as linking sees it, with current sizes.
    pub(crate) fn found(&self, store: &StoreInner) -> Found {
        match self {
            Extern::Func(function) => Found::Func(function.type_entry(store)),
            Extern::Global(global) => Found::Global(global.lowered_type()),
            Extern::Table(table) => Found::Table(table.current_type(store)),
            Extern::Memory(memory) => Found::Memory(memory.current_type(store)),
            Extern::SharedMemory(memory) => match *memory {},
            Extern::Tag(tag) => match *tag {},
        }
    }
}

/// An export of an instance.
#[derive(Clone, Debug)]
pub struct Export<'instance> {
    name: &'instance str,
    definition: Extern,
}

impl<'instance> Export<'instance> {
    pub(crate) fn new(name: &'instance str, definition: Extern) -> Self {
        Self { name, definition }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'instance str {
        self.name
    }

    /// Its type.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        self.definition.ty(store)
    }

    /// What it is.
    #[must_use]
    pub fn into_extern(self) -> Extern {
        self.definition
    }
}
