//! The runtime's side of what compiled code calls: helpers, and the functions behind the interrupt and lazy stubs.
//!
//! Bulk operations on memories and tables are done here; what needs the engine (limits, segments, compilation) is asked of the instance's
//! [hooks](crate::InstanceHooks). A helper that fails leaves the reason in the store and sets `unwinding`; its thunk unwinds when it returns.
//!
//! Every function here has the signature `extern "C" fn(context, arguments...) -> u64` that [`mj_abi::Helper`] lists, runs on the
//! host's stack, and lets no panic out.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use mj_abi::{CodePointer, ContextHeader, Helper, TrapCode};

use crate::context::RunningContext;
use crate::hooks::Stop;
use crate::host::fail;
use crate::store::Pending;
use crate::table::range;

type Context = *mut ContextHeader;

/// Addresses of the functions that generated stubs call, all `extern "C"`.
#[derive(Clone, Copy, Debug)]
pub struct RuntimeFunctions {
    /// By helper number: `fn(context, arguments...) -> u64`.
    pub helpers: [usize; Helper::ALL.len()],
    /// `fn(context)`, for the interrupt stub. Unwind if the store's `unwinding` is set afterwards.
    pub interrupted: usize,
    /// `fn(context, function: u32) -> CodePointer`, for the lazy stub. Unwind if it returns null.
    pub compile_lazily: usize,
}

/// The functions of this process.
#[must_use]
pub fn runtime_functions() -> RuntimeFunctions {
    let mut helpers = [0; Helper::ALL.len()];
    for &helper in Helper::ALL {
        helpers[helper as usize] = match helper {
            Helper::MemoryGrow => memory_grow as *const () as usize,
            Helper::MemoryCopy => memory_copy as *const () as usize,
            Helper::MemoryFill => memory_fill as *const () as usize,
            Helper::MemoryInit => memory_init as *const () as usize,
            Helper::DataDrop => data_drop as *const () as usize,
            Helper::TableGrow => table_grow as *const () as usize,
            Helper::TableCopy => table_copy as *const () as usize,
            Helper::TableFill => table_fill as *const () as usize,
            Helper::TableInit => table_init as *const () as usize,
            Helper::ElemDrop => elem_drop as *const () as usize,
            Helper::OutOfFuel => out_of_fuel as *const () as usize,
            Helper::Interrupted => interrupted as *const () as usize,
            Helper::Trap => trap as *const () as usize,
            Helper::TierUp => tier_up as *const () as usize,
        };
    }
    RuntimeFunctions { helpers, interrupted: interrupted as *const () as usize, compile_lazily: compile_lazily as *const () as usize }
}

/// Runs the body of a helper; `failed` is what it returns when it wants to unwind.
///
/// # Safety
/// `context` must be that of a [`ContextBox`](crate::ContextBox) whose compiled code waits for this call.
#[inline]
unsafe fn helper<R>(context: Context, failed: R, body: impl FnOnce(RunningContext<'_>) -> Result<R, Stop>) -> R {
    // SAFETY: by the caller's promise.
    let running = unsafe { RunningContext::new(context) };
    let pending = match catch_unwind(AssertUnwindSafe(|| body(running))) {
        Ok(Ok(result)) => return result,
        Ok(Err(stop)) => Pending::Stop(stop),
        Err(panic) => Pending::Panic(panic),
    };
    // SAFETY: the header names the store, and the hooks have returned.
    unsafe { fail((*context).store, pending) };
    failed
}

/// An operand made of two indices.
fn pair(operand: u64) -> (u32, u32) {
    ((operand >> 32) as u32, operand as u32)
}

fn in_memory(start: u64, length: u64, end: usize) -> Result<Range<usize>, Stop> {
    range(start, length, end).ok_or(Stop::Trap(TrapCode::MemoryOutOfBounds))
}

fn in_table(start: u64, length: u64, end: usize) -> Result<Range<usize>, Stop> {
    range(start, length, end).ok_or(Stop::Trap(TrapCode::TableOutOfBounds))
}

unsafe extern "C" fn memory_grow(context: Context, memory: u64, delta: u64) -> u64 {
    // SAFETY: called by a thunk, with the context of the code that called the thunk. So it is in every function below.
    unsafe { helper(context, 0, |running| Ok(running.hooks().memory_grow(memory as u32, delta)?.unwrap_or(u64::MAX))) }
}

unsafe extern "C" fn memory_copy(context: Context, memories: u64, destination: u64, source: u64, length: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let (to, from) = pair(memories);
        let (to, from) = (running.memory(to), running.memory(from));
        let destination = in_memory(destination, length, to.1)?;
        let source = in_memory(source, length, from.1)?;
        // SAFETY: both ranges were checked to be inside memories that are alive; they may overlap.
        unsafe { ptr::copy(from.0.wrapping_add(source.start), to.0.wrapping_add(destination.start), source.len()) };
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn memory_fill(context: Context, memory: u64, destination: u64, byte: u64, length: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let (base, size) = running.memory(memory as u32);
        let destination = in_memory(destination, length, size)?;
        // SAFETY: the range was checked to be inside a memory that is alive.
        unsafe { ptr::write_bytes(base.wrapping_add(destination.start), byte as u8, destination.len()) };
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn memory_init(context: Context, indices: u64, destination: u64, source: u64, length: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let (memory, segment) = pair(indices);
        let (base, size) = running.memory(memory);
        let bytes = running.hooks().data_segment(segment);
        let destination = in_memory(destination, length, size)?;
        let bytes = &bytes[in_memory(source, length, bytes.len())?];
        // SAFETY: the destination was checked to be inside a memory that is alive, which segments are not part of.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), base.wrapping_add(destination.start), bytes.len()) };
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn data_drop(context: Context, segment: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        running.hooks().data_drop(segment as u32);
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn table_grow(context: Context, table: u64, initial: u64, delta: u64) -> u64 {
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, |running| Ok(running.hooks().table_grow(table as u32, initial as usize, delta)?.unwrap_or(u64::MAX))) }
}

unsafe extern "C" fn table_copy(context: Context, tables: u64, destination: u64, source: u64, length: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let (to, from) = pair(tables);
        let (to, from) = (running.table(to), running.table(from));
        let destination = in_table(destination, length, to.1)?;
        let source = in_table(source, length, from.1)?;
        // SAFETY: both ranges were checked to be inside tables that are alive; they may overlap.
        unsafe { ptr::copy(from.0.wrapping_add(source.start), to.0.wrapping_add(destination.start), source.len()) };
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn table_fill(context: Context, table: u64, destination: u64, word: u64, length: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let (base, size) = running.table(table as u32);
        for index in in_table(destination, length, size)? {
            // SAFETY: the index was checked to be inside a table that is alive.
            unsafe { base.wrapping_add(index).write(word as usize) };
        }
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn table_init(context: Context, indices: u64, destination: u64, source: u64, length: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let (table, segment) = pair(indices);
        let (base, size) = running.table(table);
        let words = running.hooks().element_segment(segment);
        let destination = in_table(destination, length, size)?;
        let words = &words[in_table(source, length, words.len())?];
        // SAFETY: the destination was checked to be inside a table that is alive, which segments are not part of.
        unsafe { ptr::copy_nonoverlapping(words.as_ptr(), base.wrapping_add(destination.start), words.len()) };
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn elem_drop(context: Context, segment: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        running.hooks().elem_drop(segment as u32);
        Ok(0)
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn out_of_fuel(context: Context) -> u64 {
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, |running| running.hooks().out_of_fuel().map(|()| 0)) }
}

unsafe extern "C" fn tier_up(context: Context, function: u64, place: u64) -> u64 {
    let body = |running: RunningContext<'_>| {
        let code = running.hooks().tier_up(function as u32, place as u32);
        Ok(code.map_or(0, |code| code.as_ptr() as u64))
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn trap(context: Context, code: u64) -> u64 {
    let body = |_: RunningContext<'_>| {
        let code = u8::try_from(code).ok().and_then(TrapCode::from_number);
        Err(Stop::Trap(code.expect("compilers know the traps")))
    };
    // SAFETY: as in `memory_grow`.
    unsafe { helper(context, 0, body) }
}

unsafe extern "C" fn interrupted(context: Context) {
    // SAFETY: called by the interrupt stub or a thunk, with the context of the code that was interrupted; its store is alive.
    unsafe {
        let store = (*context).store;
        // A hook may run code that is interrupted in turn.
        let resume_pc = (*store).resume_pc;
        helper(context, (), |running| running.hooks().interrupted());
        (*store).resume_pc = resume_pc;
    }
}

unsafe extern "C" fn compile_lazily(context: Context, function: u32) -> CodePointer {
    // SAFETY: called by the lazy stub, with the context of the function that is called.
    unsafe { helper(context, ptr::null(), |running| running.hooks().compile_lazily(function)) }
}
