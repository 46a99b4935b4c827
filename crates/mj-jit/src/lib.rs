//! A WebAssembly engine for Rust programs that starts like an interpreter and runs native code.
//!
//! Names and signatures are those of wasmtime where it has the feature, so `wasmtime = { package = "mj-jit", … }` in a `Cargo.toml` is the whole
//! port.
//!
//! ```
//! use mj_jit::*;
//!
//! # fn main() -> Result<()> {
//! // (module
//! //   (import "host" "twice" (func $twice (param i32) (result i32)))
//! //   (func (export "run") (param i32) (result i32) (i32.add (call $twice (local.get 0)) (i32.const 1))))
//! let wasm = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7f\x02\x0e\x01\x04host\x05twice\0\0\x03\x02\x01\0\
//!     \x07\x07\x01\x03run\0\x01\x0a\x0b\x01\x09\0\x20\0\x10\0\x41\x01\x6a\x0b";
//! let engine = Engine::default();
//! let module = Module::new(&engine, wasm)?;
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "twice", |number: i32| number * 2)?;
//! let mut store = Store::new(&engine, ());
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<i32, i32>(&mut store, "run")?;
//! assert_eq!(run.call(&mut store, 20)?, 41);
//! # Ok(())
//! # }
//! ```
//!
//! An [`Engine`] compiles [`Module`]s; a [`Store`] holds their [`Instance`]s and the host's data; a [`Linker`] finds what they import.

#![deny(missing_docs)]

mod cache;
mod config;
mod engine;
pub mod error;
mod externref;
mod externs;
mod func;
mod global;
mod instance;
mod limits;
mod linker;
mod memory;
mod module;
mod store;
mod table;
mod trap;
mod types;
mod values;

pub use cache::{Cache, CacheConfig};
pub use config::{
    Collector, CompilationMode, Config, Enabled, Inlining, InstanceAllocationStrategy, ModuleVersionStrategy, OptLevel,
    PoolingAllocationConfig, ProfilingStrategy, RegallocAlgorithm, Strategy, TierUp, WasmBacktraceDetails,
};
pub use engine::{Engine, EngineWeak};
pub use error::{Error, OutOfMemory, Result, ToWasmtimeResult};
pub use externref::{ExternRef, GcRef, OwnedRooted, RootScope, Rooted};
pub use externs::{Export, Extern, SharedMemory, Tag};
pub use func::{Caller, Func, IntoFunc, TypedFunc, WasmParams, WasmResults, WasmRet, WasmTy, WasmTyList};
pub use global::Global;
pub use instance::{Identity, Instance, InstancePre};
pub use limits::{DEFAULT_INSTANCE_LIMIT, DEFAULT_MEMORY_LIMIT, DEFAULT_TABLE_LIMIT, ResourceLimiter, StoreLimits, StoreLimitsBuilder};
pub use linker::{LateInstance, LateLinkError, LateLinking, Linker, UnknownImportError};
pub use memory::{Memory, MemoryAccessError};
pub use mj_codegen::{Stage as OptimizerStage, StageDone as OptimizerStageDone};
pub use mj_decode::WasmFeatures;
pub use module::{FuncIndex, Module, ModuleExport, ModuleFunction, Precompiled};
pub use store::{
    AsContext, AsContextMut, CallHook, GcHeapOutOfMemory, InterruptHandle, Store, StoreContext, StoreContextMut, UpdateDeadline,
};
pub use table::Table;
pub use trap::{FrameInfo, FrameSymbol, Trap, WasmBacktrace};
pub use types::{
    ExportType, ExternType, FuncType, GlobalType, HeapType, ImportType, MemoryType, MemoryTypeBuilder, Mutability, RefType,
    ResourcesRequired, TableType, TagType, ValType,
};
pub use values::{AnyRef, ContRef, ExnRef, Ref, V128, Val};

/// What may go from thread to thread, and be used by several at once.
const _: () = {
    const fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Engine>();
    send_and_sync::<Config>();
    send_and_sync::<Module>();
    send_and_sync::<Store<()>>();
    send_and_sync::<StoreContext<'_, ()>>();
    send_and_sync::<StoreContextMut<'_, ()>>();
    send_and_sync::<Caller<'_, ()>>();
    send_and_sync::<Linker<()>>();
    send_and_sync::<Linker<*mut u8>>();
    send_and_sync::<(Instance, LateInstance)>();
    send_and_sync::<InstancePre<()>>();
    send_and_sync::<InstancePre<*mut u8>>();
    send_and_sync::<Extern>();
    send_and_sync::<(Func, TypedFunc<(), ()>, Global, Table, Memory)>();
    send_and_sync::<(Val, Ref, ExternRef, Rooted<ExternRef>)>();
    send_and_sync::<(FuncType, ExternType, Error, Trap, WasmBacktrace)>();
    send_and_sync::<InterruptHandle>();
};
