//! Contexts: the block of memory through which compiled code reaches everything of its instance.
//!
//! One allocation holds the header, the arrays that [`ContextLayout`] places behind it, and, where compiled code does not look, the
//! runtime's own record of the instance. A context is plain data: setting its entries is safe, for nothing follows them until
//! compiled code is [entered](crate::enter), and that is `unsafe`.

use std::alloc::{self, Layout};
use std::fmt;
use std::ops::Range;
use std::ptr::{self, NonNull};

use mj_abi::{
    CodePointer, ContextHeader, ContextLayout, FuncRef, GlobalCell, HelperPointers, ImportedFunction, MemoryDefinition, TableDefinition,
    TableEntry,
};

use crate::{InstanceHooks, LinearMemory, StoreState, Table};

/// What a context's header points to besides the store.
#[derive(Clone, Copy, Debug)]
pub struct ContextPointers {
    /// Engine-wide type ids by module type index.
    pub type_ids: *const u32,
    /// Entry points of the helpers.
    pub helpers: *const HelperPointers,
}

/// The runtime's record of an instance, behind the arrays of its context.
struct Record {
    layout: ContextLayout,
    hooks: Option<NonNull<dyn InstanceHooks>>,
    /// What `memory0` points to when there is no memory 0.
    no_memory: MemoryDefinition,
}

/// An owned context.
pub struct ContextBox {
    base: NonNull<ContextHeader>,
    layout: ContextLayout,
}

// SAFETY: a context is plain memory; it belongs to a store, and so to whichever thread has the store.
unsafe impl Send for ContextBox {}

/// The allocation of a context: size, and offset of the record.
fn allocation(layout: ContextLayout) -> (Layout, usize) {
    let record = (layout.size() as usize).next_multiple_of(align_of::<Record>());
    let size = record + size_of::<Record>();
    (Layout::from_size_align(size, 16).expect("contexts are small"), record)
}

impl ContextBox {
    /// A context without memories, tables and functions, with all globals zero and without hooks.
    #[must_use]
    pub fn new(layout: ContextLayout, store: &StoreState, pointers: ContextPointers) -> Self {
        let (allocation, record) = allocation(layout);
        // SAFETY: the size is not zero.
        let Some(base) = NonNull::new(unsafe { alloc::alloc_zeroed(allocation) }) else { alloc::handle_alloc_error(allocation) };
        // SAFETY: the record's offset was computed for this allocation.
        let record = unsafe { base.add(record).cast::<Record>() };
        let base = base.cast::<ContextHeader>();
        let no_memory = MemoryDefinition { base: ptr::null_mut(), length: 0 };
        // SAFETY: both lie in the allocation, aligned, and nobody else knows them.
        unsafe {
            record.write(Record { layout, hooks: None, no_memory });
            base.write(ContextHeader {
                store: store.context(),
                memory0_base: ptr::null_mut(),
                memory0: &raw mut (*record.as_ptr()).no_memory,
                interrupt_page: store.interrupt_page(),
                type_ids: pointers.type_ids,
                helpers: pointers.helpers,
                instance: record.as_ptr().cast(),
            });
        }
        Self { base, layout }
    }

    /// Names the object that answers for this instance.
    ///
    /// # Safety
    /// `hooks` must be valid whenever compiled code runs with this context, and may be used by shared reference then.
    pub unsafe fn set_hooks(&mut self, hooks: NonNull<dyn InstanceHooks>) {
        // SAFETY: the record was made in `new` and is reached through this box only.
        unsafe { (*(*self.base.as_ptr()).instance.cast::<Record>()).hooks = Some(hooks) };
    }

    /// The context's address, for as long as the box lives.
    #[must_use]
    #[inline]
    pub fn header(&self) -> *mut ContextHeader {
        self.base.as_ptr()
    }

    /// Addresses that the context takes. Function references of its instance are among them.
    #[must_use]
    pub fn addresses(&self) -> Range<usize> {
        let start = self.base.as_ptr() as usize;
        start..start + allocation(self.layout).0.size()
    }

    /// How the context is laid out.
    #[must_use]
    #[inline]
    pub fn layout(&self) -> ContextLayout {
        self.layout
    }

    /// Entry `index` of an array with `count` entries of type `T`, the entry at offset `offset`.
    #[inline]
    fn entry<T>(&self, index: u32, count: u32, offset: u32) -> *mut T {
        assert!(index < count, "entry {index} of {count} in a context");
        self.base.as_ptr().wrapping_byte_add(offset as usize).cast()
    }

    fn memory_entry(&self, index: u32) -> *mut *mut MemoryDefinition {
        self.entry(index, self.layout.counts().memories, self.layout.memory(index))
    }

    fn table_entry(&self, index: u32) -> *mut TableEntry {
        self.entry(index, self.layout.counts().tables, self.layout.table(index))
    }

    fn imported_function_entry(&self, index: u32) -> *mut ImportedFunction {
        self.entry(index, self.layout.counts().imported_functions, self.layout.imported_function(index))
    }

    fn imported_global_entry(&self, index: u32) -> *mut *mut GlobalCell {
        self.entry(index, self.layout.counts().imported_globals, self.layout.imported_global(index))
    }

    /// Sets memory `index`. The memory must live as long as the context is used.
    pub fn set_memory(&mut self, index: u32, memory: &LinearMemory) {
        // SAFETY: the entry is checked to be one, and the header is ours.
        unsafe {
            self.memory_entry(index).write(memory.definition());
            if index == 0 {
                (*self.header()).memory0 = memory.definition();
                (*self.header()).memory0_base = memory.base();
            }
        }
    }

    /// Sets table `index`. The table must live as long as the context is used.
    pub fn set_table(&mut self, index: u32, table: &Table) {
        let definition = table.definition();
        // SAFETY: the table lives, and the entry is checked to be one.
        unsafe { self.table_entry(index).write(TableEntry { base: (*definition).base, definition }) };
    }

    /// Sets imported function `index`: where its entry address is stored, and the context to pass.
    #[inline]
    pub fn set_imported_function(&mut self, index: u32, slot: *const CodePointer, context: *mut ContextHeader) {
        // SAFETY: the entry is checked to be one.
        unsafe { self.imported_function_entry(index).write(ImportedFunction { slot, context }) };
    }

    /// Sets imported global `index`.
    #[inline]
    #[expect(clippy::not_unsafe_ptr_arg_deref, reason = "the pointer is stored, not followed")]
    pub fn set_imported_global(&mut self, index: u32, cell: *mut GlobalCell) {
        // SAFETY: the entry is checked to be one.
        unsafe { self.imported_global_entry(index).write(cell) };
    }

    /// Sets function reference `index` (dense, among the functions that can become references).
    #[inline]
    pub fn set_func_ref(&mut self, index: u32, func_ref: FuncRef) {
        // SAFETY: the entry is checked to be one.
        unsafe { self.func_ref(index).write(func_ref) };
    }

    /// Definition of memory `index`; null if it was not set.
    #[must_use]
    pub fn memory(&self, index: u32) -> *mut MemoryDefinition {
        // SAFETY: the entry is checked to be one, and zero at first.
        unsafe { self.memory_entry(index).read() }
    }

    /// Definition of table `index`; null if it was not set.
    #[must_use]
    pub fn table(&self, index: u32) -> *mut TableDefinition {
        // SAFETY: the entry is checked to be one, and zero at first.
        unsafe { (*self.table_entry(index)).definition }
    }

    /// Imported function `index`: slot and context; null if it was not set.
    #[must_use]
    pub fn imported_function(&self, index: u32) -> (*const CodePointer, *mut ContextHeader) {
        // SAFETY: the entry is checked to be one, and zero at first.
        let entry = unsafe { self.imported_function_entry(index).read() };
        (entry.slot, entry.context)
    }

    /// Cell of imported global `index`; null if it was not set.
    #[must_use]
    pub fn imported_global(&self, index: u32) -> *mut GlobalCell {
        // SAFETY: the entry is checked to be one, and zero at first.
        unsafe { self.imported_global_entry(index).read() }
    }

    /// Cell of global `index` among the module's own.
    #[must_use]
    #[inline]
    pub fn own_global(&self, index: u32) -> *mut GlobalCell {
        self.entry(index, self.layout.counts().own_globals, self.layout.own_global(index))
    }

    /// Function reference `index` (dense, among the functions that can become references).
    #[must_use]
    #[inline]
    pub fn func_ref(&self, index: u32) -> *mut FuncRef {
        self.entry(index, self.layout.counts().func_refs, self.layout.func_ref(index))
    }
}

impl Drop for ContextBox {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `new`. The record needs no drop: it owns nothing.
        unsafe { alloc::dealloc(self.base.as_ptr().cast(), allocation(self.layout).0) };
    }
}

impl fmt::Debug for ContextBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextBox").field("header", &self.base).field("counts", &self.layout.counts()).finish()
    }
}

/// The hooks of the instance that a context belongs to; `None` for a host function's context, or if there are none.
///
/// # Safety
/// `context` must be that of a [`ContextBox`] or a [`HostContextBox`](crate::HostContextBox) that is alive.
#[must_use]
#[inline]
pub unsafe fn hooks_of(context: *mut ContextHeader) -> Option<NonNull<dyn InstanceHooks>> {
    // SAFETY: by the caller's promise; a host function's context has no record, a `ContextBox` has one as long as it is alive.
    unsafe { (*context).instance.cast::<Record>().as_ref()?.hooks }
}

/// A context as helpers find it: by the address that compiled code passes.
#[derive(Clone, Copy)]
pub(crate) struct RunningContext<'a> {
    header: *mut ContextHeader,
    record: &'a Record,
}

impl<'a> RunningContext<'a> {
    /// # Safety
    /// `header` must be that of a [`ContextBox`] whose code runs now and stays alive during `'a`.
    pub(crate) unsafe fn new(header: *mut ContextHeader) -> Self {
        // SAFETY: by the caller's promise; the record is not changed while code runs.
        Self { header, record: unsafe { &*(*header).instance.cast::<Record>() } }
    }

    /// The object that answers for the instance.
    pub(crate) fn hooks(self) -> &'a dyn InstanceHooks {
        let hooks = self.record.hooks.expect("hooks are set before code runs");
        // SAFETY: `set_hooks` demands that they are valid while code runs.
        unsafe { hooks.as_ref() }
    }

    /// Base and length of memory `index`.
    pub(crate) fn memory(self, index: u32) -> (*mut u8, usize) {
        assert!(index < self.record.layout.counts().memories, "memory {index} in a context");
        let entry = self.header.wrapping_byte_add(self.record.layout.memory(index) as usize).cast::<*mut MemoryDefinition>();
        // SAFETY: the entry is one, and the definition is valid while code runs.
        unsafe { ((**entry).base, (**entry).length) }
    }

    /// Base and length of table `index`.
    pub(crate) fn table(self, index: u32) -> (*mut usize, usize) {
        assert!(index < self.record.layout.counts().tables, "table {index} in a context");
        let entry = self.header.wrapping_byte_add(self.record.layout.table(index) as usize).cast::<TableEntry>();
        // SAFETY: the entry is one, and the definition is valid while code runs.
        unsafe { ((*entry).base, (*(*entry).definition).length) }
    }
}

#[cfg(test)]
mod tests {
    use mj_abi::{ContextCounts, RawValue};

    use super::*;
    use crate::{MemoryPlan, StackPool, Stubs};

    fn store() -> StoreState {
        StoreState::new(&StackPool::default(), Stubs { unwind: 0, interrupt: 0 }).unwrap()
    }

    const NOWHERE: ContextPointers = ContextPointers { type_ids: ptr::null(), helpers: ptr::null() };

    #[test]
    fn entries_are_where_the_layout_says() {
        let store = store();
        let counts = ContextCounts { imported_functions: 2, memories: 2, tables: 1, imported_globals: 1, own_globals: 2, func_refs: 1 };
        let layout = ContextLayout::new(counts);
        let mut context = ContextBox::new(layout, &store, NOWHERE);
        let memories = [0, 1].map(|pages| LinearMemory::new(&MemoryPlan::guarded(pages << 16, None)).unwrap());
        let table = Table::new(3, Some(3), 3).unwrap();
        memories.iter().enumerate().for_each(|(index, memory)| context.set_memory(index as u32, memory));
        context.set_table(0, &table);
        let header = context.header();
        context.set_imported_function(1, ptr::dangling(), header);
        let cell = context.own_global(1);
        context.set_imported_global(0, cell);
        // SAFETY: the context and what its entries point to are alive, and offsets are the layout's.
        unsafe {
            (*cell).value = RawValue::new(5);
            assert_eq!((*header).memory0_base, memories[0].base());
            assert_eq!(header.byte_add(layout.memory(1) as usize).cast::<*mut MemoryDefinition>().read(), memories[1].definition());
            assert_eq!((*header.byte_add(layout.table(0) as usize).cast::<TableEntry>()).base, (*table.definition()).base);
            assert_eq!((*header.byte_add(layout.own_global(1) as usize).cast::<GlobalCell>()).value.low, 5);
            assert_eq!((*header.byte_add(layout.imported_function(1) as usize).cast::<ImportedFunction>()).context, header);
            let running = RunningContext::new(header);
            assert_eq!(running.memory(1), (memories[1].base(), 1 << 16));
            assert_eq!(running.table(0).1, 3);
        }
        assert_eq!(context.imported_global(0), cell);
        assert_eq!(context.imported_function(1), (ptr::dangling(), header));
        assert!(context.imported_function(0).0.is_null());
        assert_eq!(context.memory(1), memories[1].definition());
        assert_eq!(context.table(0), table.definition());
    }

    #[test]
    fn a_context_without_memory_has_an_empty_one() {
        let store = store();
        let context = ContextBox::new(ContextLayout::new(ContextCounts::default()), &store, NOWHERE);
        // SAFETY: the context is alive.
        unsafe {
            assert_eq!((*(*context.header()).memory0).length, 0);
            assert_eq!((*context.header()).interrupt_page, store.interrupt_page());
            assert_eq!((*context.header()).interrupt_page.read_volatile(), 0);
        }
        assert_eq!(context.header() as usize % 16, 0);
    }

    #[test]
    fn hooks_are_found_by_the_context_of_an_instance_only() {
        struct Nothing;
        impl InstanceHooks for Nothing {
            fn memory_grow(&self, _: u32, _: u64) -> Result<Option<u64>, crate::Stop> {
                Ok(None)
            }
            fn table_grow(&self, _: u32, _: usize, _: u64) -> Result<Option<u64>, crate::Stop> {
                Ok(None)
            }
            fn data_segment(&self, _: u32) -> &[u8] {
                &[]
            }
            fn data_drop(&self, _: u32) {}
            fn element_segment(&self, _: u32) -> &[usize] {
                &[]
            }
            fn elem_drop(&self, _: u32) {}
            fn out_of_fuel(&self) -> Result<(), crate::Stop> {
                Ok(())
            }
            fn interrupted(&self) -> Result<(), crate::Stop> {
                Ok(())
            }
            fn compile_lazily(&self, _: u32) -> Result<CodePointer, crate::Stop> {
                Ok(ptr::dangling())
            }
            fn tier_up(&self, _: u32, _: u32) -> Option<NonNull<u8>> {
                None
            }
        }
        unsafe extern "C" fn host(_: *mut mj_abi::HostContext, _: *mut ContextHeader, _: *mut RawValue) -> usize {
            0
        }
        let store = store();
        let mut context = ContextBox::new(ContextLayout::new(ContextCounts::default()), &store, NOWHERE);
        let host = crate::HostContextBox::owning(&store, NOWHERE, ptr::dangling(), 0, host, Box::new(()));
        let mut hooks = Nothing;
        let pointer = NonNull::new(&raw mut hooks as *mut dyn InstanceHooks).unwrap();
        // SAFETY: contexts and hooks are alive, and no code runs.
        unsafe {
            assert!(hooks_of(context.header()).is_none());
            context.set_hooks(pointer);
            assert_eq!(hooks_of(context.header()).unwrap().cast::<()>(), pointer.cast::<()>());
            assert!(hooks_of(host.context().cast()).is_none());
        }
    }

    #[test]
    #[should_panic(expected = "entry 1 of 1")]
    fn entries_that_are_not_there_cannot_be_set() {
        let layout = ContextLayout::new(ContextCounts { imported_globals: 1, ..Default::default() });
        ContextBox::new(layout, &store(), NOWHERE).set_imported_global(1, ptr::null_mut());
    }
}
