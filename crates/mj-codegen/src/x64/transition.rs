//! What all code shares that goes between the host's stack and the WebAssembly stack.
//!
//! The host's stack pointer at the innermost entry is [`StoreContext::HOST_SP`]; code that leaves WebAssembly runs the host from
//! there. The entry trampoline leaves this frame above it, and unwinding takes it down:
//!
//! ```text
//! [rbp + 8]   return address into the runtime
//! [rbp]       the host's rbp
//! [rbp - 8]   the context entered, where every frame has its context
//! [rbp - 16]  rbx r12 r13 r14 r15 of the host, one below the other
//! [rbp - 56]  address of the values
//! [rbp - 64]  the store                       <- HOST_SP, 16-aligned
//! ```
//!
//! Frame pointers form one chain through both stacks: a frame of compiled code that was entered from the host has this frame as
//! its caller, and host code called from WebAssembly has the frame of a stub, whose caller is compiled code.
//!
//! Invariants: host code is called with `rsp` 16-aligned, and with the exit recorded: [`StoreContext::WASM_SP`] is where the WebAssembly
//! stack is free, and the two words there are frame pointer and return address of the compiled frame that called out. Host code
//! changes none of `rbx rbp r12-r15`, so context and memory base survive it.

use mj_abi::{ContextHeader, StoreContext};
use mj_asm_x64::Width::W64;
use mj_asm_x64::{ADD, Asm, CMP, Cc, Gpr, Mem, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI, RDX, RSP};

use super::registers::{CONTEXT, FRAME, MEMORY, SCRATCH};

/// Callee-saved registers of the host's convention, `rbp` apart, in the order of pushing.
const HOST_SAVED: [Gpr; 5] = [RBX, R12, R13, R14, R15];

/// Offset of the entry frame's `r15` from its frame pointer.
const LAST_SAVED: i32 = -48;
/// Offset of the address of the values from the entry frame's pointer.
pub(super) const ENTRY_VALUES: i32 = -56;

/// Offset of the context from the frame pointer, in every frame of compiled code.
pub(super) const FRAME_CONTEXT: i32 = -8;

/// Builds the entry frame and switches to the WebAssembly stack. Arguments as the runtime passes them: context in `rdi`, code in
/// `rsi`, values in `rdx`, store in `rcx`. Sets the context and memory registers.
pub(super) fn leave_host(asm: &mut Asm) {
    asm.reserve(128);
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    asm.push_r(RDI);
    for register in HOST_SAVED {
        asm.push_r(register);
    }
    asm.push_r(RDX);
    asm.push_r(RCX);
    asm.mov_mr(W64, Mem::base(RCX, StoreContext::HOST_SP), RSP);
    asm.mov_rm(W64, RSP, Mem::base(RCX, StoreContext::WASM_SP));
    asm.mov_rr(W64, CONTEXT, RDI);
    asm.mov_rm(W64, MEMORY, Mem::base(CONTEXT, ContextHeader::MEMORY0_BASE));
}

/// Takes the entry frame down, given its frame pointer in `rbp`, and returns `status` to the runtime.
pub(super) fn return_to_host(asm: &mut Asm, status: i32) {
    asm.reserve(64);
    asm.mov_ri(W64, RAX, i64::from(status));
    asm.lea(W64, RSP, Mem::base(FRAME, LAST_SAVED));
    for register in HOST_SAVED.into_iter().rev() {
        asm.pop_r(register);
    }
    asm.alu_ri(ADD, W64, RSP, 8);
    asm.pop_r(FRAME);
    asm.ret();
}

/// Unwinds to the innermost entry of the store in `rdi`: gives up the WebAssembly stack and makes the entry return 1.
pub(super) fn unwind(asm: &mut Asm) {
    asm.reserve(32);
    asm.mov_rm(W64, RBP, Mem::base(RDI, StoreContext::HOST_SP));
    asm.alu_ri(ADD, W64, RBP, 64);
    return_to_host(asm, 1);
}

/// Records the exit and switches to the host's stack. The stub's frame ends with its caller's frame pointer and above that its return
/// address: it has nothing else, or [`repeat_exit`] has put them there. The store comes to be in `store`; nothing else is lost.
pub(super) fn enter_host(asm: &mut Asm, store: Gpr) {
    asm.reserve(64);
    asm.mov_rm(W64, store, Mem::base(CONTEXT, ContextHeader::STORE));
    asm.mov_mr(W64, Mem::base(store, StoreContext::WASM_SP), RSP);
    asm.mov_rm(W64, RSP, Mem::base(store, StoreContext::HOST_SP));
}

/// Ends a frame that holds more than its caller's frame pointer with a copy of that and of its return address. `temporary` is lost.
pub(super) fn repeat_exit(asm: &mut Asm, temporary: Gpr) {
    asm.reserve(32);
    for offset in [8, 0] {
        asm.mov_rm(W64, temporary, Mem::base(FRAME, offset));
        asm.push_r(temporary);
    }
}

/// Calls the host function at this address.
pub(super) fn call_host(asm: &mut Asm, address: usize) {
    asm.reserve(32);
    asm.mov_ri(W64, SCRATCH, address as i64);
    asm.call_r(SCRATCH);
}

/// Loads the store into `rdi` and unwinds if it says so; keeps `rax`.
pub(super) fn unwind_if_asked(asm: &mut Asm, unwind: mj_asm::Label) {
    asm.reserve(32);
    asm.mov_rm(W64, RDI, Mem::base(CONTEXT, ContextHeader::STORE));
    asm.alu_mi(CMP, W64, Mem::base(RDI, StoreContext::UNWINDING), 0);
    asm.jcc(Cc::Ne, unwind);
}

const _: () = {
    assert!(CONTEXT.number() == R15.number() && MEMORY.number() == R14.number());
    assert!(FRAME.number() == RBP.number());
};
