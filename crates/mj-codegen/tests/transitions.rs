//! Ways in and out of compiled code, run for real: trampolines against shims, and both against code written by hand.

#[cfg_attr(target_arch = "x86_64", path = "transitions/x64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "transitions/aarch64.rs")]
mod by_hand;
mod machine;

use machine::{Code, Host, Machine, RunningStubs};
use mj_abi::{Helper, RawValue};
use mj_codegen::host::{LAZY_HEAD_SIZE, entry_trampoline, host_shim, lazy_stubs};
use mj_decode::{FuncType, ValType};

const TYPES: [ValType; 7] = [ValType::I32, ValType::I64, ValType::F32, ValType::F64, ValType::V128, ValType::FuncRef, ValType::ExternRef];

/// A reproducible source of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn types(&mut self, most: u64) -> Vec<ValType> {
        let count = self.next() % (most + 1);
        (0..count).map(|_| TYPES[(self.next() % 7) as usize]).collect()
    }

    fn values(&mut self, count: usize) -> Vec<RawValue> {
        (0..count).map(|_| RawValue { low: self.next(), high: self.next() }).collect()
    }
}

/// The bits of a value that count.
fn significant(ty: ValType, value: RawValue) -> u128 {
    let bits = u128::from(value.low) | u128::from(value.high) << 64;
    match ty {
        ValType::I32 | ValType::F32 => bits & u128::from(u32::MAX),
        ValType::V128 => bits,
        _ => bits & u128::from(u64::MAX),
    }
}

fn all_significant(types: &[ValType], values: &[RawValue]) -> Vec<u128> {
    types.iter().zip(values).map(|(&ty, &value)| significant(ty, value)).collect()
}

fn trampoline(ty: &FuncType) -> Code {
    Code::new(&entry_trampoline(ty))
}

#[test]
fn values_of_every_type_travel_through_trampoline_and_shim() {
    let mut random = Random(7);
    let mut machine = Machine::new();
    for round in 0..400 {
        let most = if round % 20 == 0 { 200 } else { 14 };
        let ty = FuncType::new(random.types(most), random.types(most));
        let (arguments, results) = (random.values(ty.params().len()), random.values(ty.results().len()));
        let mut host = Host::new(&mut machine, arguments.len(), &results);
        let mut values = arguments.clone();
        values.resize(arguments.len().max(results.len()), RawValue::default());
        let status = machine.enter_host(&trampoline(&ty), &Code::new(&host_shim(&ty)), &mut host, &mut values);
        assert_eq!(status, 0);
        assert_eq!(all_significant(ty.params(), &host.call.seen), all_significant(ty.params(), &arguments), "{ty}");
        assert_eq!(all_significant(ty.results(), &values), all_significant(ty.results(), &results), "{ty}");
    }
}

#[test]
fn an_unwinding_host_function_makes_its_entry_return_one() {
    let ty = FuncType::new([ValType::I64], [ValType::I64]);
    let mut machine = Machine::new();
    let mut host = Host::new(&mut machine, 1, &[RawValue::new(8)]);
    let (trampoline, shim) = (trampoline(&ty), Code::new(&host_shim(&ty)));
    for status in [1, 0, 1] {
        host.call.status = status;
        let mut values = [RawValue::new(5)];
        assert_eq!(machine.enter_host(&trampoline, &shim, &mut host, &mut values), status);
        assert_eq!(values[0].low, if status == 0 { 8 } else { 5 });
    }
}

#[test]
fn helpers_get_their_arguments_and_their_result_returns() {
    let ty = FuncType::new([ValType::I64; 4], [ValType::I64]);
    let (trampoline, stubs) = (trampoline(&ty), RunningStubs::new());
    let mut machine = Machine::new();
    for (number, &start) in stubs.stubs.helpers.iter().enumerate() {
        let mut values = [11, 12, 13, 14].map(RawValue::new);
        machine.runtime.answer = 77 + number as u64;
        assert_eq!(machine.enter(&trampoline, stubs.at(start), &mut values), 0);
        let call = machine.runtime.calls.pop().expect("the helper was called");
        assert_eq!(call.function, number);
        if number == Helper::TierUp as usize {
            // It takes its argument from the stack: see below.
            continue;
        }
        if number == Helper::OutOfFuel as usize || number == Helper::Interrupted as usize {
            // It is called amid live registers: all of them stay.
            assert_eq!(values[0].low, 11);
        } else {
            assert_eq!(values[0].low, 77 + number as u64);
            assert_eq!(call.arguments, [11, 12, 13, 14]);
        }
    }
    assert_eq!(stubs.stubs.helpers.len(), Helper::ALL.len());
}

#[test]
fn a_helper_that_asks_for_it_unwinds() {
    let ty = FuncType::new([], [ValType::I64]);
    let stubs = RunningStubs::new();
    let mut machine = Machine::new();
    machine.runtime.unwinds = true;
    let mut values = [RawValue::new(3)];
    assert_eq!(machine.enter(&trampoline(&ty), stubs.at(stubs.stubs.helpers[0]), &mut values), 1);
    assert_eq!(values[0].low, 3);
}

#[test]
fn a_function_that_cannot_be_compiled_unwinds() {
    let (ty, stubs) = (FuncType::new([], []), RunningStubs::new());
    let lazy = Code::new(&lazy_stubs(0, 1, stubs.at(stubs.stubs.lazy)));
    let mut machine = Machine::new();
    machine.runtime.unwinds = true;
    assert_eq!(machine.enter(&trampoline(&ty), lazy.address() + LAZY_HEAD_SIZE, &mut []), 1);
    assert_eq!(machine.runtime.calls[0].arguments[0], 0);
}
