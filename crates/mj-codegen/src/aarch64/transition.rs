//! What all code shares that goes between the host's stack and the WebAssembly stack.
//!
//! The host's stack pointer at the innermost entry is [`StoreContext::HOST_SP`]; code that leaves WebAssembly runs the host from
//! there. The entry trampoline leaves this frame above it, and unwinding takes it down:
//!
//! ```text
//! [x29 + 8]    return address into the runtime
//! [x29]        the host's x29
//! [x29 - 8]    the context entered, where every frame has its context
//! [x29 - 16]   address of the values
//! [x29 - 96]   x19 to x28 of the host, upwards
//! [x29 - 160]  d8 to d15 of the host, upwards      <- HOST_SP, 16-aligned
//! ```
//!
//! Frame pointers form one chain through both stacks: a frame of compiled code that was entered from the host has this frame as
//! its caller, and host code called from WebAssembly has the frame of a stub, whose caller is compiled code.
//!
//! Invariants: host code is called with the exit recorded: [`StoreContext::WASM_SP`] is where the WebAssembly stack is free, and the two words there
//! are frame pointer and return address of the compiled frame that called out. Host code changes none of `x19`–`x29`, so context and memory base
//! survive it. Compiled code may change all vector registers, of which the host wants the low halves of eight back.

use mj_abi::{ContextHeader, StoreContext};
use mj_asm::Label;
use mj_asm_aarch64::Width::{W32, W64};
use mj_asm_aarch64::{ADD, Asm, Fpr, Gpr, LDP_D, LDP_X, LDR_X, Mem, SP, STP_D, STP_X, STR_X, SUB, X0, X1, X2, X3, X17, X30};

use super::registers::{CONTEXT, FRAME, MEMORY, SCRATCH};

/// The first of the host's callee-saved registers, pair by pair, and the offset of each pair from the entry frame's pointer.
const HOST_SAVED: [(u8, i32); 5] = [(19, -96), (21, -80), (23, -64), (25, -48), (27, -32)];
/// The same of the vector registers.
const HOST_SAVED_V: [(u8, i32); 4] = [(8, -160), (10, -144), (12, -128), (14, -112)];

/// Bytes of the entry frame below its pointer.
const ENTRY_FRAME: i32 = 160;
/// Offset of the address of the values from the entry frame's pointer.
pub(super) const ENTRY_VALUES: i32 = -16;

/// Offset of the context from the frame pointer, in every frame of compiled code.
pub(super) const FRAME_CONTEXT: i32 = -8;

/// Lost by whatever leaves compiled code, besides the registers it says.
pub(super) const TEMPORARY: Gpr = X17;

/// Pushes a frame record and makes it the current frame.
pub(super) fn push_frame(asm: &mut Asm) {
    asm.store_pair(STP_X, Mem::Pre(SP, -16), FRAME, X30);
    asm.mov_sp(FRAME, SP);
}

/// Takes the current frame down, whatever is on the stack.
pub(super) fn leave_frame(asm: &mut Asm) {
    asm.mov_sp(SP, FRAME);
    asm.load_pair(LDP_X, FRAME, X30, Mem::Post(SP, 16));
}

/// Builds the entry frame and switches to the WebAssembly stack. Arguments as the runtime passes them: context in `x0`, code in
/// `x1`, values in `x2`, store in `x3`. Sets the context and memory registers; `x1` and `x2` are kept.
pub(super) fn leave_host(asm: &mut Asm) {
    asm.reserve(128);
    push_frame(asm);
    asm.add_rri(SUB, W64, SP, SP, ENTRY_FRAME as u32);
    asm.store_pair(STP_X, Mem::base(FRAME, ENTRY_VALUES), X2, X0);
    for (number, offset) in HOST_SAVED {
        asm.store_pair(STP_X, Mem::base(FRAME, offset), Gpr::new(number), Gpr::new(number + 1));
    }
    for (number, offset) in HOST_SAVED_V {
        asm.store_pair_v(STP_D, Mem::base(FRAME, offset), Fpr::new(number), Fpr::new(number + 1));
    }
    switch_stack(asm, X3, StoreContext::HOST_SP, StoreContext::WASM_SP);
    asm.mov_rr(W64, CONTEXT, X0);
    asm.load_rm(LDR_X, MEMORY, Mem::base(CONTEXT, ContextHeader::MEMORY0_BASE));
}

/// Takes the entry frame down, given its frame pointer in `x29`, and returns `status` to the runtime.
pub(super) fn return_to_host(asm: &mut Asm, status: i32) {
    asm.reserve(128);
    asm.mov_ri(W32, X0, i64::from(status));
    for (number, offset) in HOST_SAVED {
        asm.load_pair(LDP_X, Gpr::new(number), Gpr::new(number + 1), Mem::base(FRAME, offset));
    }
    for (number, offset) in HOST_SAVED_V {
        asm.load_pair_v(LDP_D, Fpr::new(number), Fpr::new(number + 1), Mem::base(FRAME, offset));
    }
    leave_frame(asm);
    asm.ret();
}

/// Unwinds to the innermost entry of the store in `x0`: gives up the WebAssembly stack and makes the entry return 1.
pub(super) fn unwind(asm: &mut Asm) {
    asm.reserve(32);
    asm.load_rm(LDR_X, FRAME, Mem::base(X0, StoreContext::HOST_SP));
    asm.add_rri(ADD, W64, FRAME, FRAME, ENTRY_FRAME as u32);
    return_to_host(asm, 1);
}

/// Records the exit and switches to the host's stack. The stub's frame ends with its caller's frame pointer and above that its return
/// address: it has nothing else, or [`repeat_exit`] has put them there. The store comes to be in `store`; [`TEMPORARY`] is lost.
pub(super) fn enter_host(asm: &mut Asm, store: Gpr) {
    asm.reserve(32);
    asm.load_rm(LDR_X, store, Mem::base(CONTEXT, ContextHeader::STORE));
    switch_stack(asm, store, StoreContext::WASM_SP, StoreContext::HOST_SP);
}

/// Stores the stack pointer into one word of the store, and loads it from another.
fn switch_stack(asm: &mut Asm, store: Gpr, from: i32, to: i32) {
    asm.mov_sp(TEMPORARY, SP);
    asm.store_mr(STR_X, Mem::base(store, from), TEMPORARY);
    asm.load_rm(LDR_X, TEMPORARY, Mem::base(store, to));
    asm.mov_sp(SP, TEMPORARY);
}

/// Ends a frame that holds more than its record with a copy of that. `first` and [`TEMPORARY`] are lost.
pub(super) fn repeat_exit(asm: &mut Asm, first: Gpr) {
    asm.reserve(16);
    asm.load_pair(LDP_X, first, TEMPORARY, Mem::base(FRAME, 0));
    asm.store_pair(STP_X, Mem::Pre(SP, -16), first, TEMPORARY);
}

/// Calls the host function at this address.
pub(super) fn call_host(asm: &mut Asm, address: usize) {
    asm.reserve(32);
    asm.mov_ri(W64, SCRATCH, address as i64);
    asm.blr(SCRATCH);
}

/// Unwinds if the store says so; keeps `x0` otherwise, and loses `x1` and [`TEMPORARY`].
pub(super) fn unwind_if_asked(asm: &mut Asm, unwind: Label) {
    asm.reserve(16);
    asm.load_rm(LDR_X, TEMPORARY, Mem::base(CONTEXT, ContextHeader::STORE));
    asm.load_rm(LDR_X, X1, Mem::base(TEMPORARY, StoreContext::UNWINDING));
    asm.cbnz(W64, X1, unwind);
}
