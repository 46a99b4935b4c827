//! Registers of an interrupted thread, AArch64 Linux.

use std::ffi::c_void;

/// The number of the frame pointer.
const FRAME: usize = 29;

/// The registers with which the interrupted thread goes on.
pub(crate) struct Cpu<'a> {
    context: &'a mut libc::mcontext_t,
}

impl Cpu<'_> {
    /// # Safety
    /// `context` must be the third argument of a signal handler that has not returned, and only one `Cpu` may be made from it.
    pub(crate) unsafe fn new(context: *mut c_void) -> Self {
        // SAFETY: by the caller's promise.
        Self { context: unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext } }
    }

    pub(crate) fn pc(&self) -> usize {
        self.context.pc as usize
    }

    pub(crate) fn fp(&self) -> usize {
        self.context.regs[FRAME] as usize
    }

    /// Contents of the general-purpose register that instructions encode as `number`; 31 is zero.
    pub(crate) fn register(&self, number: u8) -> u64 {
        self.context.regs.get(usize::from(number)).copied().unwrap_or(0)
    }

    pub(crate) fn set_pc(&mut self, pc: usize) {
        self.context.pc = pc as u64;
    }

    /// Sets the register of the first argument in the C convention.
    pub(crate) fn set_first_argument(&mut self, value: usize) {
        self.context.regs[0] = value as u64;
    }
}
