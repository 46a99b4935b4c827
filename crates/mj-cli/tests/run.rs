//! `mj run`: programs, functions, options, exit codes.

mod common;

use std::fs;

use common::{Folder, command, finished, mj, mj_with_input, programs};

#[test]
fn a_file_alone_is_run() {
    let expected = fs::read_to_string(programs().join("digests.expected")).unwrap();
    mj(&["digests.wasm"]).prints(&expected);
    mj(&["run", "digests.wasm"]).prints(&expected);
}

#[test]
fn arguments_environment_and_exit_code_pass_through() {
    let run = mj(&["--env", "COLOUR=blue", "--env", "EMPTY=", "arguments.wasm", "7", "two words", "", "quote\"s", "ünïcode"]);
    assert_eq!(run.code, Some(7));
    assert_eq!(run.stdout, fs::read_to_string(programs().join("arguments.expected")).unwrap());
    assert_eq!(run.stderr, "this goes to standard error\n");
}

#[test]
fn options_behind_the_file_are_the_guests() {
    mj(&["arguments.wasm", "0", "--dir", "-W", "--"])
        .prints("4 arguments\n1: <0>\n2: <--dir>\n3: <-W>\n4: <-->\nCOLOUR is not set\nexit handlers ran\n");
}

#[test]
fn variables_of_the_host_are_passed_on_only_when_asked_to() {
    let mut asked = command(&["--env", "COLOUR", "arguments.wasm"]);
    let asked = finished(asked.env("COLOUR", "green").env("SECRET", "1").output().unwrap());
    asked.prints("0 arguments\nCOLOUR=green\nCOLOUR is green\nexit handlers ran\n");
    let mut all = command(&["-S", "inherit-env", "arguments.wasm"]);
    let all = finished(all.env("COLOUR", "green").output().unwrap());
    assert!(all.stdout.contains("COLOUR is green"), "{all:?}");
}

#[test]
fn standard_input_reaches_the_guest() {
    let input = fs::read(programs().join("filter.stdin")).unwrap();
    let expected = fs::read_to_string(programs().join("filter.expected")).unwrap();
    mj_with_input(&["filter.wasm"], &input).prints(&expected);
}

#[test]
fn a_folder_is_seen_under_the_name_given() {
    let folder = Folder::new();
    let expected = fs::read_to_string(programs().join("files.expected")).unwrap();
    mj(&["--dir", &format!("{}::.", folder.path()), "files.wasm"]).prints(&expected);
}

#[test]
fn programs_run_alike_in_every_configuration() {
    let expected = fs::read_to_string(programs().join("hashtable.expected")).unwrap();
    let configurations: [&[&str]; 10] = [
        &["-C", "lazy=n"],
        &["-C", "lazy=n,parallel-compilation=n,cache=n"],
        &["--tier", "baseline"],
        &["--tier", "optimizing"],
        &["--tier", "tiered", "-C", "tier-up-budget=1"],
        &["-C", "compiler=cranelift", "-O", "opt-level=0"],
        &["-C", "compiler=winch,cache=y"],
        &["-O", "memory-reservation=0,memory-guard-size=0"],
        &["-W", "fuel=1000000000"],
        &["-W", "epoch-interruption,max-wasm-stack=1048576"],
    ];
    for options in configurations {
        let mut arguments = options.to_vec();
        arguments.push("hashtable.wasm");
        mj(&arguments).prints(&expected);
    }
}

#[test]
fn the_tier_log_says_what_was_optimized() {
    let expected = fs::read_to_string(programs().join("digests.expected")).unwrap();
    let run = || mj(&["--tier-log", "-C", "tier-up-budget=1000,cache=n", "digests.wasm"]);
    // On a busy machine the program may be over before anything is optimized.
    let run = (0..20).map(|_| run()).find(|run| !run.stderr.is_empty()).expect("something is optimized now and then");
    assert_eq!((run.code, &*run.stdout), (Some(0), &*expected), "{run:?}");
    for line in run.stderr.lines() {
        assert!(line.starts_with("tier: ") && line.contains(" ms ") && line.contains(" bytes ") && line.contains("function "), "{line}");
    }
    assert_eq!(mj(&["--tier-log", "--tier", "baseline", "digests.wasm"]).stderr, "");
}

#[test]
fn functions_are_called_with_values_and_print_one_result_a_line() {
    let folder = Folder::new();
    let module = folder.file(
        "functions.wat",
        r#"(module
            (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
            (func (export "big") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
            (func (export "none")))"#,
    );
    mj(&["--invoke", "swap", &module, "--", "-3", "4.5"]).fails(1, &["`swap` takes 2 argument(s) (i32, f64)"]);
    mj(&["--invoke", "swap", &module, "-3", "4.5"]).prints("4.5\n-3\n");
    mj(&["--invoke", "big", &module, "0x7fffffffffffffff"]).prints("-9223372036854775808\n");
    mj(&["--invoke", "none", &module]).prints("");
}

#[test]
fn a_reactor_is_initialized_before_its_functions_are_called() {
    let folder = Folder::new();
    let module = folder.file(
        "reactor.wat",
        r#"(module
            (global $ready (mut i32) (i32.const 0))
            (func (export "_initialize") (global.set $ready (i32.const 42)))
            (func (export "ready") (result i32) (global.get $ready)))"#,
    );
    mj(&["--invoke", "ready", &module]).prints("42\n");
}

#[test]
fn preloaded_modules_provide_imports() {
    let folder = Folder::new();
    let library = folder.file("library.wat", r#"(module (func (export "seven") (result i32) (i32.const 7)))"#);
    let main = folder.file(
        "main.wat",
        r#"(module (import "library" "seven" (func $seven (result i32)))
            (func (export "twice") (result i32) (i32.mul (call $seven) (i32.const 2))))"#,
    );
    mj(&["--preload", &format!("library={library}"), "--invoke", "twice", &main]).prints("14\n");
}

#[test]
fn the_older_wasi_is_offered_too() {
    let folder = Folder::new();
    let module = folder.file(
        "old.wat",
        r#"(module
            (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\00\00\00\04\00\00\00old\n")
            (func (export "_start")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
                (call $exit (i32.const 9))))"#,
    );
    let run = mj(&[&module]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(9), "old\n"), "{run:?}");
}

#[test]
fn a_module_that_does_its_work_when_instantiated_succeeds() {
    let folder = Folder::new();
    mj(&[&folder.file("nothing.wat", "(module)")]).prints("");
}

#[test]
fn profilers_learn_the_names_of_functions() {
    let child = command(&["--profile", "perfmap", "digests.wasm"]).spawn().unwrap();
    let map = format!("/tmp/perf-{}.map", child.id());
    assert!(child.wait_with_output().unwrap().status.success());
    let text = fs::read_to_string(&map).unwrap_or_else(|error| panic!("{map}: {error}"));
    let _ = fs::remove_file(&map);
    assert!(text.contains("siphash"), "{text}");
}

/// A program whose generated module is in its data: it puts a function into the table that returns 42.
#[test]
fn programs_link_what_they_generate() {
    let folder = Folder::new();
    let generated = r#"(module (import "env" "__indirect_function_table" (table 1 funcref))
        (func $f (result i32) (i32.const 42)) (elem declare func $f)
        (func (export "patch") (table.set (i32.const 0) (ref.func $f))))"#;
    let bytes = wat::parse_str(generated).unwrap();
    let data: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let program = folder.file(
        "program.wat",
        format!(
            r#"(module (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
            (import "mj:link" "error" (func $error (param i32 i32) (result i32)))
            (memory (export "memory") 1)
            (table (export "__indirect_function_table") 1 funcref)
            (data (i32.const 0) "{data}")
            (func (export "run") (param i32) (result i32)
                (if (result i32) (call $instantiate (i32.const 0) (local.get 0))
                    (then (call $error (i32.const 1024) (i32.const 100)))
                    (else (call_indirect (result i32) (i32.const 0))))))"#
        ),
    );
    mj(&["--late-link", "--invoke", "run", &program, &bytes.len().to_string()]).prints("42\n");
    let length: u32 = mj(&["--late-link", "--invoke", "run", &program, "5"]).stdout.trim().parse().unwrap();
    assert!((20..300).contains(&length), "the length of what is wrong: {length}");
    let without = mj(&["--invoke", "run", &program, "5"]);
    assert!(without.code == Some(1) && without.stderr.contains("--late-link provides it"), "{without:?}");
}
