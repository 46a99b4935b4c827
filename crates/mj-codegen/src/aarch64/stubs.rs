//! Code that an engine has once: the ways out of compiled code that do not depend on a function's type.
//!
//! - `unwind`: back to the innermost entry. The signal handler continues there after a trap.
//! - `interrupt`: the signal handler continues there when compiled code has touched a protected interrupt page. All registers and flags are as
//!   compiled code left them, and are so again when it is resumed, but for `x30`: it holds nothing in a body.
//! - `lazy`: a function that has no code yet is called; [`lazy_stubs`] come from the jump table and say which one.
//! - one thunk per [`Helper`].
//!
//! Each builds a frame, records the exit, calls the runtime on the host's stack and unwinds if the store says so.
//!
//! Invariants: nothing below compiled code's stack pointer is live. Only the absolute addresses that are passed in bind the code to a process.

use mj_abi::{ContextHeader, Helper, StoreContext};
use mj_asm::Label;
use mj_asm_aarch64::Width::{W32, W64};
use mj_asm_aarch64::{ADD, Asm, Fpr, Gpr, LDP_Q, LDP_X, LDR_X, Mem, NZCV, SP, STP_Q, STP_X, STR_X, SUB, X0, X1, X2, X3, X4, X9, X30, XZR};

use super::registers::{CONTEXT, FRAME, SCRATCH};
use super::transition::{TEMPORARY, call_host, enter_host, leave_frame, push_frame, repeat_exit, unwind, unwind_if_asked};
use crate::stubs::{StubFunctions, Stubs};

/// What gaps are filled with: `udf #0`.
const FILL: u8 = 0;

/// Writes the stubs.
#[must_use]
pub fn stubs(functions: &StubFunctions) -> Stubs {
    let asm = &mut Asm::default();
    // Stubs come here, the signal handler comes behind it, with the store in `x0`.
    let unwinding = asm.label_here();
    asm.reserve(16);
    asm.load_rm(LDR_X, X0, Mem::base(CONTEXT, ContextHeader::STORE));
    let unwind_start = asm.offset() as u32;
    unwind(asm);
    let interrupt = begin(asm);
    interrupt_stub(asm, functions.interrupted, unwinding);
    let lazy = begin(asm);
    lazy_stub(asm, functions.compile_lazily, unwinding);
    let call = asm.label();
    let mut helpers = [0; Helper::ALL.len()];
    for (number, (start, address)) in helpers.iter_mut().zip(functions.helpers).enumerate() {
        *start = begin(asm);
        if number == Helper::OutOfFuel as usize || number == Helper::Interrupted as usize {
            transparent_stub(asm, address, unwinding);
            continue;
        }
        if number == Helper::TierUp as usize {
            tier_up_stub(asm, address, unwinding);
            continue;
        }
        asm.reserve(32);
        asm.mov_ri(W64, SCRATCH, address as i64);
        asm.b(call);
    }
    begin(asm);
    helper_call(asm, call, unwinding);
    asm.finish_function(FILL);
    Stubs { code: asm.take().0, unwind: unwind_start, interrupt, lazy, helpers }
}

fn begin(asm: &mut Asm) -> u32 {
    asm.align(16, FILL);
    asm.offset() as u32
}

/// What all helper thunks have in common; the runtime's function is in `x16`, its arguments in the integer positions.
fn helper_call(asm: &mut Asm, entry: Label, unwinding: Label) {
    asm.bind(entry);
    asm.reserve(64);
    push_frame(asm);
    enter_host(asm, X9);
    asm.reserve(64);
    // The context comes in front of the at most four arguments.
    for (to, from) in [(X4, X3), (X3, X2), (X2, X1), (X1, X0), (X0, CONTEXT)] {
        asm.mov_rr(W64, to, from);
    }
    asm.blr(SCRATCH);
    unwind_if_asked(asm, unwinding);
    asm.reserve(16);
    leave_frame(asm);
    asm.ret();
}

fn interrupt_stub(asm: &mut Asm, interrupted: usize, unwinding: Label) {
    asm.reserve(64);
    // A frame, as if the interrupted code had called.
    push_frame(asm);
    asm.load_rm(LDR_X, X30, Mem::base(CONTEXT, ContextHeader::STORE));
    asm.load_rm(LDR_X, X30, Mem::base(X30, StoreContext::RESUME_PC));
    asm.store_mr(STR_X, Mem::base(FRAME, 8), X30);
    call_transparently(asm, interrupted, unwinding);
}

/// Out of fuel, or interrupted: compiled code calls it in the middle of a function, with whatever it has in its registers.
fn transparent_stub(asm: &mut Asm, function: usize, unwinding: Label) {
    asm.reserve(16);
    push_frame(asm);
    call_transparently(asm, function, unwinding);
}

/// The countdown went negative: called with function and place in the halves of the scratch register, and whatever else in the others.
fn tier_up_stub(asm: &mut Asm, tier_up: usize, unwinding: Label) {
    asm.reserve(16);
    push_frame(asm);
    save_everything(asm);
    asm.reserve(32);
    asm.lsr_rri(W64, X1, SCRATCH, 32);
    asm.mov_rr(W32, X2, SCRATCH);
    asm.mov_rr(W64, X0, CONTEXT);
    call_host(asm, tier_up);
    unwind_if_asked(asm, unwinding);
    asm.reserve(16);
    asm.store_mr(STR_X, Mem::base(FRAME, SAVED_SCRATCH), X0);
    restore_everything(asm);
}

/// Calls `function(context)` on the host's stack with all registers and flags saved, takes the frame down and returns.
fn call_transparently(asm: &mut Asm, function: usize, unwinding: Label) {
    save_everything(asm);
    asm.reserve(16);
    asm.mov_rr(W64, X0, CONTEXT);
    call_host(asm, function);
    unwind_if_asked(asm, unwinding);
    restore_everything(asm);
}

/// General registers, in pairs: all but `x18`, which is the system's, the frame's own two, and the stack pointer.
const GENERAL: [u8; 14] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 19, 21, 23, 25, 27];
/// Vector registers, in pairs.
const VECTORS: [u8; 16] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];

/// Where the scratch register, the first of its pair, is saved: below the flags and the pairs in front of it.
const SAVED_SCRATCH: i32 = -16 - 16 * (8 + 1);

const _: () = assert!(GENERAL[8] == SCRATCH.number());

/// Saves all registers and flags in the frame that was just pushed, and switches to the host's stack. The scratch register is kept.
fn save_everything(asm: &mut Asm) {
    asm.reserve(16);
    asm.mrs(X30, NZCV);
    asm.store_pair(STP_X, Mem::Pre(SP, -16), X30, XZR);
    push(asm, &GENERAL);
    push_vectors(asm, &VECTORS);
    repeat_exit(asm, X9);
    enter_host(asm, X9);
}

/// Undoes [`save_everything`], takes the frame down and returns.
fn restore_everything(asm: &mut Asm) {
    asm.reserve(16);
    asm.add_rri(SUB, W64, SP, FRAME, 16 + 16 * GENERAL.len() as u32 + 32 * VECTORS.len() as u32);
    pop_vectors(asm, &VECTORS);
    pop(asm, &GENERAL);
    asm.reserve(32);
    asm.load_pair(LDP_X, X30, XZR, Mem::Post(SP, 16));
    asm.msr(NZCV, X30);
    leave_frame(asm);
    asm.ret();
}

/// Integer positions, in pairs, and float positions.
const ARGUMENTS: [u8; 4] = [0, 2, 4, 6];

/// Compiles the function whose number is in `x16` and goes on there, arguments untouched.
fn lazy_stub(asm: &mut Asm, compile_lazily: usize, unwinding: Label) {
    asm.reserve(16);
    push_frame(asm);
    push(asm, &ARGUMENTS);
    push_vectors(asm, &ARGUMENTS);
    repeat_exit(asm, X9);
    enter_host(asm, X9);
    asm.reserve(32);
    asm.mov_rr(W64, X0, CONTEXT);
    asm.mov_rr(W32, X1, SCRATCH);
    call_host(asm, compile_lazily);
    asm.reserve(16);
    asm.mov_rr(W64, SCRATCH, X0);
    asm.cbz(W64, SCRATCH, unwinding);
    asm.add_rri(SUB, W64, SP, FRAME, (16 + 32) * ARGUMENTS.len() as u32);
    pop_vectors(asm, &ARGUMENTS);
    pop(asm, &ARGUMENTS);
    asm.reserve(16);
    leave_frame(asm);
    asm.br(SCRATCH);
}

fn push(asm: &mut Asm, pairs: &[u8]) {
    asm.reserve(4 * pairs.len());
    for &number in pairs {
        asm.store_pair(STP_X, Mem::Pre(SP, -16), Gpr::new(number), Gpr::new(number + 1));
    }
}

fn pop(asm: &mut Asm, pairs: &[u8]) {
    asm.reserve(4 * pairs.len());
    for &number in pairs.iter().rev() {
        asm.load_pair(LDP_X, Gpr::new(number), Gpr::new(number + 1), Mem::Post(SP, 16));
    }
}

fn push_vectors(asm: &mut Asm, pairs: &[u8]) {
    asm.reserve(4 * pairs.len());
    for &number in pairs {
        asm.store_pair_v(STP_Q, Mem::Pre(SP, -32), Fpr::new(number), Fpr::new(number + 1));
    }
}

fn pop_vectors(asm: &mut Asm, pairs: &[u8]) {
    asm.reserve(4 * pairs.len());
    for &number in pairs.iter().rev() {
        asm.load_pair_v(LDP_Q, Fpr::new(number), Fpr::new(number + 1), Mem::Post(SP, 32));
    }
}

/// Bytes in front of the first stub of [`lazy_stubs`].
pub const LAZY_HEAD_SIZE: usize = 64;

/// Bytes of one stub of [`lazy_stubs`].
pub const LAZY_STUB_SIZE: usize = 4;

/// One stub for each of `count` functions, numbered from `first_function`: what a function's slot in the jump table points to
/// until it has code. Stub `n` begins at `LAZY_HEAD_SIZE + n * LAZY_STUB_SIZE`; `lazy` is the address of [`Stubs::lazy`].
///
/// A module may have hundreds of thousands of functions, so a stub is one jump. Calls have their target in `x16`, from which the head finds
/// out which stub it was.
///
/// # Panics
/// If the stubs would exceed 128 MiB.
#[must_use]
pub fn lazy_stubs(first_function: u32, count: u32, lazy: usize) -> Vec<u8> {
    const { assert!(LAZY_STUB_SIZE == 4) };
    let asm = &mut Asm::default();
    asm.buffer.reserve(LAZY_HEAD_SIZE + count as usize * LAZY_STUB_SIZE);
    let (head, first, target) = (asm.label_here(), asm.label(), asm.label());
    asm.adr(TEMPORARY, first);
    asm.add_rrr(SUB, W64, SCRATCH, SCRATCH, TEMPORARY);
    asm.lsr_rri(W64, SCRATCH, SCRATCH, 2);
    asm.mov_ri(W32, TEMPORARY, i64::from(first_function));
    asm.add_rrr(ADD, W32, SCRATCH, SCRATCH, TEMPORARY);
    asm.load_rm(LDR_X, TEMPORARY, Mem::Label(target));
    asm.br(TEMPORARY);
    asm.align(8, FILL);
    asm.bind(target);
    asm.put(lazy as u64, 8);
    asm.align(LAZY_HEAD_SIZE, FILL);
    asm.bind(first);
    for _ in 0..count {
        asm.b(head);
    }
    asm.finish_function(FILL);
    asm.take().0
}
