//! The contract between compiled code and the runtime, and nothing else.
//!
//! Compilers and runtime never import each other. What both must agree on stands here once: where a
//! field of the context lies, which register-free *positions* arguments take, which helpers compiled code
//! may call, what a trap code means, and how trap and call sites are written down.
//!
//! Invariant: structures that compiled code reads are `repr(C)`, and their offsets are taken from the
//! structures themselves (`offset_of!`), never repeated as numbers.

#![forbid(unsafe_code)]

mod context;
mod convention;
mod helper;
mod site;
mod trap;

pub use context::{
    CodePointer, ContextCounts, ContextHeader, ContextLayout, FuncRef, GlobalCell, HostContext, HostFunction, ImportedFunction,
    InterruptPage, MemoryDefinition, RawValue, StoreContext, TableDefinition, TableEntry,
};
pub use convention::{ArgLocation, CallLayout, FLOAT_ARGUMENTS, INT_ARGUMENTS, ValueClass};
pub use helper::{Helper, HelperPointers, HelperRow};
pub use site::Site;
pub use trap::TrapCode;

/// Bytes of a WebAssembly page (spec 4.2.8).
pub const WASM_PAGE: u64 = 65536;

/// Bytes in which every operand-stack slot, local slot and stack argument is counted.
pub const SLOT: u32 = 8;

/// Bytes of stack that a frame may use below its caller without checking: less than the guard region
/// below every WebAssembly stack. Larger frames compare with [`StoreContext::stack_limit`].
pub const UNCHECKED_FRAME: u32 = 32 * 1024;

/// Bytes of the guard region below a WebAssembly stack. Leaves room for [`UNCHECKED_FRAME`] and the
/// stubs' pushes. Where no signals are used, so much is left free above [`StoreContext::stack_limit`]'s stack: then functions that call compare, and what comes between
/// two comparisons (a frame, outgoing arguments, an entry of the host's with its arguments, a leaf function's frame, stubs) takes less.
pub const STACK_GUARD: usize = 128 * 1024;
