//! Looking into an instance: everything in its index spaces, exported or not, and what is left of its segments.
//!
//! For tools that show or save what a program has come to. Most functions never become references, so those asked for here get one that the store
//! keeps from then on.

use std::ptr::NonNull;

use mj_abi::{FuncRef, RawValue};

use super::{Instance, InstanceData};
use crate::store::{StoreId, StoreInner};
use crate::{AsContext, AsContextMut, Extern, Func, Global, Memory, Ref, StoreContext, Table, Val};

/// Things of an instance by their indices in its module, imported ones first (spec 2.5.1).
impl Instance {
    /// A memory; `None` if there is none with this index.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_memory(&self, store: impl AsContext, memory_index: u32) -> Option<Memory> {
        let instance = self.data(store.as_context().0.inner());
        instance.memories.get(memory_index as usize).copied()
    }

    /// A table; `None` if there is none with this index.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_table(&self, store: impl AsContext, table_index: u32) -> Option<Table> {
        let instance = self.data(store.as_context().0.inner());
        instance.tables.get(table_index as usize).copied()
    }

    /// A global; `None` if there is none with this index.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_global(&self, store: impl AsContext, global_index: u32) -> Option<Global> {
        let instance = self.data(store.as_context().0.inner());
        ((global_index as usize) < instance.module.env.globals.len()).then(|| instance.global(global_index))
    }

    /// A function; `None` if there is none with this index.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_function(&self, mut store: impl AsContextMut, function_index: u32) -> Option<Func> {
        let store = store.as_context_mut().0.inner_mut();
        let func_ref = self.data(store).describe_function(function_index)?;
        Some(store.add_func_ref(func_ref))
    }

    /// What `memory.init` finds in a data segment: nothing if it was dropped, as active ones are by instantiation. `None` if there is none with this
    /// index.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_data_segment<'a, T: 'static>(&self, store: impl Into<StoreContext<'a, T>>, data_index: u32) -> Option<&'a [u8]> {
        let instance = self.data(store.into().0.inner());
        ((data_index as usize) < instance.module.env.data.len()).then(|| instance.data_segment_bytes(data_index))
    }

    /// What `table.init` finds in an element segment: nothing if it was dropped, as active and declared ones are by instantiation. `None` if there is
    /// none with this index.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_element_segment(&self, store: impl AsContext, element_index: u32) -> Option<Vec<Ref>> {
        let store = store.as_context().0.inner();
        let instance = self.data(store);
        let segment = instance.module.env.elements.get(element_index as usize)?;
        let lift = |&word: &usize| Val::lift(store, RawValue::new(word as u64), segment.element).ref_().expect("segments hold references");
        Some(instance.element_segment_words(element_index).iter().map(lift).collect())
    }
}

impl InstanceData {
    /// What a reference to any of its functions says.
    fn describe_function(&self, function: u32) -> Option<FuncRef> {
        let env = &self.module.env;
        let ty = *env.functions.get(function as usize)?;
        let (slot, context) = match env.defined_function(function) {
            Some(own) => (self.module.code.slot(own), self.context.header()),
            None => self.context.imported_function(function),
        };
        Some(FuncRef { slot, context, type_id: self.module.type_ids[ty as usize], function, own_code: std::ptr::null() })
    }
}

impl Func {
    /// The instance that defines it, and its index in that one's module; `None` for a function of the host.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn origin(&self, store: impl AsContext) -> Option<(Instance, u32)> {
        let store = store.as_context().0.inner();
        let func_ref = self.func_ref(store);
        // SAFETY: the function is this store's, so its context is alive, and its hooks, if it has any, are an `InstanceData`.
        let data = unsafe { mj_runtime::hooks_of(func_ref.context)?.cast::<InstanceData>().as_ref() };
        let instance = Instance { store: data.store, index: data.index };
        let module = &data.module;
        let own = module.code.function_of_slot(func_ref.slot).expect("a function's slot is one of its module's");
        Some((instance, module.env.imported_functions + own))
    }
}

/// Which thing an [`Extern`] is, to be compared, sorted and looked up: equal for two handles of one thing, and for two references to one function.
/// The order says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Thing);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Thing {
    /// Addresses of slot and context: the code, and whose it is.
    Func(usize, usize),
    /// Address of the cell.
    Global(usize),
    /// Place in the store.
    Table(u32),
    /// Place in the store.
    Memory(u32),
}

impl Extern {
    /// Which thing of the store it is.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn identity(&self, store: impl AsContext) -> Identity {
        let store = store.as_context().0.inner();
        Identity(match self {
            Extern::Func(function) => {
                let func_ref = function.func_ref(store);
                Thing::Func(func_ref.slot as usize, func_ref.context as usize)
            }
            Extern::Global(global) => Thing::Global(global.cell(store) as usize),
            Extern::Table(table) => Thing::Table(table.place(store)),
            Extern::Memory(memory) => Thing::Memory(memory.place(store)),
            Extern::SharedMemory(memory) => match *memory {},
            Extern::Tag(tag) => match *tag {},
        })
    }
}

impl StoreInner {
    /// A function for a reference that is made now, or was made before.
    fn add_func_ref(&mut self, func_ref: FuncRef) -> Func {
        let id: StoreId = self.id();
        if let Some(late) = &self.late {
            late.pin_at(func_ref.context as usize);
        }
        let place = self.inspected.entry((func_ref.slot as usize, func_ref.context as usize));
        let func_ref = place.or_insert_with(|| Box::new(func_ref));
        Func::from_pointer(id, NonNull::from(&mut **func_ref))
    }
}
