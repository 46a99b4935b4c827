//! Code written by hand for AArch64.

use mj_abi::{ContextHeader, Helper, RawValue, StoreContext};
use mj_asm_aarch64::Width::W64;
use mj_asm_aarch64::*;
use mj_codegen::host::{LAZY_HEAD_SIZE, LAZY_STUB_SIZE, host_shim, lazy_stubs};
use mj_decode::{FuncType, ValType};

use crate::machine::{COMPILE_LAZILY, Code, Host, INTERRUPTED, MEMORY_BASE, Machine, RunningStubs, word_at};
use crate::trampoline;

/// Bytes of the entry's frame below its pointer.
const ENTRY_FRAME: usize = 160;

const CONTEXT: Gpr = X28;
const MEMORY: Gpr = X27;

/// Words that [`dump`] writes: the integer positions, the low halves of the float positions, context, memory base, stack arguments.
const DUMPED: usize = 18;

/// Writes what a callee finds into `buffer`, with the first `stack_words` words of stack arguments, which it pops.
fn dump(asm: &mut Asm, buffer: usize, stack_words: i32) {
    asm.mov_ri(W64, X16, buffer as i64);
    for index in 0..8 {
        asm.store_mr(STR_X, Mem::base(X16, 8 * index), Gpr::new(index as u8));
        asm.store_mv(STR_D, Mem::base(X16, 64 + 8 * index), Fpr::new(index as u8));
    }
    asm.store_mr(STR_X, Mem::base(X16, 128), CONTEXT);
    asm.store_mr(STR_X, Mem::base(X16, 136), MEMORY);
    for index in 0..stack_words {
        asm.load_rm(LDR_X, X0, Mem::base(SP, 8 * index));
        asm.store_mr(STR_X, Mem::base(X16, 144 + 8 * index), X0);
    }
    asm.add_rri(ADD, W64, SP, SP, (8 * stack_words as u32).next_multiple_of(16));
    asm.ret();
}

#[test]
fn arguments_are_where_the_convention_says() {
    let params = [[ValType::I32; 10], [ValType::F64; 10]].concat();
    let ty = FuncType::new(params, []);
    let mut values: Vec<_> = (1..=20).map(|number| RawValue::new(0xaaaa_bbbb_0000_0000 | number)).collect();
    let mut buffer = [0u64; DUMPED + 4];
    let at = buffer.as_mut_ptr() as usize;
    let code = Code::assemble(|asm| dump(asm, at, 4));
    let mut machine = Machine::new();
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut values), 0);
    let buffer = std::hint::black_box(buffer);
    // 32-bit values arrive zero-extended, in registers as on the stack.
    assert_eq!(buffer[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(buffer[8..16], [11, 12, 13, 14, 15, 16, 17, 18].map(|number| 0xaaaa_bbbb_0000_0000 | number));
    assert_eq!(buffer[16..18], [&raw const *machine.context as u64, MEMORY_BASE as u64]);
    assert_eq!(buffer[18..], [9, 10, 0xaaaa_bbbb_0000_0013, 0xaaaa_bbbb_0000_0014]);
}

#[test]
fn results_are_taken_from_where_the_convention_says() {
    let ty = FuncType::new([ValType::I64], [[ValType::I64; 10], [ValType::F64; 10]].concat());
    let code = Code::assemble(|asm| {
        // The hidden pointer is the second integer argument. Results are 1 to 20.
        asm.mov_rr(W64, X16, X1);
        for (offset, number) in [(0, 9), (8, 10), (16, 19), (24, 20)] {
            asm.mov_ri(W64, X0, number);
            asm.store_mr(STR_X, Mem::base(X16, offset), X0);
        }
        for number in 0..8 {
            asm.mov_ri(W64, X0, 11 + number);
            asm.fmov_vr(W64, Fpr::new(number as u8), X0);
        }
        for number in 0..8 {
            asm.mov_ri(W64, Gpr::new(number), 1 + i64::from(number));
        }
        asm.ret();
    });
    let mut values = vec![RawValue::default(); 20];
    assert_eq!(Machine::new().enter(&trampoline(&ty), code.address(), &mut values), 0);
    assert_eq!(values.iter().map(|value| value.low).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

/// Pushes pairs of registers from `first` on.
fn push(asm: &mut Asm, first: u8, count: u8) {
    for number in (first..first + count).step_by(2) {
        asm.store_pair(STP_X, Mem::Pre(SP, -16), Gpr::new(number), Gpr::new(number + 1));
    }
}

fn pop(asm: &mut Asm, first: u8, count: u8) {
    for number in (first..first + count).step_by(2).rev() {
        asm.load_pair(LDP_X, Gpr::new(number), Gpr::new(number + 1), Mem::Post(SP, 16));
    }
}

#[test]
fn the_host_s_registers_survive_return_and_unwinding() {
    let ty = FuncType::new([], []);
    let (inner, stubs) = (trampoline(&ty), RunningStubs::new());
    // Called as a trampoline; calls the real one with numbers in all saved registers, and returns how many came back.
    let wrapper = Code::assemble(|asm| {
        push(asm, 19, 12);
        for number in (8..16).step_by(2) {
            asm.store_pair_v(STP_D, Mem::Pre(SP, -16), Fpr::new(number), Fpr::new(number + 1));
        }
        (19..30).for_each(|number| asm.mov_ri(W64, Gpr::new(number), 1000 + i64::from(number)));
        for number in 8..16 {
            asm.mov_ri(W64, X9, 2000 + i64::from(number));
            asm.fmov_vr(W64, Fpr::new(number), X9);
        }
        asm.mov_ri(W64, X9, inner.address() as i64);
        asm.blr(X9);
        asm.mov_ri(W64, X0, 0);
        let count = |asm: &mut Asm, register: Gpr, expected: u32| {
            asm.cmp_ri(W64, register, expected);
            asm.select(CSINC, W64, X0, X0, X0, Cc::Ne);
        };
        (19..30).for_each(|number| count(asm, Gpr::new(number), 1000 + u32::from(number)));
        for number in 8..16 {
            asm.fmov_rv(W64, X9, Fpr::new(number));
            count(asm, X9, 2000 + u32::from(number));
        }
        for number in (8..16).step_by(2).rev() {
            asm.load_pair_v(LDP_D, Fpr::new(number), Fpr::new(number + 1), Mem::Post(SP, 16));
        }
        pop(asm, 19, 12);
        asm.ret();
    });
    let returning = Code::assemble(|asm| {
        // A compiled function may change all but `x19`–`x26`, `x29` and the stack pointer.
        asm.mov_ri(W64, CONTEXT, 0);
        asm.mov_ri(W64, MEMORY, 0);
        (8..16).for_each(|number| asm.fmov_vr(W64, Fpr::new(number), XZR));
        asm.ret();
    });
    let unwinding = Code::assemble(|asm| {
        asm.load_rm(LDR_X, X0, Mem::base(CONTEXT, ContextHeader::STORE));
        (19..31).for_each(|number| asm.mov_ri(W64, Gpr::new(number), 0));
        (8..16).for_each(|number| asm.fmov_vr(W64, Fpr::new(number), XZR));
        asm.mov_sp(SP, X30);
        asm.mov_ri(W64, X9, stubs.at(stubs.stubs.unwind) as i64);
        asm.br(X9);
    });
    for code in [returning, unwinding] {
        assert_eq!(Machine::new().enter(&wrapper, code.address(), &mut []), 11 + 8);
    }
}

#[test]
fn a_shim_tells_the_host_who_called() {
    let ty = FuncType::new([ValType::I64], [ValType::I64]);
    let mut machine = Machine::new();
    let mut host = Host::new(&mut machine, 1, &[RawValue::new(6)]);
    let (shim, host_context) = (Code::new(&host_shim(&ty)), host.context());
    let mut frame = [0u64; 4];
    let frame_at = frame.as_mut_ptr() as i64;
    let mut return_offset = 0;
    let stack = |asm: &mut Asm, offset| {
        asm.mov_sp(X9, SP);
        asm.store_mr(STR_X, Mem::base(X19, offset), X9);
    };
    // A function with a frame that calls the host function, and keeps values in callee-saved registers.
    let code = Code::assemble(|asm| {
        asm.store_pair(STP_X, Mem::Pre(SP, -16), X29, X30);
        asm.mov_sp(X29, SP);
        asm.store_pair(STP_X, Mem::Pre(SP, -16), X19, CONTEXT);
        asm.mov_ri(W64, X19, frame_at);
        asm.store_mr(STR_X, Mem::base(X19, 0), X29);
        stack(asm, 8);
        asm.mov_ri(W64, CONTEXT, host_context as i64);
        asm.mov_ri(W64, X16, shim.address() as i64);
        asm.blr(X16);
        return_offset = asm.offset();
        stack(asm, 16);
        asm.store_mr(STR_X, Mem::base(X19, 24), X0);
        asm.load_rm(LDR_X, X19, Mem::base(X29, -16));
        asm.mov_sp(SP, X29);
        asm.load_pair(LDP_X, X29, X30, Mem::Post(SP, 16));
        asm.ret();
    });
    let mut values = [RawValue::new(5)];
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut values), 0);
    let frame = std::hint::black_box(frame);
    assert_eq!((host.call.seen[0].low, values[0].low, frame[3]), (5, 6, 6));
    assert_eq!(host.call.caller, &raw const *machine.context as usize);
    assert_eq!(host.call.exit.fp as u64, frame[0]);
    assert_eq!(host.call.exit.pc, code.address() + return_offset);
    assert!((host.call.exit.wasm_sp as u64) < frame[1]);
    assert_eq!(frame[1], frame[2], "the shim pops what it must");
}

#[test]
fn frame_pointers_lead_from_compiled_code_through_the_entry_to_the_host() {
    let ty = FuncType::new([], []);
    let mut seen = [0usize; 1];
    let at = seen.as_mut_ptr() as i64;
    let code = Code::assemble(|asm| {
        asm.mov_ri(W64, X16, at);
        asm.store_mr(STR_X, Mem::base(X16, 0), X29);
        asm.ret();
    });
    let mut machine = Machine::new();
    let entry = trampoline(&ty);
    machine.enter(&entry, code.address(), &mut []);
    let seen = std::hint::black_box(seen);
    let above = seen[0] - machine.store.host_sp;
    assert_eq!(above, ENTRY_FRAME, "the entry's frame pointer is at a fixed distance from the host's stack pointer");
}

/// All general registers but `x16`, through which the others are written, `x18` and `x30`.
fn recorded() -> impl Iterator<Item = u8> {
    (0..30).filter(|number| ![16, 18].contains(number))
}

/// Words that [`record`] writes: the registers above, the stack pointer, `x16`, the flags, then all vector registers.
const RECORDED: usize = 28 + 3 + 1 + 64;

/// Writes all registers and flags.
fn record(asm: &mut Asm, buffer: i64) {
    asm.store_mr(STR_X, Mem::Pre(SP, -16), X16);
    asm.mov_ri(W64, X16, buffer);
    for (index, number) in recorded().enumerate() {
        asm.store_mr(STR_X, Mem::base(X16, 8 * index as i32), Gpr::new(number));
    }
    asm.mov_sp(X30, SP);
    asm.store_mr(STR_X, Mem::base(X16, 8 * 28), X30);
    asm.load_rm(LDR_X, X30, Mem::Post(SP, 16));
    asm.store_mr(STR_X, Mem::base(X16, 8 * 29), X30);
    asm.mrs(X30, NZCV);
    asm.store_mr(STR_X, Mem::base(X16, 8 * 30), X30);
    (0..32).for_each(|number| asm.store_mv(STR_Q, Mem::base(X16, 256 + 16 * number), Fpr::new(number as u8)));
}

/// Numbers in all registers but context, frame and stack pointer.
fn fill(asm: &mut Asm) {
    for number in 0..32 {
        asm.mov_ri(W64, X0, 0x0102_0304_0000_0000 + number);
        asm.fmov_vr(W64, Fpr::new(number as u8), X0);
        asm.vector_vvv(VORR, Fpr::new(number as u8), Fpr::new(number as u8), Fpr::new(number as u8));
    }
    for number in recorded().filter(|&number| number < 28).chain([16]) {
        asm.mov_ri(W64, Gpr::new(number), 0x1111_2222_0000_0000 + i64::from(number));
    }
    // Carry and sign: not what the host leaves behind.
    asm.cmn_ri(W64, X1, 0);
    asm.mov_ri(W64, X30, 0xa000_0000);
    asm.msr(NZCV, X30);
}

/// A function that keeps the host's registers, around `body`.
fn framed(body: impl FnOnce(&mut Asm)) -> Code {
    Code::assemble(|asm| {
        asm.store_pair(STP_X, Mem::Pre(SP, -16), X29, X30);
        asm.mov_sp(X29, SP);
        push(asm, 19, 8);
        body(asm);
        pop(asm, 19, 8);
        asm.load_pair(LDP_X, X29, X30, Mem::Post(SP, 16));
        asm.ret();
    })
}

#[test]
fn tier_up_takes_and_changes_the_scratch_register_only() {
    let stubs = RunningStubs::new();
    let (mut before, mut after) = ([0u64; RECORDED], [0u64; RECORDED]);
    let (before_at, after_at) = (before.as_mut_ptr() as i64, after.as_mut_ptr() as i64);
    let code = framed(|asm| {
        fill(asm);
        record(asm, before_at);
        asm.mov_ri(W64, X16, 5 << 32 | i64::from(-3i32 as u32));
        asm.mov_ri(W64, X30, stubs.at(stubs.stubs.helpers[Helper::TierUp as usize]) as i64);
        asm.blr(X30);
        record(asm, after_at);
    });
    let mut machine = Machine::new();
    machine.runtime.answer = 0x1234_5678_9abc;
    let ty = FuncType::new([], []);
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut []), 0);
    let (mut before, after) = (std::hint::black_box(before), std::hint::black_box(after));
    let call = machine.runtime.calls.pop().expect("the helper was called");
    assert_eq!((call.function, &call.arguments[..2]), (Helper::TierUp as usize, &[5, u64::from(-3i32 as u32)][..]));
    before[29] = 0x1234_5678_9abc;
    assert_eq!(before, after);
}

#[test]
fn a_call_for_fuel_changes_nothing() {
    let stubs = RunningStubs::new();
    let (mut before, mut after) = ([0u64; RECORDED], [0u64; RECORDED]);
    let (before_at, after_at) = (before.as_mut_ptr() as i64, after.as_mut_ptr() as i64);
    let code = framed(|asm| {
        fill(asm);
        record(asm, before_at);
        asm.mov_ri(W64, X16, 0x7777);
        asm.mov_ri(W64, X30, stubs.at(stubs.stubs.helpers[Helper::OutOfFuel as usize]) as i64);
        asm.blr(X30);
        record(asm, after_at);
    });
    let mut machine = Machine::new();
    assert_eq!(machine.enter(&trampoline(&FuncType::new([], [])), code.address(), &mut []), 0);
    let (mut before, after) = (std::hint::black_box(before), std::hint::black_box(after));
    assert_eq!(machine.runtime.calls.pop().map(|call| call.function), Some(Helper::OutOfFuel as usize));
    before[29] = 0x7777;
    assert_eq!(before, after);
}

#[test]
fn interrupted_code_goes_on_with_all_registers_and_flags() {
    let (stubs, ty) = (RunningStubs::new(), FuncType::new([], []));
    let (mut before, mut after) = ([0u64; RECORDED], [0u64; RECORDED]);
    let (before_at, after_at) = (before.as_mut_ptr() as i64, after.as_mut_ptr() as i64);
    let mut resume_offset = 0;
    let code = framed(|asm| {
        let resume = asm.label();
        asm.load_rm(LDR_X, X0, Mem::base(CONTEXT, ContextHeader::STORE));
        asm.adr(X1, resume);
        asm.store_mr(STR_X, Mem::base(X0, StoreContext::RESUME_PC), X1);
        fill(asm);
        record(asm, before_at);
        asm.mov_ri(W64, X16, 0x7777);
        asm.mov_ri(W64, X30, stubs.at(stubs.stubs.interrupt) as i64);
        asm.br(X30);
        asm.bind(resume);
        resume_offset = asm.offset();
        record(asm, after_at);
    });
    let mut machine = Machine::new();
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut []), 0);
    let (mut before, after) = (std::hint::black_box(before), std::hint::black_box(after));
    assert_eq!(before[1], 0x1111_2222_0000_0001, "the code ran");
    assert_eq!(before[30], 0xa000_0000);
    before[29] = 0x7777;
    assert_eq!(before, after);
    let call = machine.runtime.calls.pop().expect("the runtime was asked");
    assert_eq!((call.function, call.exit.fp as u64, call.exit.pc), (INTERRUPTED, before[27], code.address() + resume_offset));
    machine.runtime.unwinds = true;
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut []), 1);
}

#[test]
fn a_lazy_function_gets_its_arguments_after_it_was_compiled() {
    let params = [[ValType::I64; 9], [ValType::F64; 9]].concat();
    let (ty, stubs) = (FuncType::new(params, []), RunningStubs::new());
    let (trampoline, mut machine) = (trampoline(&ty), Machine::new());
    let mut buffer = [0u64; DUMPED + 2];
    let at = buffer.as_mut_ptr() as usize;
    let compiled = Code::assemble(|asm| dump(asm, at, 2));
    let lazy = Code::new(&lazy_stubs(1000, 700, stubs.at(stubs.stubs.lazy)));
    machine.runtime.answer = compiled.address() as u64;
    let original: Vec<_> = (1..=18).map(RawValue::new).collect();
    for index in [0, 1, 2, 51, 699] {
        let mut values = original.clone();
        let stub = lazy.address() + LAZY_HEAD_SIZE + index * LAZY_STUB_SIZE;
        assert_eq!(machine.enter(&trampoline, stub, &mut values), 0);
        let found = std::hint::black_box(std::mem::take(&mut buffer));
        let expected = [&[1, 2, 3, 4, 5, 6, 7, 8][..], &[10, 11, 12, 13, 14, 15, 16, 17]].concat();
        assert_eq!(found[..16], expected);
        assert_eq!(found[18..], [9, 18]);
        let call = machine.runtime.calls.pop().expect("the runtime was asked");
        assert_eq!((call.function, call.arguments[0]), (COMPILE_LAZILY, 1000 + index as u64));
        // The caller is the entry: its frame, and an address in it.
        assert_eq!(call.exit.fp, machine.store.host_sp + ENTRY_FRAME);
        assert!((trampoline.address()..trampoline.address() + 4096).contains(&call.exit.pc));
        assert_eq!(word_at(call.exit.wasm_sp + 16 + 8 * 24), call.exit.fp, "the stub's frame is above what it saved and the exit");
    }
}
