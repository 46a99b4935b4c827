//! Code written by hand for x86-64.

use mj_abi::{ContextHeader, Helper, RawValue, StoreContext};
use mj_asm_x64::Width::W64;
use mj_asm_x64::*;
use mj_codegen::host::{LAZY_HEAD_SIZE, LAZY_STUB_SIZE, host_shim, lazy_stubs};
use mj_decode::{FuncType, ValType};

use crate::machine::{COMPILE_LAZILY, Code, Host, INTERRUPTED, MEMORY_BASE, Machine, RunningStubs, word_at};
use crate::trampoline;

const INT_POSITIONS: [Gpr; 8] = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10];

/// Words that [`dump`] writes: the integer positions, the low halves of the float positions, context, memory base, stack arguments.
const DUMPED: usize = 18;

/// Writes what a callee finds into `buffer`, with the first `stack_words` words of stack arguments, which it pops.
fn dump(asm: &mut Asm, buffer: usize, stack_words: i32) {
    asm.mov_ri(W64, R11, buffer as i64);
    for (index, register) in INT_POSITIONS.into_iter().enumerate() {
        asm.mov_mr(W64, Mem::base(R11, 8 * index as i32), register);
    }
    for index in 0..8 {
        asm.movs_mx(W64, Mem::base(R11, 64 + 8 * index), Xmm::new(index as u8));
    }
    asm.mov_mr(W64, Mem::base(R11, 128), R15);
    asm.mov_mr(W64, Mem::base(R11, 136), R14);
    for index in 0..stack_words {
        asm.mov_rm(W64, RAX, Mem::base(RSP, 8 + 8 * index));
        asm.mov_mr(W64, Mem::base(R11, 144 + 8 * index), RAX);
    }
    asm.ret_i(8 * stack_words as u16);
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
        asm.mov_rr(W64, R11, RCX);
        for (offset, number) in [(0, 9), (8, 10), (16, 19), (24, 20)] {
            asm.mov_mi(W64, Mem::base(R11, offset), number);
        }
        for number in 0..8 {
            asm.mov_ri(W64, RAX, 11 + number);
            asm.movd_xr(W64, Xmm::new(number as u8), RAX);
        }
        for (number, register) in INT_POSITIONS.into_iter().enumerate() {
            asm.mov_ri(W64, register, 1 + number as i64);
        }
        asm.ret();
    });
    let mut values = vec![RawValue::default(); 20];
    assert_eq!(Machine::new().enter(&trampoline(&ty), code.address(), &mut values), 0);
    assert_eq!(values.iter().map(|value| value.low).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

#[test]
fn the_host_s_registers_survive_return_and_unwinding() {
    const SAVED: [Gpr; 6] = [RBX, RBP, R12, R13, R14, R15];
    let ty = FuncType::new([], []);
    let (inner, stubs) = (trampoline(&ty), RunningStubs::new());
    // Called as a trampoline; calls the real one with numbers in all saved registers, and returns how many came back.
    let wrapper = Code::assemble(|asm| {
        SAVED.into_iter().for_each(|register| asm.push_r(register));
        asm.alu_ri(SUB, W64, RSP, 8);
        SAVED.into_iter().for_each(|register| asm.mov_ri(W64, register, 1000 + i64::from(register.number())));
        asm.mov_ri(W64, RAX, inner.address() as i64);
        asm.call_r(RAX);
        asm.zero(RAX);
        for register in SAVED {
            let differs = asm.label();
            asm.alu_ri(CMP, W64, register, 1000 + i32::from(register.number()));
            asm.jcc_short(Cc::Ne, differs);
            asm.alu_ri(ADD, W64, RAX, 1);
            asm.bind(differs);
        }
        asm.alu_ri(ADD, W64, RSP, 8);
        SAVED.into_iter().rev().for_each(|register| asm.pop_r(register));
        asm.ret();
    });
    let spoil = |asm: &mut Asm| SAVED.into_iter().for_each(|register| asm.mov_ri(W64, register, 0));
    let returning = Code::assemble(|asm| {
        // A compiled function may change all but `rbp rbx r12 r13`.
        asm.mov_ri(W64, R14, 0);
        asm.mov_ri(W64, R15, 0);
        asm.ret();
    });
    let unwinding = Code::assemble(|asm| {
        asm.mov_rm(W64, RDI, Mem::base(R15, ContextHeader::STORE));
        spoil(asm);
        asm.mov_ri(W64, RSP, 0);
        asm.mov_ri(W64, RAX, stubs.at(stubs.stubs.unwind) as i64);
        asm.jmp_r(RAX);
    });
    for code in [returning, unwinding] {
        assert_eq!(Machine::new().enter(&wrapper, code.address(), &mut []), SAVED.len());
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
    // A function with a frame that calls the host function, and keeps values in callee-saved registers.
    let code = Code::assemble(|asm| {
        asm.push_r(RBP);
        asm.mov_rr(W64, RBP, RSP);
        asm.alu_ri(SUB, W64, RSP, 32);
        asm.mov_mr(W64, Mem::base(RBP, -8), R15);
        asm.mov_mr(W64, Mem::base(RBP, -16), RBX);
        asm.mov_ri(W64, RBX, frame_at);
        asm.mov_mr(W64, Mem::base(RBX, 0), RBP);
        asm.mov_mr(W64, Mem::base(RBX, 8), RSP);
        asm.mov_ri(W64, R15, host_context as i64);
        asm.mov_ri(W64, R11, shim.address() as i64);
        asm.call_r(R11);
        return_offset = asm.offset();
        asm.mov_mr(W64, Mem::base(RBX, 16), RSP);
        asm.mov_mr(W64, Mem::base(RBX, 24), RAX);
        asm.mov_rm(W64, RBX, Mem::base(RBP, -16));
        asm.leave();
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
        asm.mov_ri(W64, R11, at);
        asm.mov_mr(W64, Mem::base(R11, 0), RBP);
        asm.ret();
    });
    let mut machine = Machine::new();
    let entry = trampoline(&ty);
    machine.enter(&entry, code.address(), &mut []);
    let seen = std::hint::black_box(seen);
    let above = seen[0] - machine.store.host_sp;
    assert_eq!(above, 64, "the entry's frame pointer is at a fixed distance from the host's stack pointer");
}

#[test]
fn tier_up_pops_its_argument_and_changes_the_scratch_register_only() {
    const KEPT: [Gpr; 7] = [RAX, RCX, RDI, RBX, R12, R14, R15];
    let stubs = RunningStubs::new();
    let mut seen = [0u64; KEPT.len() + 4];
    let at = seen.as_mut_ptr() as i64;
    let code = Code::assemble(|asm| {
        asm.push_r(RBP);
        asm.mov_rr(W64, RBP, RSP);
        asm.mov_ri(W64, R10, at);
        asm.mov_mr(W64, Mem::base(R10, 0), RSP);
        asm.movd_xr(W64, XMM9, R15);
        asm.push_i(5);
        asm.push_i(-3);
        asm.mov_ri(W64, R11, stubs.at(stubs.stubs.helpers[Helper::TierUp as usize]) as i64);
        asm.call_r(R11);
        asm.mov_mr(W64, Mem::base(R10, 8), RSP);
        asm.mov_mr(W64, Mem::base(R10, 16), R11);
        for (index, register) in KEPT.into_iter().enumerate() {
            asm.mov_mr(W64, Mem::base(R10, 24 + 8 * index as i32), register);
        }
        asm.movs_mx(W64, Mem::base(R10, 24 + 8 * KEPT.len() as i32), XMM9);
        asm.leave();
        asm.ret();
    });
    let mut machine = Machine::new();
    machine.runtime.answer = 0x1234_5678_9abc;
    let ty = FuncType::new([ValType::I64; 2], []);
    let mut values = [RawValue::new(21), RawValue::new(22)];
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut values), 0);
    let seen = std::hint::black_box(seen);
    let call = machine.runtime.calls.pop().expect("the helper was called");
    assert_eq!((call.function, &call.arguments[..2]), (Helper::TierUp as usize, &[5, u64::from(-3i32 as u32)][..]));
    assert_eq!(seen[0], seen[1], "the stack pointer");
    assert_eq!(seen[2], 0x1234_5678_9abc);
    assert_eq!(seen[3..5], [21, 22]);
    let context = &raw const *machine.context as u64;
    assert_eq!((seen[8], seen[9], seen[10]), (MEMORY_BASE as u64, context, context));
}

/// All registers but `rsp` and `rbp`, with `r11` (through which the others are written) last, and the context left out.
const INTERRUPTIBLE: [Gpr; 13] = [RAX, RCX, RDX, RBX, RSI, RDI, R8, R9, R10, R12, R13, R14, R11];

#[test]
fn interrupted_code_goes_on_with_all_registers_and_flags() {
    let (stubs, ty) = (RunningStubs::new(), FuncType::new([], []));
    let mut before = [0u64; 16 + 32];
    let mut after = before;
    let (before_at, after_at) = (before.as_mut_ptr() as i64, after.as_mut_ptr() as i64);
    // Registers, stack pointer, frame pointer, flags, then all vector registers.
    let record = |asm: &mut Asm, buffer: i64| {
        asm.push_r(R11);
        asm.pushfq();
        asm.mov_ri(W64, R11, buffer);
        for (index, register) in INTERRUPTIBLE.into_iter().take(12).chain([RSP, RBP]).enumerate() {
            asm.mov_mr(W64, Mem::base(R11, 8 * index as i32), register);
        }
        asm.pop_m(Mem::base(R11, 8 * 14));
        asm.pop_m(Mem::base(R11, 8 * 15));
        (0..16).for_each(|number| asm.movups_mx(Mem::base(R11, 128 + 16 * number), Xmm::new(number as u8)));
    };
    let mut resume_offset = 0;
    let code = Code::assemble(|asm| {
        let (resume, interrupt) = (asm.label(), asm.constant8(stubs.at(stubs.stubs.interrupt) as u64));
        asm.push_r(RBP);
        asm.mov_rr(W64, RBP, RSP);
        [RBX, R12, R13].into_iter().for_each(|register| asm.push_r(register));
        asm.mov_rm(W64, RAX, Mem::base(R15, ContextHeader::STORE));
        asm.lea(W64, RCX, Mem::label(resume));
        asm.mov_mr(W64, Mem::base(RAX, StoreContext::RESUME_PC), RCX);
        for number in 0..16 {
            asm.mov_ri(W64, RAX, 0x0102_0304_0000_0000 + number);
            asm.movd_xr(W64, Xmm::new(number as u8), RAX);
            asm.pinsr_xri(W64, Xmm::new(number as u8), RAX, 1);
        }
        for register in INTERRUPTIBLE {
            asm.mov_ri(W64, register, 0x1111_2222_0000_0000 + i64::from(register.number()));
        }
        // Carry, sign and parity: not what the host leaves behind.
        asm.alu_ri(CMP, W64, RCX, -2);
        record(asm, before_at);
        asm.mov_ri(W64, R11, 0x7777);
        asm.jmp_m(Mem::label(interrupt));
        asm.bind(resume);
        resume_offset = asm.offset();
        record(asm, after_at);
        [R13, R12, RBX].into_iter().for_each(|register| asm.pop_r(register));
        asm.leave();
        asm.ret();
    });
    let mut machine = Machine::new();
    assert_eq!(machine.enter(&trampoline(&ty), code.address(), &mut []), 0);
    let (mut before, after) = (std::hint::black_box(before), std::hint::black_box(after));
    assert_eq!(before[0], 0x1111_2222_0000_0000, "the code ran");
    before[15] = 0x7777;
    assert_eq!(before, after);
    let call = machine.runtime.calls.pop().expect("the runtime was asked");
    assert_eq!((call.function, call.exit.fp as u64, call.exit.pc), (INTERRUPTED, before[13], code.address() + resume_offset));
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
        assert_eq!(call.exit.fp, machine.store.host_sp + 64);
        assert!((trampoline.address()..trampoline.address() + 4096).contains(&call.exit.pc));
        assert_eq!(word_at(call.exit.wasm_sp + 8 * 26), call.exit.fp, "the stub's frame is above what it saved and the exit");
    }
}
