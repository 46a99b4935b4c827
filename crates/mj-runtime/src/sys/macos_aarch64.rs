//! Registers of an interrupted thread, macOS on AArch64. Never run.

use std::ffi::c_void;

/// The registers with which the interrupted thread goes on.
pub(crate) struct Cpu<'a> {
    state: &'a mut libc::__darwin_arm_thread_state64,
}

impl Cpu<'_> {
    /// # Safety
    /// `context` must be the third argument of a signal handler that has not returned, and only one `Cpu` may be made from it.
    pub(crate) unsafe fn new(context: *mut c_void) -> Self {
        // SAFETY: by the caller's promise; the kernel points to the machine's part of the context, which lives as long.
        Self { state: unsafe { &mut (*(*context.cast::<libc::ucontext_t>()).uc_mcontext).__ss } }
    }

    pub(crate) fn pc(&self) -> usize {
        self.state.__pc as usize
    }

    pub(crate) fn fp(&self) -> usize {
        self.state.__fp as usize
    }

    /// Contents of the general-purpose register that instructions encode as `number`; 31 is zero.
    pub(crate) fn register(&self, number: u8) -> u64 {
        match number {
            29 => self.state.__fp,
            30 => self.state.__lr,
            _ => self.state.__x.get(usize::from(number)).copied().unwrap_or(0),
        }
    }

    pub(crate) fn set_pc(&mut self, pc: usize) {
        self.state.__pc = pc as u64;
    }

    /// Sets the register of the first argument in the C convention.
    pub(crate) fn set_first_argument(&mut self, value: usize) {
        self.state.__x[0] = value as u64;
    }
}
