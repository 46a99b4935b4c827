//! Stopping loops from outside.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use mj_abi::TrapCode;
use mj_runtime::{Stop, Unwind};

use crate::code::Label;
use crate::machine::Machine;

#[test]
fn an_interrupted_loop_goes_on_with_all_its_registers() {
    let machine = Machine::new();
    let times = Rc::new(Cell::new(0));
    let counter = times.clone();
    *machine.reactions.interrupted.borrow_mut() = Rc::new(move |machine, _| {
        machine.store.clear_interrupt();
        counter.set(counter.get() + 1);
        Ok(0)
    });
    machine.store.interrupt_handle().interrupt();
    assert_eq!(machine.call(Label::spin, 1000, 0).unwrap(), 1000);
    assert_eq!(times.get(), 1);
    assert_eq!(machine.call(Label::spin, 1000, 0).unwrap(), 1000);
    assert_eq!(times.get(), 1);
}

#[test]
fn an_interruption_that_is_not_cleared_comes_back_at_once() {
    let machine = Machine::new();
    let times = Rc::new(Cell::new(0));
    let counter = times.clone();
    *machine.reactions.interrupted.borrow_mut() = Rc::new(move |machine, _| {
        counter.set(counter.get() + 1);
        if counter.get() == 5 {
            machine.store.clear_interrupt();
        }
        Ok(0)
    });
    machine.store.interrupt_handle().interrupt();
    assert_eq!(machine.call(Label::spin, 3, 0).unwrap(), 3);
    assert_eq!(times.get(), 5);
}

#[test]
fn an_endless_loop_ends_in_a_trap_when_another_thread_says_so() {
    let machine = Machine::new();
    *machine.reactions.interrupted.borrow_mut() = Rc::new(|machine, _| {
        machine.store.clear_interrupt();
        Err(Stop::Trap(TrapCode::Interrupt))
    });
    let handle = machine.store.interrupt_handle();
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        handle.interrupt();
        handle
    });
    match machine.call(Label::spin, u64::MAX, 0) {
        Err(Unwind::Trap { code: TrapCode::Interrupt, origin, .. }) => {
            let frames = machine.store.backtrace(Some(origin), 10);
            assert_eq!(frames.iter().map(|frame| frame.address).collect::<Vec<_>>(), [machine.at(Label::site_spin)]);
        }
        unexpected => panic!("{unexpected:?}"),
    }
    let handle = other.join().unwrap();
    assert_eq!(machine.call(Label::spin, 10, 0).unwrap(), 10);
    drop(machine);
    assert!(!handle.is_live());
    handle.interrupt();
}

#[test]
fn a_hook_may_run_code_that_is_interrupted_in_turn() {
    let machine = Machine::new();
    *machine.reactions.interrupted.borrow_mut() = Rc::new(|machine, _| {
        machine.store.clear_interrupt();
        *machine.reactions.interrupted.borrow_mut() = Rc::new(|machine, _| {
            machine.store.clear_interrupt();
            Ok(0)
        });
        machine.store.interrupt_handle().interrupt();
        assert_eq!(machine.call(Label::spin, 7, 0).unwrap(), 7);
        Ok(0)
    });
    machine.store.interrupt_handle().interrupt();
    assert_eq!(machine.call(Label::spin, 1000, 0).unwrap(), 1000);
}

#[test]
fn many_interruptions_while_running_lose_nothing() {
    let machine = Machine::new();
    *machine.reactions.interrupted.borrow_mut() = Rc::new(|machine, _| {
        machine.store.clear_interrupt();
        Ok(0)
    });
    let handle = machine.store.interrupt_handle();
    let other = std::thread::spawn(move || {
        while handle.is_live() {
            handle.interrupt();
            std::thread::yield_now();
        }
    });
    for _ in 0..20 {
        assert_eq!(machine.call(Label::spin, 100_000, 0).unwrap(), 100_000);
    }
    drop(machine);
    other.join().unwrap();
}
