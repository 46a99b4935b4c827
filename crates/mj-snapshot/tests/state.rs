//! Memories, globals and tables are as they stood.

mod common;

use common::{check, run};
use mj_snapshot::Snapshot;

#[test]
fn what_was_stored_is_there_and_what_was_active_is_not_written_again() {
    let mut program = run(r#"(module
        (memory (export "memory") 1 3)
        (data (i32.const 16) "\01\02\03\04")
        (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size)))"#);
    program.call("store", &[16, 0]);
    program.call("store", &[100, -1]);
    assert_eq!(program.call("grow", &[1]), 1);
    program.call("store", &[0x1fffc, 77]);
    let wasm = program.write();
    assert!(wasm.len() < 400, "{} bytes for three words", wasm.len());
    let calls: &[common::Expected<'_>] = &[
        ("load", &[16], Some(0)),
        ("load", &[100], Some(-1)),
        ("load", &[0x1fffc], Some(77)),
        ("load", &[0x1fffd], None),
        ("size", &[], Some(2)),
        ("grow", &[1], Some(2)),
        ("grow", &[1], Some(-1)),
    ];
    check(&wasm, calls);
}

#[test]
fn the_start_function_does_not_run_again() {
    let mut program = run(r#"(module
        (global $count (export "count") (mut i32) (i32.const 0))
        (func $start (global.set $count (i32.add (global.get $count) (i32.const 1))))
        (start $start)
        (func (export "get") (result i32) (global.get $count)))"#);
    assert_eq!(program.call("get", &[]), 1);
    check(&program.write(), &[("get", &[], Some(1))]);
}

#[test]
fn initializers_run_once_and_are_no_exports() {
    let text = r#"(module
        (memory (export "memory") 1)
        (func $add (param i32) (i32.store (i32.const 0) (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 10)) (local.get 0))))
        (func (export "_initialize") (call $add (i32.const 1)))
        (func (export "prepare") (call $add (i32.const 2)))
        (func (export "with") (param i32))
        (func (export "fail") unreachable)
        (func (export "get") (result i32) (i32.load (i32.const 0))))"#;
    let mut program = run(text);
    let write = |initializer| {
        let mut program = run(text);
        let snapshot = Snapshot::new(&mut program.store, program.program).initialize(initializer)?;
        Ok::<_, mj_jit::Error>(snapshot.write()?)
    };
    for (initializer, expected) in [(None, 1), (Some("prepare"), 12), (Some("_initialize"), 1)] {
        let wasm = write(initializer).unwrap();
        check(&wasm, &[("get", &[], Some(expected))]);
        let module = mj_jit::Module::new(&mj_jit::Engine::default(), wasm).unwrap();
        assert!(module.get_export("_initialize").is_none());
        assert_eq!(module.get_export("prepare").is_none(), initializer == Some("prepare"));
    }
    assert!(format!("{:#}", write(Some("nothing")).unwrap_err()).contains("failed to find function export `nothing`"));
    assert!(format!("{:#}", write(Some("with")).unwrap_err()).contains("failed to convert function `with`"));
    assert!(write(Some("fail")).unwrap_err().is::<mj_jit::Trap>());
    assert_eq!(program.call("get", &[]), 0);
}

#[test]
fn globals_have_their_values_bit_by_bit() {
    let mut program = run(r#"(module
        (global $i (mut i32) (i32.const 1)) (global $l (mut i64) (i64.const 2))
        (global $f (mut f32) (f32.const 3)) (global $d (mut f64) (f64.const 4))
        (global $constant i32 (i32.const 5)) (global $null (mut externref) (ref.null extern))
        (global $function (mut funcref) (ref.null func)) (table 1 funcref)
        (func $seven (result i32) (i32.const 7)) (func $eight (result i32) (i32.const 8))
        (elem declare func $seven)
        (func (export "set")
            (global.set $i (i32.const -9)) (global.set $l (i64.const 0x8000000000000001))
            (global.set $f (f32.const -nan:0x200001)) (global.set $d (f64.const nan:0x8000000000001))
            (global.set $function (ref.func $seven)))
        (func (export "i") (result i32) (i32.add (global.get $i) (global.get $constant)))
        (func (export "l") (result i32) (i32.wrap_i64 (i64.rotl (global.get $l) (i64.const 1))))
        (func (export "f") (result i32) (i32.reinterpret_f32 (global.get $f)))
        (func (export "d") (result i32) (i32.wrap_i64 (i64.reinterpret_f64 (global.get $d))))
        (func (export "null") (result i32) (ref.is_null (global.get $null)))
        (func (export "call") (result i32) (table.set (i32.const 0) (global.get $function)) (call_indirect (result i32) (i32.const 0))))"#);
    program.call("set", &[]);
    let calls: &[common::Expected<'_>] = &[
        ("i", &[], Some(-4)),
        ("l", &[], Some(3)),
        ("f", &[], Some(0xffa0_0001_u32 as i32)),
        ("d", &[], Some(1)),
        ("null", &[], Some(1)),
        ("call", &[], Some(7)),
    ];
    check(&program.write(), calls);
}

#[test]
fn tables_have_their_sizes_and_elements_imported_functions_too() {
    let mut program = run(r#"(module
        (import "host" "twice" (func $twice (param i32) (result i32)))
        (import "host" "next" (func $next (param i32) (result i32)))
        (table $functions (export "functions") 4 20 funcref) (table $externals 3 externref)
        (elem (i32.const 0) $twice $square)
        (elem declare func $next)
        (type $t (func (param i32) (result i32)))
        (func $square (type $t) (i32.mul (local.get 0) (local.get 0)))
        (func (export "change")
            (table.set $functions (i32.const 0) (ref.null func))
            (drop (table.grow $functions (ref.func $next) (i32.const 2)))
            (drop (table.grow $externals (ref.null extern) (i32.const 1))))
        (func (export "call") (param i32 i32) (result i32) (call_indirect $functions (type $t) (local.get 1) (local.get 0)))
        (func (export "externals") (result i32) (table.size $externals))
        (func (export "grow") (param i32) (result i32) (table.grow $functions (ref.null func) (local.get 0))))"#);
    program.call("change", &[]);
    let calls: &[common::Expected<'_>] = &[
        ("call", &[0, 9], None),
        ("call", &[1, 9], Some(81)),
        ("call", &[2, 9], None),
        ("call", &[4, 9], Some(10)),
        ("call", &[5, 9], Some(10)),
        ("call", &[6, 9], None),
        ("externals", &[], Some(4)),
        ("grow", &[14], Some(6)),
        ("grow", &[1], Some(-1)),
    ];
    check(&program.write(), calls);
}

#[test]
fn functions_that_only_code_refers_to_can_still_be_referred_to() {
    let mut program = run(r#"(module
        (table 1 funcref) (elem declare func $hidden) (func $hidden (result i32) (i32.const 3))
        (func (export "install") (table.set (i32.const 0) (ref.func $hidden)))
        (func (export "call") (result i32) (call_indirect (result i32) (i32.const 0))))"#);
    check(&program.write(), &[("call", &[], None), ("install", &[], Some(0)), ("call", &[], Some(3))]);
    program.call("install", &[]);
    check(&program.write(), &[("call", &[], Some(3)), ("install", &[], Some(0))]);
}

#[test]
fn passive_segments_stay_unless_they_were_dropped() {
    let text = r#"(module
        (memory 1) (table $t 4 funcref)
        (data $active (i32.const 100) "zzzz") (data $unused "unused text") (data $passive "\05\06\07\08")
        (elem $dropped (i32.const 3) $one) (elem $items funcref (ref.func $two) (ref.null func) (ref.func $one)) (elem $list func $one)
        (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
        (func (export "data") (param i32) (result i32) (memory.init $passive (i32.const 0) (i32.const 0) (local.get 0)) (i32.load (i32.const 0)))
        (func (export "active") (param i32) (memory.init $active (i32.const 0) (i32.const 0) (local.get 0)))
        (func (export "elements") (param i32) (table.init $t $items (i32.const 0) (i32.const 0) (local.get 0)))
        (func (export "list") (param i32) (table.init $t $list (i32.const 0) (i32.const 0) (local.get 0)))
        (func (export "gone") (param i32) (table.init $t $dropped (i32.const 0) (i32.const 0) (local.get 0)))
        (func (export "call") (param i32) (result i32) (call_indirect $t (result i32) (local.get 0)))
        (func (export "drop") (data.drop $passive) (elem.drop $items)))"#;
    let mut program = run(text);
    let wasm = program.write();
    let calls: &[common::Expected<'_>] = &[
        ("call", &[3], Some(1)),
        ("data", &[4], Some(0x0807_0605)),
        ("active", &[0], Some(0)),
        ("active", &[1], None),
        ("elements", &[3], Some(0)),
        ("call", &[0], Some(2)),
        ("call", &[1], None),
        ("call", &[2], Some(1)),
        ("list", &[1], Some(0)),
        ("call", &[0], Some(1)),
        ("gone", &[0], Some(0)),
        ("gone", &[1], None),
    ];
    check(&wasm, calls);
    assert!(!wasm.windows(6).any(|bytes| bytes == b"unused"), "a segment that no code names is kept");
    program.call("drop", &[]);
    let calls: &[common::Expected<'_>] =
        &[("data", &[0], Some(0)), ("data", &[1], None), ("elements", &[0], Some(0)), ("elements", &[1], None), ("list", &[1], Some(0))];
    check(&program.write(), calls);
}

#[test]
fn a_snapshot_of_a_snapshot_is_the_same_but_for_what_happened_since() {
    let text = r#"(module
        (memory 1) (global $n (mut i32) (i32.const 0)) (table 2 funcref) (elem (i32.const 0) $f $f)
        (func $f (export "f") (result i32)
            (global.set $n (i32.add (global.get $n) (i32.const 1))) (i32.store (i32.const 40) (global.get $n)) (global.get $n)))"#;
    let mut program = run(text);
    program.call("f", &[]);
    let first = program.write();
    let again = common::Running::of(&first).write();
    assert_eq!(first, again);
    let mut restarted = common::Running::of(&first);
    restarted.call("f", &[]);
    check(&restarted.write(), &[("f", &[], Some(3))]);
}

#[test]
fn a_memory_full_of_scattered_words_stays_within_the_limits_of_engines() {
    let mut program = run(r#"(module
        (memory 72)
        (func (export "fill") (param $step i32) (local $at i32)
            (loop $next
                (i32.store8 (local.get $at) (i32.const 1))
                (local.set $at (i32.add (local.get $at) (local.get $step)))
                (br_if $next (i32.lt_u (local.get $at) (i32.const 0x480000)))))
        (func (export "sum") (result i32) (local $at i32) (local $sum i32)
            (loop $next
                (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load (local.get $at))))
                (local.set $at (i32.add (local.get $at) (i32.const 4)))
                (br_if $next (i32.lt_u (local.get $at) (i32.const 0x480000))))
            (local.get $sum)))"#);
    program.call("fill", &[41]);
    let sum = program.call("sum", &[]);
    let wasm = program.write();
    check(&wasm, &[("sum", &[], Some(sum))]);
}
