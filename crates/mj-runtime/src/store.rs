//! A store as compiled code, stubs and the signal handler share it.
//!
//! [`StoreContext`] is the part that generated code knows; around it lies what only Rust touches. All of it is one heap block that is
//! accessed through raw pointers: while compiled code runs, nothing may claim to be its only user.
//!
//! Invariant: `wasm_sp` is 0 until the store has its stack, and points into the stack ever after.

use std::ffi::c_void;
use std::fmt;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use mj_abi::{StoreContext, TrapCode};

use crate::hooks::{Payload, Stop};
use crate::interrupt::InterruptPage;
use crate::stack::Stack;
use crate::{Checks, InterruptHandle, ResourceError, StackPool};

/// Addresses of the generated code to which the signal handler diverts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stubs {
    /// Unwinds to the innermost entry: takes the [`StoreContext`] in the first argument register of C, never returns.
    pub unwind: usize,
    /// Saves everything, calls [`RuntimeFunctions::interrupted`](crate::RuntimeFunctions), and resumes at
    /// [`StoreContext::resume_pc`](mj_abi::StoreContext).
    pub interrupt: usize,
}

/// Where compiled code stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// Program counter; 0 if no compiled code was running yet.
    pub pc: usize,
    /// Frame pointer of the frame that `pc` is in.
    pub fp: usize,
    /// Whether `pc` is an instruction that faulted, as opposed to a place that called out.
    pub fault: bool,
}

/// Why [`enter`](crate::enter) did not return results.
pub enum Unwind {
    /// A trap.
    Trap {
        /// Which.
        code: TrapCode,
        /// Where.
        origin: Origin,
        /// The data address that faulted, 0 if none.
        address: usize,
    },
    /// A host function or hook returned an error, or the entry could not be prepared.
    Error {
        /// The error; a [`ResourceError`] if there is no stack for the store or for the thread's signals.
        payload: Payload,
        /// Where compiled code called out.
        origin: Origin,
    },
}

impl Unwind {
    /// Where compiled code stopped, for [`StoreState::backtrace`].
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Unwind::Trap { origin, .. } | Unwind::Error { origin, .. } => *origin,
        }
    }
}

impl fmt::Debug for Unwind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unwind::Trap { code, origin, address } => {
                f.debug_struct("Trap").field("code", code).field("origin", origin).field("address", address).finish()
            }
            Unwind::Error { origin, .. } => f.debug_struct("Error").field("origin", origin).finish_non_exhaustive(),
        }
    }
}

/// What a helper or host function left for the entry to raise.
pub(crate) enum Pending {
    Stop(Stop),
    Panic(Payload),
}

/// The heap block of a store.
#[repr(C)]
pub(crate) struct StoreBlock {
    /// First: pointers to it are pointers to the block.
    pub(crate) context: StoreContext,
    /// Address of the interrupt page.
    pub(crate) interrupt_page: usize,
    pub(crate) stubs: Stubs,
    pub(crate) checks: Checks,
    /// Guard region of the stack; empty until there is one.
    pub(crate) guard: Range<usize>,
    pub(crate) pending: Option<Pending>,
    owner: *mut c_void,
    stack: Option<Stack>,
    stacks: StackPool,
    interrupt: Arc<InterruptPage>,
}

impl StoreBlock {
    /// Gives the store its stack, if it has none.
    ///
    /// # Safety
    /// `block` must be alive, and no reference into it may be in use.
    pub(crate) unsafe fn ensure_stack(block: *mut Self) -> Result<(), ResourceError> {
        // SAFETY: by the caller's promise.
        let block = unsafe { &mut *block };
        if block.stack.is_none() {
            let stack = block.stacks.take()?;
            block.context.wasm_sp = stack.usable().end;
            block.context.stack_limit = stack.usable().start + block.checks.stack_reserve();
            block.guard = stack.guard();
            block.stack = Some(stack);
        }
        Ok(())
    }

    /// Addresses that frames may use; empty until there is a stack.
    pub(crate) fn frames(&self) -> Range<usize> {
        self.stack.as_ref().map_or(0..0, Stack::usable)
    }

    /// Where the activation called out that left `wasm_sp` behind; nowhere if none has.
    pub(crate) fn exit(&self, wasm_sp: usize) -> Origin {
        let [fp, pc] = self.frame(wasm_sp).unwrap_or_default();
        Origin { pc, fp, fault: false }
    }

    /// The two words at an address, frame pointer and return address, if they are in the part of the stack that frames may use.
    ///
    /// No compiled code of the store may run meanwhile.
    pub(crate) fn frame(&self, address: usize) -> Option<[usize; 2]> {
        let (stack, words) = (self.frames(), address..address.checked_add(size_of::<[usize; 2]>())?);
        let is_inside = stack.start <= words.start && words.end <= stack.end;
        // SAFETY: aligned and inside the usable part of the store's stack, which is readable, and which nobody writes meanwhile.
        (is_inside && address.is_multiple_of(align_of::<usize>())).then(|| unsafe { (address as *const [usize; 2]).read() })
    }

    /// Makes the innermost entry raise `pending` as soon as the code that was called out to returns.
    ///
    /// # Safety
    /// `block` must be alive, and no reference into it may be in use.
    pub(crate) unsafe fn fail(block: *mut Self, pending: Pending) {
        // SAFETY: by the caller's promise.
        let block = unsafe { &mut *block };
        block.pending = Some(pending);
        let exit = block.exit(block.context.wasm_sp);
        (block.context.trap_pc, block.context.trap_fp) = (exit.pc, exit.fp);
        block.context.trap_code = 0;
        block.context.unwinding = 1;
    }
}

/// A store's state, owned by the store.
pub struct StoreState {
    block: NonNull<StoreBlock>,
}

// SAFETY: the block holds plain data, a stack and a page, none of which belongs to a thread, and `Payload`s, which are `Send`. The owner pointer is
// only handed back.
unsafe impl Send for StoreState {}

impl StoreState {
    /// A store that takes its stack from `stacks` at its first entry and returns it when dropped. Its code checks what the pool is for.
    pub fn new(stacks: &StackPool, stubs: Stubs) -> Result<Self, ResourceError> {
        let checks = stacks.checks();
        let interrupt = Arc::new(InterruptPage::new(checks)?);
        let context = StoreContext {
            host_sp: 0,
            wasm_sp: 0,
            stack_limit: 0,
            fuel: 0,
            unwinding: 0,
            resume_pc: 0,
            trap_pc: 0,
            trap_fp: 0,
            trap_address: 0,
            trap_code: 0,
        };
        let block = Box::new(StoreBlock {
            context,
            interrupt_page: interrupt.base() as usize,
            stubs,
            checks,
            guard: 0..0,
            pending: None,
            owner: ptr::null_mut(),
            stack: None,
            stacks: stacks.clone(),
            interrupt,
        });
        Ok(Self { block: NonNull::from(Box::leak(block)) })
    }

    #[inline]
    pub(crate) fn block(&self) -> *mut StoreBlock {
        self.block.as_ptr()
    }

    /// The part that compiled code knows, for as long as the store lives.
    #[must_use]
    #[inline]
    pub fn context(&self) -> *mut StoreContext {
        self.block.as_ptr().cast()
    }

    /// Remembers a pointer of the engine's, for [`StoreState::owner_of`]. It is only handed back.
    pub fn set_owner(&mut self, owner: *mut c_void) {
        // SAFETY: the block is alive, and reached through raw pointers only.
        unsafe { (*self.block()).owner = owner };
    }

    /// The pointer that the owner of this store left.
    ///
    /// # Safety
    /// `store` must be the [context](StoreState::context) of a store that is alive.
    #[must_use]
    #[inline]
    pub unsafe fn owner_of(store: *mut StoreContext) -> *mut c_void {
        // SAFETY: the context is the block's first field, and `context` derives its pointer from the block's.
        unsafe { (*store.cast::<StoreBlock>()).owner }
    }

    /// Address of the interrupt page.
    #[must_use]
    pub fn interrupt_page(&self) -> *mut u8 {
        // SAFETY: the block is alive; this field never changes.
        unsafe { (*self.block()).interrupt_page as *mut u8 }
    }

    /// Lets tiered code work so much before it calls [`Helper::TierUp`](mj_abi::Helper::TierUp) for the first time.
    ///
    /// To be called before there is an [`InterruptHandle`].
    pub fn start_countdown(&mut self, work: i32) {
        // SAFETY: the page is the store's, and readable and writable: nobody can have protected it yet.
        unsafe { (*self.interrupt_page().cast::<mj_abi::InterruptPage>()).countdown = work };
    }

    /// A handle to interrupt this store from any thread.
    #[must_use]
    pub fn interrupt_handle(&self) -> InterruptHandle {
        // SAFETY: the block is alive; this field never changes.
        InterruptHandle::new(unsafe { &(*self.block()).interrupt })
    }

    /// Takes back an interruption that has not happened yet, or lets the one that has happened end.
    pub fn clear_interrupt(&self) {
        // SAFETY: the block is alive; this field never changes.
        unsafe { &(*self.block()).interrupt }.unprotect();
    }

    /// Shows each word that is in use on the WebAssembly stack to `see`: what frames hold, from the last call out of compiled code up. Return addresses
    /// and contexts are among them, and all references that are alive across a call ([`mj_abi`]: calls).
    pub fn each_word_of_frames(&mut self, mut see: impl FnMut(usize)) {
        // SAFETY: the block is alive; compiled code of this store does not run, since running borrows the store.
        let block = unsafe { &*self.block() };
        let frames = block.frames();
        let used = block.context.wasm_sp.clamp(frames.start, frames.end)..frames.end;
        for address in used.step_by(size_of::<usize>()) {
            // SAFETY: aligned (stack pointers are), inside the usable part of the store's stack, and nobody writes it meanwhile.
            see(unsafe { (address as *const usize).read() });
        }
    }

    /// Remaining fuel; negative when used up.
    #[must_use]
    #[inline]
    pub fn fuel(&self) -> i64 {
        // SAFETY: the block is alive; compiled code does not run at the same time as this thread.
        unsafe { (*self.context()).fuel }
    }

    /// Sets the remaining fuel.
    #[inline]
    pub fn set_fuel(&mut self, fuel: i64) {
        // SAFETY: as in `fuel`.
        unsafe { (*self.context()).fuel = fuel };
    }
}

impl Drop for StoreState {
    fn drop(&mut self) {
        // SAFETY: from `Box::leak` in `new`; compiled code of this store cannot run any more, since running borrows the store.
        let mut block = unsafe { Box::from_raw(self.block.as_ptr()) };
        if let Some(stack) = block.stack.take() {
            block.stacks.give_back(stack);
        }
    }
}

impl fmt::Debug for StoreState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreState").field("context", &self.context()).finish_non_exhaustive()
    }
}
