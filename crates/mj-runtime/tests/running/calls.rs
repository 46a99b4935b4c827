//! Into compiled code and out of it, and nested.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mj_abi::TrapCode;
use mj_runtime::{StackPool, Stop, Unwind};

use crate::code::Label;
use crate::machine::Machine;

#[test]
fn a_call_returns_its_result() {
    let machine = Machine::new();
    assert_eq!(machine.call(Label::subtract, 50, 8).unwrap(), 42);
    assert_eq!(machine.call(Label::subtract, 1, 2).unwrap(), u64::MAX);
}

#[test]
fn compiled_code_calls_the_host_and_goes_on() {
    let machine = Machine::new();
    machine.on_host_call(|_, argument| Ok(argument * 2));
    assert_eq!(machine.call(Label::call_out, 20, 0).unwrap(), 41);
    assert_eq!(machine.call(Label::call_twice, 20, 0).unwrap(), 41);
}

#[test]
fn entries_nest() {
    let machine = Machine::new();
    machine.on_host_call(|machine, depth| match depth {
        0 => machine.call(Label::subtract, 5, 2).map_err(|_| Stop::Trap(TrapCode::Interrupt)),
        _ => Ok(machine.call(Label::call_twice, depth - 1, 0).unwrap()),
    });
    assert_eq!(machine.call(Label::call_twice, 100, 0).unwrap(), 3 + 101);
    // The stack is where it was.
    assert_eq!(machine.call(Label::call_twice, 100, 0).unwrap(), 3 + 101);
}

#[test]
fn machines_enter_each_other() {
    let (first, second) = (Machine::new(), Machine::new());
    let other: &'static Machine = Box::leak(second);
    other.on_host_call(|_, argument| Ok(argument + 1000));
    first.on_host_call(|_, argument| Ok(other.call(Label::call_out, argument, 0).unwrap()));
    assert_eq!(first.call(Label::call_out, 5, 0).unwrap(), 1007);
    first.on_host_call(|_, _| {
        assert_eq!(other.trap(Label::unreachable, 0, 0), TrapCode::UnreachableCodeReached);
        Err(Stop::Trap(TrapCode::NullReference))
    });
    assert_eq!(first.trap(Label::call_out, 0, 0), TrapCode::NullReference);
}

#[test]
fn errors_of_the_host_reach_the_entry() {
    let machine = Machine::new();
    machine.on_host_call(|_, argument| Err(Stop::Error(Box::new(format!("error {argument}")))));
    match machine.call(Label::call_twice, 7, 0) {
        Err(Unwind::Error { payload, .. }) => assert_eq!(*payload.downcast::<String>().unwrap(), "error 7"),
        other => panic!("{other:?}"),
    }
    assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
}

#[test]
fn an_error_ends_only_the_innermost_entry() {
    let machine = Machine::new();
    machine.on_host_call(|machine, depth| match depth {
        0 => Err(Stop::Trap(TrapCode::OutOfFuel)),
        1 => {
            assert_eq!(machine.trap(Label::call_twice, 0, 0), TrapCode::OutOfFuel);
            assert_eq!(machine.trap(Label::divide, 1, 0), TrapCode::IntegerDivisionByZero);
            Ok(17)
        }
        _ => Ok(machine.call(Label::call_out, depth - 1, 0).unwrap()),
    });
    assert_eq!(machine.call(Label::call_out, 3, 0).unwrap(), 17 + 3);
}

#[test]
fn a_panic_of_the_host_travels_through_compiled_code() {
    let machine = Machine::new();
    machine.on_host_call(|machine, depth| match depth {
        0 => std::panic::panic_any(12345_i32),
        _ => Ok(machine.call(Label::call_twice, depth - 1, 0).unwrap()),
    });
    let panic = catch_unwind(AssertUnwindSafe(|| machine.call(Label::call_twice, 3, 0))).unwrap_err();
    assert_eq!(*panic.downcast::<i32>().unwrap(), 12345);
    assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
}

#[test]
fn endless_recursion_through_the_host_is_a_trap() {
    let inside = || {
        let machine = Machine::with_stacks(&StackPool::new(64 << 20, 0));
        machine.on_host_call(|machine, depth| match machine.call(Label::call_out, depth + 1, 0) {
            Ok(_) => unreachable!("it does not end"),
            Err(Unwind::Trap { code, .. }) => {
                // A host function that goes on after the trap still has stack to do so.
                let room = std::hint::black_box([depth as u8; 64 << 10]);
                assert_eq!(room[1000], depth as u8);
                Err(Stop::Trap(code))
            }
            Err(other) => panic!("{other:?}"),
        });
        assert_eq!(machine.trap(Label::call_out, 0, 0), TrapCode::StackOverflow);
        assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
    };
    std::thread::Builder::new().stack_size(8 << 20).spawn(inside).unwrap().join().unwrap();
}

#[test]
fn a_store_may_move_to_another_thread_between_calls() {
    struct Moved(Box<Machine>);
    // SAFETY: nothing else refers to the machine, whose reactions capture nothing.
    unsafe impl Send for Moved {}
    let machine = Moved(Machine::new());
    assert_eq!(machine.0.trap(Label::unreachable, 0, 0), TrapCode::UnreachableCodeReached);
    let inside = move || {
        let machine = machine;
        assert_eq!(machine.0.trap(Label::recurse, 0, 0), TrapCode::StackOverflow);
        machine.0.call(Label::subtract, 3, 2).unwrap()
    };
    assert_eq!(std::thread::spawn(inside).join().unwrap(), 1);
}

#[test]
fn stores_return_their_stacks() {
    let stacks = StackPool::new(1 << 20, 4);
    for _ in 0..100 {
        let machine = Machine::with_stacks(&stacks);
        assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
        drop(machine);
        assert_eq!(stacks.unused(), 1);
    }
    let unused = Machine::with_stacks(&stacks);
    assert_eq!(stacks.unused(), 1, "a store that is never entered takes no stack");
    drop(unused);
}
