//! Code per function type that joins the calling convention of compiled code to that of the host, both ways.
//!
//! Between the two, values travel in an array of [`RawValue`](mj_abi::RawValue): an *entry trampoline* takes arguments from it and puts
//! results into it, a *host shim* the other way round. Which value goes where is [`CallLayout`]'s business.
//!
//! Invariants: a 32-bit value is moved as 32 bits and zero-extended on the way into a register or stack slot. Code here is position independent.

use core::mem::size_of;

use mj_abi::{ArgLocation, CallLayout, HostContext, RawValue};
use mj_asm_x64::Width::{W32, W64};
use mj_asm_x64::{ADD, Asm, Cc, Gpr, Mem, R11, R12, RAX, RBX, RDI, RDX, RSI, RSP, SUB, Width};
use mj_decode::{FuncType, ValType};

use super::registers::{CONTEXT, FLOAT_POSITIONS, FLOAT_SCRATCH, FRAME, INT_POSITIONS, MEMORY, SCRATCH, gpr, xmm};
use super::transition::{ENTRY_VALUES, FRAME_CONTEXT, enter_host, leave_host, return_to_host, unwind};

/// Bytes of a value in the array.
const VALUE: i32 = size_of::<RawValue>() as i32;

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
    asm.mov_rr(W64, SCRATCH, RSI);
    asm.mov_rr(W64, RBX, RDX);
    let result_bytes = layout.result_bytes as i32;
    adjust_stack(asm, -result_bytes);
    asm.mov_rr(W64, R12, RSP);
    adjust_stack(asm, -(layout.argument_bytes as i32));
    let outgoing = |offset| Mem::base(RSP, offset);
    for (index, (&ty, &location)) in ty.params().iter().zip(&layout.params).enumerate() {
        load(asm, ty, location, Mem::base(RBX, VALUE * index as i32), outgoing);
    }
    asm.reserve(64);
    match layout.result_pointer {
        Some(ArgLocation::Int(position)) => asm.mov_rr(W64, int_position(position), R12),
        Some(ArgLocation::Memory(offset)) => asm.mov_mr(W64, outgoing(offset as i32), R12),
        _ => {}
    }
    asm.call_r(SCRATCH);
    asm.mov_rm(W64, SCRATCH, Mem::base(FRAME, ENTRY_VALUES));
    for (index, (&ty, &location)) in ty.results().iter().zip(&layout.results).enumerate() {
        // The callee has popped its arguments: the results are what the stack pointer points to.
        store(asm, ty, location, Mem::base(SCRATCH, VALUE * index as i32), outgoing);
    }
    return_to_host(asm, 0);
    finish(asm)
}

/// Code of a host function of this type, called like any function, with its [`HostContext`] as context.
///
/// The caller's context that the host function is given is that of the calling frame; if the host enters the host function itself, it is
/// the function's own. The values lie on the host's stack, whose alignment is known.
#[must_use]
pub fn host_shim(ty: &FuncType) -> Vec<u8> {
    let layout = layout(ty);
    let asm = &mut Asm::default();
    let unwinding = asm.label();
    // Callers restore the memory base themselves, and host code keeps the register.
    let store_context = MEMORY;
    let values = ty.params().len().max(ty.results().len()) as i32 * VALUE;
    // Above the values: the address for results that find no register.
    let result_pointer = Mem::base(RSP, values);
    let incoming = |offset| Mem::base(FRAME, 16 + offset);
    asm.reserve(64);
    asm.mov_rm(W64, SCRATCH, Mem::base(FRAME, FRAME_CONTEXT));
    asm.push_r(FRAME);
    asm.mov_rr(W64, FRAME, RSP);
    enter_host(asm, store_context);
    adjust_stack(asm, -(values + if layout.result_pointer.is_some() { VALUE } else { 0 }));
    for (index, (&ty, &location)) in ty.params().iter().zip(&layout.params).enumerate() {
        store(asm, ty, location, Mem::base(RSP, VALUE * index as i32), incoming);
    }
    asm.reserve(64);
    match layout.result_pointer {
        Some(ArgLocation::Int(position)) => asm.mov_mr(W64, result_pointer, int_position(position)),
        Some(ArgLocation::Memory(offset)) => {
            asm.mov_rm(W64, RAX, incoming(offset as i32));
            asm.mov_mr(W64, result_pointer, RAX);
        }
        _ => {}
    }
    asm.mov_rr(W64, RDI, CONTEXT);
    asm.mov_rr(W64, RSI, SCRATCH);
    asm.mov_rr(W64, RDX, RSP);
    asm.call_m(Mem::base(CONTEXT, HostContext::FUNCTION));
    asm.test_rr(W64, RAX, RAX);
    asm.jcc(Cc::Ne, unwinding);
    if layout.result_pointer.is_some() {
        asm.mov_rm(W64, SCRATCH, result_pointer);
    }
    for (index, (&ty, &location)) in ty.results().iter().zip(&layout.results).enumerate() {
        load(asm, ty, location, Mem::base(RSP, VALUE * index as i32), |offset| Mem::base(SCRATCH, offset));
    }
    asm.reserve(64);
    asm.leave();
    match layout.argument_bytes {
        0 => asm.ret(),
        bytes => asm.ret_i(u16::try_from(bytes).expect("validation limits the number of parameters to 1000")),
    }
    asm.bind(unwinding);
    asm.mov_rr(W64, RDI, store_context);
    unwind(asm);
    finish(asm)
}

fn layout(ty: &FuncType) -> CallLayout {
    CallLayout::new(ty.params().iter().map(|ty| ty.class()), ty.results().iter().map(|ty| ty.class()))
}

fn finish(asm: &mut Asm) -> Vec<u8> {
    asm.finish_function(0xcc);
    asm.take().0
}

fn adjust_stack(asm: &mut Asm, bytes: i32) {
    match bytes {
        0 => {}
        1.. => asm.alu_ri(ADD, W64, RSP, bytes),
        _ => asm.alu_ri(SUB, W64, RSP, -bytes),
    }
}

fn int_position(position: u8) -> Gpr {
    gpr(INT_POSITIONS[usize::from(position)])
}

/// Width in which a value of at most 64 bits is kept in the array.
fn width(ty: ValType) -> Width {
    match ty {
        ValType::I32 | ValType::F32 => W32,
        _ => W64,
    }
}

/// From the array to a location. `r11` and all integer positions but the location's own are kept.
fn load(asm: &mut Asm, ty: ValType, to: ArgLocation, from: Mem, memory: impl Fn(i32) -> Mem) {
    asm.reserve(64);
    match to {
        ArgLocation::Int(position) => asm.mov_rm(width(ty), int_position(position), from),
        ArgLocation::Float(position) if ty == ValType::V128 => asm.movups_xm(float_position(position), from),
        ArgLocation::Float(position) => asm.movs_xm(width(ty), float_position(position), from),
        ArgLocation::Memory(offset) => copy(asm, ty, memory(offset as i32), from),
    }
}

/// From a location to the array. All positions are kept.
fn store(asm: &mut Asm, ty: ValType, from: ArgLocation, to: Mem, memory: impl Fn(i32) -> Mem) {
    asm.reserve(64);
    match from {
        ArgLocation::Int(position) => asm.mov_mr(width(ty), to, int_position(position)),
        ArgLocation::Float(position) if ty == ValType::V128 => asm.movups_mx(to, float_position(position)),
        ArgLocation::Float(position) => asm.movs_mx(width(ty), to, float_position(position)),
        ArgLocation::Memory(offset) => copy(asm, ty, to, memory(offset as i32)),
    }
}

/// From memory to memory, zero-extended to 64 bits. A vector register does it, so that all general registers are kept.
fn copy(asm: &mut Asm, ty: ValType, to: Mem, from: Mem) {
    if ty == ValType::V128 {
        asm.movups_xm(FLOAT_SCRATCH, from);
        asm.movups_mx(to, FLOAT_SCRATCH);
    } else {
        asm.movs_xm(width(ty), FLOAT_SCRATCH, from);
        asm.movs_mx(W64, to, FLOAT_SCRATCH);
    }
}

fn float_position(position: u8) -> mj_asm_x64::Xmm {
    xmm(FLOAT_POSITIONS[usize::from(position)])
}

const _: () = assert!(SCRATCH.number() == R11.number());
