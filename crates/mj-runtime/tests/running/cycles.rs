//! Making and dropping everything, many times.

use std::fs;

use mj_abi::TrapCode;
use mj_runtime::{MemoryPlan, MemoryPool, StackPool};

use crate::child::{CHILD, again, is_emulated};
use crate::code::Label;
use crate::machine::Machine;

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * mj_runtime::page_size()
}

/// Other tests run at the same time, in the same process: what they map is not ours, so this is a test of its own in a child process.
#[test]
fn many_machines_leave_nothing_behind() {
    if std::env::var_os(CHILD).is_none() {
        let output = again("cycles::many_machines_leave_nothing_behind").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let stacks = StackPool::new(1 << 20, 2);
    let memories = MemoryPool::new(2);
    let cycle = || {
        let machine = Machine::with_stacks(&stacks);
        assert_eq!(machine.trap(Label::recurse, 0, 0), TrapCode::StackOverflow);
        machine.store.interrupt_handle().interrupt();
        let mut memory = memories.allocate(&MemoryPlan::guarded(1 << 16, None)).unwrap();
        memory.grow(16 << 20).unwrap();
        memory.bytes_mut().fill(1);
        drop(machine);
        std::thread::spawn(|| assert_eq!(Machine::new().call(Label::subtract, 3, 2).unwrap(), 1)).join().unwrap();
    };
    for _ in 0..5 {
        cycle();
    }
    let before = (mappings(), open_files(), resident_bytes());
    for _ in 0..100 {
        cycle();
    }
    let after = (mappings(), open_files(), resident_bytes());
    assert!(after.0 <= before.0 + 4, "mappings: {} then {}", before.0, after.0);
    assert_eq!(after.1, before.1, "open files");
    // An emulator translates ever more code.
    let allowed = if is_emulated() { 64 << 20 } else { 2 << 20 };
    assert!(after.2 <= before.2 + allowed, "resident bytes: {} then {}", before.2, after.2);
}
