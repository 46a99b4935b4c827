//! Functions of shapes that nobody writes by hand: time and memory of both compilers grow with them, not faster.
//!
//! Time is that of the thread, so that what else the machine does counts for little. Memory is what is allocated at once, by Rust.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mj_jit::{Config, Engine, Module, Strategy};

/// Counts what is allocated.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Time that this thread has run.
fn thread_time() -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: writes to a structure of ours.
    let time = unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr());
        time.assume_init()
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The best of some times, and the least of peaks, for compiling a module.
fn compile(engine: &Engine, wasm: &[u8]) -> (Duration, usize) {
    let mut best = (Duration::MAX, usize::MAX);
    for _ in 0..3 {
        let (began, before) = (thread_time(), ALLOCATED.load(Ordering::Relaxed));
        PEAK.store(before, Ordering::Relaxed);
        drop(Module::from_binary(engine, wasm).unwrap_or_else(|error| panic!("{error:?}")));
        best = (best.0.min(thread_time() - began), best.1.min(PEAK.load(Ordering::Relaxed) - before));
    }
    best
}

fn binary(text: &str) -> Vec<u8> {
    Module::new(&Engine::new(Config::new().strategy(Strategy::BASELINE)).unwrap(), text).unwrap().bytes().to_vec()
}

/// How much longer a function of twice the size may take, and how much more memory. Where every stage looks for violated invariants, in builds with debug assertions, that takes
/// its own, which for some shapes grows with the square.
const LIMIT: f64 = if cfg!(debug_assertions) { 6.0 } else { 3.0 };

/// A shape of functions of a size: its name, the function's text, and the size whose double is compared with it.
type Shape = (&'static str, fn(usize) -> String, usize);

const SHAPES: &[Shape] = &[
    ("straight code", straight, 12_000),
    ("calls with live values", calls, 4000),
    ("blocks in a row", blocks, if cfg!(debug_assertions) { 5000 } else { 50_000 }),
    ("branches that join", joins, 6000),
    ("locals", locals, 5000),
    ("locals alive across blocks", across, 2500),
    ("locals alive across loops", across_loops, 1250),
    ("values from block to block", chains, 6000),
    ("parameters", parameters, 500),
    ("operands", operands, 50_000),
    ("loops above operands", |size| above(size, "(loop (br_if 0 (local.get 0)))"), 5000),
    ("ifs above operands", |size| above(size, "(if (local.get 0) (then) (else))"), 5000),
    (
        "divisions above operands",
        |size| above(size, "(local.set 0 (i32.div_u (local.get 0) (i32.rem_u (local.get 0) (local.get 0))))"),
        5000,
    ),
    ("results of calls", calls_above, 5000),
    ("locals set while they wait", waiting, 5000),
    ("nested blocks", nested, 2500),
    ("nested blocks, left from inside out", nested_late, 2500),
    ("nested blocks, left early and late", nested_twice, 2500),
    ("nested ifs with results", ifs, 1250),
    ("nested loops", loops, 2500),
    ("loops in a row", loops_in_a_row, 2500),
    ("blocks with parameters and results", multiple, 4000),
    ("branches to one block", fan, 5000),
    ("a switch", switch, 50_000),
    ("a switch into blocks with values", switch_values, 2000),
];

/// Operators and memory accesses in a row.
fn straight(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32)");
    for number in 0..size {
        let _ = write!(
            text,
            "(i32.store offset={} (i32.and (local.get 0) (i32.const 255)) (i32.mul (local.tee 0 (i32.add (local.get 0) (i32.const {number}))) (i32.const {})))",
            number % 1000,
            number * 7 + 3
        );
    }
    text + "(local.get 0))"
}

/// Calls, across which values live.
fn calls(size: usize) -> String {
    let mut text =
        String::from("(func $c (param i32 i64) (result i32) (local.get 0)) (func (param i32 i64) (result i32) (local i32 i64 i32 i32)");
    for number in 0..size {
        let _ = write!(
            text,
            "(local.set {} (call $c (i32.add (local.get 0) (local.get 4)) (i64.add (local.get 1) (local.get 3)))) (local.set 3 (i64.extend_i32_u (local.get 2)))",
            [2, 4, 5][number % 3]
        );
    }
    text + "(i32.add (local.get 2) (local.get 5)))"
}

/// Blocks one behind the other, each left by a branch.
fn blocks(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32)");
    (0..size).for_each(|number| {
        _ = write!(text, "(block (br_if 0 (i32.eq (local.get 0) (i32.const {number}))) (local.set 1 (i32.const {number})))")
    });
    text + "(local.get 1))"
}

/// Values that come from either side.
fn joins(size: usize) -> String {
    let mut text = String::from("(func (param i32 i32 i32 i32 i32) (result i32)");
    for number in 0..size {
        let (to, from) = (1 + number % 4, 1 + (number + 1) % 4);
        let _ = write!(
            text,
            "(if (i32.gt_s (local.get {from}) (i32.const {number})) (then (local.set {to} (i32.add (local.get 0) (local.get {from})))) (else (local.set 0 (i32.xor (local.get {to}) (local.get 0)))))"
        );
    }
    text + "(i32.add (local.get 1) (local.get 2)))"
}

/// Locals, all of them alive at once, around a loop.
fn locals(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32)");
    text += &format!("(local{})", " i32".repeat(size));
    (1..=size).for_each(|local| _ = write!(text, "(local.set {local} (i32.mul (local.get 0) (i32.const {local})))"));
    text += "(loop";
    (1..=size).for_each(|local| _ = write!(text, "(local.set {local} (i32.add (local.get {local}) (local.get {})))", local % size + 1));
    text += "(br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0)";
    (1..=size).for_each(|local| _ = write!(text, "(i32.add (local.get {local}))"));
    text + ")"
}

/// Locals that are alive across as many blocks, in which few are used.
fn across(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32)");
    text += &format!("(local{})", " i32".repeat(size));
    (1..=size).for_each(|local| _ = write!(text, "(local.set {local} (i32.mul (local.get 0) (i32.const {local})))"));
    (1..=size).for_each(|local| {
        _ = write!(text, "(if (i32.eq (local.get 0) (i32.const {local})) (then (local.set 0 (i32.add (local.get 0) (local.get {local})))))")
    });
    text += "(i32.const 0)";
    (1..=size).for_each(|local| _ = write!(text, "(i32.add (local.get {local}))"));
    text + ")"
}

/// The same across loops.
fn across_loops(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32)");
    text += &format!("(local{})", " i32".repeat(size));
    (1..=size).for_each(|local| _ = write!(text, "(local.set {local} (i32.mul (local.get 0) (i32.const {local})))"));
    (1..=size).for_each(|local| {
        _ = write!(text, "(loop (br_if 0 (local.tee 0 (i32.sub (i32.shr_u (local.get 0) (i32.const 1)) (local.get {local})))))")
    });
    text += "(i32.const 0)";
    (1..=size).for_each(|local| _ = write!(text, "(i32.add (local.get {local}))"));
    text + ")"
}

/// Values that are used a few blocks behind their own.
fn chains(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32 i32 i32 i32 i32 i32 i32 i32)");
    for number in 0..size {
        let local = 1 + number % 8;
        let _ = write!(
            text,
            "(local.set {local} (i32.add (i32.mul (local.get {}) (i32.const {number})) (i32.xor (local.get 0) (local.get {})))) (if (i32.gt_s (local.get {local}) (local.get 0)) (then (i32.store (local.get 0) (local.get {local}))))",
            1 + (number + 1) % 8,
            1 + (number + 3) % 8
        );
    }
    text + "(local.get 1))"
}

/// Parameters and results, which go through a call.
fn parameters(size: usize) -> String {
    let ty = format!("(param{}) (result{})", " i32".repeat(size), " i32".repeat(size));
    let mut text = format!("(func $f {ty}");
    (0..size).for_each(|local| _ = write!(text, "(i32.add (local.get {local}) (local.get {}))", (local + 1) % size));
    text + "(call $f))"
}

/// An expression with so many operands open.
fn operands(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32)");
    (0..size).for_each(|number| _ = write!(text, "(i32.load offset={} (local.get 0))", number * 4 % 65536));
    (1..size).for_each(|_| text += "i32.add ");
    text + ")"
}

/// Blocks in blocks, with branches out of all of them.
fn nested(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32)");
    (0..size).for_each(|_| text += "block ");
    (0..size)
        .for_each(|depth| _ = write!(text, "(br_if {depth} (i32.eq (local.get 0) (i32.const {depth}))) (local.set 1 (i32.const {depth}))"));
    (0..size).for_each(|depth| _ = write!(text, "end (local.set 1 (i32.add (local.get 1) (i32.const {depth})))"));
    text + "(local.get 1))"
}

/// The same, where what comes first goes farthest.
fn nested_late(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32)");
    (0..size).for_each(|_| text += "block ");
    (0..size)
        .rev()
        .for_each(|depth| _ = write!(text, "(br_if {depth} (i32.eq (local.get 0) (i32.const {depth}))) (local.set 1 (i32.const {depth}))"));
    (0..size).for_each(|depth| _ = write!(text, "end (local.set 1 (i32.add (local.get 1) (i32.const {depth})))"));
    text + "(local.get 1))"
}

/// Blocks in blocks that are each left at two places far apart, and never at their end.
fn nested_twice(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32 i32)");
    (0..size).for_each(|_| text += "block ");
    (0..size).for_each(|depth| _ = write!(text, "(br_if {depth} (i32.eq (local.get 0) (i32.const {depth})))"));
    (0..size).for_each(|number| _ = write!(text, "(local.set {} (i32.load (i32.const {number})))", number % 2));
    (0..size).for_each(|depth| _ = write!(text, "(br_if {depth} (i32.eq (local.get 0) (i32.const {depth})))"));
    (0..size).for_each(|depth| _ = write!(text, "(return (local.get 1)) end (local.set 1 (i32.add (local.get 1) (i32.const {depth})))"));
    text + "(local.get 1))"
}

/// Ifs in ifs, with results from either arm.
fn ifs(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32)");
    (0..size).for_each(|depth| {
        _ = write!(text, "(i32.gt_u (local.get 0) (i32.const {depth})) if (result i32) (local.set 1 (i32.add (local.get 1) (local.get 0)))")
    });
    text += "(local.get 1)";
    (0..size).for_each(|depth| _ = write!(text, "(i32.add (i32.const 3)) else (i32.mul (local.get 1) (i32.const {depth})) end "));
    text + ")"
}

/// Loops in loops, with values that go around all of them.
fn loops(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32 i32)");
    (0..size).for_each(|_| text += "loop (local.set 1 (i32.add (local.get 1) (local.get 2)))");
    (0..size).for_each(|depth| {
        _ = write!(
            text,
            "(local.set 2 (i32.add (local.get 1) (i32.const {depth}))) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))) end "
        );
    });
    text + "(local.get 1))"
}

/// Short loops one behind the other.
fn loops_in_a_row(size: usize) -> String {
    let mut text = String::from("(func (param i32 i32) (result i32) (local i32)");
    (0..size).for_each(|number| {
        _ = write!(
            text,
            "(local.set 2 (i32.const {number})) (loop (local.set 1 (i32.xor (local.get 1) (i32.load (local.get 2)))) (br_if 0 (local.tee 2 (i32.shr_u (local.get 2) (i32.const 1)))))"
        )
    });
    text + "(local.get 1))"
}

/// Blocks that take and give many values.
fn multiple(size: usize) -> String {
    const VALUES: usize = 50;
    let ty = format!("(param{}) (result{})", " i32".repeat(VALUES), " i32".repeat(VALUES));
    let mut text = String::from("(func (param i32) (result i32)");
    (0..VALUES).for_each(|number| _ = write!(text, "(i32.add (local.get 0) (i32.const {number}))"));
    (0..size).for_each(|number| {
        _ = write!(
            text,
            "(block {ty} (i32.add (i32.const {number})) (br_if 0 (i32.eq (local.get 0) (i32.const {number}))) (i32.mul (local.get 0)))"
        )
    });
    (1..VALUES).for_each(|_| text += "i32.add ");
    text + ")"
}

/// One block that so many branches go to, with locals that differ.
fn fan(size: usize) -> String {
    const LOCALS: usize = 50;
    let mut text = String::from("(func (param i32) (result i32)");
    text += &format!("(local{}) block ", " i32".repeat(LOCALS));
    (0..size).for_each(|number| {
        let local = 1 + number % LOCALS;
        _ = write!(
            text,
            "(local.set {local} (i32.add (local.get {}) (i32.const {number}))) (br_if 0 (i32.eq (local.get 0) (local.get {local})))",
            1 + (number + 1) % LOCALS
        )
    });
    text += "end (i32.const 0)";
    (1..=LOCALS).for_each(|local| _ = write!(text, "(i32.add (local.get {local}))"));
    text + ")"
}

/// A statement so many times, above as many operands of two kinds.
fn above(size: usize, statement: &str) -> String {
    let operands = "(i32.const 0) (i32.eqz (local.get 0)) ".repeat(size / 2);
    format!("(func (param i32) {operands} {} {})", statement.repeat(size), "drop ".repeat(size / 2 * 2))
}

/// Calls whose results wait for one another.
fn calls_above(size: usize) -> String {
    format!("(func $f (result i32) {} (return (i32.const 0)) {})", "(call $f)".repeat(size), "drop ".repeat(size))
}

/// Locals that are set while their old values wait below many operands.
fn waiting(size: usize) -> String {
    let list = |text: fn(usize) -> String| (1..=size).map(text).collect::<String>();
    format!(
        "(func (param i32) (local{}) {} {} {} {})",
        " i32".repeat(size),
        list(|local| format!("(local.get {local})")),
        "(i32.const 0)".repeat(size),
        list(|local| format!("(local.set {local} (local.get 0))")),
        "drop ".repeat(2 * size),
    )
}

/// A `br_table` of so many targets.
fn switch(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) block block block (br_table");
    (0..size).for_each(|number| _ = write!(text, " {}", number % 3));
    text + " (local.get 0)) end (return (i32.const 1)) end (return (i32.const 2)) end (i32.const 3))"
}

/// A switch with a block for each target, to which values go along.
fn switch_values(size: usize) -> String {
    let mut text = String::from("(func (param i32) (result i32) (local i32 i32)");
    (0..=size).for_each(|_| text += "block ");
    text += "(br_table";
    (0..size).for_each(|number| _ = write!(text, " {number}"));
    text += " (local.get 0)) end ";
    (0..size).for_each(|number| {
        _ = write!(text, "(local.set {} (i32.add (local.get {}) (i32.const {number}))) end ", 1 + number % 2, number % 3)
    });
    text + "(i32.add (local.get 1) (local.get 2)))"
}

#[test]
fn compilers_take_time_and_memory_in_proportion_to_functions() {
    let mut wrong = Vec::new();
    for strategy in [Strategy::BASELINE, Strategy::TIERED, Strategy::OPTIMIZING] {
        let engine = Engine::new(Config::new().strategy(strategy).parallel_compilation(false)).unwrap();
        for &(name, shape, size) in SHAPES {
            let module = |size: usize| binary(&format!("(module (memory 1) {})", shape(size)));
            let (once, twice) = (module(size), module(2 * size));
            let ((time, memory), (time_of_twice, memory_of_twice)) = (compile(&engine, &once), compile(&engine, &twice));
            let ratio = time_of_twice.as_secs_f64() / time.as_secs_f64();
            println!(
                "{strategy:?}, {name} x {}: {} bytes, {time_of_twice:.2?} ({ratio:.2} times that of half), {} KiB ({:.2} times)",
                2 * size,
                twice.len(),
                memory_of_twice >> 10,
                memory_of_twice as f64 / memory as f64
            );
            let per_byte = memory_of_twice / twice.len();
            if ratio > LIMIT || memory_of_twice as f64 > LIMIT * memory as f64 || per_byte > 1500 {
                wrong.push(format!(
                    "{strategy:?}, {name}: {ratio:.2} times the time, {memory} and {memory_of_twice} bytes, {per_byte} a byte of code"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
