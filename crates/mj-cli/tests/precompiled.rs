//! `mj compile`, what runs its output, and the cache of `mj run`.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Folder, Run, command, finished, mj, programs};

fn expected(program: &str) -> String {
    fs::read_to_string(programs().join(format!("{program}.expected"))).unwrap()
}

/// A run with the cache in this folder.
fn in_cache(folder: &Folder, arguments: &[&str]) -> Run {
    finished(cached_command(folder, arguments).output().unwrap())
}

fn cached_command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.env("XDG_CACHE_HOME", folder.path());
    command
}

/// Names of the files in the cache.
fn cached_files(folder: &Folder) -> Vec<String> {
    let Ok(entries) = fs::read_dir(Path::new(folder.path()).join("mj")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_compiled_program_runs_where_that_is_allowed() {
    let folder = Folder::new();
    let output = format!("{}/hashtable.cwasm", folder.path());
    mj(&["compile", "-o", &output, "hashtable.wasm"]).prints("");
    mj(&["run", "--allow-precompiled", &output]).prints(&expected("hashtable"));
    mj(&["run", "--allow-precompiled", "--tier", "baseline", &output]).prints(&expected("hashtable"));
    let refused = mj(&["run", &output]);
    refused.fails(1, &["hashtable.cwasm", "machine code", "--allow-precompiled"]);
    mj(&["objdump", &output]).fails(1, &["compiled already"]);
    // What is not compiled runs as ever.
    mj(&["run", "--allow-precompiled", "hashtable.wasm"]).prints(&expected("hashtable"));
}

#[test]
fn a_compiled_program_is_replaced_by_another_file() {
    let folder = Folder::new();
    let output = format!("{}/bits.cwasm", folder.path());
    mj(&["compile", "-o", &output, "bits.wasm"]).prints("");
    // Who runs the first one has it mapped.
    let first = fs::File::open(&output).unwrap();
    let length = first.metadata().unwrap().len();
    mj(&["compile", "-o", &output, "hashtable.wasm"]).prints("");
    assert_ne!(first.metadata().unwrap().ino(), fs::metadata(&output).unwrap().ino());
    assert_eq!((first.metadata().unwrap().len(), fs::read_dir(folder.path()).unwrap().count()), (length, 1));
    mj(&["run", "--allow-precompiled", &output]).prints(&expected("hashtable"));
    mj(&["compile", "-o", &format!("{}/missing/bits.cwasm", folder.path()), "bits.wasm"]).fails(1, &["cannot write", "missing"]);
}

#[test]
fn a_compiled_program_may_come_through_a_pipe() {
    let folder = Folder::new();
    let output = format!("{}/bits.cwasm", folder.path());
    mj(&["compile", "-o", &output, "bits.wasm"]).prints("");
    let mut cat = Command::new("cat").arg(&output).stdout(Stdio::piped()).spawn().unwrap();
    let mut run = command(&["run", "--allow-precompiled", "/dev/stdin"]);
    finished(run.stdin(cat.stdout.take().unwrap()).output().unwrap()).prints(&expected("bits"));
    assert!(cat.wait().unwrap().success());
}

#[test]
fn a_program_for_another_machine_is_compiled_and_refused() {
    let folder = Folder::new();
    let output = format!("{}/hashtable.cwasm", folder.path());
    let (this, other) = if cfg!(target_arch = "aarch64") { ("aarch64", "x86_64") } else { ("x86_64", "aarch64") };
    mj(&["compile", "--target", &format!("{other}-linux"), "-o", &output, "hashtable.wasm"]).prints("");
    mj(&["run", "--allow-precompiled", &output]).fails(1, &["another machine", other, this]);
    mj(&["compile", "--target", "vax", "-o", &output, "hashtable.wasm"]).fails(1, &["`vax`"]);
    mj(&["compile", "--target", this, "-o", &output, "hashtable.wasm"]).prints("");
    mj(&["run", "--allow-precompiled", &output]).prints(&expected("hashtable"));
}

#[test]
fn the_output_is_named_after_the_module() {
    let folder = Folder::new();
    folder.file("answer.wat", r#"(module (func (export "answer") (result i32) (i32.const 42)))"#);
    let mut compile = command(&["compile", "answer.wat"]);
    finished(compile.current_dir(folder.path()).output().unwrap()).prints("");
    let output = format!("{}/answer.cwasm", folder.path());
    mj(&["run", "--allow-precompiled", "--invoke", "answer", &output]).prints("42\n");
}

#[test]
fn a_trap_in_compiled_code_has_its_names() {
    let folder = Folder::new();
    let source = folder.file("trap.wat", r#"(module (func $inner unreachable) (func $outer (export "_start") (call $inner)))"#);
    let output = format!("{}/trap.cwasm", folder.path());
    for tier in ["tiered", "baseline", "optimizing"] {
        mj(&["compile", "--tier", tier, "-o", &output, &source]).prints("");
        mj(&["run", "--allow-precompiled", &output]).fails(134, &["unreachable", "inner", "outer"]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = Folder::new();
    let output = format!("{}/x.cwasm", folder.path());
    mj(&["compile", "-W", "nan-canonicalization", "-o", &output, "hashtable.wasm"]).prints("");
    mj(&["run", "--allow-precompiled", &output]).fails(1, &["nan_canonicalization", "compile it again"]);
    mj(&["run", "--allow-precompiled", "-W", "nan-canonicalization", &output]).prints(&expected("hashtable"));
    let bytes = fs::read(&output).unwrap();
    fs::write(&output, &bytes[..bytes.len() / 2]).unwrap();
    mj(&["run", "--allow-precompiled", &output]).fails(1, &["incomplete"]);
    mj(&["compile", "missing.wasm"]).fails(1, &["missing.wasm"]);
    mj(&["compile", "-o", "/no/such/folder/x", "hashtable.wasm"]).fails(1, &["cannot write /no/such/folder/x"]);
}

/// Calls a function often, and traps in the end. Most of a second in the baseline's code, so that the thread that optimizes gets its turn on a busy machine.
const HOT: &str = r#"(module
    (func $hot (param i32) (result i32)
        (if (result i32) (local.get 0) (then (call $hot (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 0))))
    (func (export "_start") (local $n i32)
        (loop $again
            (drop (call $hot (i32.const 100)))
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
        unreachable))"#;

#[test]
fn the_second_run_finds_what_the_first_made_hot_although_it_failed() {
    let folder = Folder::new();
    let source = folder.file("hot.wat", HOT);
    let run = || in_cache(&folder, &["--tier-log", "-D", "cache-log", "-C", "tier-up-budget=1000", &source]);
    let first = run();
    first.fails(134, &["0 functions have code from the start: it was not in the cache", "entry of function 0 (hot)", "unreachable"]);
    assert_eq!(cached_files(&folder).len(), 2);
    let second = run();
    second.fails(134, &["it was in the cache", "unreachable"]);
    assert!(!second.stderr.contains("cache: 0 functions") && !second.stderr.contains("entry of function 0 (hot)"), "{second:?}");
}

#[test]
fn the_cache_is_not_touched_where_it_is_not_wanted() {
    let folder = Folder::new();
    in_cache(&folder, &["-C", "cache=n", "hashtable.wasm"]).prints(&expected("hashtable"));
    in_cache(&folder, &["bench", "hashtable.wasm", "--json"]);
    in_cache(&folder, &["bench", "-C", "cache=y", "--json", "hashtable.wasm"]);
    in_cache(&folder, &["objdump", "hashtable.wasm"]);
    assert_eq!(cached_files(&folder), [] as [&str; 0]);
}

#[test]
fn a_folder_that_others_can_write_is_not_used_and_that_is_said() {
    let folder = Folder::new();
    let cache = Path::new(folder.path()).join("mj");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    let run = in_cache(&folder, &["hashtable.wasm"]);
    run.prints(&expected("hashtable"));
    assert!(run.stderr.contains("nothing is cached") && run.stderr.contains("chmod 700"), "{run:?}");
    assert_eq!(cached_files(&folder), [] as [&str; 0]);
    in_cache(&folder, &["-C", "cache=y", "hashtable.wasm"]).fails(1, &["-C cache=y", "others can write"]);
    // Where it cannot be made, there is nothing to say.
    let file = folder.file("file", "");
    let run = finished(command(&["hashtable.wasm"]).env("XDG_CACHE_HOME", file).output().unwrap());
    run.prints(&expected("hashtable"));
    assert_eq!(run.stderr, "");
}

#[test]
fn a_file_says_where_the_cache_is() {
    let folder = Folder::new();
    let config = folder.file("cache.toml", format!("[cache]\ndirectory = \"{}/elsewhere\"\n", folder.path()));
    let source = folder.file("hot.wat", HOT);
    let option = format!("cache-config={config},tier-up-budget=1000");
    in_cache(&folder, &["-C", &option, &source]).fails(134, &["unreachable"]);
    assert_eq!(cached_files(&folder), [] as [&str; 0]);
    assert_eq!(fs::read_dir(format!("{}/elsewhere", folder.path())).unwrap().count(), 2);
    mj(&["-C", "cache-config=/no/such/file", &source]).fails(1, &["-C cache-config", "/no/such/file"]);
    mj(&["-C", "cache-config", &source]).fails(1, &["cache-config=FILE"]);
}

#[test]
fn processes_share_the_cache() {
    let folder = Folder::new();
    let source = folder.file("hot.wat", HOT);
    for _ in 0..2 {
        let start = |_| cached_command(&folder, &["-C", "tier-up-budget=1000", &source]).spawn().unwrap();
        let runs: Vec<Child> = (0..4).map(start).collect();
        for run in runs {
            finished(run.wait_with_output().unwrap()).fails(134, &["unreachable"]);
        }
    }
    assert_eq!(cached_files(&folder).len(), 2, "{:?}", cached_files(&folder));
}
