//! Code that an engine has once: the ways out of compiled code that do not depend on a function's type.
//!
//! - `unwind`: back to the innermost entry. The signal handler continues there after a trap.
//! - `interrupt`: the signal handler continues there when compiled code has touched a protected interrupt page. All registers and flags are as
//!   compiled code left them, and are so again when it is resumed.
//! - `lazy`: a function that has no code yet is called; [`lazy_stubs`] come from the jump table and say which one.
//! - one thunk per [`Helper`].
//!
//! Each builds a frame, records the exit, calls the runtime on the host's stack and unwinds if the store says so.
//!
//! Invariants: nothing below compiled code's stack pointer is live. Only the absolute addresses that are passed in bind the code to a process.

use mj_abi::{ContextHeader, Helper, StoreContext};
use mj_asm::Label;
use mj_asm_x64::Width::{W32, W64};
use mj_asm_x64::{ADD, Asm, Cc, Gpr, Mem, R8, R9, R10, R11, R12, R13, R14, R15, RAX, RBX, RCX, RDI, RDX, RSI, RSP, SUB, Xmm};

use super::registers::{CONTEXT, FLOAT_POSITIONS, FRAME, INT_POSITIONS, SCRATCH, gpr, xmm};
use super::transition::{call_host, enter_host, repeat_exit, unwind, unwind_if_asked};
use crate::stubs::{StubFunctions, Stubs};

/// Writes the stubs.
#[must_use]
pub fn stubs(functions: &StubFunctions) -> Stubs {
    let asm = &mut Asm::default();
    let unwinding = asm.label_here();
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
        asm.jmp(call);
    }
    begin(asm);
    helper_call(asm, call, unwinding);
    asm.finish_function(0xcc);
    Stubs { code: asm.take().0, unwind: 0, interrupt, lazy, helpers }
}

fn begin(asm: &mut Asm) -> u32 {
    asm.align(16, 0xcc);
    asm.offset() as u32
}

/// What all helper thunks have in common; the runtime's function is in `r11`, its arguments in the integer positions.
fn helper_call(asm: &mut Asm, entry: Label, unwinding: Label) {
    const { assert!(most_arguments() <= 4) };
    asm.bind(entry);
    asm.reserve(64);
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    enter_host(asm, R10);
    asm.reserve(64);
    // From rax rcx rdx rsi to rsi rdx rcx r8, behind the context in rdi.
    asm.mov_rr(W64, R8, RSI);
    asm.mov_rr(W64, RSI, RAX);
    asm.xchg_rr(W64, RCX, RDX);
    asm.mov_rr(W64, RDI, CONTEXT);
    asm.call_r(SCRATCH);
    unwind_if_asked(asm, unwinding);
    asm.reserve(16);
    asm.leave();
    asm.ret();
}

/// Most arguments of a helper.
const fn most_arguments() -> u8 {
    let mut most = 0;
    let mut number = 0;
    while number < Helper::ALL.len() {
        let arguments = Helper::ALL[number].row().arguments;
        most = if arguments > most { arguments } else { most };
        number += 1;
    }
    most
}

/// The general registers but `rsp` and `rbp`.
const GENERAL: [Gpr; 14] = [RAX, RCX, RDX, RBX, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15];

fn interrupt_stub(asm: &mut Asm, interrupted: usize, unwinding: Label) {
    asm.reserve(64);
    // A frame, as if the interrupted code had called: nothing up to `pushfq` changes the flags.
    asm.push_r(FRAME);
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    asm.push_r(SCRATCH);
    asm.mov_rm(W64, SCRATCH, Mem::base(CONTEXT, ContextHeader::STORE));
    asm.mov_rm(W64, SCRATCH, Mem::base(SCRATCH, StoreContext::RESUME_PC));
    asm.mov_mr(W64, Mem::base(FRAME, 8), SCRATCH);
    asm.pop_r(SCRATCH);
    call_transparently(asm, interrupted, unwinding);
}

/// Out of fuel, or interrupted: compiled code calls it in the middle of a function, with whatever it has in its registers.
fn transparent_stub(asm: &mut Asm, function: usize, unwinding: Label) {
    asm.reserve(16);
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    call_transparently(asm, function, unwinding);
}

/// The countdown went negative: called with function and place on the stack, and whatever else in the registers.
fn tier_up_stub(asm: &mut Asm, tier_up: usize, unwinding: Label) {
    asm.reserve(16);
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    save_everything(asm);
    asm.reserve(32);
    asm.mov_rm(W32, RSI, Mem::base(FRAME, 24));
    asm.mov_rm(W32, RDX, Mem::base(FRAME, 16));
    asm.mov_rr(W64, RDI, CONTEXT);
    call_host(asm, tier_up);
    unwind_if_asked(asm, unwinding);
    asm.reserve(16);
    // Where the scratch register was saved.
    let saved = GENERAL.iter().position(|&register| register == SCRATCH).expect("a general register");
    asm.mov_mr(W64, Mem::base(FRAME, -16 - 8 * saved as i32), RAX);
    restore_everything(asm);
    asm.reserve(16);
    asm.ret_i(16);
}

/// Calls `function(context)` on the host's stack with all registers and flags saved, takes the frame down and returns.
fn call_transparently(asm: &mut Asm, function: usize, unwinding: Label) {
    save_everything(asm);
    asm.reserve(16);
    asm.mov_rr(W64, RDI, CONTEXT);
    call_host(asm, function);
    unwind_if_asked(asm, unwinding);
    restore_everything(asm);
    asm.ret();
}

/// All vector registers.
const VECTORS: [Xmm; 16] = {
    let mut all = [Xmm::new(0); 16];
    let mut number = 0;
    while number < 16 {
        all[number as usize] = Xmm::new(number);
        number += 1;
    }
    all
};

/// Saves all registers and flags in the frame that was just built, and switches to the host's stack.
fn save_everything(asm: &mut Asm) {
    asm.reserve(16);
    asm.pushfq();
    asm.reserve(64);
    for register in GENERAL {
        asm.push_r(register);
    }
    save_vectors(asm, VECTORS);
    repeat_exit(asm, R9);
    enter_host(asm, R10);
}

/// Undoes [`save_everything`] and takes the frame down.
fn restore_everything(asm: &mut Asm) {
    asm.reserve(16);
    asm.lea(W64, RSP, Mem::base(FRAME, -(8 + 8 * GENERAL.len() as i32 + 16 * VECTORS.len() as i32)));
    restore_vectors(asm, VECTORS);
    asm.reserve(64);
    for register in GENERAL.into_iter().rev() {
        asm.pop_r(register);
    }
    asm.popfq();
    asm.pop_r(FRAME);
}

/// Compiles the function whose number is in `r11` and goes on there, arguments untouched.
fn lazy_stub(asm: &mut Asm, compile_lazily: usize, unwinding: Label) {
    let arguments = INT_POSITIONS.map(gpr);
    let vectors = FLOAT_POSITIONS.map(xmm);
    asm.reserve(64);
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    for register in arguments {
        asm.push_r(register);
    }
    save_vectors(asm, vectors);
    repeat_exit(asm, R9);
    enter_host(asm, R10);
    asm.reserve(32);
    asm.mov_rr(W64, RDI, CONTEXT);
    asm.mov_rr(W32, RSI, SCRATCH);
    call_host(asm, compile_lazily);
    asm.reserve(64);
    asm.mov_rr(W64, SCRATCH, RAX);
    asm.mov_rm(W64, RDI, Mem::base(CONTEXT, ContextHeader::STORE));
    asm.test_rr(W64, RAX, RAX);
    asm.jcc(Cc::E, unwinding);
    asm.lea(W64, RSP, Mem::base(FRAME, -(8 * arguments.len() as i32 + 16 * vectors.len() as i32)));
    restore_vectors(asm, vectors);
    asm.reserve(64);
    for register in arguments.into_iter().rev() {
        asm.pop_r(register);
    }
    asm.pop_r(FRAME);
    asm.jmp_r(SCRATCH);
}

fn save_vectors<const N: usize>(asm: &mut Asm, registers: [Xmm; N]) {
    asm.reserve(16 * (N + 1));
    asm.alu_ri(SUB, W64, RSP, 16 * N as i32);
    for (index, register) in registers.into_iter().enumerate() {
        asm.movups_mx(Mem::base(RSP, 16 * index as i32), register);
    }
}

fn restore_vectors<const N: usize>(asm: &mut Asm, registers: [Xmm; N]) {
    asm.reserve(16 * (N + 1));
    for (index, register) in registers.into_iter().enumerate() {
        asm.movups_xm(register, Mem::base(RSP, 16 * index as i32));
    }
    asm.alu_ri(ADD, W64, RSP, 16 * N as i32);
}

/// Bytes in front of the first stub of [`lazy_stubs`].
pub const LAZY_HEAD_SIZE: usize = 64;

/// Bytes of one stub of [`lazy_stubs`].
pub const LAZY_STUB_SIZE: usize = 5;

/// One stub for each of `count` functions, numbered from `first_function`: what a function's slot in the jump table points to
/// until it has code. Stub `n` begins at `LAZY_HEAD_SIZE + n * LAZY_STUB_SIZE`; `lazy` is the address of [`Stubs::lazy`].
///
/// A module may have hundreds of thousands of functions, so a stub is one call, and the head finds out which stub called it.
///
/// # Panics
/// If the stubs would exceed 2 GiB.
#[must_use]
pub fn lazy_stubs(first_function: u32, count: u32, lazy: usize) -> Vec<u8> {
    let asm = &mut Asm::default();
    let size = LAZY_HEAD_SIZE + count as usize * LAZY_STUB_SIZE;
    asm.reserve(size);
    let (head, first, target) = (asm.label_here(), asm.label(), asm.label());
    // The return address is `first + 5 * (n + 1)`. Division by five without remainder is multiplication by its inverse modulo 2^32.
    asm.lea(W64, SCRATCH, Mem::label(first));
    asm.alu_mr(SUB, W64, Mem::base(RSP, 0), SCRATCH);
    asm.pop_r(SCRATCH);
    asm.imul_rri(W32, SCRATCH, SCRATCH, INVERSE_OF_FIVE as i32);
    asm.alu_ri(ADD, W32, SCRATCH, first_function.wrapping_sub(1) as i32);
    asm.jmp_m(Mem::label(target));
    asm.align(8, 0xcc);
    asm.bind(target);
    asm.put(lazy as u64, 8);
    asm.align(LAZY_HEAD_SIZE, 0xcc);
    asm.bind(first);
    for _ in 0..count {
        asm.call(head);
    }
    asm.finish_function(0xcc);
    asm.take().0
}

const INVERSE_OF_FIVE: u32 = 0xcccc_cccd;

const _: () = assert!(INVERSE_OF_FIVE.wrapping_mul(LAZY_STUB_SIZE as u32) == 1);
