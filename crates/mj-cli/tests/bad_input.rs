//! What can go wrong: each gets an error that says what, where and what to do, never a crash and never a hang.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Folder, command, finished, is_emulated, mj, programs, shell};

/// Runs a module given as text.
fn run_text(text: &str, options: &[&str]) -> common::Run {
    let folder = Folder::new();
    let module = folder.file("guest.wat", text);
    let mut arguments = options.to_vec();
    arguments.push(&module);
    mj(&arguments)
}

#[test]
fn a_file_that_is_not_there() {
    mj(&["no/such/file.wasm"]).fails(1, &["no/such/file.wasm", "No such file", "check the spelling"]);
    mj(&["."]).fails(1, &["name the file in it"]);
    mj(&["bench", "nothing.wasm"]).fails(1, &["nothing.wasm"]);
    mj(&["objdump", "nothing.wasm"]).fails(1, &["nothing.wasm"]);
    mj(&["wast", "nothing.wast"]).fails(1, &["nothing.wast"]);
    mj(&["--preload", "a=nothing.wasm", "bits.wasm"]).fails(1, &["nothing.wasm"]);
}

#[test]
fn truncated_modules_are_refused_with_the_offset_at_any_length() {
    let folder = Folder::new();
    let whole = fs::read(programs().join("bits.wasm")).unwrap();
    for length in [0, 1, 4, 7, 9, 100, 1000, 5000, whole.len() - 10] {
        let file = folder.file("truncated.wasm", &whole[..length]);
        mj(&[&file]).fails(1, &["truncated.wasm", "(at offset 0x"]);
    }
}

#[test]
fn malformed_modules_are_refused_with_the_offset() {
    let folder = Folder::new();
    mj(&[&folder.file("text.wasm", "hello")]).fails(1, &["not a WebAssembly module", "offset 0x0"]);
    mj(&[&folder.file("version.wasm", b"\0asm\x07\0\0\0")]).fails(1, &["(at offset 0x4)"]);
    mj(&[&folder.file("section.wasm", b"\0asm\x01\0\0\0\x01\xff\xff\xff\xff\x0f")]).fails(1, &["(at offset 0x"]);
    mj(&[&folder.file("typo.wat", "(module\n  (fnc))")]).fails(1, &["typo.wat:2"]);
}

#[test]
fn invalid_modules_are_refused_with_the_offset() {
    run_text("(module (func (result i32) (i64.const 1)))", &[]).fails(1, &["type mismatch", "(at offset 0x1a)"]);
}

#[test]
fn what_is_not_supported_is_named_with_its_offset() {
    let simd = r#"(module (func (export "_start") (drop (v128.const i32x4 1 2 3 4))))"#;
    run_text(simd, &[]).fails(1, &["SIMD", "not supported", "(at offset 0x23)"]);
    let tail = r#"(module (func $f (export "_start") (return_call $f)))"#;
    run_text(tail, &[]).fails(1, &["tail", "not supported", "offset"]);
    run_text(simd, &["-W", "simd"]).fails(1, &["simd"]);
}

#[test]
fn an_unknown_import_is_named_with_its_type() {
    let text = r#"(module (import "env" "launch" (func (param i32 f64) (result i64))) (func (export "_start")))"#;
    run_text(text, &[]).fails(1, &["env", "launch", "i32", "f64", "i64", "--preload"]);
    assert_eq!(run_text(text, &["-W", "unknown-imports-trap"]).code, Some(0));
}

#[test]
fn a_mistyped_import_is_named_with_both_types() {
    let text = r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func (param f32))) (func (export "_start")))"#;
    run_text(text, &[]).fails(1, &["wasi_snapshot_preview1", "proc_exit", "f32", "i32"]);
}

#[test]
fn a_trap_exits_with_134_and_a_backtrace_with_names_and_offsets() {
    let text = r#"(module $calculator
        (func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
        (func $outer (export "_start") (drop (call $divide (i32.const 0)))))"#;
    let run = run_text(text, &[]);
    run.fails(134, &["wasm trap: integer divide by zero", "calculator!divide", "calculator!outer", "0x"]);
    assert!(run.stderr.find("!divide") < run.stderr.find("!outer"), "innermost first: {run:?}");
}

#[test]
fn every_kind_of_trap_is_told() {
    let traps = [
        ("unreachable", "unreachable"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds memory access"),
        ("(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", "integer overflow"),
        ("(drop (i32.trunc_f32_s (f32.const nan)))", "invalid conversion to integer"),
        ("(call_indirect (i32.const 0))", "uninitialized element"),
        ("(call_indirect (i32.const 9))", "out of bounds table access"),
        ("(call_indirect (param i32) (i32.const 1) (i32.const 1))", "indirect call type mismatch"),
        ("(memory.fill (i32.const 65530) (i32.const 0) (i32.const 7))", "out of bounds memory access"),
    ];
    for (code, message) in traps {
        let text =
            format!("(module (memory 1) (table 2 funcref) (elem (i32.const 1) $f) (func $f) (func $main (export \"_start\") {code}))");
        run_text(&text, &[]).fails(134, &[message, "!main"]);
        run_text(&text, &["-O", "memory-reservation=0,memory-guard-size=0"]).fails(134, &[message, "!main"]);
    }
}

#[test]
fn a_stack_overflow_is_a_trap() {
    let text = r#"(module (func $deeper (export "_start") (call $deeper)))"#;
    run_text(text, &[]).fails(134, &["call stack exhausted", "max-wasm-stack", "!deeper"]);
    run_text(text, &["-W", "max-wasm-stack=65536"]).fails(134, &["call stack exhausted"]);
}

/// No loop, and a stack that never ends: calls enough for centuries.
const CALLS: &str = r#"(module
    (func $calls (param i32)
        (if (local.get 0) (then
            (call $calls (i32.sub (local.get 0) (i32.const 1)))
            (call $calls (i32.sub (local.get 0) (i32.const 1))))))
    (func (export "_start") (call $calls (i32.const 60))))"#;

#[test]
fn an_endless_loop_ends_with_its_time() {
    let cases: [(&str, &[&str]); 6] = [
        (r#"(module (func (export "_start") (loop (br 0))))"#, &["--timeout", "200ms"]),
        (r#"(module (func (export "_start") (loop (br 0))))"#, &["-W", "timeout=200ms"]),
        (r#"(module (func $start (loop (br 0))) (start $start))"#, &["--timeout", "200ms"]),
        (CALLS, &["--timeout", "200ms"]),
        (CALLS, &["--timeout", "200ms", "--tier", "optimizing"]),
        (CALLS, &["--timeout", "200ms", "-O", "signals-based-traps=n"]),
    ];
    for (text, options) in cases {
        let began = Instant::now();
        run_text(text, options).fails(134, &["time limit of 200ms", "--timeout"]);
        assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    }
}

#[test]
fn a_guest_that_waits_for_input_ends_with_its_time() {
    let mut child = command(&["--timeout", "200ms", "filter.wasm"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    // Held open, so that the input does not end.
    let input = child.stdin.take();
    let run = finished(child.wait_with_output().unwrap());
    drop(input);
    run.fails(134, &["time limit of 200ms"]);
}

#[test]
fn memory_limits_are_told_or_seen_by_the_guest() {
    let large = r#"(module (memory 100) (func (export "_start")))"#;
    run_text(large, &["--max-memory", "1M"]).fails(1, &["memory", "--max-memory"]);
    let grows = r#"(module (memory 1) (func (export "grow") (result i32) (memory.grow (i32.const 100))))"#;
    run_text(grows, &["--max-memory", "1M", "--invoke", "grow"]).prints("-1\n");
    run_text(grows, &["--invoke", "grow"]).prints("1\n");
    run_text(grows, &["-W", "max-memory-size=1M,trap-on-grow-failure", "--invoke", "grow"]).fails(1, &["grow"]);
    let table = r#"(module (table 1000 funcref) (func (export "_start")))"#;
    run_text(table, &["-W", "max-table-elements=10"]).fails(1, &["table"]);
}

#[test]
fn a_reservation_that_fails_falls_back_or_is_told() {
    if is_emulated() {
        // The limit would be the emulator's.
        return;
    }
    // 3 GiB of address space: too little for guard pages, enough for the program.
    let limited = |kilobytes: u32, file: &str| shell(&format!("ulimit -v {kilobytes}; exec \"$@\""), &[file]);
    let expected = fs::read_to_string(programs().join("digests.expected")).unwrap();
    limited(3 << 20, "digests.wasm").prints(&expected);
    let folder = Folder::new();
    let huge = folder.file("huge.wat", r#"(module (memory 65536) (func (export "_start")))"#);
    limited(3 << 20, &huge).fails(1, &["memory"]);
}

#[test]
fn fuel_runs_out() {
    let text = r#"(module (func (export "_start") (loop (br 0))))"#;
    run_text(text, &["-W", "fuel=100000"]).fails(134, &["all fuel consumed", "-W fuel=N"]);
}

#[test]
fn a_folder_that_cannot_be_opened_is_named() {
    mj(&["--dir", "/no/such/folder", "bits.wasm"]).fails(1, &["--dir", "/no/such/folder", "No such file"]);
    mj(&["--dir", "bits.wasm", "bits.wasm"]).fails(1, &["--dir", "bits.wasm"]);
}

#[test]
fn a_folder_that_was_not_given_cannot_be_reached() {
    let run = mj(&["files.wasm"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stdout.contains("opened for writing: No such file or directory") || run.stdout.contains("Bad file"), "{run:?}");
    assert!(!programs().join("work").exists());
}

#[test]
fn unknown_options_are_answered_with_the_known_ones() {
    mj(&["--no-such-option", "bits.wasm"]).fails(1, &["--no-such-option", "Usage: mj run"]);
    mj(&["-W", "speed=9", "bits.wasm"]).fails(1, &["-W speed", "max-memory-size", "timeout"]);
    mj(&["-C", "speed=9", "bits.wasm"]).fails(1, &["-C speed", "compiler", "cache"]);
    mj(&["-O", "speed", "bits.wasm"]).fails(1, &["-O speed", "memory-reservation"]);
    mj(&["-D", "speed", "bits.wasm"]).fails(1, &["-D speed", "profile"]);
    mj(&["-S", "speed", "bits.wasm"]).fails(1, &["-S speed", "inherit-env"]);
    mj(&["--tier", "warp", "bits.wasm"]).fails(1, &["--tier", "warp", "baseline"]);
    mj(&["--profile", "gprof", "bits.wasm"]).fails(1, &["--profile", "perfmap"]);
    mj(&["--timeout", "soon", "bits.wasm"]).fails(1, &["--timeout", "soon", "2s"]);
    mj(&["--max-memory", "lots", "bits.wasm"]).fails(1, &["--max-memory", "lots"]);
    mj(&["--env", "MJ_TEST_NOT_SET", "bits.wasm"]).fails(1, &["--env", "MJ_TEST_NOT_SET"]);
    mj(&["--preload", "nonsense", "bits.wasm"]).fails(1, &["NAME=FILE"]);
    mj(&[]).fails(1, &["Usage: mj"]);
    mj(&["run"]).fails(1, &["mj run FILE"]);
}

#[test]
fn what_cannot_be_called_is_answered_with_what_can() {
    let text = r#"(module (func (export "add") (param i32 i32) (result i32) (i32.const 0)) (memory (export "memory") 1))"#;
    run_text(text, &[]).fails(1, &["_start", "--invoke", "`add`"]);
    run_text(text, &["--invoke", "sub"]).fails(1, &["`sub` is not exported", "`add`"]);
    run_text(text, &["--invoke", "memory"]).fails(1, &["`memory` is not a function"]);
    run_text(text, &["--invoke", "add"]).fails(1, &["2 argument(s) (i32, i32)"]);
    run_text(r#"(module (func (export "_start") (param i32)))"#, &[]).fails(1, &["_start", "i32"]);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for arguments in [&["completion", "bash"][..], &["objdump", "digests.wasm"], &["-W", "help"], &["--help"]] {
        let run = shell("\"$@\" | head -c 1; true", arguments);
        assert_eq!(run.stderr, "", "{arguments:?}");
    }
}
