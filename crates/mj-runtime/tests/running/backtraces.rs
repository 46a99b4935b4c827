//! Which frames a backtrace has.

use std::cell::RefCell;
use std::rc::Rc;

use mj_abi::TrapCode;
use mj_runtime::{Pc, PcKind, Stop, Unwind};

use crate::code::Label;
use crate::machine::Machine;

/// The backtrace after a call that fails, as offsets in the code.
fn after(machine: &Machine, function: Label, argument: u64) -> Vec<Pc> {
    let unwind = machine.call(function, argument, 0).unwrap_err();
    machine.store.backtrace(Some(unwind.origin()), 1000)
}

fn frames(machine: &Machine, expected: &[(Label, PcKind)]) -> Vec<Pc> {
    expected.iter().map(|&(label, kind)| Pc { address: machine.at(label), kind }).collect()
}

#[test]
fn a_trap_shows_its_instruction_and_the_calls_around_it() {
    let machine = Machine::new();
    assert_eq!(after(&machine, Label::unreachable, 0), frames(&machine, &[(Label::site_unreachable, PcKind::Fault)]));
    let inner = [(Label::site_unreachable, PcKind::Fault)];
    let calls = [(Label::site_call_out, PcKind::Return), (Label::site_call_twice, PcKind::Return)];
    // The called function is compiled code, too: context and slot say so.
    let slot = Box::new(machine.at(Label::unreachable));
    machine.set_global(0, &raw const *slot as u64);
    machine.set_global(1, machine.context.header() as u64);
    assert_eq!(after(&machine, Label::call_twice, 0), frames(&machine, &[&inner[..], &calls].concat()));
}

#[test]
fn a_return_address_that_is_an_instruction_that_traps_is_one_or_the_other() {
    let machine = Machine::new();
    machine.on_host_call(|_, argument| if argument == 0 { Ok(0) } else { Err(Stop::Trap(TrapCode::NullReference)) });
    let waiting = [(Label::site_call_out, PcKind::Return), (Label::site_call_and_trap, PcKind::Return)];
    assert_eq!(after(&machine, Label::call_and_trap, 1), frames(&machine, &waiting));
    assert_eq!(machine.trap(Label::call_and_trap, 0, 0), TrapCode::UnreachableCodeReached);
    assert_eq!(after(&machine, Label::call_and_trap, 0), frames(&machine, &[(Label::site_call_and_trap, PcKind::Fault)]));
}

#[test]
fn an_error_of_the_host_shows_the_calls_around_it() {
    let machine = Machine::new();
    machine.on_host_call(|_, _| Err(Stop::Error(Box::new(()))));
    let calls = [(Label::site_call_out, PcKind::Return), (Label::site_call_twice, PcKind::Return)];
    assert_eq!(after(&machine, Label::call_twice, 0), frames(&machine, &calls));
}

#[test]
fn nested_entries_show_the_frames_of_all_of_them() {
    let machine = Machine::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let inside = seen.clone();
    machine.on_host_call(move |machine, depth| match depth {
        0 => {
            inside.borrow_mut().push(machine.store.backtrace(None, 1000));
            inside.borrow_mut().push(after(machine, Label::unreachable, 0));
            Err(Stop::Trap(TrapCode::NullReference))
        }
        _ => match machine.call(Label::call_out, depth - 1, 0) {
            Err(Unwind::Trap { origin, code, .. }) => {
                inside.borrow_mut().push(machine.store.backtrace(Some(origin), 1000));
                Err(Stop::Trap(code))
            }
            other => panic!("{other:?}"),
        },
    });
    let other = Machine::new();
    // A store in between on the same thread is another matter.
    let machine = Rc::new(machine);
    let called = machine.clone();
    other.on_host_call(move |_, argument| called.call(Label::call_twice, argument, 0).map_err(|_| Stop::Trap(TrapCode::Interrupt)));
    assert_eq!(other.trap(Label::call_out, 1, 0), TrapCode::Interrupt);

    let out = (Label::site_call_out, PcKind::Return);
    let waiting = [out, out, (Label::site_call_twice, PcKind::Return)];
    let trapped = [&[(Label::site_unreachable, PcKind::Fault)][..], &waiting].concat();
    let seen = seen.borrow();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0], frames(&machine, &waiting), "in the innermost host function");
    assert_eq!(seen[1], frames(&machine, &trapped), "after a trap below it");
    assert_eq!(seen[2], frames(&machine, &waiting), "in the outer host function, after the inner one has failed");
    assert!(machine.store.backtrace(None, 1000).is_empty(), "nothing runs any more");
}

#[test]
fn the_backtrace_of_a_stack_overflow_is_bounded() {
    let machine = Machine::new();
    let origin = machine.call(Label::recurse, 0, 0).unwrap_err().origin();
    let all = machine.store.backtrace(Some(origin), usize::MAX);
    assert!((200..300).contains(&all.len()), "{}", all.len());
    assert!(all[1..].iter().all(|frame| *frame == Pc { address: machine.at(Label::site_recurse), kind: PcKind::Return }));
    assert_eq!(machine.store.backtrace(Some(origin), 10), all[..10]);
    assert!(machine.store.backtrace(Some(origin), 0).is_empty());
}

#[test]
fn broken_frame_pointers_end_the_walk() {
    let machine = Machine::new();
    let origin = machine.call(Label::unreachable, 0, 0).unwrap_err().origin();
    for fp in [0, 1, origin.fp + 1, usize::MAX, usize::MAX - 7, 8, origin.fp + (1 << 30)] {
        let broken = mj_runtime::Origin { fp, ..origin };
        assert_eq!(machine.store.backtrace(Some(broken), 1000).len(), 1, "{fp:x}");
    }
    assert!(machine.store.backtrace(Some(mj_runtime::Origin { pc: 1, ..origin }), 1000).is_empty());
}
