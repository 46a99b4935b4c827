//! Instantiation (spec 4.5.4).

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::Arc;

use mj_abi::{FuncRef, RawValue};
use mj_decode::{ConstExpr, DataMode, ElementItems, ElementMode, MemoryType, TableType};
use mj_runtime::{ContextBox, ContextPointers};
use smallvec::SmallVec;

use super::data::ElementWords;
use super::{Instance, InstanceData};
use crate::error::{Result, ensure};
use crate::module::ModuleInner;
use crate::store::{LateRoot, StoreId, StoreInner};
use crate::{Engine, Extern, Memory, Module, Table, Trap, func, memory, table};

/// Makes an instance that lives as long as the store, and runs its start function. If that fails the instance stays in the store, for others may refer to
/// it already.
///
/// # Safety
///
/// As [`create`].
pub(crate) unsafe fn instantiate(this: *mut StoreInner, module: &Module, imports: &[Extern]) -> Result<Instance> {
    // SAFETY: by the caller's promise.
    unsafe {
        let instance = create(this, None, module, imports)?;
        start(this, instance)?;
        Ok(instance)
    }
}

/// Makes an instance. It lives as long as the store; with `late`, until nobody can reach it and that root is gone.
///
/// # Errors
///
/// As for [`Instance::new`]: a [`Trap`] if a segment lies outside its memory or table.
///
/// # Safety
///
/// `this` must come from `StoreData::as_inner_ptr` of a store that nobody else uses; `imports` must have been checked against the module.
pub(crate) unsafe fn create(this: *mut StoreInner, late: Option<&LateRoot>, module: &Module, imports: &[Extern]) -> Result<Instance> {
    let module = module.inner();
    // SAFETY: by the caller's promise; the reference ends before anything goes through `this` again.
    let store = unsafe { &mut *this };
    ensure!(Engine::same(store.engine(), &module.engine), "a module cannot be instantiated in a store of another engine");
    ensure!(store.engine().is_native(), "code for another machine cannot run here");
    let owner = late.map_or(store.id(), LateRoot::id);
    let env = &module.env;
    let (own_tables, own_memories) = (&env.tables[env.imported_tables as usize..], &env.memories[env.imported_memories as usize..]);
    store.check_counts(1, own_tables.len(), own_memories.len())?;
    let pointers = ContextPointers { type_ids: module.type_ids.as_ptr(), helpers: store.engine().helpers() };
    let mut context = ContextBox::new(module.code.plan.layout, store.state(), pointers);
    let (mut memories, mut tables) = link(store, &mut context, imports);
    // SAFETY: by the caller's promise.
    let made = unsafe { create_own(this, owner, own_tables, own_memories, &mut tables, &mut memories) };
    // SAFETY: as above, and the references that were used meanwhile have ended.
    let store = unsafe { &mut *this };
    if made.is_err() && late.is_some() {
        store.free_owned(owner, &tables, &memories);
    }
    made?;
    for (index, table) in tables.iter().enumerate() {
        context.set_table(index as u32, &store.tables[table.place_unchecked()].table);
    }
    for (index, memory) in memories.iter().enumerate() {
        context.set_memory(index as u32, &store.memories[memory.place_unchecked()].memory);
    }
    fill_func_refs(module, &mut context);
    let data = InstanceData {
        store: owner,
        index: 0,
        context,
        module: Arc::clone(module),
        memories,
        tables,
        elements: Box::default(),
        data: Box::default(),
    };
    let (index, mut data) = store.add_instance(Box::new(data));
    if let Some(root) = late {
        // SAFETY: it was just made, and no code runs.
        store.add_late(root, index, unsafe { data.as_ref() });
    }
    // SAFETY: the instance is the store's now, at this address, and nobody else knows it before this function returns or runs code.
    unsafe {
        initialize_globals(data.as_ref());
        prepare_segments(data.as_mut());
        let hooks: NonNull<InstanceData> = data;
        data.as_mut().context.set_hooks(hooks);
        initialize_tables(store, data.as_ref())?;
        initialize_memories(store, data.as_ref())?;
    }
    Ok(Instance { store: owner, index })
}

/// Creates the memories and tables that the module defines.
///
/// # Safety
///
/// As [`create`].
unsafe fn create_own(
    this: *mut StoreInner,
    owner: StoreId,
    own_tables: &[TableType],
    own_memories: &[MemoryType],
    tables: &mut Tables,
    memories: &mut Memories,
) -> Result<()> {
    for ty in own_tables {
        // SAFETY: by the caller's promise.
        tables.push(unsafe { table::create(this, owner, *ty) }?);
    }
    for ty in own_memories {
        // SAFETY: by the caller's promise.
        memories.push(unsafe { memory::create(this, owner, *ty) }?);
    }
    Ok(())
}

type Memories = SmallVec<[Memory; 1]>;
type Tables = SmallVec<[Table; 2]>;

/// Fills in imported functions and globals; the imported memories and tables.
fn link(store: &StoreInner, context: &mut ContextBox, imports: &[Extern]) -> (Memories, Tables) {
    let (mut memories, mut tables) = (Memories::new(), Tables::new());
    let (mut functions, mut globals) = (0, 0);
    for import in imports {
        match import {
            Extern::Func(function) => {
                let func_ref = function.func_ref(store);
                context.set_imported_function(functions, func_ref.slot, func_ref.context);
                functions += 1;
            }
            Extern::Global(global) => {
                context.set_imported_global(globals, global.cell(store));
                globals += 1;
            }
            Extern::Table(table) => tables.push(*table),
            Extern::Memory(memory) => memories.push(*memory),
            Extern::SharedMemory(memory) => match *memory {},
            Extern::Tag(tag) => match *tag {},
        }
    }
    (memories, tables)
}

fn fill_func_refs(module: &ModuleInner, context: &mut ContextBox) {
    let header = context.header();
    for (index, plan) in module.layout.func_refs.iter().enumerate() {
        let (slot, owner) = match plan.slot() {
            Some(slot) => (slot, header),
            None => context.imported_function(plan.function),
        };
        let (type_id, function, own_code) = (plan.type_id, plan.function, std::ptr::null());
        context.set_func_ref(index as u32, FuncRef { slot, context: owner, type_id, function, own_code });
    }
}

fn initialize_globals(instance: &InstanceData) {
    let env = &instance.module.env;
    for (own, initial) in env.global_initials.iter().enumerate() {
        let value = initial.evaluate(&mut { instance });
        // SAFETY: the cell is the instance's own, and no code runs yet.
        unsafe { (*instance.context.own_global(own as u32)).value = RawValue::new(value) };
    }
}

/// Keeps what `table.init` and `memory.init` may ask for.
fn prepare_segments(instance: &mut InstanceData) {
    let module = Arc::clone(&instance.module);
    if module.layout.has_passive_elements {
        let prepare = |segment: &mj_decode::ElementSegment| {
            let mut words = ElementWords::default();
            if segment.mode == ElementMode::Passive {
                words.words = element_words(instance, &segment.items).collect();
            }
            words
        };
        instance.elements = module.env.elements.iter().map(prepare).collect();
    }
    if module.layout.has_passive_data {
        instance.data = module.env.data.iter().map(|segment| Cell::new(segment.mode == DataMode::Passive)).collect();
    }
}

fn element_words<'a>(instance: &'a InstanceData, items: &'a ElementItems) -> impl Iterator<Item = usize> + 'a {
    let (functions, expressions): (&[u32], &[ConstExpr]) = match items {
        ElementItems::Functions(functions) => (functions, &[]),
        ElementItems::Expressions(expressions) => (&[], expressions),
    };
    let functions = functions.iter().map(|&function| instance.func_ref_word(function));
    functions.chain(expressions.iter().map(move |expression| expression.evaluate(&mut { instance }) as usize))
}

fn initialize_tables(store: &mut StoreInner, instance: &InstanceData) -> Result<()> {
    for segment in &instance.module.env.elements {
        let ElementMode::Active { table, offset } = &segment.mode else { continue };
        let start = offset.evaluate(&mut { instance }) as usize;
        let table = store.tables[instance.tables[*table as usize].place_unchecked()].table.words_mut();
        let target = start.checked_add(segment.items.len()).and_then(|end| table.get_mut(start..end));
        let target = target.ok_or(Trap::TableOutOfBounds)?;
        target.iter_mut().zip(element_words(instance, &segment.items)).for_each(|(element, word)| *element = word);
    }
    Ok(())
}

fn initialize_memories(store: &mut StoreInner, instance: &InstanceData) -> Result<()> {
    for segment in &instance.module.env.data {
        let DataMode::Active { memory, offset } = &segment.mode else { continue };
        let start = offset.evaluate(&mut { instance }) as usize;
        let source = &instance.module.bytes[segment.range.start as usize..segment.range.end as usize];
        let memory = store.memories[instance.memories[*memory as usize].place_unchecked()].memory.bytes_mut();
        let target = start.checked_add(source.len()).and_then(|end| memory.get_mut(start..end));
        target.ok_or(Trap::MemoryOutOfBounds)?.copy_from_slice(source);
    }
    Ok(())
}

/// Runs the start function of an instance, if it has one.
///
/// # Safety
///
/// As [`create`], which must have made the instance.
pub(crate) unsafe fn start(this: *mut StoreInner, instance: Instance) -> Result<()> {
    // SAFETY: by the caller's promise; instances stay where they are.
    let instance = unsafe { &*std::ptr::from_ref(instance.data(&*this)) };
    let Some(start) = instance.module.env.start else { return Ok(()) };
    let (slot, context) = match instance.module.env.defined_function(start) {
        Some(own) => (instance.module.code.slot(own), instance.context.header()),
        None => instance.context.imported_function(start),
    };
    // SAFETY: start functions have no parameters and results, which validation has checked.
    unsafe {
        func::enter(
            this,
            instance.module.engine.entry_trampoline(instance.module.function_type(start))?,
            slot,
            context,
            std::ptr::dangling_mut(),
        )
    }
}
