//! Execution support of the mj WebAssembly engine: everything that compiled code needs around it.
//!
//! This is the one crate of the engine that is about `unsafe`: executable memory, linear memories with guard pages, stacks,
//! signals, and the way in and out of compiled code. It knows neither the compilers nor the public API; [`mj_abi`] is what it
//! shares with the former, [`InstanceHooks`] how it asks the latter.
//!
//! | concern | file |
//! |---|---|
//! | address space, files | `mapping.rs`, `ranges.rs`, `file.rs` |
//! | what a module's instance owns | `heap.rs`, `memory.rs`, `table.rs`, `global.rs`, `context.rs` |
//! | code | `code.rs`, `registry.rs` |
//! | running it | `store.rs`, `stack.rs`, `interrupt.rs`, `entry.rs`, `thread.rs`, `backtrace.rs` |
//! | leaving it | `hooks.rs`, `helpers.rs`, `host.rs`, `signals.rs`, `sys/` |
//!
//! Invariants: bases of memories, tables and contexts never move; no page is writable and executable at once in one mapping;
//! no Rust code runs on a WebAssembly stack, and no panic passes through compiled code.

#[cfg(not(any(
    all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")),
    all(target_os = "macos", target_arch = "aarch64")
)))]
compile_error!(
    "mj runs on Linux on x86-64 and AArch64, and is written for macOS on AArch64; other platforms are planned, see the platform table in the README"
);

mod backtrace;
mod code;
mod context;
mod entry;
mod error;
mod file;
mod global;
mod heap;
mod helpers;
mod hooks;
mod host;
mod interrupt;
mod mapping;
mod memory;
mod ranges;
mod registry;
mod signals;
mod stack;
mod store;
mod sys;
mod table;
mod thread;

pub use backtrace::Pc;
pub use code::{CODE_ALIGN, CodeArena, CodeError, CodeRegion};
pub use context::{ContextBox, ContextPointers, hooks_of};
pub use entry::{Trampoline, enter};
pub use error::ResourceError;
pub use file::FileBytes;
pub use global::GlobalBox;
pub use helpers::{RuntimeFunctions, runtime_functions};
pub use hooks::{InstanceHooks, Payload, Stop};
pub use host::{HostContextBox, catch};
pub use interrupt::InterruptHandle;
pub use mapping::page_size;
pub use memory::{Bounds, LinearMemory, MemoryError, MemoryPlan, MemoryPool};
pub use registry::{CodeInfo, PcKind, code_info};
pub use signals::{Checks, install as install_signal_handlers};
pub use stack::StackPool;
pub use store::{Origin, StoreState, Stubs, Unwind};
pub use table::Table;
