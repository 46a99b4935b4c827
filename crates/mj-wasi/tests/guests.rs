//! Real guests: modules that import WASI, linked and run by the engine.

use mj_jit::{Config, Engine, Error, Linker, Module, Result, Store, Trap};
use mj_wasi::p1::WasiP1Ctx;
use mj_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use mj_wasi::{I32Exit, WasiCtxBuilder, p0, p1};
use std::env;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Copies its input to its output, a few bytes at a time, and exits with the number of reads.
const COPY: &str = r#"
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $reads i32)
    (i32.store (i32.const 0) (i32.const 64))
    (loop $again
      (i32.store (i32.const 4) (i32.const 4))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
      (local.set $reads (i32.add (local.get $reads) (i32.const 1)))
      (if (i32.load (i32.const 8))
        (then
          (i32.store (i32.const 4) (i32.load (i32.const 8)))
          (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
          (br $again))))
    (call $exit (local.get $reads))))
"#;

/// A store's data with the context in a field.
struct Host {
    wasi: WasiP1Ctx,
    calls: u32,
}

fn run(text: &str, wasi: WasiP1Ctx) -> Result<()> {
    let engine = Engine::default();
    let module = Module::new(&engine, text)?;
    let mut linker: Linker<Host> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |host| {
        host.calls += 1;
        &mut host.wasi
    })?;
    p0::add_to_linker_sync(&mut linker, |host| &mut host.wasi)?;
    let mut store = Store::new(&engine, Host { wasi, calls: 0 });
    let instance = linker.instantiate(&mut store, &module)?;
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
    start.call(&mut store, ())
}

#[test]
fn a_guest_reads_writes_and_exits() {
    let (input, output) = (MemoryInputPipe::new("hello world"), MemoryOutputPipe::new(100));
    let wasi = WasiCtxBuilder::new().stdin(input).stdout(output.clone()).build_p1();
    let exit = run(COPY, wasi).unwrap_err();
    assert_eq!(exit.downcast_ref::<I32Exit>().unwrap().0, 4);
    assert_eq!(output.contents(), b"hello world");
}

#[test]
fn a_guest_of_preview_0_finds_its_functions() {
    let text = r#"
    (module
      (import "wasi_unstable" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $sizes (i32.const 0) (i32.const 4)))
        (call $exit (i32.add (i32.mul (i32.load (i32.const 0)) (i32.const 100)) (i32.load (i32.const 4))))))
    "#;
    let wasi = WasiCtxBuilder::new().args(&["one", "three"]).build_p1();
    let exit = run(text, wasi).unwrap_err();
    assert_eq!(exit.downcast_ref::<I32Exit>().unwrap().0, 210);
}

#[test]
fn errors_reach_the_guest_as_numbers_and_the_exit_status_is_not_limited() {
    let text = r#"
    (module
      (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (call $exit (i32.sub (call $close (i32.const 77)) (i32.const 9)))))
    "#;
    let exit = run(text, WasiCtxBuilder::new().build_p1()).unwrap_err();
    assert_eq!(exit.downcast_ref::<I32Exit>().unwrap().0, -1);
}

#[test]
fn a_guest_without_memory_is_told_what_to_export() {
    let text = r#"
    (module
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (func (export "_start") (drop (call $yield))))
    "#;
    let error: Error = run(text, WasiCtxBuilder::new().build_p1()).unwrap_err();
    assert!(format!("{error:?}").contains("`memory`"), "{error:?}");
}

#[test]
fn defining_the_functions_twice_is_an_error() {
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&Engine::default());
    p1::add_to_linker_sync(&mut linker, |wasi| wasi).unwrap();
    assert!(p1::add_to_linker_sync(&mut linker, |wasi| wasi).is_err());
}

#[test]
fn contexts_move_between_threads() {
    fn sends<T: Send>() {}
    sends::<WasiP1Ctx>();
    sends::<WasiCtxBuilder>();
}

/// The process whose streams the next test looks at: it prints, then its guest copies.
#[test]
fn child_with_inherited_streams() {
    if env::var_os("MJ_WASI_CHILD").is_none() {
        return;
    }
    print!("host ");
    let wasi = WasiCtxBuilder::new().inherit_stdio().build_p1();
    assert_eq!(run(COPY, wasi).unwrap_err().downcast_ref::<I32Exit>().unwrap().0, 3);
    println!(" host");
}

#[test]
fn inherited_streams_are_the_process_s_and_keep_their_order() {
    // Emulated programs cannot start each other by themselves.
    let runner = env::var(format!("CARGO_TARGET_{}_UNKNOWN_LINUX_GNU_RUNNER", env::consts::ARCH.to_uppercase())).unwrap_or_default();
    let this = env::current_exe().unwrap();
    let words: Vec<&str> = runner.split_whitespace().chain(this.to_str()).collect();
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .args(["--exact", "child_with_inherited_streams", "--nocapture"])
        .env("MJ_WASI_CHILD", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a guest").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("host a guest host\n"), "{text}");
}

#[test]
fn a_guest_that_sleeps_for_ever_is_stopped() {
    let text = r#"
    (module
      (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        ;; one subscription: the monotonic clock, a year from now
        (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const 31536000000000000))
        (loop $again
          (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
          (br $again))))
    "#;
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let mut linker: Linker<WasiP1Ctx> = Linker::new(&engine);
    p1::add_to_linker_sync(&mut linker, |wasi| wasi).unwrap();
    let mut builder = WasiCtxBuilder::new();
    let interrupter = builder.interrupter().unwrap();
    let mut store = Store::new(&engine, builder.build_p1());
    store.set_epoch_deadline(1);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
    let watchdog = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        engine.increment_epoch();
        interrupter.interrupt();
    });
    let error = start.call(&mut store, ()).unwrap_err();
    watchdog.join().unwrap();
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::Interrupt), "{error:?}");
}
