//! What compiled code can reach: the context of its instance, and through it everything else.
//!
//! A context is a [`ContextHeader`] followed by arrays whose lengths depend on the module;
//! [`ContextLayout`] gives their offsets. All of it lives at one address for the life of the instance.

use core::ffi::c_void;
use core::mem::{offset_of, size_of};

/// Address of machine code.
pub type CodePointer = *const u8;

/// A WebAssembly value in memory, as entry trampolines and host functions exchange it: 16 bytes, the value in the
/// low bytes (little endian), bytes above its width unspecified. Floats are their bits; references are words, null is 0.
#[repr(C, align(16))]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct RawValue {
    /// Low 64 bits.
    pub low: u64,
    /// High 64 bits of a 128-bit value.
    pub high: u64,
}

impl RawValue {
    /// A value of at most 64 bits.
    #[must_use]
    pub const fn new(low: u64) -> Self {
        Self { low, high: 0 }
    }
}

/// A linear memory as compiled code sees it. The base never moves.
#[repr(C)]
#[derive(Debug)]
pub struct MemoryDefinition {
    /// First byte of the memory.
    pub base: *mut u8,
    /// Current length in bytes.
    pub length: usize,
}

/// A table as compiled code sees it. The base never moves.
#[repr(C)]
#[derive(Debug)]
pub struct TableDefinition {
    /// First element; elements are words: `*const FuncRef` or an external reference, null is 0.
    pub base: *mut usize,
    /// Current length in elements.
    pub length: usize,
}

/// How a context names a table: the base is copied because it never moves, the length is behind the pointer.
#[repr(C)]
#[derive(Debug)]
pub struct TableEntry {
    /// Copy of the definition's base.
    pub base: *mut usize,
    /// The definition, owned by this instance, another instance or the host.
    pub definition: *mut TableDefinition,
}

/// A global variable.
#[repr(C, align(16))]
#[derive(Debug)]
pub struct GlobalCell {
    /// The current value.
    pub value: RawValue,
}

/// A function as a reference value points to it.
#[repr(C)]
#[derive(Debug)]
pub struct FuncRef {
    /// Where the function's current entry address is stored: a slot of a module's jump table, or `own_code` below.
    pub slot: *const CodePointer,
    /// The context to pass.
    pub context: *mut ContextHeader,
    /// Engine-wide id of the function's type.
    pub type_id: u32,
    /// Index in the module's function index space; `u32::MAX` for a host function.
    pub function: u32,
    /// The entry address of a function without jump table (host functions).
    pub own_code: CodePointer,
}

/// An imported function as its importer calls it.
#[repr(C)]
#[derive(Debug)]
pub struct ImportedFunction {
    /// As in [`FuncRef::slot`].
    pub slot: *const CodePointer,
    /// The context to pass.
    pub context: *mut ContextHeader,
}

/// The fixed first part of every context.
#[repr(C)]
#[derive(Debug)]
pub struct ContextHeader {
    /// The store that owns the instance.
    pub store: *mut StoreContext,
    /// Base of memory 0; any value when there is none.
    pub memory0_base: *mut u8,
    /// Definition of memory 0; when there is none, one with length 0.
    pub memory0: *mut MemoryDefinition,
    /// The store's [`InterruptPage`]. Compiled code loads its first word at back edges and at the entry of
    /// functions that call, or counts it down; a protected page diverts it to the interrupt stub. Code that does without signals compares `asked`.
    pub interrupt_page: *mut u8,
    /// Engine-wide type ids by module type index.
    pub type_ids: *const u32,
    /// Entry points of the helpers, see [`Helper`](crate::Helper).
    pub helpers: *const crate::HelperPointers,
    /// The runtime's own record of the instance; compiled code does not look inside.
    pub instance: *mut c_void,
}

/// What lies at the start of a store's interrupt page, which compiled code touches and another thread may protect.
#[repr(C)]
#[derive(Debug)]
pub struct InterruptPage {
    /// Work that may be done until [`Helper::TierUp`](crate::Helper::TierUp) is called: tiered code subtracts what a back edge or entry
    /// stands for, and calls if the difference is negative. Code that does not count loads it and forgets it.
    pub countdown: i32,
    /// Not zero if interruption is asked for. Code that does without signals looks; for other code the page is protected.
    pub asked: u32,
}

/// State of a store that compiled code, stubs and the signal handler share.
#[repr(C)]
#[derive(Debug)]
pub struct StoreContext {
    /// Stack pointer of the host as the innermost entry trampoline saved it. Stubs that leave compiled code switch to it,
    /// and unwinding restores it.
    pub host_sp: usize,
    /// Stack pointer at which the next entry from the host starts on the WebAssembly stack: its top, or where
    /// compiled code last left it for the host. There lie two words: frame pointer of the compiled frame that called out,
    /// and above it the return address into that frame.
    pub wasm_sp: usize,
    /// Lowest stack pointer that a frame may reach; the guard region is below.
    pub stack_limit: usize,
    /// Remaining fuel, counted down; negative: used up.
    pub fuel: i64,
    /// Set to 1 by a helper or host function that wants to unwind (trap, panic, exit): stubs test it on return.
    pub unwinding: usize,
    /// Program counter at which the signal handler interrupted compiled code, where the interrupt stub returns to.
    pub resume_pc: usize,
    /// Program counter of the last trap.
    pub trap_pc: usize,
    /// Frame pointer of the frame that trapped.
    pub trap_fp: usize,
    /// Faulting data address of the last trap, 0 if none.
    pub trap_address: usize,
    /// A [`TrapCode`](crate::TrapCode) as number, plus one; 0: none.
    pub trap_code: usize,
}

/// A function of the host as its shim calls it.
///
/// `values` holds the arguments and takes the results, both from index 0. Returns 0, or 1 to unwind to the innermost entry.
pub type HostFunction = unsafe extern "C" fn(callee: *mut HostContext, caller: *mut ContextHeader, values: *mut RawValue) -> usize;

/// The context of a host function: begins like any context, so that callers need not tell the two apart.
#[repr(C)]
#[derive(Debug)]
pub struct HostContext {
    /// As for any context; `instance` is null.
    pub header: ContextHeader,
    /// What the shim calls.
    pub function: HostFunction,
    /// The callee's own state.
    pub closure: *mut c_void,
}

/// How many of each thing a module has.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct ContextCounts {
    /// Imported functions.
    pub imported_functions: u32,
    /// Memories, imported ones included.
    pub memories: u32,
    /// Tables, imported ones included.
    pub tables: u32,
    /// Imported globals.
    pub imported_globals: u32,
    /// Globals of the module itself.
    pub own_globals: u32,
    /// Functions that can become references (exported, in element segments, named by `ref.func`).
    pub func_refs: u32,
}

/// Offsets of a context's arrays, in bytes from the header's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextLayout {
    counts: ContextCounts,
    imported_functions: u32,
    memories: u32,
    tables: u32,
    imported_globals: u32,
    own_globals: u32,
    func_refs: u32,
    size: u32,
}

impl ContextLayout {
    /// Lays out a context. Counts are bounded by validation (at most a million each), so offsets fit 31 bits.
    #[must_use]
    pub fn new(counts: ContextCounts) -> Self {
        let mut size = size_of::<ContextHeader>() as u32;
        let mut array = |count: u32, element: usize, align: u32| {
            size = size.next_multiple_of(align);
            let start = size;
            size += count * element as u32;
            start
        };
        // Globals first: they are the ones that profit from short displacements.
        let own_globals = array(counts.own_globals, size_of::<GlobalCell>(), 16);
        let imported_globals = array(counts.imported_globals, size_of::<*mut GlobalCell>(), 8);
        let tables = array(counts.tables, size_of::<TableEntry>(), 8);
        let memories = array(counts.memories, size_of::<*mut MemoryDefinition>(), 8);
        let imported_functions = array(counts.imported_functions, size_of::<ImportedFunction>(), 8);
        let func_refs = array(counts.func_refs, size_of::<FuncRef>(), 8);
        let size = size.next_multiple_of(16);
        Self { counts, imported_functions, memories, tables, imported_globals, own_globals, func_refs, size }
    }

    /// The counts this layout was made from.
    #[must_use]
    pub fn counts(&self) -> ContextCounts {
        self.counts
    }

    /// Bytes of the whole context; its alignment is 16.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Offset of an [`ImportedFunction`].
    #[must_use]
    pub fn imported_function(&self, index: u32) -> u32 {
        self.imported_functions + index * size_of::<ImportedFunction>() as u32
    }

    /// Offset of a `*mut MemoryDefinition`, by memory index.
    #[must_use]
    pub fn memory(&self, index: u32) -> u32 {
        self.memories + index * size_of::<*mut MemoryDefinition>() as u32
    }

    /// Offset of a [`TableEntry`], by table index.
    #[must_use]
    pub fn table(&self, index: u32) -> u32 {
        self.tables + index * size_of::<TableEntry>() as u32
    }

    /// Offset of a `*mut GlobalCell`, by index among the imported globals.
    #[must_use]
    pub fn imported_global(&self, index: u32) -> u32 {
        self.imported_globals + index * size_of::<*mut GlobalCell>() as u32
    }

    /// Offset of a [`GlobalCell`], by index among the module's own globals.
    #[must_use]
    pub fn own_global(&self, index: u32) -> u32 {
        self.own_globals + index * size_of::<GlobalCell>() as u32
    }

    /// Offset of a [`FuncRef`], by index among the functions that can become references.
    #[must_use]
    pub fn func_ref(&self, index: u32) -> u32 {
        self.func_refs + index * size_of::<FuncRef>() as u32
    }
}

macro_rules! offsets {
    ($structure:ident: $($name:ident = $field:ident),* $(,)?) => {
        impl $structure {
            $(#[doc = concat!("Offset of `", stringify!($field), "` in bytes.")]
            pub const $name: i32 = offset_of!($structure, $field) as i32;)*
        }
    };
}

offsets!(ContextHeader: STORE = store, MEMORY0_BASE = memory0_base, MEMORY0 = memory0, INTERRUPT_PAGE = interrupt_page,
    TYPE_IDS = type_ids, HELPERS = helpers);
offsets!(InterruptPage: COUNTDOWN = countdown, ASKED = asked);
offsets!(StoreContext: HOST_SP = host_sp, WASM_SP = wasm_sp, STACK_LIMIT = stack_limit,
    FUEL = fuel, UNWINDING = unwinding, RESUME_PC = resume_pc);
offsets!(MemoryDefinition: BASE = base, LENGTH = length);
offsets!(TableDefinition: BASE = base, LENGTH = length);
offsets!(TableEntry: BASE = base, DEFINITION = definition);
offsets!(FuncRef: SLOT = slot, CONTEXT = context, TYPE_ID = type_id);
offsets!(ImportedFunction: SLOT = slot, CONTEXT = context);
offsets!(HostContext: FUNCTION = function);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_do_not_overlap_and_are_aligned() {
        let counts = ContextCounts { imported_functions: 3, memories: 1, tables: 2, imported_globals: 1, own_globals: 5, func_refs: 7 };
        let layout = ContextLayout::new(counts);
        assert_eq!(layout.own_global(0) % 16, 0);
        assert!(layout.own_global(5) <= layout.imported_global(0));
        assert!(layout.imported_global(1) <= layout.table(0));
        assert!(layout.table(2) <= layout.memory(0));
        assert!(layout.memory(1) <= layout.imported_function(0));
        assert!(layout.imported_function(3) <= layout.func_ref(0));
        assert!(layout.func_ref(7) <= layout.size());
    }
}
