//! `mj snapshot`: what is initialized stays so, and what cannot be kept is told.

mod common;

use std::fs;

use common::{Folder, Run, mj, programs};

/// A program that keeps the first byte of a file, and how many arguments and variables it got; `leave` forgets to close the file.
const READER: &str = r#"(module
    (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "digit")
    (func $failed (param i32) (if (local.get 0) (then unreachable)))
    (func $take (result i32)
        (call $failed (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
        (i32.store (i32.const 40) (i32.const 64)) (i32.store (i32.const 44) (i32.const 1))
        (call $failed (call $read (i32.load (i32.const 32)) (i32.const 40) (i32.const 1) (i32.const 48)))
        (call $failed (call $args (i32.const 80) (i32.const 96)))
        (call $failed (call $environ (i32.const 84) (i32.const 96)))
        (i32.load (i32.const 32)))
    (func (export "init") (call $failed (call $close (call $take))))
    (func (export "leave") (drop (call $take)))
    (func (export "exit") (call $exit (i32.const 7)))
    (func $fail (export "fail") unreachable)
    (func (export "spin") (loop (br 0)))
    (func (export "with") (param i32) (result i64) (i64.const 0))
    (func (export "digit") (result i32) (i32.load8_u (i32.const 64)))
    (func (export "counts") (result i32 i32) (i32.load (i32.const 80)) (i32.load (i32.const 84))))"#;

struct Case {
    folder: Folder,
    program: String,
    output: String,
}

fn case(text: &str) -> Case {
    let folder = Folder::new();
    folder.file("digit", "5");
    let program = folder.file("program.wat", text);
    let output = format!("{}/out.wasm", folder.path());
    Case { folder, program, output }
}

impl Case {
    fn snapshot(&self, options: &[&str]) -> Run {
        let dir = format!("{}::/", self.folder.path());
        let mut arguments = vec!["snapshot", &self.program, "-o", &self.output, "--dir", &dir];
        arguments.extend(options);
        mj(&arguments)
    }

    fn invoke(&self, name: &str, arguments: &[&str]) -> Run {
        let mut all = vec!["run", "--invoke", name, &self.output];
        all.extend(arguments);
        mj(&all)
    }
}

#[test]
fn the_initialization_is_done_with_what_it_was_given() {
    let case = case(READER);
    case.snapshot(&["--init", "init", "--env", "A=1", "--env", "B=2", "--", "--first", "second"]).prints("");
    fs::remove_file(format!("{}/digit", case.folder.path())).unwrap();
    case.invoke("digit", &[]).prints("53\n");
    case.invoke("counts", &[]).prints("3\n2\n");
    case.invoke("init", &[]).fails(1, &["`init` is not exported"]);
}

#[test]
fn without_an_initializer_only_the_instance_is_made() {
    let case = case(
        r#"(module (global $n (mut i32) (i32.const 1)) (func $start (global.set $n (i32.const 2))) (start $start)
        (func (export "_start")) (func (export "n") (result i32) (global.get $n)))"#,
    );
    case.snapshot(&[]).prints("");
    case.invoke("n", &[]).prints("2\n");
    mj(&[&case.output]).prints("");
}

#[test]
fn what_is_left_open_and_who_does_not_return_is_told() {
    let case = case(READER);
    let file = format!("descriptor 4 (the file {}/digit)", case.folder.path());
    case.snapshot(&["--init", "leave"]).fails(1, &["program.wat", "has files open", &file, "close"]);
    case.snapshot(&["--init", "exit"]).fails(1, &["program.wat", "exited with 7", "returns", "--init"]);
    case.snapshot(&["--init", "fail"]).fails(134, &["program.wat", "unreachable", "fail"]);
    case.snapshot(&["--init", "spin", "--timeout", "100ms"]).fails(134, &["time limit", "--timeout"]);
    case.snapshot(&["--init", "nothing"]).fails(1, &["`nothing` is not exported", "exported functions: `init`"]);
    case.snapshot(&["--init", "memory"]).fails(1, &["`memory` is not a function"]);
    case.snapshot(&["--init", "with"]).fails(1, &["`with` is `(func (param i32) (result i64))`", "neither parameters nor results"]);
    assert!(fs::metadata(&case.output).is_err(), "a file was written");
}

#[test]
fn bad_commands_and_places_are_explained() {
    let case = case(READER);
    mj(&["snapshot", &case.program]).fails(1, &["--output"]);
    mj(&["snapshot", "-o", &case.output]).fails(1, &["PROGRAM"]);
    mj(&["snapshot", &case.program, "-o", &case.output, "--keep-late-link"]).fails(1, &["--late-link"]);
    mj(&["snapshot", &case.program, "-o", "no/such/folder/out.wasm"]).fails(1, &["cannot write no/such/folder/out.wasm", "No such file"]);
    mj(&["snapshot", "nothing.wasm", "-o", &case.output]).fails(1, &["cannot read nothing.wasm", "check the spelling"]);
    let help = mj(&["snapshot", "--help"]);
    assert!(help.code == Some(0) && help.stdout.contains("--init <FUNCTION>") && help.stdout.contains("--late-link"), "{help:?}");
    assert!(mj(&["completion", "bash"]).stdout.contains("--keep-late-link"));
}

#[test]
fn what_a_module_cannot_express_is_told() {
    let imported = case(r#"(module (import "env" "f" (func)) (func (export "g")))"#);
    imported.snapshot(&[]).fails(1, &["env", "unknown import", "-W unknown-imports-trap"]);
    imported.snapshot(&["-W", "unknown-imports-trap"]).prints("");
    let linking = case(r#"(module (import "mj:link" "instantiate" (func (param i32 i32) (result i32))))"#);
    linking.snapshot(&[]).fails(1, &["mj:link", "--late-link provides it"]);
    let debug = case("(module (@custom \".debug_info\" \"\") (@custom \".debug_line\" \"\"))");
    let noted = debug.snapshot(&[]);
    noted.prints("");
    assert!(noted.stderr.contains("left out, for code has moved: .debug_info, .debug_line"), "{noted:?}");
}

#[test]
fn what_a_program_generates_is_part_of_its_snapshot() {
    let generated = wat::parse_str(
        r#"(module (import "env" "__indirect_function_table" (table $table 0 funcref)) (import "env" "memory" (memory 1))
            (func $triple (param i32) (result i32) (i32.add (i32.load (i32.const 1024)) (i32.mul (local.get 0) (i32.const 3))))
            (elem declare func $triple)
            (func (export "patch") (i32.store (i32.const 1028) (table.grow $table (ref.func $triple) (i32.const 1)))))"#,
    )
    .unwrap();
    let data: String = generated.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(module
            (import "mj:link" "instantiate" (func $instantiate (param i32 i32) (result i32)))
            (memory (export "memory") 1) (table (export "__indirect_function_table") 0 funcref) (data (i32.const 0) "{data}")
            (func (export "init") (i32.store (i32.const 1024) (i32.const 100)) (if (call $instantiate (i32.const 0) (i32.const {length})) (then unreachable)))
            (func (export "link") (result i32) (call $instantiate (i32.const 0) (i32.const {length})))
            (func (export "call") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.load (i32.const 1028)))))"#,
        length = generated.len()
    );
    let case = case(&text);
    case.snapshot(&["--init", "init", "--late-link"]).prints("");
    case.invoke("call", &["5"]).prints("115\n");
    case.invoke("link", &[]).prints("3\n");
    case.snapshot(&["--init", "init", "--late-link", "--keep-late-link"]).prints("");
    case.invoke("call", &["5"]).fails(1, &["mj:link", "--late-link provides it"]);
    mj(&["run", "--late-link", "--invoke", "link", &case.output]).prints("0\n");
    mj(&["run", "--late-link", "--invoke", "call", &case.output, "5"]).prints("115\n");
}

#[test]
fn real_programs_do_the_same_from_a_snapshot_of_their_instance() {
    let folder = Folder::new();
    for name in ["bits", "digests", "dispatch", "floats", "interpreter", "sorting", "switches", "trees"] {
        let (program, output) = (format!("{name}.wasm"), format!("{}/{name}.wasm", folder.path()));
        mj(&["snapshot", &program, "--output", &output]).prints("");
        let expected = fs::read_to_string(programs().join(format!("{name}.expected"))).unwrap();
        mj(&["run", &output]).prints(&expected);
    }
}
