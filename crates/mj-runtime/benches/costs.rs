//! What entering, leaving and instantiating cost: nanoseconds, the best of several rounds. `cargo bench -p mj-runtime`.

#[path = "../tests/running/code.rs"]
#[allow(dead_code)]
mod code;
#[path = "../tests/running/machine.rs"]
#[allow(dead_code)]
mod machine;

use std::hint::black_box;
use std::time::Instant;

use mj_abi::{ContextCounts, ContextHeader, ContextLayout, HostContext, RawValue};
use mj_runtime::{
    ContextBox, ContextPointers, HostContextBox, LinearMemory, MemoryPlan, MemoryPool, StackPool, Stop, StoreState, Stubs, catch,
};

use code::Label;
use machine::Machine;

/// Prints the time of one `operation`.
fn measure(name: &str, times: u32, mut operation: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..50 {
        let start = Instant::now();
        for _ in 0..times {
            operation();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(times));
    }
    println!("{name:<60} {best:>10.1} ns");
}

fn main() {
    calls();
    memories();
    stores();
}

fn calls() {
    let machine = Machine::new();
    let mut values = [RawValue::new(5), RawValue::new(2)];
    let code = machine.at(Label::subtract) as mj_abi::CodePointer;
    let trampoline = machine.at(Label::trampoline) as mj_abi::CodePointer;
    measure("enter, subtract, return", 10_000, || {
        // SAFETY: the trampoline fits the function, which uses nothing of its context.
        unsafe { mj_runtime::enter(&machine.store, trampoline, machine.context.header(), code, black_box(values.as_mut_ptr())) }.unwrap();
    });
    // SAFETY: the trampoline has this type.
    let trampoline = unsafe { std::mem::transmute::<usize, mj_runtime::Trampoline>(machine.at(Label::trampoline)) };
    measure("the trampoline alone, subtract, return", 10_000, || {
        // SAFETY: the store has been entered, so that it has a stack; the function does not trap.
        black_box(unsafe { trampoline(machine.context.header(), code, black_box(values.as_mut_ptr()), machine.store.context()) });
    });
    let call_out = |times: u32| {
        measure(&format!("enter, {times} host calls, return"), 1_000, || {
            black_box(machine.call(Label::call_host_often, u64::from(times), 0).unwrap());
        });
    };
    let pointers = ContextPointers { type_ids: std::ptr::null(), helpers: std::ptr::null() };
    // SAFETY: the function uses no closure.
    let host = unsafe { HostContextBox::borrowing(&machine.store, pointers, machine.shim, 0, increment, std::ptr::null_mut()) };
    machine.set_global(1, host.context() as u64);
    call_out(1);
    call_out(101);
    measure("enter, trap by undefined instruction", 1_000, || drop(machine.call(Label::unreachable, 0, 0)));
    measure("enter, trap by guard page", 1_000, || drop(machine.call(Label::load, 1 << 20, 0)));
}

unsafe extern "C" fn increment(callee: *mut HostContext, _: *mut ContextHeader, values: *mut RawValue) -> usize {
    // SAFETY: called by a shim, which passes the function's context and room for one value.
    unsafe {
        catch((*callee).header.store, || {
            (*values).low += 1;
            Ok::<(), Stop>(())
        })
    }
}

fn memories() {
    const PAGE: u64 = 64 << 10;
    let plan = MemoryPlan::guarded(PAGE, None);
    let pool = MemoryPool::new(8);
    measure("memory of 64 KiB from the pool, untouched", 500, || drop(pool.allocate(&plan).unwrap()));
    measure("memory of 64 KiB from the pool, one page touched", 500, || {
        pool.allocate(&plan).unwrap().bytes_mut()[5000] = 1;
    });
    measure("memory of 64 KiB from the pool, all touched", 500, || pool.allocate(&plan).unwrap().bytes_mut().fill(1));
    let large = MemoryPlan::guarded(17 * PAGE, None);
    measure("memory of 1088 KiB from the pool, two pages touched", 500, || {
        let mut memory = pool.allocate(&large).unwrap();
        memory.bytes_mut()[5000] = 1;
        memory.bytes_mut()[1 << 20] = 1;
    });
    measure("memory of 64 KiB from the pool, grown once", 200, || {
        pool.allocate(&plan).unwrap().grow(PAGE).unwrap();
    });
    measure("memory of 64 KiB without pool, one page touched", 200, || {
        LinearMemory::new(&plan).unwrap().bytes_mut()[5000] = 1;
    });
}

fn stores() {
    let stacks = StackPool::default();
    let stubs = Stubs { unwind: 0, interrupt: 0 };
    measure("store, never entered", 500, || drop(StoreState::new(&stacks, stubs).unwrap()));
    let store = StoreState::new(&stacks, stubs).unwrap();
    let counts = ContextCounts { imported_functions: 10, memories: 1, tables: 1, own_globals: 3, func_refs: 50, imported_globals: 0 };
    let layout = ContextLayout::new(counts);
    let pointers = ContextPointers { type_ids: std::ptr::null(), helpers: std::ptr::null() };
    measure("context", 500, || drop(ContextBox::new(layout, &store, pointers)));
    let machine = Machine::with_stacks(&stacks);
    measure("first entry of a store, and its end", 500, || {
        let store = StoreState::new(&stacks, machine.stubs()).unwrap();
        machine.enter_other(&store).unwrap();
    });
}
