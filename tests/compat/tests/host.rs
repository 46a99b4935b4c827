//! The host in action.

use mj_compat::{Failure, Host};

const PLUGIN: &str = r#"(module
    (import "host" "log" (func $log (param i32 i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\10\00\00\00\05\00\00\00")
    (data (i32.const 16) "hello")
    (func (export "process") (param i32) (result i32)
        (call $log (i32.const 16) (i32.const 4))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (call $exit (i32.const 42))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (loop $l (br $l))))
        (if (i32.eq (local.get 0) (i32.const 3)) (then (call $log (i32.const -1) (i32.const 1))))
        (if (i32.eq (local.get 0) (i32.const 4)) (then unreachable))
        (i32.mul (local.get 0) (memory.grow (i32.const 100)))))"#;

#[test]
fn a_plugin_runs_and_fails_in_every_way() {
    let plugin = Host::new().unwrap().load(PLUGIN).unwrap();
    let mut running = plugin.start(10_000).unwrap();
    assert_eq!(running.process(7), Ok(-7), "the memory may not grow so much");
    assert_eq!((running.log(), running.output().as_str()), (&["hell".to_owned()][..], "hello"));
    assert_eq!(running.process(1), Err(Failure::Exit(42)));
    assert_eq!(running.process(3), Err(Failure::Other("4294967295+1 is outside the memory".into())));
    assert_eq!(running.process(4), Err(Failure::Other("wasm trap: wasm `unreachable` instruction executed".into())));
    assert_eq!(running.process(2), Err(Failure::Fuel));
    assert_eq!(running.log().len(), 5);
}

#[test]
fn what_is_wrong_with_a_plugin_is_said() {
    let host = Host::new().unwrap();
    let error = |text: &str| format!("{:#}", host.load(text).err().expect("wrong"));
    assert!(error("(module (func (result i32)))").starts_with("the plugin does not compile: "));
    let missing = error(r#"(module (import "host" "nothing" (func)))"#);
    assert!(missing.contains("does not link") && missing.contains("unknown import: `host::nothing`"), "{missing}");
    let wrong = error(r#"(module (import "host" "log" (func (param i64))))"#);
    assert!(wrong.contains("(func (param i64))") && wrong.contains("(func (param i32 i32))"), "{wrong}");
}
