//! Where engines go wrong: at the ends of memories and stacks, with registers full, on many threads, in the long run. In every mode.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mj_jit::{
    Caller, Config, Engine, Func, Global, GlobalType, Instance, Memory, Module, Mutability, Store, Strategy, Trap, TypedFunc, Val, ValType,
};

const PAGE: u64 = 1 << 16;

/// Runs `check` in an engine of each mode.
fn in_every_mode(check: impl Fn(&Engine, &str)) {
    for mode in mj_wast::MODES {
        check(&Engine::new(&mj_wast::config(mode).expect("a mode")).unwrap(), mode);
    }
}

fn store<T>(engine: &Engine, data: T) -> Store<T> {
    let mut store = Store::new(engine, data);
    // An error where fuel is not counted, which is as good as plenty.
    let _ = store.set_fuel(1 << 60);
    store.set_epoch_deadline(1 << 40);
    store
}

fn instance(engine: &Engine, text: &str) -> (Store<()>, Instance) {
    let mut store = store(engine, ());
    let module = Module::new(engine, text).unwrap_or_else(|error| panic!("{error:?}"));
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

fn trap<R: std::fmt::Debug>(result: mj_jit::Result<R>) -> Option<Trap> {
    result.err().map(|error| *error.downcast_ref::<Trap>().unwrap_or_else(|| panic!("{error:?}")))
}

/// Loads and stores: name, type of the value, bytes.
const ACCESSES: [(&str, &str, u64); 23] = [
    ("i32.load8_s", "i32", 1),
    ("i32.load8_u", "i32", 1),
    ("i32.load16_s", "i32", 2),
    ("i32.load16_u", "i32", 2),
    ("i32.load", "i32", 4),
    ("i64.load8_s", "i64", 1),
    ("i64.load8_u", "i64", 1),
    ("i64.load16_s", "i64", 2),
    ("i64.load16_u", "i64", 2),
    ("i64.load32_s", "i64", 4),
    ("i64.load32_u", "i64", 4),
    ("i64.load", "i64", 8),
    ("f32.load", "f32", 4),
    ("f64.load", "f64", 8),
    ("i32.store8", "i32", 1),
    ("i32.store16", "i32", 2),
    ("i32.store", "i32", 4),
    ("i64.store8", "i64", 1),
    ("i64.store16", "i64", 2),
    ("i64.store32", "i64", 4),
    ("i64.store", "i64", 8),
    ("f32.store", "f32", 4),
    ("f64.store", "f64", 8),
];

/// Offsets of accesses, and what is added to an address to come near the end of memory.
const OFFSETS: [u64; 7] = [0, 1, 0xfff8, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff];

#[test]
fn accesses_end_with_the_memory_to_the_byte() {
    let mut text = String::from("(module (memory (export \"m\") 1 3) (func (export \"grow\") (drop (memory.grow (i32.const 1))))");
    for (name, ty, _) in ACCESSES {
        for offset in OFFSETS {
            let access = format!("{name} offset={offset} (local.get 0)");
            let body = if name.contains("load") { format!("(drop ({access}))") } else { format!("({access} ({ty}.const 0))") };
            let _ = write!(text, "(func (export \"{name} {offset}\") (param i32) {body})");
        }
    }
    text.push(')');
    in_every_mode(|engine, mode| {
        let (mut store, instance) = instance(engine, &text);
        let memory = instance.get_memory(&mut store, "m").unwrap();
        let grow = instance.get_typed_func::<(), ()>(&mut store, "grow").unwrap();
        for _ in 0..2 {
            let length = memory.data_size(&store) as u64;
            for (name, _, bytes) in ACCESSES {
                for offset in OFFSETS {
                    let function = instance.get_typed_func::<u32, ()>(&mut store, &format!("{name} {offset}")).unwrap();
                    let last = (length - bytes).saturating_sub(offset);
                    for address in [0, last, last + 1, last + bytes - 1, last + bytes, 1 << 31, u64::from(u32::MAX)] {
                        let expected = (address + offset + bytes > length).then_some(Trap::MemoryOutOfBounds);
                        let found = trap(function.call(&mut store, address as u32));
                        assert_eq!(found, expected, "{name} at {address} + {offset} of {length} bytes, {mode}");
                    }
                }
            }
            grow.call(&mut store, ()).unwrap();
        }
    });
}

/// What traps, and how.
const TRAPPING: [(&str, Trap); 7] = [
    ("(i32.load (local.get $far))", Trap::MemoryOutOfBounds),
    ("(i32.div_u (local.get $far) (local.get $zero))", Trap::IntegerDivisionByZero),
    ("(i32.div_s (i32.const 0x80000000) (i32.sub (local.get $zero) (i32.const 1)))", Trap::IntegerOverflow),
    ("(i32.trunc_f32_s (local.get $nan))", Trap::BadConversionToInteger),
    ("(ref.is_null (table.get (local.get $far)))", Trap::TableOutOfBounds),
    ("(call_indirect (result i32) (local.get $zero))", Trap::IndirectCallToNull),
    ("(call $unreachable)", Trap::UnreachableCodeReached),
];

/// What uses two values may take either from memory, but not later than something else traps.
#[test]
fn of_two_traps_the_first_happens() {
    let mut text = String::from(
        "(module (memory 1) (table 1 funcref) (global $written (export \"written\") (mut i32) (i32.const 0)) (func $unreachable (result i32) unreachable)",
    );
    let mut expected = Vec::new();
    for (first, trap) in TRAPPING {
        for (second, _) in TRAPPING {
            for user in ["i32.add", "i32.sub", "i32.lt_u", "i32.eq"] {
                for between in ["", "(global.set $written (i32.const 1))"] {
                    let name = expected.len();
                    let _ = write!(text, "(func (export \"{name}\") (param $zero i32) (param $far i32) (param $nan f32) (result i32)");
                    let _ = writeln!(text, "({user} {first} (block (result i32) {between} {second})))");
                    expected.push((trap, first, second, user));
                }
            }
        }
    }
    text.push(')');
    in_every_mode(|engine, mode| {
        let (mut store, instance) = instance(engine, &text);
        for (index, (expected, first, second, user)) in expected.iter().enumerate() {
            let function: TypedFunc<(i32, i32, f32), i32> = instance.get_typed_func(&mut store, &index.to_string()).unwrap();
            let found = trap(function.call(&mut store, (0, 0x7fff_0000, f32::NAN)));
            assert_eq!(found, Some(*expected), "{mode}: {user} {first} {second}");
            assert_eq!(
                instance.get_global(&mut store, "written").unwrap().get(&mut store).i32(),
                Some(0),
                "{mode}: {user} {first} {second}"
            );
        }
    });
}

#[test]
fn two_imports_may_be_one_global() {
    let text = r#"(module
        (import "m" "g" (global $x (mut i32))) (import "m" "g" (global $y (mut i32))) (global $own (mut i32) (i32.const 0))
        (func (export "read between") (param i32) (result i32) (local i32)
            (local.set 1 (global.get $y)) (global.set $x (local.get 0)) (i32.add (i32.mul (local.get 1) (i32.const 1000)) (global.get $y)))
        (func (export "written before") (param i32) (result i32)
            (global.set $y (i32.const 11)) (global.set $own (i32.const 12)) (global.set $x (local.get 0)) (global.get $y))
        (func (export "in a loop") (param i32) (result i32) (local i32)
            (loop (global.set $x (local.get 1)) (global.set $y (local.get 0))
                (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 9))))
            (global.get $x)))"#;
    in_every_mode(|engine, mode| {
        let mut store = store(engine, ());
        let global = Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(5)).unwrap();
        let instance = Instance::new(&mut store, &Module::new(engine, text).unwrap(), &[global.into(), global.into()]).unwrap();
        for (name, expected) in [("read between", 5007), ("written before", 7), ("in a loop", 7)] {
            let function: TypedFunc<i32, i32> = instance.get_typed_func(&mut store, name).unwrap();
            assert_eq!(function.call(&mut store, 7).unwrap(), expected, "{mode}: {name}");
        }
    });
}

#[test]
fn an_access_sees_the_growth_before_it() {
    let text = r#"(module (memory 0 2) (func $grow (drop (memory.grow (i32.const 1))))
        (func (export "f") (param i32) (result i32)
            (if (local.get 0) (then (drop (memory.grow (i32.const 1)))))
            (i32.store (i32.const 65532) (i32.const 7))
            (call $grow)
            (i32.store (i32.const 65534) (i32.const 7))
            (i32.add (i32.load (i32.const 65534)) (memory.size))))"#;
    in_every_mode(|engine, mode| {
        for (grows, expected) in [(1, Ok(9)), (0, Err(Trap::MemoryOutOfBounds))] {
            let (mut store, instance) = instance(engine, text);
            let found = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap().call(&mut store, grows);
            assert_eq!(found.map_err(|error| *error.downcast_ref::<Trap>().unwrap()), expected, "{mode}");
        }
    });
}

/// A function with so many locals that live across its call of itself, and so many parameters, half of them floats.
fn recursive(locals: usize, parameters: usize) -> String {
    let mut text = String::from("(module (func $f (export \"f\") (param i64)");
    let ty = |number: usize| if number.is_multiple_of(2) { "i64" } else { "f64" };
    (0..parameters).for_each(|number| _ = write!(text, "(param {})", ty(number)));
    text += "(result i64)";
    (0..locals).for_each(|_| text += "(local i64)");
    for local in parameters + 1..=parameters + locals {
        let _ = write!(text, "(local.set {local} (i64.mul (local.get 0) (i64.const {local})))");
    }
    text += "(call $f (i64.add (local.get 0) (i64.const 1))";
    (0..parameters).for_each(|number| _ = write!(text, "(local.get {})", number + 1));
    text += ")";
    (parameters + 1..=parameters + locals).for_each(|local| _ = write!(text, "(i64.add (local.get {local}))"));
    (0..parameters).filter(|number| number.is_multiple_of(2)).for_each(|number| _ = write!(text, "(i64.xor (local.get {}))", number + 1));
    text += ") (func (export \"g\") (result i64) (call $f (i64.const 0)";
    (0..parameters).for_each(|number| _ = write!(text, "({}.const {number})", ty(number)));
    text + ")))"
}

#[test]
fn the_stack_ends_in_a_trap_whatever_the_frame() {
    let unchecked = mj_abi::UNCHECKED_FRAME as usize / 8;
    let frames = (0..8).map(|more| unchecked - 8 + 2 * more).chain([0, 1, 7, 100, 900, 12_000]);
    let shapes: Vec<(usize, usize)> = frames.map(|locals| (locals, 0)).chain([(0, 9), (10, 40), (0, 999), (unchecked, 999)]).collect();
    let texts: Vec<String> = shapes.iter().map(|&(locals, parameters)| recursive(locals, parameters)).collect();
    in_every_mode(|engine, mode| {
        for ((locals, parameters), text) in shapes.iter().zip(&texts) {
            let (mut store, instance) = instance(engine, text);
            let function = instance.get_typed_func::<(), i64>(&mut store, "g").unwrap();
            for _ in 0..2 {
                let found = trap(function.call(&mut store, ()));
                assert_eq!(found, Some(Trap::StackOverflow), "{locals} locals, {parameters} parameters, {mode}");
            }
        }
    });
}

#[test]
fn endless_recursion_through_the_host_traps_on_a_small_thread() {
    let text = r#"(module (import "" "host" (func $host (param i64) (result i64)))
        (func (export "f") (param i64) (result i64) (i64.add (call $host (i64.add (local.get 0) (i64.const 1))) (local.get 0))))"#;
    in_every_mode(|engine, mode| {
        let recurse = || {
            let module = Module::new(engine, text).unwrap();
            let mut store = store(engine, None::<TypedFunc<i64, i64>>);
            let host = Func::wrap(&mut store, |mut caller: Caller<'_, Option<TypedFunc<i64, i64>>>, depth: i64| {
                caller.data().unwrap().call(&mut caller, depth)
            });
            let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
            let function = instance.get_typed_func::<i64, i64>(&mut store, "f").unwrap();
            *store.data_mut() = Some(function);
            for _ in 0..2 {
                assert_eq!(trap(function.call(&mut store, 0)), Some(Trap::StackOverflow), "{mode}");
            }
        };
        thread::scope(|scope| thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, recurse).unwrap().join().unwrap());
    });
}

/// Fills all registers with values of an argument, lets something else happen, and takes them together again.
fn full_of_values(what: &str) -> String {
    const EACH: usize = 30;
    let mut text = String::new();
    for number in 0..EACH {
        let _ = write!(text, "(local.set {} (i64.mul (local.get 0) (i64.const {})))", number + 1, 2 * number + 1);
        let _ = write!(text, "(local.set {} (f64.convert_i64_s (i64.add (local.get 0) (i64.const {number}))))", number + 1 + EACH);
    }
    text += what;
    text += "(i64.const 0)";
    for number in 0..EACH {
        let _ = write!(text, "(i64.xor (local.get {})) (i64.add (i64.trunc_f64_s (local.get {})))", number + 1, number + 1 + EACH);
    }
    format!("(local {} {}) {text}", "i64 ".repeat(EACH), "f64 ".repeat(EACH))
}

#[test]
fn a_trap_amid_full_registers_leaves_those_of_the_outer_code_alone() {
    let text = format!(
        r#"(module (import "" "host" (func $host (param i64)))
            (func (export "trap") (param i64) (result i64) {})
            (func (export "outer") (param i64) (result i64) {})
            (func (export "plain") (param i64) (result i64) {}))"#,
        full_of_values("(if (i64.gt_s (local.get 1) (i64.const -1)) (then unreachable))"),
        full_of_values("(call $host (local.get 0))"),
        full_of_values("")
    );
    in_every_mode(|engine, mode| {
        let module = Module::new(engine, &text).unwrap();
        let mut store = store(engine, None::<TypedFunc<i64, i64>>);
        let host = Func::wrap(&mut store, |mut caller: Caller<'_, Option<TypedFunc<i64, i64>>>, value: i64| {
            let inner = caller.data().unwrap();
            assert_eq!(trap(inner.call(&mut caller, value)), Some(Trap::UnreachableCodeReached));
        });
        let instance = Instance::new(&mut store, &module, &[host.into()]).unwrap();
        let mut function = |name: &str| instance.get_typed_func::<i64, i64>(&mut store, name).unwrap();
        let (inner, outer, plain) = (function("trap"), function("outer"), function("plain"));
        *store.data_mut() = Some(inner);
        for value in [0, 1, 77, 1 << 40] {
            let expected = plain.call(&mut store, value).unwrap();
            assert_eq!(outer.call(&mut store, value).unwrap(), expected, "{mode}");
        }
    });
}

const BUSY: &str = r#"(module (memory (export "m") 1) (table 4 funcref) (elem (i32.const 0) $f)
    (func $f (export "f") (param i32) (result i32) (local i32)
        (loop $next
            (local.set 1 (i32.add (local.get 1) (i32.load8_u (i32.and (local.get 0) (i32.const 0xffff)))))
            (i32.store8 (i32.and (local.get 0) (i32.const 0xffff)) (local.get 1))
            (br_if $next (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))
        (local.get 1))
    (func (export "trap") (param i32) (result i32) (i32.div_u (local.get 0) (i32.load (i32.const 100)))))"#;

#[test]
fn sixty_four_threads_share_an_engine() {
    for strategy in [Strategy::TIERED, Strategy::OPTIMIZING] {
        let engine = Engine::new(Config::new().strategy(strategy).tier_up_budget(100)).unwrap();
        let module = Module::new(&engine, BUSY).unwrap();
        let run = |number: usize| {
            for round in 0..20 {
                // Every other round has a module of its own, so that code comes and goes.
                let own = (round % 2 == number % 2).then(|| Module::new(&engine, BUSY).unwrap());
                let mut store = store(&engine, ());
                let instance = Instance::new(&mut store, own.as_ref().unwrap_or(&module), &[]).unwrap();
                instance.get_memory(&mut store, "m").unwrap().data_mut(&mut store)[..100].fill(number as u8);
                let function = instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap();
                assert_eq!(function.call(&mut store, 1).unwrap(), number as i32);
                function.call(&mut store, 2000).unwrap();
                let division = instance.get_typed_func::<i32, i32>(&mut store, "trap").unwrap();
                instance.get_memory(&mut store, "m").unwrap().data_mut(&mut store)[100..104].fill(0);
                assert_eq!(trap(division.call(&mut store, 7)), Some(Trap::IntegerDivisionByZero));
            }
        };
        thread::scope(|scope| (0..64).for_each(|number| _ = scope.spawn(move || run(number))));
    }
}

/// Bytes of this process in memory, and mappings.
fn footprint() -> (usize, usize) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    (pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096, maps.lines().count())
}

#[test]
fn a_hundred_thousand_stores_leave_nothing_behind() {
    for signals in [true, false] {
        let engine = Engine::new(Config::new().signals_based_traps(signals)).unwrap();
        let module = Module::new(&engine, BUSY).unwrap();
        let round = || {
            let mut store = store(&engine, ());
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            assert_eq!(instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap().call(&mut store, 1).unwrap(), 0);
        };
        (0..1000).for_each(|_| round());
        let before = footprint();
        (0..50_000).for_each(|_| round());
        let after = footprint();
        // Other tests of this file run meanwhile.
        assert!(after.0 < before.0 + (64 << 20) && after.1 < before.1 + 2000, "{before:?} {after:?}");
    }
}

#[test]
fn no_page_is_ever_both_writable_and_executable() {
    let done = AtomicBool::new(false);
    let watch = || {
        let mut looks = 0;
        while !done.load(Ordering::Relaxed) || looks < 10 {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            let both = |line: &&str| line.split(' ').nth(1).is_some_and(|access| access.contains('w') && access.contains('x'));
            assert_eq!(maps.lines().find(both), None);
            looks += 1;
        }
    };
    thread::scope(|scope| {
        scope.spawn(watch);
        for mode in ["lazy", "tiered", "optimizing", "tiered-no-signals"] {
            let engine = Engine::new(&mj_wast::config(mode).unwrap()).unwrap();
            for _ in 0..100 {
                let mut store = store(&engine, ());
                let instance = Instance::new(&mut store, &Module::new(&engine, BUSY).unwrap(), &[]).unwrap();
                instance.get_typed_func::<i32, i32>(&mut store, "f").unwrap().call(&mut store, 100).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_memory_of_four_gibibytes_ends_at_its_last_byte() {
    let text = r#"(module (import "" "m" (memory 65536))
        (func (export "f") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "g") (param i32) (result i64) (i64.load offset=1 (local.get 0))))"#;
    in_every_mode(|engine, mode| {
        let mut store = store(engine, ());
        let memory = Memory::new(&mut store, mj_jit::MemoryType::new(65_536, Some(65_536))).unwrap();
        assert_eq!(memory.data_size(&store) as u64, PAGE << 16);
        let instance = Instance::new(&mut store, &Module::new(engine, text).unwrap(), &[memory.into()]).unwrap();
        let byte = instance.get_typed_func::<u32, i32>(&mut store, "f").unwrap();
        let word = instance.get_typed_func::<u32, i64>(&mut store, "g").unwrap();
        assert_eq!(byte.call(&mut store, u32::MAX).unwrap(), 0, "{mode}");
        assert_eq!(word.call(&mut store, u32::MAX - 8).unwrap(), 0, "{mode}");
        for address in [u32::MAX - 7, u32::MAX - 1, u32::MAX] {
            assert_eq!(trap(word.call(&mut store, address)), Some(Trap::MemoryOutOfBounds), "{mode}");
        }
    });
}
