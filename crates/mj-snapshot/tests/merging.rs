//! Generated modules become part of the program.

mod common;

use common::{check, run};
use mj_jit::{Engine, Module};
use mj_snapshot::Snapshot;

/// A program in the shape of a compiler: memory and table exported, calls through the table.
const PROGRAM: &str = r#"(module $program
    (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
    (import "host" "twice" (func $twice (param i32) (result i32)))
    (import "mj:link" "error" (func $error (param i32 i32) (result i32)))
    (type $op (func (param i32) (result i32)))
    (memory (export "memory") 1) (table (export "__indirect_function_table") 2 funcref)
    (global $count (export "count") (mut i32) (i32.const 100)) (global (export "seven") i32 (i32.const 7))
    (elem (i32.const 1) $own)
    (func $own (export "own") (type $op) (i32.sub (local.get 0) (i32.const 1)))
    (export "twice" (func $twice))
    (func (export "call") (param $index i32) (param $argument i32) (result i32)
        (call_indirect (type $op) (local.get $argument) (local.get $index)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "link") (param i32) (result i32) (call $instantiate (local.get 0) (i32.const 0)))
    (func (export "error") (result i32) (call $error (i32.const 0) (i32.const 0))))"#;

/// Two functions that are installed by a start function, which stores their indices; state of its own, and imports of every kind.
const FIRST: &str = r#"(module $first
    (type $unused (func (param f64) (result f32)))
    (type $op (func (param i32) (result i32)))
    (import "env" "memory" (memory 1)) (import "env" "__indirect_function_table" (table 2 funcref))
    (import "env" "count" (global $count (mut i32))) (import "env" "seven" (global $seven i32))
    (import "env" "own" (func $own (type $op))) (import "env" "twice" (func $twice (type $op)))
    (global $calls (mut i32) (i32.const 0)) (global $base i32 (i32.const 1000))
    (data (i32.const 512) "generated")
    (func $counted (type $op) (local $sum i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (local.set $sum (i32.add (call $own (local.get 0)) (call $twice (local.get 0))))
        (i32.add (i32.add (local.get $sum) (i32.mul (global.get $calls) (global.get $base))) (global.get $count)))
    (func $shape (type $op) (i32.mul (global.get $seven) (local.get 0)))
    (elem declare func $counted $shape)
    (func $patch
        (i32.store (i32.const 64) (table.grow (ref.func $counted) (i32.const 1)))
        (i32.store (i32.const 68) (table.grow (ref.func $shape) (i32.const 1))))
    (start $patch))"#;

/// A function that calls those of the first through the table, at places that are known, with an active element segment and a passive one.
const SECOND: &str = r#"(module $second
    (import "env" "__indirect_function_table" (table $table 4 funcref)) (import "env" "memory" (memory 1))
    (import "host" "next" (func $next (param i32) (result i32)))
    (type $op (func (param i32) (result i32)))
    (elem $active (i32.const 0) $both) (elem $passive func $late) (data $text "late")
    (func $both (type $op) (call $next (call_indirect $table (type $op) (call_indirect $table (type $op) (local.get 0) (i32.const 2)) (i32.const 3))))
    (func $late (type $op)
        (table.init $table $passive (i32.const 1) (i32.const 0) (i32.const 1))
        (memory.init $text (i32.const 200) (i32.const 0) (i32.const 4))
        (i32.const 5))
    (table $private 3 funcref) (elem (table $private) (i32.const 2) func $late)
    (func (export "install") (result i32) (table.grow $table (table.get $private (i32.const 2)) (i32.const 1))))"#;

#[test]
fn generated_functions_are_called_through_the_table() {
    let mut program = run(PROGRAM);
    program.link(FIRST).link(SECOND);
    let install = program.late[1].get_typed_func::<(), i32>(&mut program.store, "install").unwrap();
    assert_eq!(install.call(&mut program.store, ()).unwrap(), 4);
    let (at, shape) = (program.call("load", &[64]), program.call("load", &[68]));
    assert_eq!((at, shape), (2, 3));
    assert_eq!(program.call("call", &[2, 5]), 4 + 10 + 1000 + 101);
    let wasm = program.write();
    let calls: &[common::Expected<'_>] = &[
        ("load", &[64], Some(2)),
        ("load", &[512], Some(i32::from_le_bytes(*b"gene"))),
        ("call", &[2, 5], Some(4 + 10 + 2000 + 102)),
        ("call", &[3, 5], Some(35)),
        ("call", &[0, 5], Some(7 * (4 + 10 + 3000 + 103) + 1)),
        ("call", &[1, 5], Some(4)),
        ("load", &[200], Some(0)),
        ("call", &[4, 0], Some(5)),
        ("load", &[200], Some(i32::from_le_bytes(*b"late"))),
        ("call", &[1, 5], Some(5)),
        ("call", &[5, 5], None),
    ];
    check(&wasm, calls);
    // The original goes on in the same way.
    assert_eq!(program.call("call", &[2, 5]), 4 + 10 + 2000 + 102);
}

#[test]
fn equal_types_are_there_once_and_exports_are_the_programs() {
    let mut program = run(PROGRAM);
    program.link(FIRST).link(FIRST).link(FIRST);
    let module = Module::new(&Engine::default(), program.write()).unwrap();
    let names: Vec<String> = module.exports().map(|export| export.name().to_owned()).collect();
    assert_eq!(names, ["memory", "__indirect_function_table", "count", "seven", "own", "twice", "call", "load", "link", "error"]);
    let imports: Vec<String> = module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
    assert_eq!(imports, ["host.twice"]);
    let types = wasmparser::Parser::new(0).parse_all(module.bytes()).find_map(|payload| match payload.unwrap() {
        wasmparser::Payload::TypeSection(section) => Some(section.count()),
        _ => None,
    });
    // Of the program: (i32 i32) -> i32, i32 -> i32, () -> i32. Of the generated modules: f64 -> f32, () -> ().
    assert_eq!(types, Some(5));
}

#[test]
fn a_snapshot_cannot_link_more_unless_it_is_to() {
    let mut program = run(PROGRAM);
    program.link(
        SECOND
            .replace("\"env\" \"__indirect_function_table\" (table $table 4", "\"env\" \"__indirect_function_table\" (table $table 2")
            .as_str(),
    );
    check(&program.write(), &[("link", &[0], Some(3)), ("error", &[], Some(0)), ("call", &[1, 9], Some(8))]);
    let late = program.late.clone();
    let wasm = Snapshot::new(&mut program.store, program.program).late(late).keep_late_linking(true).write().unwrap();
    let module = Module::new(&Engine::default(), &wasm).unwrap();
    let imports: Vec<String> = module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
    assert_eq!(imports, ["mj:link.instantiate", "host.twice", "mj:link.error", "host.next"]);
    let mut again = common::Running::of(&wasm);
    assert_eq!((again.call("link", &[0]), again.call("error", &[])), (0, 7));
}

#[test]
fn names_of_program_and_generated_modules_are_merged() {
    let mut program = run(PROGRAM);
    program.link(FIRST).link(SECOND);
    let module = Module::new(&Engine::default(), program.write()).unwrap();
    assert_eq!(module.name(), Some("program"));
    let names: Vec<Option<&str>> = (0..13).map(|function| module.function_name(function)).collect();
    let expected = ["twice", "next", "own", "", "", "", "", "counted", "shape", "patch", "both", "late", ""];
    assert_eq!(names, expected.map(|name| (!name.is_empty()).then_some(name)));
    assert_eq!(module.function_name(13), Some("instantiate"));
    assert_eq!(module.function_name(14), Some("error"));
    let text = String::from_utf8_lossy(module.bytes());
    for name in ["count", "calls", "base", "argument", "sum", "private", "op"] {
        assert!(text.contains(name), "the name {name} is lost");
    }
}

#[test]
fn a_library_that_was_linked_before_the_program_can_be_merged_in() {
    use mj_jit::{Instance, Store};
    let library = r#"(module
        (memory (export "memory") 1) (global $n (mut i32) (i32.const 5))
        (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"#;
    let text = r#"(module
        (import "library" "next" (func $next (result i32))) (import "library" "memory" (memory 1))
        (func (export "f") (result i32) (i32.store (i32.const 8) (call $next)) (i32.load (i32.const 8))))"#;
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let library = Instance::new(&mut store, &Module::new(&engine, library).unwrap(), &[]).unwrap();
    let imports = ["next", "memory"].map(|name| library.get_export(&mut store, name).unwrap());
    let program = Instance::new(&mut store, &Module::new(&engine, text).unwrap(), &imports).unwrap();
    program.get_typed_func::<(), i32>(&mut store, "f").unwrap().call(&mut store, ()).unwrap();
    let wasm = Snapshot::new(&mut store, program).late([library]).write().unwrap();
    check(&wasm, &[("f", &[], Some(7)), ("f", &[], Some(8))]);
}

#[test]
fn what_cannot_be_reached_any_more_is_left_out_and_the_rest_is_there_once() {
    use mj_jit::{LateLinking, Linker, Store};
    let text = r#"(module
        (memory (export "memory") 1) (table (export "__indirect_function_table") 2 funcref)
        (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#;
    let generated = |slot: i32, name: &str| {
        let text = format!(
            r#"(module (import "env" "__indirect_function_table" (table 2 funcref)) (func ${name} (result i32) (i32.const {slot}))
                (elem declare func ${name}) (func (export "patch") (table.set (i32.const {slot}) (ref.func ${name}))))"#
        );
        wat::parse_str(text).unwrap()
    };
    let engine = Engine::default();
    let (linker, mut store) = (Linker::new(&engine), Store::new(&engine, ()));
    let program = linker.instantiate(&mut store, &Module::new(&engine, text).unwrap()).unwrap();
    for (slot, name) in [(0, "replaced"), (0, "zero"), (1, "one")] {
        linker.late_link(&mut store, &program, generated(slot, name), &LateLinking::new()).unwrap();
    }
    let before: Vec<mj_jit::Instance> = store.late_instances().collect();
    assert_eq!(before.len(), 3);
    let wasm = Snapshot::new(&mut store, program).late_linked().write().unwrap();
    check(&wasm, &[("call", &[0], Some(0)), ("call", &[1], Some(1))]);
    let text = String::from_utf8_lossy(&wasm);
    assert!(text.contains("zero") && text.contains("one") && !text.contains("replaced"));
    let twice = Snapshot::new(&mut store, program).late([before[1], before[2]]).late_linked().late([program]).write().unwrap();
    assert_eq!(twice, wasm);
}
