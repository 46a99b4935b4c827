//! Modules that a program generates and that are linked while it runs: what they find, what goes wrong, and when they go.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::binary;
use mj_jit::*;

/// Links what the host puts into its memory, and calls and keeps what was linked, in every way that there is.
const PROGRAM: &str = r#"(module
    (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
    (import "mj:link" "error" (func $error (param i32 i32) (result i32)))
    (import "test" "collect" (func $collect))
    (import "test" "take" (func $take (param funcref)))
    (type $f (func (param i32) (result i32)))
    (memory (export "memory") 2 20)
    (table $t (export "__indirect_function_table") 4 8 funcref)
    (global $kept (export "kept") (mut funcref) (ref.null func))
    (global (export "base") i32 (i32.const 1000))
    (func (export "twice") (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
    (func (export "link") (param i32 i32) (result i32) (call $instantiate (local.get 0) (local.get 1)))
    (func (export "error") (param i32 i32) (result i32) (call $error (local.get 0) (local.get 1)))
    (func $apply (export "apply") (param $slot i32) (param $x i32) (result i32)
        (call_indirect $t (type $f) (local.get $x) (local.get $slot)))
    (func (export "clear") (param $slot i32) (table.set $t (local.get $slot) (ref.null func)))
    (func (export "keep") (param $slot i32) (global.set $kept (table.get $t (local.get $slot))))
    (func (export "give") (param $slot i32) (call $take (table.get $t (local.get $slot))))
    ;; Holds a function in a local only, across calls that collect: in straight code, and in a loop, where locals have registers.
    (func (export "hold") (param $slot i32) (param $x i32) (result i32) (local $held funcref)
        (local.set $held (table.get $t (local.get $slot)))
        (table.set $t (local.get $slot) (ref.null func))
        (call $collect)
        (table.set $t (local.get $slot) (local.get $held))
        (call $apply (local.get $slot) (local.get $x)))
    (func (export "hold_on_the_stack") (param $slot i32) (param $x i32) (result i32)
        (local.get $slot)
        (table.get $t (local.get $slot))
        (table.set $t (local.get $slot) (ref.null func))
        (call $collect)
        (table.set $t)
        (call $apply (local.get $slot) (local.get $x)))
    (func $passed (param $held funcref) (param $slot i32) (param $rounds i32) (result i32) (local $sum i32)
        (loop $again
            (call $collect)
            (local.set $sum (i32.add (local.get $sum) (local.get $rounds)))
            (table.set $t (local.get $slot) (local.get $held))
            (local.set $sum (call $apply (local.get $slot) (local.get $sum)))
            (table.set $t (local.get $slot) (ref.null func))
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        (local.get $sum))
    (func (export "hold_in_a_loop") (param $slot i32) (param $rounds i32) (result i32) (local $held funcref)
        (local.set $held (table.get $t (local.get $slot)))
        (table.set $t (local.get $slot) (ref.null func))
        (call $passed (local.get $held) (local.get $slot) (local.get $rounds))))"#;

/// A module whose function adds `number`, and puts itself into `slot`.
fn adding(number: i32, slot: u32) -> Vec<u8> {
    with_body(&format!("(i32.add (local.get 0) (i32.const {number}))"), slot)
}

/// A module whose function has this body, and puts itself into `slot`.
fn with_body(body: &str, slot: u32) -> Vec<u8> {
    binary(&format!(
        r#"(module
            (import "env" "memory" (memory 1))
            (import "env" "__indirect_function_table" (table $t 1 funcref))
            (import "env" "twice" (func $twice (param i32) (result i32)))
            (import "test" "collect" (func $collect))
            (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
            (type $f (func (param i32) (result i32)))
            (func $f (type $f) {body})
            (elem declare func $f)
            (func (export "patch") (table.set $t (i32.const {slot}) (ref.func $f)) (i32.store (i32.const 0) (i32.const {slot}))))"#
    ))
}

struct Host {
    taken: Vec<Func>,
    limits: StoreLimits,
}

struct Running {
    store: Store<Host>,
    linker: Linker<Host>,
    program: Instance,
    linking: LateLinking,
}

impl Running {
    fn new(engine: &Engine) -> Self {
        let mut store = Store::new(engine, Host { taken: Vec::new(), limits: StoreLimits::default() });
        if engine.config_counts_fuel() {
            store.set_fuel(1_000_000).unwrap();
        }
        let mut linker = Linker::new(engine);
        linker.func_wrap("test", "collect", |mut caller: Caller<'_, Host>| caller.gc(None)).unwrap();
        linker
            .func_wrap("test", "take", |mut caller: Caller<'_, Host>, function: Option<Func>| caller.data_mut().taken.extend(function))
            .unwrap();
        linker.func_wrap("test", "fail", || -> Result<()> { Err(Error::msg("the host has failed")) }).unwrap();
        let linking = LateLinking::new();
        linker.func_late_link(linking.clone()).unwrap();
        let program = linker.instantiate(&mut store, &Module::new(engine, PROGRAM).unwrap()).unwrap();
        Self { store, linker, program, linking }
    }

    fn call(&mut self, name: &str, a: u32, b: u32) -> Result<u32> {
        self.program.get_typed_func::<(u32, u32), u32>(&mut self.store, name)?.call(&mut self.store, (a, b))
    }

    fn on_slot(&mut self, name: &str, slot: u32) {
        self.program.get_typed_func::<u32, ()>(&mut self.store, name).unwrap().call(&mut self.store, slot).unwrap();
    }

    /// Has the program link a module; what it gets.
    fn try_link(&mut self, bytes: &[u8]) -> Result<u32> {
        let memory = self.program.get_memory(&mut self.store, "memory").unwrap();
        memory.write(&mut self.store, 4096, bytes).unwrap();
        self.call("link", 4096, bytes.len() as u32)
    }

    #[track_caller]
    fn link(&mut self, bytes: &[u8]) {
        assert_eq!(self.try_link(bytes).unwrap(), 0, "{}", self.failure());
    }

    fn failure(&mut self) -> String {
        let length = self.call("error", 70_000, 2000).unwrap() as usize;
        let memory = self.program.get_memory(&mut self.store, "memory").unwrap();
        String::from_utf8(memory.data(&self.store)[70_000..70_000 + length].to_vec()).unwrap()
    }

    /// Instances that are left after a collection.
    fn left(&mut self) -> usize {
        self.store.gc(None).unwrap();
        self.store.late_instances().len()
    }

    fn late_link(&mut self, bytes: &[u8]) -> Result<LateInstance> {
        self.linker.late_link(&mut self.store, &self.program, bytes, &self.linking)
    }
}

trait CountsFuel {
    fn config_counts_fuel(&self) -> bool;
}

impl CountsFuel for Engine {
    fn config_counts_fuel(&self) -> bool {
        Store::new(self, ()).get_fuel().is_ok()
    }
}

/// In each kind of compilation. With the lowest budget, what is linked is optimized while it runs.
fn engines() -> Vec<Engine> {
    let mut tiered = Config::new();
    tiered.tier_up_budget(1).tier_up_waits(true);
    let with = |strategy| {
        let mut config = Config::new();
        config.strategy(strategy);
        config
    };
    let configs = [with(Strategy::BASELINE), with(Strategy::OPTIMIZING), tiered];
    configs.iter().map(|config| Engine::new(config).unwrap()).collect()
}

#[test]
fn a_program_calls_what_it_has_generated() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        for number in 1..20 {
            running.link(&adding(number, 2));
            assert_eq!(running.call("apply", 2, 100).unwrap(), 100 + number as u32);
        }
        running.link(&with_body("(call $twice (i32.add (local.get 0) (i32.load8_u (i32.const 0))))", 3));
        assert_eq!(running.call("apply", 3, 10).unwrap(), 2 * (10 + 3));
        assert_eq!(running.call("apply", 2, 100).unwrap(), 119);
        assert_eq!(running.left(), 2);
    }
}

#[test]
fn the_host_links_for_a_program_too() {
    let engine = Engine::default();
    let mut running = Running::new(&engine);
    let late = running.late_link(&adding(7, 1)).unwrap();
    assert_eq!(running.call("apply", 1, 1).unwrap(), 8);
    let module = late.instance().module(&running.store);
    assert_eq!((module.bytes(), running.store.late_instances().len()), (&*adding(7, 1), 1));
    running.linking.import_module("program").rename("table", "__indirect_function_table").patch("install");
    let other = binary(
        r#"(module
            (import "program" "table" (table 1 funcref))
            (import "program" "base" (global $base i32))
            (func $f (param i32) (result i32) (i32.add (local.get 0) (global.get $base)))
            (elem declare func $f)
            (func (export "install") (table.set (i32.const 1) (ref.func $f)))
            (func (export "answer") (result i32) (i32.const 42)))"#,
    );
    let late = running.late_link(&other).unwrap();
    assert_eq!(running.call("apply", 1, 1).unwrap(), 1001);
    let answer = late.instance().get_typed_func::<(), i32>(&running.store, "answer").unwrap();
    assert_eq!(answer.call(&mut running.store, ()).unwrap(), 42);
    let error = running.late_link(&adding(1, 1)).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&LateLinkError::Mismatch));
    assert!(error.is::<UnknownImportError>(), "{error:?}");
}

#[test]
fn what_is_wrong_with_a_module_is_the_programs_to_know() {
    let table = r#"(import "env" "__indirect_function_table" (table 1 funcref))"#;
    let patch = |body: &str| binary(&format!(r#"(module {table} (func (export "patch") {body}))"#));
    let cases: Vec<(Vec<u8>, LateLinkError, &str)> = vec![
        (Vec::new(), LateLinkError::Invalid, "not valid"),
        (b"\0asm\x01\0\0\0\x0b".to_vec(), LateLinkError::Invalid, "offset"),
        (b"\0asm\x01\0\0\0\x03\x02\x01\x05".to_vec(), LateLinkError::Invalid, "type"),
        (binary(r#"(module (import "env" "nothing" (func)))"#), LateLinkError::Mismatch, "`env::nothing`"),
        (binary(r#"(module (import "other" "nothing" (func)))"#), LateLinkError::Mismatch, "`other::nothing`"),
        (binary(r#"(module (import "env" "twice" (func)))"#), LateLinkError::Mismatch, "twice"),
        (binary(r#"(module (import "env" "memory" (memory 9)))"#), LateLinkError::Mismatch, "memory"),
        (binary(r#"(module (import "env" "base" (global (mut i32))))"#), LateLinkError::Mismatch, "base"),
        (binary(r#"(module (func (export "patch") (param i32)))"#), LateLinkError::Mismatch, "patch"),
        (binary(r#"(module (memory (export "patch") 1))"#), LateLinkError::Mismatch, "patch"),
        (binary("(module (memory 1000))"), LateLinkError::Limit, "memory"),
        (binary("(module (table 10000 funcref))"), LateLinkError::Limit, "table"),
        (binary(r#"(module (memory 1) (data (i32.const 65536) "x"))"#), LateLinkError::Trap, "out of bounds"),
        (binary(&format!("(module {table} (func $f) (elem (i32.const 8) func $f))")), LateLinkError::Trap, "out of bounds"),
        (binary("(module (func $f unreachable) (start $f))"), LateLinkError::Trap, "unreachable"),
        (patch("(table.set (i32.const 4) (ref.null func))"), LateLinkError::Trap, "out of bounds table access"),
        (patch("(drop (i32.div_u (i32.const 1) (i32.const 0)))"), LateLinkError::Trap, "divide by zero"),
        // Full: the table's maximum is 8.
        (
            patch("(if (i32.eq (table.grow (ref.null func) (i32.const 5)) (i32.const -1)) (then unreachable))"),
            LateLinkError::Trap,
            "unreachable",
        ),
        (vec![0; (16 << 20) + 1], LateLinkError::Limit, "16777217 bytes"),
    ];
    for engine in engines() {
        let mut running = Running::new(&engine);
        running.store.data_mut().limits = StoreLimitsBuilder::new().memory_size(20 << 20).table_elements(1000).build();
        running.store.limiter(|host| &mut host.limits);
        for (bytes, error, text) in &cases {
            if bytes.len() > 100_000 {
                // More than the program's memory: for the host only.
                let failed = running.late_link(bytes).unwrap_err();
                assert_eq!(failed.downcast_ref(), Some(error));
                assert!(format!("{failed:#}").contains(text), "{failed:#}");
                continue;
            }
            assert_eq!(running.try_link(bytes).unwrap(), *error as u32, "{text}: {}", running.failure());
            let failure = running.failure();
            assert!(failure.contains(text), "{text}: {failure}");
            let failed = running.late_link(bytes).unwrap_err();
            assert_eq!(failed.downcast_ref(), Some(error), "{failed:?}");
        }
        assert_eq!(running.left(), 0, "what failed is gone");
        running.link(&adding(1, 1));
        assert_eq!(running.call("apply", 1, 1).unwrap(), 2);
        let outside = running.call("link", 2 << 16, 1).unwrap_err();
        assert_eq!(outside.downcast_ref(), Some(&Trap::MemoryOutOfBounds));
        let outside = running.call("error", u32::MAX, 1).unwrap_err();
        assert_eq!(outside.downcast_ref(), Some(&Trap::MemoryOutOfBounds));
    }
}

#[test]
fn what_is_not_the_programs_to_handle_unwinds_it() {
    let failing = binary(r#"(module (import "test" "fail" (func $fail)) (func (export "patch") (call $fail)))"#);
    let endless = binary(r#"(module (func (export "patch") (loop (br 0))))"#);
    let mut running = Running::new(&Engine::default());
    let error = running.try_link(&failing).unwrap_err();
    assert_eq!(error.root_cause().to_string(), "the host has failed");
    let handle = running.store.interrupt_handle();
    let interrupter = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        handle.interrupt();
    });
    let error = running.try_link(&endless).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::Interrupt));
    interrupter.join().unwrap();
    let mut running = Running::new(&Engine::new(Config::new().consume_fuel(true)).unwrap());
    let error = running.try_link(&endless).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&Trap::OutOfFuel));
    // A byte of a module costs a unit.
    let module = adding(1, 1);
    running.store.set_fuel(10_000).unwrap();
    running.link(&module);
    let used = 10_000 - running.store.get_fuel().unwrap();
    assert!((module.len() as u64..module.len() as u64 + 100).contains(&used), "{used} for {}", module.len());
    running.store.set_fuel(module.len() as u64 - 1).unwrap();
    assert_eq!(running.try_link(&module).unwrap_err().downcast_ref(), Some(&Trap::OutOfFuel));
}

#[test]
fn the_host_cannot_call_what_is_for_programs() {
    let mut running = Running::new(&Engine::default());
    let instantiate = running.linker.get(&mut running.store, "mj:link", "instantiate").unwrap().into_func().unwrap();
    let error = instantiate.typed::<(u32, u32), u32>(&running.store).unwrap().call(&mut running.store, (0, 0)).unwrap_err();
    assert!(error.to_string().contains("late_link"), "{error}");
    let without_memory = Module::new(
        running.store.engine(),
        r#"(module (import "mj:link" "instantiate" (func $i (param i32 i32) (result i32))) (func (export "run") (drop (call $i (i32.const 0) (i32.const 0)))))"#,
    );
    let instance = running.linker.instantiate(&mut running.store, &without_memory.unwrap()).unwrap();
    let error = instance.get_typed_func::<(), ()>(&mut running.store, "run").unwrap().call(&mut running.store, ()).unwrap_err();
    assert!(error.root_cause().to_string().contains("must export its memory"), "{error:?}");
}

#[test]
fn what_nobody_can_reach_goes() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        running.link(&adding(1, 1));
        running.link(&adding(2, 2));
        assert_eq!(running.left(), 2);
        running.on_slot("clear", 1);
        assert_eq!(running.left(), 1);
        running.link(&adding(3, 2));
        assert_eq!(running.left(), 1);
        assert_eq!(running.call("apply", 2, 1).unwrap(), 4);
        running.on_slot("clear", 2);
        assert_eq!(running.left(), 0);
        let late = running.late_link(&adding(4, 1)).unwrap();
        running.on_slot("clear", 1);
        let copy = late.clone();
        drop(late);
        assert_eq!(running.left(), 1, "the host holds it");
        drop(copy);
        assert_eq!(running.left(), 0);
    }
}

#[test]
fn what_can_be_reached_stays() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        // Through a global.
        running.link(&adding(1, 1));
        running.on_slot("keep", 1);
        running.on_slot("clear", 1);
        assert_eq!(running.left(), 1);
        // Through an instance that imports from it, a global or a function: the program's own export keeps it.
        let exporter = running.late_link(&binary(
            r#"(module (global (export "g") (mut i32) (i32.const 5)) (memory (export "m") 1) (table (export "t") 1 funcref)
                (func (export "f") (result i32) (i32.const 6)))"#,
        ));
        let exporter = exporter.unwrap();
        let items = ["g", "m", "t", "f"].map(|name| exporter.instance().get_export(&mut running.store, name).unwrap());
        let imports = ["(global (mut i32))", "(memory 1)", "(table 1 funcref)", "(func (result i32))"];
        for (item, import) in items.into_iter().zip(imports) {
            let importer = Module::new(&engine, format!(r#"(module (import "a" "a" {import}))"#)).unwrap();
            let mut linker = running.linker.clone();
            linker.define(&running.store, "a", "a", item).unwrap();
            let importer = linker.late_link(&mut running.store, &running.program, importer.bytes(), &running.linking).unwrap();
            let before = running.left();
            assert_eq!(before, 3, "{import}");
            drop(importer);
            assert_eq!(running.left(), 2, "{import}");
        }
        let lasting =
            Module::new(&engine, r#"(module (import "a" "f" (func $f (result i32))) (func (export "f") (result i32) (call $f)))"#);
        let lasting = Instance::new(&mut running.store, &lasting.unwrap(), &[items[3]]).unwrap();
        drop(exporter);
        assert_eq!(running.left(), 2);
        assert_eq!(lasting.get_typed_func::<(), i32>(&mut running.store, "f").unwrap().call(&mut running.store, ()).unwrap(), 6);
        // Through a function that the host got as a value.
        running.link(&adding(2, 2));
        running.on_slot("give", 2);
        running.on_slot("clear", 2);
        assert_eq!(running.left(), 3);
        let taken = running.store.data().taken[0];
        assert_eq!(taken.typed::<u32, u32>(&running.store).unwrap().call(&mut running.store, 1).unwrap(), 3);
    }
}

#[test]
fn segments_and_tables_of_generated_modules_keep_others() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        let held = running.late_link(&adding(9, 1)).unwrap();
        // It copies the function into a table of its own and into a global, and only it can be reached.
        let keeper = |keep: &str| {
            binary(&format!(
                r#"(module
                    (import "env" "__indirect_function_table" (table $t 1 funcref))
                    (table $own 1 funcref)
                    (global $own (mut funcref) (ref.null func))
                    (func (export "patch") {keep} (table.set $t (i32.const 1) (ref.null func)))
                    (func (export "back") (table.set $t (i32.const 1) (table.get $own (i32.const 0)))
                        (if (ref.is_null (table.get $own (i32.const 0))) (then (table.set $t (i32.const 1) (global.get $own))))))"#
            ))
        };
        let keeps = ["(table.copy $own $t (i32.const 0) (i32.const 1) (i32.const 1))", "(global.set $own (table.get $t (i32.const 1)))"];
        let mut keepers = Vec::new();
        for keep in keeps {
            let keeper = running.late_link(&keeper(keep)).unwrap();
            keeper.instance().get_typed_func::<(), ()>(&mut running.store, "back").unwrap().call(&mut running.store, ()).unwrap();
            keepers.push(keeper);
        }
        running.on_slot("clear", 1);
        drop(held);
        drop(keepers.remove(0));
        assert_eq!(running.left(), 2, "the global keeps it");
        keepers[0].instance().get_typed_func::<(), ()>(&mut running.store, "back").unwrap().call(&mut running.store, ()).unwrap();
        assert_eq!(running.call("apply", 1, 1).unwrap(), 10);
        running.on_slot("clear", 1);
        drop(keepers);
        assert_eq!(running.left(), 0);
    }
}

#[test]
fn functions_that_only_frames_hold_stay() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        running.link(&adding(1, 2));
        for _ in 0..20 {
            assert_eq!(running.call("hold", 2, 5).unwrap(), 6);
            assert_eq!(running.call("hold_on_the_stack", 2, 5).unwrap(), 6);
        }
        assert_eq!(running.call("hold_in_a_loop", 2, 100).unwrap(), 100 + (1..=100).sum::<u32>());
        assert_eq!(running.left(), 0);
    }
}

#[test]
fn code_that_runs_stays_although_it_was_replaced() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        let next = adding(50, 2);
        let memory = running.program.get_memory(&mut running.store, "memory").unwrap();
        memory.write(&mut running.store, 4096, &next).unwrap();
        // Links what replaces itself, collects, and goes on.
        let body = format!(
            "(if (call $instantiate (i32.const 4096) (i32.const {})) (then unreachable))
            (call $collect) (i32.add (local.get 0) (i32.const 7))",
            next.len()
        );
        let module = with_body(&body, 2);
        memory.write(&mut running.store, 8192, &module).unwrap();
        assert_eq!(running.call("link", 8192, module.len() as u32).unwrap(), 0);
        assert_eq!(running.call("apply", 2, 1).unwrap(), 8);
        assert_eq!(running.call("apply", 2, 1).unwrap(), 51);
        assert_eq!(running.left(), 1);
    }
}

/// Host and WebAssembly take turns on the host's stack, which ends.
#[test]
fn modules_that_link_themselves_for_ever_run_out_of_stack() {
    for engine in engines() {
        let mut running = Running::new(&engine);
        let itself = |length: u32| {
            binary(&format!(
                r#"(module
                    (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
                    (import "env" "memory" (memory 1))
                    (func (export "patch")
                        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                        (if (call $instantiate (i32.const 4096) (i32.const {length})) (then unreachable))))"#
            ))
        };
        let length = itself(200).len() as u32;
        let module = itself(length);
        assert_eq!(module.len() as u32, length);
        assert_eq!(running.try_link(&module).unwrap(), LateLinkError::Trap as u32);
        let memory = running.program.get_memory(&mut running.store, "memory").unwrap();
        let depth = u32::from_le_bytes(memory.data(&running.store)[..4].try_into().unwrap());
        assert!(depth > 10, "{depth} levels");
        assert_eq!(running.left(), 0);
    }
}

#[test]
fn handles_of_what_is_gone_are_refused() {
    let mut running = Running::new(&Engine::default());
    let late = running.late_link(&adding(1, 1)).unwrap();
    let instance = late.instance();
    running.on_slot("clear", 1);
    drop(late);
    assert_eq!(running.left(), 0);
    // Its place in the store's list is another's now.
    let _other = running.late_link(&adding(1, 1)).unwrap();
    let used = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| instance.get_export(&mut running.store, "patch")));
    let panic = *used.unwrap_err().downcast::<String>().unwrap();
    assert!(panic.contains("linked late and is gone"), "{panic}");
}

#[test]
fn a_program_may_link_for_ever() {
    let mut running = Running::new(&Engine::default());
    let most = Arc::new(AtomicUsize::new(0));
    for number in 0..2000 {
        running.link(&adding(number, 1 + number as u32 % 3));
        most.fetch_max(running.store.late_instances().len(), Ordering::Relaxed);
        assert_eq!(running.call("apply", 1 + number as u32 % 3, 1).unwrap(), number as u32 + 1);
    }
    assert!(most.load(Ordering::Relaxed) < 1000, "{most:?} at once");
    // Where the store may have few instances, collections are more frequent.
    let mut running = Running::new(&Engine::default());
    running.store.data_mut().limits = StoreLimitsBuilder::new().instances(10).build();
    running.store.limiter(|host| &mut host.limits);
    for number in 0..200 {
        running.link(&adding(number, 1 + number as u32 % 3));
    }
    assert!(running.store.late_instances().len() < 10);
    let kept: Vec<_> = (0..20).map_while(|_| running.late_link(&adding(1, 1)).ok()).collect();
    assert!(kept.len() < 10);
    assert_eq!(running.late_link(&adding(1, 1)).unwrap_err().downcast_ref(), Some(&LateLinkError::Limit));
    // So it is with the bytes that they take.
    let mut running = Running::new(&Engine::default());
    running.linking.max_total_size(1 << 20);
    let kept: Vec<_> = (0..1000).map_while(|_| running.late_link(&adding(1, 1)).ok()).collect();
    assert!((50..200).contains(&kept.len()), "{}", kept.len());
    drop(kept);
    running.late_link(&adding(1, 1)).unwrap();
}

/// A module of a few bytes may have a large memory and a large table, and let them grow.
#[test]
fn memories_and_tables_count_as_what_generated_modules_take() {
    let large = [
        "(memory 512)",
        "(memory 0) (func $grow (drop (memory.grow (i32.const 512)))) (start $grow)",
        "(table 2000000 funcref)",
        "(table 0 funcref) (func $grow (drop (table.grow (ref.null func) (i32.const 2000000)))) (start $grow)",
    ];
    for text in large {
        let wasm = wat::parse_str(format!("(module {text})")).unwrap();
        let mut running = Running::new(&Engine::default());
        for _ in 0..12 {
            drop(running.late_link(&wasm).unwrap());
            assert!(running.store.late_instances().len() <= 2, "{text}: nobody can reach them");
        }
        running.linking.max_total_size(100 << 20);
        let kept: Vec<_> = (0..50).map_while(|_| running.late_link(&wasm).ok()).collect();
        assert!((2..10).contains(&kept.len()), "{text}: {} are kept", kept.len());
        drop(kept);
        running.late_link(&wasm).unwrap();
    }
}

#[test]
fn values_of_a_call_are_safe_from_a_hook_that_links() {
    let engine = Engine::default();
    let mut running = Running::new(&engine);
    let (linker, program, linking) = (running.linker.clone(), running.program, running.linking.clone());
    let module = adding(1, 3);
    running.link(&adding(5, 1));
    running.store.call_hook(move |mut store, hook| {
        if hook == CallHook::CallingHost {
            program.get_table(&mut store, "__indirect_function_table").unwrap().set(&mut store, 1, Ref::Func(None))?;
            linker.late_link(&mut store, &program, &module, &linking)?;
            store.gc(None)?;
        }
        Ok(())
    });
    running.on_slot("give", 1);
    let taken = running.store.data().taken[0];
    assert_eq!(taken.typed::<u32, u32>(&running.store).unwrap().call(&mut running.store, 1).unwrap(), 6);
}
