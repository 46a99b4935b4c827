//! The other commands: bench, objdump, wast, completion, version.

mod common;

use std::fs;

use common::{Folder, command, finished, mj, programs};

/// The value of a field in a line of JSON, as text.
fn field<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\": "))?;
    Some(rest.split([',', '}']).next()?.trim_matches('"'))
}

fn microseconds(json: &str, name: &str) -> f64 {
    field(json, name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} in {json}"))
}

#[test]
fn bench_reports_in_json() {
    let folder = Folder::new();
    let file = folder.file("digests.wasm", fs::read(programs().join("digests.wasm")).unwrap());
    for tier in ["baseline", "tiered", "optimizing"] {
        let mut bench = command(&["bench", "--tier", tier, "--json", &file]);
        let run = finished(bench.env("BUDGET", "10").output().unwrap());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
        let bytes: u64 = field(&run.stdout, "bytes").unwrap().parse().unwrap();
        assert_eq!(bytes, fs::metadata(&file).unwrap().len());
        for name in ["compile_us", "instantiate_us", "run_us", "start_us"] {
            assert!(microseconds(&run.stdout, name) > 0.0, "{name}: {run:?}");
        }
        // `sha256sum tests/programs/digests.expected`
        assert_eq!(field(&run.stdout, "stdout"), Some("8428210e4f6d2e02"));
        assert_eq!(field(&run.stdout, "ok"), Some("null"));
    }
}

#[test]
fn bench_compares_the_output_with_what_is_expected() {
    let folder = Folder::new();
    let file = folder.file("digests.wasm", fs::read(programs().join("digests.wasm")).unwrap());
    folder.file("digests.stdout.expected", fs::read(programs().join("digests.expected")).unwrap());
    let good = finished(command(&["bench", "--json", &file]).env("BUDGET", "1").output().unwrap());
    assert_eq!(field(&good.stdout, "ok"), Some("true"), "{good:?}");
    folder.file("digests.stdout.expected", "something else");
    let bad = finished(command(&["bench", "--json", &file]).env("BUDGET", "1").output().unwrap());
    assert_eq!(field(&bad.stdout, "ok"), Some("false"), "{bad:?}");
}

#[test]
fn bench_measures_between_start_and_end_and_sees_its_folder() {
    let folder = Folder::new();
    let file = folder.file(
        "span.wat",
        r#"(module
            (import "bench" "start" (func $start))
            (import "bench" "end" (func $end))
            (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "span.wat")
            (func $spin (param i32)
                (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
            (func (export "_start")
                (call $spin (i32.const 20000000))
                (call $start) (call $spin (i32.const 1000)) (call $end)
                (call $exit (call $stat (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 64)))))"#,
    );
    let run = finished(command(&["bench", "--json", &file]).env("BUDGET", "1").output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(field(&run.stdout, "exit"), None, "the file was not found: {run:?}");
    assert!(microseconds(&run.stdout, "run_us") * 10.0 < microseconds(&run.stdout, "start_us"), "{run:?}");
}

#[test]
fn bench_only_compiles_when_told_to() {
    let mut bench = command(&["bench", "--json", "digests.wasm"]);
    let run = finished(bench.env("COMPILE_ONLY", "1").env("BUDGET", "1").output().unwrap());
    assert!(microseconds(&run.stdout, "compile_us") > 0.0);
    assert_eq!(field(&run.stdout, "start_us"), None);
}

#[test]
fn bench_prints_a_table_for_people() {
    let run = finished(command(&["bench", "bits.wasm"]).env("BUDGET", "1").output().unwrap());
    for line in ["compile", "instantiate", "run", "total", "output"] {
        assert!(run.stdout.contains(line), "{run:?}");
    }
}

#[test]
fn objdump_shows_operators_and_machine_code_of_a_function() {
    let by_name = mj(&["objdump", "digests.wasm", "--func", "siphash"]);
    assert_eq!(by_name.code, Some(0), "{by_name:?}");
    for part in ["`siphash`", "i64.rotl", "machine code", " ro", "ret"] {
        assert!(by_name.stdout.contains(part), "`{part}` is missing in {}", by_name.stdout);
    }
    let [x64, aarch64] = ["x64", "aarch64"].map(|isa| mj(&["objdump", "digests.wasm", "--func", "siphash", "--isa", isa]).stdout);
    assert!(x64.contains("push rbp") && aarch64.contains("stp x29, x30"), "{x64}{aarch64}");
    assert!([x64, aarch64].contains(&by_name.stdout), "one of them is this machine's");
    assert_eq!(by_name.stdout.matches("machine code").count(), 1);
    let index = by_name.stdout.split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(mj(&["objdump", "digests.wasm", "--func", &index]).stdout, by_name.stdout);
    let operators = mj(&["objdump", "digests.wasm", "--func", "siphash", "--stage", "ops"]);
    assert!(operators.stdout.contains("i64.rotl") && !operators.stdout.contains("machine code"));
    let machine = mj(&["objdump", "digests.wasm", "--func", "siphash", "--stage", "asm"]);
    assert!(!machine.stdout.contains("local.get 0\n") && machine.stdout.contains("machine code"));
}

#[test]
fn objdump_shows_what_the_optimizing_compiler_makes_of_a_function() {
    let of = |stages: &str| mj(&["objdump", "digests.wasm", "--tier", "optimizing", "--func", "siphash", "--stage", stages]).stdout;
    let all = of("ops,ir,asm");
    let places = ["local.get 0\n", "bounds: ", "block0 v0:i32", "i64.rotl v", "machine code"].map(|part| all.find(part));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {all}");
    assert_eq!(all, of("asm,ir,ops"), "the order is that of compilation");
    let form = of("ir");
    let (_, text) = form.split_once('\n').unwrap();
    assert!(all.contains(text.trim_end()) && !form.contains("machine code"), "{form}");
    let every = of("all");
    let stages =
        ["build: ", "carry: ", "prune: ", "bounds: ", "select: ", "allocate: ", "emit: "].map(|stage| every.find(&format!("\n{stage}")));
    assert!(stages.iter().all(Option::is_some) && stages.is_sorted(), "{stages:?} in {every}");
    // Where values are, behind the allocation only.
    assert!(of("allocate").contains("@i") && !of("select").contains("@i"));
    let optimized = mj(&["objdump", "digests.wasm", "--tier", "optimizing", "--func", "siphash", "--stage", "asm"]).stdout;
    assert!(every.contains(optimized.trim_end().split_once("machine code").unwrap().1), "watching changes nothing");
}

#[test]
fn objdump_says_which_stages_there_are() {
    mj(&["objdump", "bits.wasm", "--stage", "ops,lower"]).fails(1, &["`lower`", "ops, ir, asm", "select", "allocate"]);
    for stage in ["ir", "select"] {
        let run = mj(&["objdump", "bits.wasm", "--tier", "baseline", "--stage", stage]);
        run.fails(1, &["the baseline compiler", "--tier optimizing"]);
    }
    mj(&["objdump", "bits.wasm", "--stage", "ir", "--timing"]).fails(1, &["--timing"]);
}

#[test]
fn objdump_says_what_the_stages_take() {
    let run = mj(&["objdump", "bits.wasm", "--timing"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    for stage in ["build", "carry", "prune", "bounds", "select", "allocate", "emit", "all"] {
        let line = run.stdout.lines().find(|line| line.trim_start().starts_with(&format!("{stage} ")));
        let time = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        assert!(time.is_some_and(|time| time > 0.0), "{stage} in {}", run.stdout);
    }
}

#[test]
fn objdump_names_the_operator_where_code_can_trap_or_calls() {
    let folder = Folder::new();
    let file = folder.file(
        "sites.wat",
        r#"(module (memory 1) (func $callee)
            (func $f (param i32 i32) (result i32)
                (call $callee)
                (i32.div_u (i32.load offset=12 (local.get 0)) (local.get 1))))"#,
    );
    for (isa, call, division, load) in [("x64", "call", "div", "mov"), ("aarch64", "blr", "udf", "ldr")] {
        let run = mj(&["objdump", &file, "--func", "f", "--stage", "asm", "--isa", isa]);
        for (instruction, operator) in [(call, "call 0"), (division, "i32.div_u"), (load, "i32.load offset=12")] {
            let line = run.stdout.lines().find(|line| line.ends_with(operator));
            let line = line.unwrap_or_else(|| panic!("{operator} is missing in {}", run.stdout));
            assert!(line.contains(instruction), "{line}");
        }
    }
}

#[test]
fn objdump_shows_every_function_of_every_program() {
    for entry in fs::read_dir(programs()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            for isa in ["x64", "aarch64"] {
                let run = mj(&["objdump", "--isa", isa, "--tier", "optimizing", path.to_str().unwrap()]);
                assert_eq!(run.code, Some(0), "{}: {}", path.display(), run.stderr);
                let bad = run.stdout.lines().find(|line| line.contains("(bad)"));
                assert_eq!(bad, None, "{}: undecodable machine code", path.display());
            }
        }
    }
}

#[test]
fn objdump_says_what_functions_there_are() {
    mj(&["objdump", "bits.wasm", "--func", "nothing"]).fails(1, &["`nothing`", "an index from"]);
}

#[test]
fn test_scripts_are_run_and_failures_told_with_their_line() {
    let folder = Folder::new();
    let module = r#"(module (func (export "f") (param i32) (result i32) (i32.div_u (i32.const 6) (local.get 0))))"#;
    let good = folder.file(
        "good.wast",
        format!("{module}\n(assert_return (invoke \"f\" (i32.const 2)) (i32.const 3))\n(assert_trap (invoke \"f\" (i32.const 0)) \"integer divide by zero\")\n"),
    );
    let run = mj(&["wast", &good]);
    assert!(run.code == Some(0) && run.stdout.contains("3 passed, 0 failed"), "{run:?}");
    let bad = folder.file("bad.wast", format!("{module}\n(assert_return (invoke \"f\" (i32.const 2)) (i32.const 4))\n"));
    let run = mj(&["wast", &good, &bad]);
    run.fails(1, &["bad.wast:2:", "1 directive(s) failed"]);
    mj(&["wast", &folder.file("broken.wast", "(module\n(assert_return")]).fails(1, &["broken.wast:2"]);
}

#[test]
fn the_version_is_the_packages() {
    mj(&["--version"]).prints(&format!("mj {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_its_completion() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = mj(&["completion", shell]);
        assert!(run.code == Some(0) && run.stdout.contains("max-memory"), "{shell}");
    }
    mj(&["completion", "tcsh"]).fails(1, &["tcsh", "bash"]);
}

#[test]
fn groups_explain_themselves() {
    for (flag, known) in
        [("-W", "timeout=T"), ("-C", "compiler="), ("-O", "memory-reservation="), ("-D", "profile="), ("-S", "inherit-env")]
    {
        let run = mj(&[flag, "help"]);
        assert!(run.code == Some(0) && run.stdout.contains(known), "{flag}: {run:?}");
    }
}

#[test]
fn accesses_that_an_earlier_one_bounds_are_not_compared_on_any_machine() {
    let folder = Folder::new();
    let file = folder.file(
        "bounded.wat",
        r#"(module (memory 1)
            (func (param i32) (result i64)
                (i64.store offset=40 (local.get 0) (i64.const 1))
                (i64.store offset=8 (local.get 0) (i64.const 0))
                (i64.add (i64.load offset=16 (local.get 0)) (i64.load32_s offset=4 (local.get 0)))))"#,
    );
    for isa in ["x86_64", "aarch64"] {
        let comparisons = |tier: &str| {
            let run =
                mj(&["objdump", "--isa", isa, "--tier", tier, "-O", "memory-reservation=0,memory-guard-size=0", "--stage", "asm", &file]);
            assert_eq!(run.code, Some(0), "{run:?}");
            run.stdout.matches("cmp ").count()
        };
        assert_eq!((comparisons("baseline"), comparisons("optimizing")), (4, 1), "{isa}");
    }
}
