//! The way into compiled code, and what became of it on the way out.
//!
//! An *activation* is one entry from the host. Activations nest: compiled code calls the host, which enters again, the same store or
//! another. The entry trampoline overwrites the store's `host_sp`, and code that calls out overwrites `wasm_sp`,
//! so each entry saves both and puts them back; that also says where the outer activation's frames are, for backtraces.
//!
//! Traps and errors come back as a flag from the trampoline: no unwinding passes through compiled code. A panic of a host function was
//! caught when it reached compiled code, and goes on here.

use std::mem::{self, MaybeUninit};
use std::panic;

use mj_abi::{CodePointer, ContextHeader, RawValue, StoreContext, TrapCode};

use crate::hooks::Stop;
use crate::store::{Origin, Pending, StoreBlock, StoreState, Unwind};
use crate::thread::{self, Room, Thread, look_closer};

/// An entry trampoline: loads the arguments from the values, switches to the store's stack, calls the code, stores the results
/// into the values. Returns 0, or 1 after unwinding.
pub type Trampoline =
    unsafe extern "C" fn(context: *mut ContextHeader, code: CodePointer, values: *mut RawValue, store: *mut StoreContext) -> usize;

/// One entry, on the host's stack while it lasts.
pub(crate) struct Activation {
    /// The entry around this one on the same thread, perhaps of another store; null if there is none.
    pub(crate) outer: *const Activation,
    pub(crate) store: *mut StoreBlock,
    /// The store's words before this entry.
    pub(crate) saved: Words,
}

/// The words of a store that belong to its innermost activation.
pub(crate) struct Words {
    host_sp: usize,
    pub(crate) wasm_sp: usize,
}

// Volatile, so that words are not accessed in pairs: generated code writes them one by one, and a processor that reads a pair soon
// after must wait until both are in the cache. That costs more than everything else here.
impl Words {
    /// # Safety
    /// `context` must be valid, and not in use by another thread.
    #[inline]
    unsafe fn read(context: *mut StoreContext) -> Self {
        // SAFETY: by the caller's promise.
        unsafe {
            Self { host_sp: (&raw const (*context).host_sp).read_volatile(), wasm_sp: (&raw const (*context).wasm_sp).read_volatile() }
        }
    }

    /// # Safety
    /// As for [`Words::read`].
    #[inline]
    unsafe fn write(&self, context: *mut StoreContext) {
        // SAFETY: by the caller's promise.
        unsafe {
            (&raw mut (*context).host_sp).write_volatile(self.host_sp);
            // Looking is faster than writing: the next entry need not wait for the word.
            if (&raw const (*context).wasm_sp).read_volatile() != self.wasm_sp {
                (&raw mut (*context).wasm_sp).write_volatile(self.wasm_sp);
            }
        }
    }
}

/// Calls compiled code.
///
/// `values` holds the arguments and takes the results, both from index 0.
///
/// # Panics
/// With the panic of a host function or hook, if that is how the call ended.
///
/// # Safety
/// - `trampoline` and `code` must be code of one function type, made for each other, and `values` must have room for its parameters and
///   its results.
/// - `context` must be that of the function `code`, belong to `store`, and be filled in completely, as must every context that can be
///   reached from it; all must stay alive until this returns.
/// - The code must be [registered](crate::CodeRegion::register).
/// - No reference may be in use to anything that the code can change.
#[inline]
pub unsafe fn enter(
    store: &StoreState,
    trampoline: CodePointer,
    context: *mut ContextHeader,
    code: CodePointer,
    values: *mut RawValue,
) -> Result<(), Unwind> {
    // SAFETY: the thread is this one, which does not end meanwhile.
    let thread = unsafe { &*thread::current() };
    let marker = MaybeUninit::<u8>::uninit();
    let sp = &raw const marker as usize;
    // SAFETY: the block is alive as long as the store, and this thread has the store.
    if sp < thread.lowest_sp.get() || unsafe { (*store.block()).context.wasm_sp } == 0 {
        // SAFETY: by the caller's promise.
        return unsafe { enter_prepared(store, trampoline, context, code, values) };
    }
    // SAFETY: by the caller's promise; the store has a stack, and the thread is prepared.
    unsafe { run(thread, store.block(), trampoline, context, code, values) }
}

/// As [`enter`], the first time.
///
/// # Safety
/// As for [`enter`].
#[cold]
#[inline(never)]
unsafe fn enter_prepared(
    store: &StoreState,
    trampoline: CodePointer,
    context: *mut ContextHeader,
    code: CodePointer,
    values: *mut RawValue,
) -> Result<(), Unwind> {
    // SAFETY: the thread is this one, which does not end meanwhile.
    let thread = unsafe { &*thread::current() };
    let marker = MaybeUninit::<u8>::uninit();
    // SAFETY: by the caller's promise; afterwards the store has a stack, and the thread is prepared.
    unsafe {
        prepare(thread, store.block(), &raw const marker as usize)?;
        run(thread, store.block(), trampoline, context, code, values)
    }
}

/// Runs the trampoline as the innermost activation of a prepared thread.
///
/// # Safety
/// As for [`enter`]; `block` must be the store's, which has a stack.
#[inline(always)]
unsafe fn run(
    thread: &Thread,
    block: *mut StoreBlock,
    trampoline: CodePointer,
    context: *mut ContextHeader,
    code: CodePointer,
    values: *mut RawValue,
) -> Result<(), Unwind> {
    // SAFETY: by the caller's promise.
    let words = unsafe { &raw mut (*block).context };
    // SAFETY: as above.
    let saved = unsafe { Words::read(words) };
    let activation = Activation { outer: thread.innermost.get(), store: block, saved };
    thread.innermost.set(&raw const activation);
    // SAFETY: the caller promises that this is a trampoline.
    let trampoline = unsafe { mem::transmute::<CodePointer, Trampoline>(trampoline) };
    // SAFETY: the caller promises all that the code needs.
    let unwound = unsafe { trampoline(context, code, values, words) };
    thread.innermost.set(activation.outer);
    if unwound != 0 {
        // SAFETY: as above.
        return Err(unsafe { leave_unwound(block, &activation.saved) });
    }
    // SAFETY: as above.
    unsafe { activation.saved.write(words) };
    Ok(())
}

/// Finds out why the trampoline returned 1, and goes on with a panic if that is why.
///
/// # Safety
/// `block` must be alive, and no reference into it may be in use.
#[cold]
#[inline(never)]
unsafe fn leave_unwound(block: *mut StoreBlock, saved: &Words) -> Unwind {
    // SAFETY: by the caller's promise.
    let raised = unsafe {
        let raised = take_unwind(block);
        saved.write(&raw mut (*block).context);
        raised
    };
    match raised {
        Raised::Unwind(unwind) => unwind,
        Raised::Panic(payload) => panic::resume_unwind(payload),
    }
}

enum Raised {
    Unwind(Unwind),
    Panic(crate::Payload),
}

/// What an entry needs that the one before has not left behind: a prepared thread, room on its stack, and a stack for the store.
///
/// # Safety
/// `block` must be alive, and no reference into it may be in use.
#[cold]
unsafe fn prepare(thread: &Thread, block: *mut StoreBlock, sp: usize) -> Result<(), Unwind> {
    let nowhere = Origin::default();
    let error = |error| Unwind::Error { payload: Box::new(error), origin: nowhere };
    // SAFETY: by the caller's promise.
    let checks = unsafe { (*block).checks };
    if let Room::TooLittle = look_closer(thread, sp, checks).map_err(error)? {
        return Err(Unwind::Trap { code: TrapCode::StackOverflow, origin: nowhere, address: 0 });
    }
    // SAFETY: by the caller's promise.
    unsafe { StoreBlock::ensure_stack(block) }.map_err(error)
}

/// Finds out why the trampoline returned 1, and leaves the store ready for the next entry.
///
/// # Safety
/// `block` must be alive, and no reference into it may be in use.
#[cold]
unsafe fn take_unwind(block: *mut StoreBlock) -> Raised {
    // SAFETY: by the caller's promise.
    let block = unsafe { &mut *block };
    let words = &mut block.context;
    words.unwinding = 0;
    let origin = |fault| Origin { pc: words.trap_pc, fp: words.trap_fp, fault };
    match (block.pending.take(), mem::take(&mut words.trap_code)) {
        (Some(Pending::Panic(payload)), _) => Raised::Panic(payload),
        (Some(Pending::Stop(Stop::Error(payload))), _) => Raised::Unwind(Unwind::Error { payload, origin: origin(false) }),
        (Some(Pending::Stop(Stop::Trap(code))), _) => Raised::Unwind(Unwind::Trap { code, origin: origin(false), address: 0 }),
        (None, number) => {
            let code = u8::try_from(number.wrapping_sub(1)).ok().and_then(TrapCode::from_number);
            let code = code.expect("a trampoline that unwound has a trap or an error to report");
            Raised::Unwind(Unwind::Trap { code, origin: origin(true), address: words.trap_address })
        }
    }
}
