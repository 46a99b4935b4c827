//! Helpers, called as compiled code calls them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use mj_abi::{Helper, TrapCode};
use mj_runtime::{PcKind, Stop, Unwind, runtime_functions};

use crate::code::Label;
use crate::machine::{DATA, ELEMENTS, Machine};

fn call(machine: &Machine, helper: Helper, arguments: [u64; 4]) -> Result<u64, Unwind> {
    arguments.iter().enumerate().for_each(|(index, &argument)| machine.set_global(index as u32, argument));
    machine.call(Label::call_helper, runtime_functions().helpers[helper as usize] as u64, 0)
}

fn trap(machine: &Machine, helper: Helper, arguments: [u64; 4]) -> TrapCode {
    match call(machine, helper, arguments) {
        Err(Unwind::Trap { code, origin, address: 0 }) => {
            assert!(!origin.fault);
            let frames = machine.store.backtrace(Some(origin), 10);
            assert_eq!(frames.len(), 1);
            assert_eq!((frames[0].address, frames[0].kind), (machine.at(Label::site_call_helper), PcKind::Return));
            code
        }
        other => panic!("{helper:?} {arguments:?} does not trap: {other:?}"),
    }
}

const SIZE: u64 = 65536;

#[test]
fn code_without_signals_calls_for_its_traps_and_asks_about_interruptions() {
    let machine = Machine::new();
    for &code in TrapCode::ALL {
        assert_eq!(trap(&machine, Helper::Trap, [code as u64, 0, 0, 0]), code);
    }
    *machine.reactions.interrupted.borrow_mut() = Rc::new(|_, _| Ok(0));
    call(&machine, Helper::Interrupted, [0; 4]).unwrap();
    *machine.reactions.interrupted.borrow_mut() = Rc::new(|_, _| Err(TrapCode::Interrupt.into()));
    assert_eq!(trap(&machine, Helper::Interrupted, [0; 4]), TrapCode::Interrupt);
}

#[test]
fn memory_is_copied_and_filled_inside_its_bounds_only() {
    let mut machine = Machine::new();
    machine.memory.bytes_mut()[..4].copy_from_slice(b"abcd");
    call(&machine, Helper::MemoryCopy, [0, 1, 0, 4]).unwrap();
    assert_eq!(&machine.memory.bytes()[..6], b"aabcd\0");
    call(&machine, Helper::MemoryFill, [0, SIZE - 2, 0x1ee, 2]).unwrap();
    assert_eq!(machine.memory.bytes()[SIZE as usize - 3..], [0, 0xee, 0xee]);
    call(&machine, Helper::MemoryFill, [0, SIZE, 1, 0]).unwrap();
    call(&machine, Helper::MemoryCopy, [0, SIZE, SIZE, 0]).unwrap();
    for arguments in [[0, SIZE - 2, 1, 3], [0, SIZE + 1, 1, 0], [0, u64::MAX, 1, 1], [0, 1, 1, u64::MAX]] {
        assert_eq!(trap(&machine, Helper::MemoryFill, arguments), TrapCode::MemoryOutOfBounds);
    }
    for arguments in [[0, SIZE - 2, 1, 3], [0, 1, SIZE - 2, 3], [0, 1, SIZE + 1, 0], [0, u64::MAX, 0, 2]] {
        assert_eq!(trap(&machine, Helper::MemoryCopy, arguments), TrapCode::MemoryOutOfBounds);
    }
    assert_eq!(&machine.memory.bytes()[..6], b"aabcd\0");
}

#[test]
fn segments_initialise_until_they_are_dropped() {
    let machine = Machine::new();
    let size = DATA.len() as u64;
    call(&machine, Helper::MemoryInit, [0, 100, 1, size - 1]).unwrap();
    assert_eq!(&machine.memory.bytes()[100..100 + DATA.len() - 1], &DATA[1..]);
    assert_eq!(trap(&machine, Helper::MemoryInit, [0, 0, 1, size]), TrapCode::MemoryOutOfBounds);
    assert_eq!(trap(&machine, Helper::MemoryInit, [0, SIZE - 1, 0, 2]), TrapCode::MemoryOutOfBounds);
    call(&machine, Helper::DataDrop, [0; 4]).unwrap();
    assert_eq!(trap(&machine, Helper::MemoryInit, [0, 0, 0, 1]), TrapCode::MemoryOutOfBounds);
    call(&machine, Helper::MemoryInit, [0, 0, 0, 0]).unwrap();

    call(&machine, Helper::TableInit, [0, 1, 1, 2]).unwrap();
    assert_eq!(machine.table.words(), [0, ELEMENTS[1], ELEMENTS[2], 0]);
    assert_eq!(trap(&machine, Helper::TableInit, [0, 0, 2, 2]), TrapCode::TableOutOfBounds);
    assert_eq!(trap(&machine, Helper::TableInit, [0, 3, 0, 2]), TrapCode::TableOutOfBounds);
    call(&machine, Helper::ElemDrop, [0; 4]).unwrap();
    assert_eq!(trap(&machine, Helper::TableInit, [0, 0, 0, 1]), TrapCode::TableOutOfBounds);
}

#[test]
fn tables_are_copied_and_filled_inside_their_bounds_only() {
    let machine = Machine::new();
    call(&machine, Helper::TableFill, [0, 1, 77, 2]).unwrap();
    call(&machine, Helper::TableCopy, [0, 2, 1, 2]).unwrap();
    assert_eq!(machine.table.words(), [0, 77, 77, 77]);
    assert_eq!(trap(&machine, Helper::TableFill, [0, 3, 1, 2]), TrapCode::TableOutOfBounds);
    assert_eq!(trap(&machine, Helper::TableCopy, [0, 3, 0, 2]), TrapCode::TableOutOfBounds);
    assert_eq!(trap(&machine, Helper::TableCopy, [0, 0, 3, 2]), TrapCode::TableOutOfBounds);
    assert_eq!(machine.table.words(), [0, 77, 77, 77]);
}

#[test]
fn growing_is_the_engines_business() {
    let machine = Machine::new();
    *machine.reactions.grow.borrow_mut() = Rc::new(|_, argument| Ok(argument + 1));
    assert_eq!(call(&machine, Helper::MemoryGrow, [3, 5, 0, 0]).unwrap(), (3 << 32) + 6);
    assert_eq!(call(&machine, Helper::TableGrow, [1, 2, 5, 0]).unwrap(), (1 << 32) + (2 << 16) + 6);
    *machine.reactions.grow.borrow_mut() = Rc::new(|_, _| Ok(404));
    assert_eq!(call(&machine, Helper::MemoryGrow, [0, 5, 0, 0]).unwrap(), u64::MAX);
    assert_eq!(call(&machine, Helper::TableGrow, [0, 0, 5, 0]).unwrap(), u64::MAX);
    *machine.reactions.grow.borrow_mut() = Rc::new(|_, _| Err(Stop::Error(Box::new("the limiter says no"))));
    match call(&machine, Helper::MemoryGrow, [0, 5, 0, 0]) {
        Err(Unwind::Error { payload, .. }) => assert_eq!(*payload.downcast::<&str>().unwrap(), "the limiter says no"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fuel_may_be_refilled_or_run_out() {
    let machine = Machine::new();
    *machine.reactions.fuel.borrow_mut() = Rc::new(|_, _| Ok(0));
    call(&machine, Helper::OutOfFuel, [0; 4]).unwrap();
    *machine.reactions.fuel.borrow_mut() = Rc::new(|_, _| Err(TrapCode::OutOfFuel.into()));
    assert_eq!(trap(&machine, Helper::OutOfFuel, [0; 4]), TrapCode::OutOfFuel);
}

#[test]
fn a_panic_in_a_hook_goes_on_at_the_entry() {
    let machine = Machine::new();
    *machine.reactions.fuel.borrow_mut() = Rc::new(|_, _| std::panic::panic_any("panicked"));
    let panic = catch_unwind(AssertUnwindSafe(|| call(&machine, Helper::OutOfFuel, [0; 4]))).unwrap_err();
    assert_eq!(*panic.downcast::<&str>().unwrap(), "panicked");
    // A helper that does not exist for this context panics, too, and does not crash.
    assert!(catch_unwind(AssertUnwindSafe(|| call(&machine, Helper::MemoryFill, [5, 0, 0, 0]))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| call(&machine, Helper::TableFill, [5, 0, 0, 0]))).is_err());
    assert_eq!(machine.call(Label::subtract, 3, 2).unwrap(), 1);
}

#[test]
fn a_function_is_compiled_at_its_first_call() {
    let machine = Machine::new();
    let asked = Rc::new(Cell::new(0));
    let number = asked.clone();
    *machine.reactions.compile.borrow_mut() = Rc::new(move |machine, function| {
        number.set(function);
        Ok(machine.at(Label::subtract) as u64)
    });
    assert_eq!(machine.call(Label::call_lazy, 50, 8).unwrap(), 42);
    assert_eq!(asked.get(), 7);

    *machine.reactions.compile.borrow_mut() = Rc::new(|_, _| Err(Stop::Error(Box::new("does not compile"))));
    match machine.call(Label::call_lazy, 50, 8) {
        Err(Unwind::Error { payload, origin }) => {
            assert_eq!(*payload.downcast::<&str>().unwrap(), "does not compile");
            let frames = machine.store.backtrace(Some(origin), 10);
            assert_eq!(frames.iter().map(|frame| frame.address).collect::<Vec<_>>(), [machine.at(Label::site_call_lazy)]);
        }
        other => panic!("{other:?}"),
    }
}
