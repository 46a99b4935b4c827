//! Signals that are nobody's trap: they must do what they would have done without us. Each case runs in a child process, for most of them kill it.

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use mj_abi::TrapCode;
use mj_runtime::install_signal_handlers;

use crate::child::{CHILD, again};
use crate::code::Label;
use crate::machine::Machine;

/// Runs the test `name` again in a process of its own, where `is_child` is true.
fn run_child(name: &str) -> Output {
    again(&format!("signals::{name}")).output().unwrap()
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn exit(status: i32) -> ! {
    // SAFETY: ends the process without running anything of ours.
    unsafe { libc::_exit(status) }
}

/// Installs a handler as another library would.
fn install(signal: i32, handler: usize, flags: i32) {
    // SAFETY: all-zero is a valid `sigaction`; callers pass handlers of the type that the flags say.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
    }
}

fn traps_still_work(machine: &Machine) {
    assert_eq!(machine.trap(Label::load, 1 << 16, 0), TrapCode::MemoryOutOfBounds);
    assert_eq!(machine.trap(Label::unreachable, 0, 0), TrapCode::UnreachableCodeReached);
}

/// An access to an address where nothing is, in ordinary code.
fn crash() {
    // SAFETY: none; this is meant to fault.
    unsafe { std::ptr::without_provenance::<u8>(0x1000).read_volatile() };
}

extern "C" fn exit_with_42(_: i32) {
    exit(42)
}

extern "C" fn exit_with_43(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid record.
    let address = unsafe { (*info).si_addr() } as usize;
    exit(if signal == libc::SIGSEGV && address == 0x1000 { 43 } else { 99 })
}

#[test]
fn a_plain_handler_from_before_gets_foreign_faults() {
    if is_child() {
        install(libc::SIGSEGV, exit_with_42 as *const () as usize, 0);
        traps_still_work(&Machine::new());
        crash();
        exit(1);
    }
    assert_eq!(run_child("a_plain_handler_from_before_gets_foreign_faults").status.code(), Some(42));
}

#[test]
fn an_informed_handler_from_before_gets_foreign_faults_with_their_address() {
    if is_child() {
        install(libc::SIGSEGV, exit_with_43 as *const () as usize, libc::SA_SIGINFO);
        traps_still_work(&Machine::new());
        crash();
        exit(1);
    }
    assert_eq!(run_child("an_informed_handler_from_before_gets_foreign_faults_with_their_address").status.code(), Some(43));
}

#[test]
fn a_fault_in_a_host_function_is_not_a_trap() {
    if is_child() {
        install(libc::SIGSEGV, exit_with_43 as *const () as usize, libc::SA_SIGINFO);
        let machine = Machine::new();
        machine.on_host_call(|_, _| {
            crash();
            Ok(0)
        });
        let _ = machine.call(Label::call_out, 0, 0);
        exit(1);
    }
    assert_eq!(run_child("a_fault_in_a_host_function_is_not_a_trap").status.code(), Some(43));
}

#[test]
fn a_foreign_fault_kills_where_nobody_handles_it() {
    if is_child() {
        install(libc::SIGSEGV, libc::SIG_DFL, 0);
        traps_still_work(&Machine::new());
        crash();
        exit(1);
    }
    assert_eq!(run_child("a_foreign_fault_kills_where_nobody_handles_it").status.signal(), Some(libc::SIGSEGV));
}

#[test]
fn a_fault_that_was_to_be_ignored_kills_and_a_sent_signal_does_not() {
    if is_child() {
        install(libc::SIGSEGV, libc::SIG_IGN, 0);
        let machine = Machine::new();
        traps_still_work(&machine);
        // SAFETY: sends a signal to this thread.
        unsafe { libc::raise(libc::SIGSEGV) };
        traps_still_work(&machine);
        println!("still here");
        crash();
        exit(1);
    }
    let output = run_child("a_fault_that_was_to_be_ignored_kills_and_a_sent_signal_does_not");
    assert!(String::from_utf8_lossy(&output.stdout).contains("still here"));
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
}

#[test]
fn a_sent_signal_takes_its_default_action() {
    if is_child() {
        install(libc::SIGFPE, libc::SIG_DFL, 0);
        traps_still_work(&Machine::new());
        // SAFETY: sends a signal to this thread.
        unsafe { libc::raise(libc::SIGFPE) };
        exit(1);
    }
    assert_eq!(run_child("a_sent_signal_takes_its_default_action").status.signal(), Some(libc::SIGFPE));
}

#[test]
fn a_fault_in_compiled_code_where_no_trap_can_be_dies_loudly() {
    if is_child() {
        let machine = Machine::new();
        traps_still_work(&machine);
        let _ = machine.call(Label::wild, 0x1000, 0);
        exit(1);
    }
    let output = run_child("a_fault_in_compiled_code_where_no_trap_can_be_dies_loudly");
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("mj: compiled code faulted at 0x") && message.contains("(signal 11)"), "{message}");
}

#[test]
fn an_access_outside_every_memory_dies_even_at_a_site() {
    if is_child() {
        let machine = Machine::new();
        // The load traps out of bounds, but this address has nothing to do with any memory.
        let offset = 0x1000_u64.wrapping_sub(machine.memory.base() as u64);
        let _ = machine.call(Label::load, offset, 0);
        exit(1);
    }
    assert_eq!(run_child("an_access_outside_every_memory_dies_even_at_a_site").status.signal(), Some(libc::SIGSEGV));
}

#[test]
fn a_null_access_far_from_null_dies() {
    if is_child() {
        let machine = Machine::new();
        assert_eq!(machine.trap(Label::null, 0, 0), TrapCode::IndirectCallToNull);
        // Not an address at all on x86-64, which an emulator there would report as null.
        let far = if cfg!(target_arch = "x86_64") { 0x7fff_0000_0000_0000 } else { 0x5000_0000_0000 };
        let _ = machine.call(Label::null, far, 0);
        exit(1);
    }
    assert_eq!(run_child("a_null_access_far_from_null_dies").status.signal(), Some(libc::SIGSEGV));
}

#[test]
fn the_hosts_own_stack_overflow_is_still_reported_as_that() {
    if is_child() {
        traps_still_work(&Machine::new());
        #[expect(unconditional_recursion)]
        fn recurse(depth: u64) -> u64 {
            let frame = std::hint::black_box([depth; 100]);
            recurse(depth + 1) + frame[99]
        }
        let overflow = || {
            traps_still_work(&Machine::new());
            recurse(0)
        };
        std::thread::spawn(overflow).join().unwrap();
        exit(1);
    }
    let output = run_child("the_hosts_own_stack_overflow_is_still_reported_as_that");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has overflowed its stack"));
}

#[test]
fn handlers_are_installed_once() {
    install_signal_handlers().unwrap();
    install_signal_handlers().unwrap();
}
