//! Registers of an interrupted thread, x86-64 Linux.

use std::ffi::c_void;

/// Position in the kernel's array of each register, by the number that instructions encode: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.
const BY_NUMBER: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// The registers with which the interrupted thread goes on.
pub(crate) struct Cpu<'a> {
    registers: &'a mut [libc::greg_t; 23],
}

impl Cpu<'_> {
    /// # Safety
    /// `context` must be the third argument of a signal handler that has not returned, and only one `Cpu` may be made from it.
    pub(crate) unsafe fn new(context: *mut c_void) -> Self {
        // SAFETY: by the caller's promise.
        Self { registers: unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs } }
    }

    pub(crate) fn pc(&self) -> usize {
        self.registers[libc::REG_RIP as usize] as usize
    }

    pub(crate) fn fp(&self) -> usize {
        self.registers[libc::REG_RBP as usize] as usize
    }

    /// Contents of the general-purpose register that instructions encode as `number`.
    pub(crate) fn register(&self, number: u8) -> u64 {
        self.registers[BY_NUMBER[usize::from(number & 15)] as usize] as u64
    }

    pub(crate) fn set_pc(&mut self, pc: usize) {
        self.registers[libc::REG_RIP as usize] = pc as libc::greg_t;
    }

    /// Sets the register of the first argument in the C convention.
    pub(crate) fn set_first_argument(&mut self, value: usize) {
        self.registers[libc::REG_RDI as usize] = value as libc::greg_t;
    }
}
