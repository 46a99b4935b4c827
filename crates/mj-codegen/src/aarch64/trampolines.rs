//! Code per function type that joins the calling convention of compiled code to that of the host, both ways.
//!
//! Between the two, values travel in an array of [`RawValue`](mj_abi::RawValue): an *entry trampoline* takes arguments from it and puts
//! results into it, a *host shim* the other way round. Which value goes where is [`CallLayout`]'s business.
//!
//! Invariants: a 32-bit value is moved as 32 bits and zero-extended on the way into a register or stack slot. Code here is position independent.
//! Validation limits a type to 1000 parameters and 1000 results, so that every offset fits its instruction.

use core::mem::size_of;

use mj_abi::{ArgLocation, CallLayout, HostContext, RawValue};
use mj_asm_aarch64::Width::W64;
use mj_asm_aarch64::{
    ADD, Access, AddSub, Asm, FloatAccess, Fpr, Gpr, LDR_D, LDR_Q, LDR_S, LDR_W, LDR_X, Mem, SP, STR_D, STR_Q, STR_S, STR_W, STR_X, SUB,
    X0, X1, X2, X19, X20,
};
use mj_decode::{FuncType, ValType};

use super::registers::{CONTEXT, FLOAT_POSITIONS, FLOAT_SCRATCH, FRAME, INT_POSITIONS, MEMORY, SCRATCH, fpr, gpr};
use super::transition::{ENTRY_VALUES, FRAME_CONTEXT, TEMPORARY, enter_host, leave_frame, leave_host, push_frame, return_to_host, unwind};

/// Bytes of a value in the array.
const VALUE: i32 = size_of::<RawValue>() as i32;

/// Offset of the lowest stack argument from the frame pointer: behind the frame's record.
const INCOMING: i32 = 16;

/// Code that enters a function of this type from the host:
/// `extern "C" fn(context: *mut ContextHeader, code: CodePointer, values: *mut RawValue, store: *mut StoreContext) -> usize`.
///
/// Arguments are taken from `values`, results put there, both from index 0. Returns 0, or 1 if the call was unwound; then `values` is
/// as it was. The runtime sets the store's `wasm_sp` before.
#[must_use]
pub fn entry_trampoline(ty: &FuncType) -> Vec<u8> {
    let layout = layout(ty);
    let asm = &mut Asm::default();
    leave_host(asm);
    asm.reserve(64);
    // The host's values of these registers are in the frame.
    let (values, results) = (X19, X20);
    asm.mov_rr(W64, SCRATCH, X1);
    asm.mov_rr(W64, values, X2);
    adjust_stack(asm, SUB, layout.result_bytes);
    asm.mov_sp(results, SP);
    adjust_stack(asm, SUB, layout.argument_bytes);
    for (index, (&ty, &location)) in ty.params().iter().zip(&layout.params).enumerate() {
        load(asm, ty, location, (values, VALUE * index as i32), SP);
    }
    asm.reserve(64);
    match layout.result_pointer {
        Some(ArgLocation::Int(position)) => asm.mov_rr(W64, int_position(position), results),
        Some(ArgLocation::Memory(offset)) => asm.store_mr(STR_X, Mem::base(SP, offset as i32), results),
        _ => {}
    }
    asm.blr(SCRATCH);
    asm.load_rm(LDR_X, SCRATCH, Mem::base(FRAME, ENTRY_VALUES));
    for (index, (&ty, &location)) in ty.results().iter().zip(&layout.results).enumerate() {
        // The callee has popped its arguments: the results are what the stack pointer points to.
        store(asm, ty, location, (SCRATCH, VALUE * index as i32), (SP, 0));
    }
    return_to_host(asm, 0);
    finish(asm)
}

/// Code of a host function of this type, called like any function, with its [`HostContext`] as context.
///
/// The caller's context that the host function is given is that of the calling frame; if the host enters the host function itself, it is
/// the function's own. The values lie on the host's stack.
#[must_use]
pub fn host_shim(ty: &FuncType) -> Vec<u8> {
    let layout = layout(ty);
    let asm = &mut Asm::default();
    let unwinding = asm.label();
    // Callers restore the memory base themselves, and host code keeps the register.
    let store_context = MEMORY;
    let values = ty.params().len().max(ty.results().len()) as i32 * VALUE;
    // Above the values: the address for results that find no register.
    let result_pointer = Mem::base(SP, values);
    asm.reserve(64);
    asm.load_rm(LDR_X, SCRATCH, Mem::base(FRAME, FRAME_CONTEXT));
    push_frame(asm);
    enter_host(asm, store_context);
    adjust_stack(asm, SUB, values as u32 + if layout.result_pointer.is_some() { VALUE as u32 } else { 0 });
    for (index, (&ty, &location)) in ty.params().iter().zip(&layout.params).enumerate() {
        store(asm, ty, location, (SP, VALUE * index as i32), (FRAME, INCOMING));
    }
    asm.reserve(64);
    match layout.result_pointer {
        Some(ArgLocation::Int(position)) => asm.store_mr(STR_X, result_pointer, int_position(position)),
        Some(ArgLocation::Memory(offset)) => {
            asm.load_rm(LDR_X, TEMPORARY, Mem::base(FRAME, INCOMING + offset as i32));
            asm.store_mr(STR_X, result_pointer, TEMPORARY);
        }
        _ => {}
    }
    asm.mov_rr(W64, X0, CONTEXT);
    asm.mov_rr(W64, X1, SCRATCH);
    asm.mov_sp(X2, SP);
    asm.load_rm(LDR_X, SCRATCH, Mem::base(CONTEXT, HostContext::FUNCTION));
    asm.blr(SCRATCH);
    asm.cbnz(W64, X0, unwinding);
    if layout.result_pointer.is_some() {
        asm.load_rm(LDR_X, SCRATCH, result_pointer);
    }
    for (index, (&ty, &location)) in ty.results().iter().zip(&layout.results).enumerate() {
        load(asm, ty, location, (SP, VALUE * index as i32), SCRATCH);
    }
    asm.reserve(64);
    leave_frame(asm);
    adjust_stack(asm, ADD, layout.argument_bytes);
    asm.ret();
    asm.bind(unwinding);
    asm.mov_rr(W64, X0, store_context);
    unwind(asm);
    finish(asm)
}

fn layout(ty: &FuncType) -> CallLayout {
    CallLayout::new(ty.params().iter().map(|ty| ty.class()), ty.results().iter().map(|ty| ty.class()))
}

fn finish(asm: &mut Asm) -> Vec<u8> {
    asm.finish_function(0);
    asm.take().0
}

/// Moves the stack pointer down or up.
fn adjust_stack(asm: &mut Asm, row: AddSub, bytes: u32) {
    debug_assert!(bytes.is_multiple_of(16), "the stack pointer stays aligned");
    // An immediate has twelve bits, shifted by twelve or not.
    for part in [bytes & 0xfff, bytes & !0xfff] {
        if part != 0 {
            asm.add_rri(row, W64, SP, SP, part);
        }
    }
}

fn int_position(position: u8) -> Gpr {
    gpr(INT_POSITIONS[usize::from(position)])
}

fn float_position(position: u8) -> Fpr {
    fpr(FLOAT_POSITIONS[usize::from(position)])
}

/// How a value of a general register is loaded from the array and stored there.
fn int_access(ty: ValType) -> (Access, Access) {
    match ty {
        ValType::I32 => (LDR_W, STR_W),
        _ => (LDR_X, STR_X),
    }
}

/// The same for vector registers.
fn float_access(ty: ValType) -> (FloatAccess, FloatAccess) {
    match ty {
        ValType::F32 => (LDR_S, STR_S),
        ValType::V128 => (LDR_Q, STR_Q),
        _ => (LDR_D, STR_D),
    }
}

/// From the array to a location. The scratch registers and all positions but the location's own are kept.
fn load(asm: &mut Asm, ty: ValType, to: ArgLocation, (base, offset): (Gpr, i32), memory: Gpr) {
    asm.reserve(16);
    let from = Mem::base(base, offset);
    match to {
        ArgLocation::Int(position) => asm.load_rm(int_access(ty).0, int_position(position), from),
        ArgLocation::Float(position) => asm.load_vm(float_access(ty).0, float_position(position), from),
        ArgLocation::Memory(to) => copy(asm, ty, (memory, to as i32), (base, offset)),
    }
}

/// From a location to the array. All positions are kept.
fn store(asm: &mut Asm, ty: ValType, from: ArgLocation, (base, offset): (Gpr, i32), memory: (Gpr, i32)) {
    asm.reserve(16);
    let to = Mem::base(base, offset);
    match from {
        ArgLocation::Int(position) => asm.store_mr(int_access(ty).1, to, int_position(position)),
        ArgLocation::Float(position) => asm.store_mv(float_access(ty).1, to, float_position(position)),
        ArgLocation::Memory(from) => copy(asm, ty, (base, offset), (memory.0, memory.1 + from as i32)),
    }
}

/// From memory to memory, zero-extended to 64 bits. A vector register does it, so that all general registers are kept.
fn copy(asm: &mut Asm, ty: ValType, (to, to_offset): (Gpr, i32), (from, from_offset): (Gpr, i32)) {
    // Vectors on the stack are aligned to their halves only.
    let (row, halves) = match ty {
        ValType::I32 | ValType::F32 => (LDR_S, 1),
        ValType::V128 => (LDR_D, 2),
        _ => (LDR_D, 1),
    };
    for half in 0..halves {
        asm.load_vm(row, FLOAT_SCRATCH, Mem::base(from, from_offset + 8 * half));
        asm.store_mv(STR_D, Mem::base(to, to_offset + 8 * half), FLOAT_SCRATCH);
    }
}
