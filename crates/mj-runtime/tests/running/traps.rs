//! Hardware faults that are traps.

use mj_abi::TrapCode;
use mj_runtime::Unwind;

use crate::code::Label;
use crate::machine::Machine;

#[test]
fn a_trap_says_where_it_was() {
    let machine = Machine::new();
    match machine.call(Label::unreachable, 0, 0) {
        Err(Unwind::Trap { code: TrapCode::UnreachableCodeReached, origin, address: 0 }) => {
            assert!(origin.fault);
            assert_eq!(origin.pc, machine.at(Label::site_unreachable));
            assert_ne!(origin.fp, 0);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn division_faults_are_told_apart_by_the_divisor() {
    let machine = Machine::new();
    assert_eq!(machine.call(Label::divide, 84, 2).unwrap(), 42);
    assert_eq!(machine.trap(Label::divide, 84, 0), TrapCode::IntegerDivisionByZero);
    assert_eq!(machine.trap(Label::divide, i64::MIN as u64, u64::MAX), TrapCode::IntegerOverflow);
    assert_eq!(machine.call(Label::divide_32, 84, 0xffff_ffff_0000_0002).unwrap(), 42);
    assert_eq!(machine.trap(Label::divide_32, 84, 0xffff_ffff_0000_0000), TrapCode::IntegerDivisionByZero);
    assert_eq!(machine.trap(Label::divide_32, i32::MIN as u32 as u64, u64::MAX), TrapCode::IntegerOverflow);
}

#[test]
fn loads_behind_the_memory_trap_wherever_they_hit() {
    let machine = Machine::new();
    assert_eq!(machine.call(Label::load, 65528, 0).unwrap(), 0);
    for offset in [65529, 65536, 1 << 20, u64::from(u32::MAX), (8 << 30) + (64 << 10) - 8, (-1_i64) as u64, (-2_i64 << 30) as u64] {
        match machine.call(Label::load, offset, 0) {
            Err(Unwind::Trap { code: TrapCode::MemoryOutOfBounds, address, .. }) => {
                let first = (machine.memory.base() as u64).wrapping_add(offset);
                assert!((first..first + 8).contains(&(address as u64)), "{offset:x}");
            }
            other => panic!("{offset:x}: {other:?}"),
        }
    }
}

#[test]
fn loads_trap_until_the_memory_has_grown() {
    let mut machine = Machine::new();
    assert_eq!(machine.trap(Label::load, 1 << 16, 0), TrapCode::MemoryOutOfBounds);
    machine.memory.grow(1 << 16).unwrap();
    assert_eq!(machine.call(Label::load, 1 << 16, 0).unwrap(), 0);
    assert_eq!(machine.trap(Label::load, (2 << 16) - 7, 0), TrapCode::MemoryOutOfBounds);
}

#[test]
fn accesses_through_null_trap() {
    let machine = Machine::new();
    assert_eq!(machine.trap(Label::null, 0, 0), TrapCode::IndirectCallToNull);
    let word = [1_u64, 2];
    assert_eq!(machine.call(Label::null, word.as_ptr() as u64, 0).unwrap(), 2);
}

#[test]
fn a_stack_overflow_is_a_trap_and_the_stack_is_usable_again() {
    let machine = Machine::new();
    for _ in 0..3 {
        assert_eq!(machine.trap(Label::recurse, 0, 0), TrapCode::StackOverflow);
        assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
    }
}

#[test]
fn traps_on_many_threads_at_once() {
    let inside = || {
        let machine = Machine::new();
        for _ in 0..200 {
            assert_eq!(machine.trap(Label::load, 1 << 16, 0), TrapCode::MemoryOutOfBounds);
            assert_eq!(machine.trap(Label::divide, 1, 0), TrapCode::IntegerDivisionByZero);
            assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
        }
    };
    let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(inside)).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
