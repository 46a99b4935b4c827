//! The Scheme of `examples/scheme`: its programs must print the same whether they are interpreted, compiled by the guest while they run, or started
//! from a snapshot that has their compiled code in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use mj_jit::{Config, Engine, LateLinking, Linker, Module, Store};
use mj_snapshot::Snapshot;
use mj_tests::schemes::random_program;
use mj_wasi::p1::{self, WasiP1Ctx};
use mj_wasi::p2::pipe::MemoryOutputPipe;
use mj_wasi::{DirPerms, FilePerms, I32Exit, WasiCtxBuilder};

const INTERPRETED: &[&str] = &["--interpret"];
const COMPILED_WHEN_HOT: &[&str] = &[];
const COMPILED_AT_ONCE: &[&str] = &["--threshold=1"];

#[test]
fn programs_give_the_same_answers_interpreted() {
    check_all(|scheme, program| scheme.run(INTERPRETED, program));
}

#[test]
fn programs_give_the_same_answers_compiled_when_hot() {
    check_all(|scheme, program| scheme.run(COMPILED_WHEN_HOT, program));
}

#[test]
fn programs_give_the_same_answers_compiled_at_once() {
    check_all(|scheme, program| scheme.run(COMPILED_AT_ONCE, program));
}

/// Most of the machine's stack that the guest counts with is not there: its compiled code has to leave calls to its interpreter all the time.
#[test]
fn programs_give_the_same_answers_with_little_stack() {
    check_all(|scheme, program| scheme.run(&["--threshold=1", "--engine-stack=256"], program));
}

/// Where no file has the name of a built-in program, it is run twice, the first time without what it prints.
#[test]
fn built_in_programs_run_without_a_folder_and_show_both_times() {
    let empty = Folder::new();
    check_all(|scheme, program| {
        let outcome = scheme.run_in(&empty.0, &[], &format!("{program}.scm"));
        let lines: Vec<&str> = outcome.errors.lines().collect();
        let [interpreted, running, modules, _] = lines[..] else { panic!("{program}: {lines:?}") };
        assert!(
            interpreted.starts_with("interpreted ") && running.starts_with("running ") && modules.contains(" bytes"),
            "{program}: {lines:?}"
        );
        Outcome { errors: String::new(), ..outcome }
    });
}

#[test]
fn programs_give_the_same_answers_from_a_snapshot() {
    check_all(|scheme, program| scheme.run_snapshot(&scheme.snapshot(program)));
}

/// What is alive and not found would be overwritten.
#[test]
fn collections_at_every_safepoint_find_everything() {
    let scheme = Scheme::new();
    for options in [&["--collect-always", "--interpret"], &["--collect-always", "--threshold=1"]] {
        for program in ["church", "closures", "hash", "interpreter", "loops", "matrix", "queens", "redefine", "roots", "strings"] {
            check(&scheme.run(options, program), program);
        }
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let scheme = Scheme::new();
    let folder = Folder::new();
    let cases = [
        ("(display 1)\n(car 5)", "2: car: expected a pair, got 5"),
        ("(define (f x)\n  (+ x\n     y))\n(f 1)", "3: y is not defined"),
        ("(define (f x) x)\n\n(f 1 2)", "3: #<procedure f> cannot take 2 arguments"),
        ("(define (f v)\n (vector-ref v 10))\n(f (vector 1 2))", "2: vector-ref: 10 is out of range"),
        ("(define (f x) (* x 2.0))\n(f 'a)", "1: *: expected a number, got a"),
        ("(define (f x)\n (- x))\n(f \"1\")", "2: -: expected a number, got \"1\""),
        ("(define (f x y) (< x y))\n(f 1 #t)", "1: <: expected a number, got #t"),
        ("(define (f x y) (if (> x y) 1 2))\n(f 'a 'b)", "1: >: expected a number, got a"),
        ("(define (f x) (if (zero? x) 1 2))\n(f 'a)", "1: zero?: expected a number, got a"),
        ("(5 3)", "1: cannot call 5: it is not a procedure"),
        ("(letrec ((a b) (b 1)) a)", "1: b is used before its definition"),
        ("(define (f n) (if (= n 0) (error \"bottom:\" n 'a \"b\") (f (- n 1))))\n(f 100)", "1: bottom: 0 a \"b\""),
        ("(define (f x)\n (quotient x 0))\n(f 1)", "2: quotient: division by zero"),
        ("(define (f x)\n (/ x (- x x)))\n(f 1)", "2: /: division by zero"),
        ("(define (deep n) (+ 1 (deep (+ n 1))))\n(deep 0)", "1: recursion is too deep"),
        ("(define (f) (g 1))\n(define (g a b) a)\n(f)", "1: #<procedure g> cannot take 1 argument"),
        ("(set! nothing 1)", "1: nothing is not defined"),
        ("(display\n 1", "1: the parenthesis that opens here is not closed"),
        ("(display 1))", "1: this ) closes nothing"),
        ("\n\"abc", "2: the string that begins here is not closed"),
        ("(if)", "1: expected (if test then else)"),
        ("(map car '(1 2))", "car: expected a pair, got 1"),
    ];
    for (text, expected) in cases {
        fs::write(folder.0.join("wrong.scm"), text).unwrap();
        for options in [INTERPRETED, COMPILED_AT_ONCE] {
            let outcome = scheme.run_in(&folder.0, options, "wrong.scm");
            assert_eq!(outcome.exit_code, 70, "{text}: {}", outcome.errors);
            assert!(outcome.errors.contains(expected), "{text}\nsays {}instead of {expected}", outcome.errors);
        }
    }
}

/// Values, errors and the lines they name. `ROUNDS=1000` tries more, `SEED=123` begins elsewhere.
#[test]
fn random_programs_do_the_same_interpreted_and_compiled() {
    let number = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (scheme, folder) = (Scheme::new(), Folder::new());
    let (mut fail, mut rounds) = (0, 0);
    for seed in (number("SEED", 0)..).take(number("ROUNDS", 30) as usize) {
        let text = random_program(seed);
        fs::write(folder.0.join("random.scm"), &text).unwrap();
        let interpreted = scheme.run_in(&folder.0, INTERPRETED, "random.scm");
        for options in [COMPILED_AT_ONCE, &["--threshold=3", "--engine-stack=256"], &["--threshold=2", "--collect-always"]] {
            let compiled = scheme.run_in(&folder.0, options, "random.scm");
            assert_eq!(interpreted, compiled, "seed {seed}, {options:?}\n{text}");
        }
        rounds += 1;
        fail += u32::from(interpreted.exit_code != 0);
    }
    assert!(fail < rounds / 2, "{fail} of {rounds} programs end with an error");
}

#[test]
fn generated_modules_are_linked_called_and_dropped_again_and_again() {
    let scheme = Scheme::new();
    let mut store = scheme.store(&programs(), &["--bench-link=2000".to_owned()]);
    let exit_code = scheme.start(&mut store, &scheme.module);
    assert_eq!(exit_code.unwrap(), 0);
    assert!(store.late_instances().len() < 1000, "{} of 2000 modules are still there", store.late_instances().len());
}

/// `scheme.wasm` is in the repository so that nobody needs the toolchain; where it is there, it has to give the same bytes.
#[test]
fn scheme_wasm_is_what_its_sources_compile_to() {
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let version = Command::new(&python).args(["-m", "ziglang", "version"]).output();
    if !version.is_ok_and(|output| output.stdout.starts_with(b"0.17.0")) {
        eprintln!("skipped: {python} has no ziglang 0.17.0");
        return;
    }
    let folder = Folder::new();
    let built = folder.0.join("scheme.wasm");
    let status = Command::new("bash").arg(folder_of_scheme().join("build.sh")).arg(&built).status().unwrap();
    assert!(status.success());
    assert!(fs::read(built).unwrap() == fs::read(folder_of_scheme().join("scheme.wasm")).unwrap(), "run examples/scheme/build.sh");
}

fn folder_of_scheme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/scheme")
}

fn programs() -> PathBuf {
    folder_of_scheme().join("programs")
}

fn check_all(run: impl Fn(&Scheme, &str) -> Outcome) {
    let scheme = Scheme::new();
    let mut names: Vec<String> = fs::read_dir(programs())
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".scm")?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 15, "only {} programs found", names.len());
    for name in names {
        check(&run(&scheme, &name), &name);
    }
}

fn check(outcome: &Outcome, program: &str) {
    let expected = fs::read_to_string(programs().join(program).with_extension("out")).unwrap();
    assert_eq!(outcome.errors, "", "{program} complains");
    assert_eq!(outcome.output, expected, "{program} prints something else");
    assert_eq!(outcome.exit_code, 0, "{program} fails");
}

#[derive(Debug, PartialEq)]
struct Outcome {
    output: String,
    errors: String,
    exit_code: i32,
}

struct State {
    wasi: WasiP1Ctx,
    output: MemoryOutputPipe,
    errors: MemoryOutputPipe,
}

struct Scheme {
    engine: Engine,
    module: Module,
}

impl Scheme {
    fn new() -> Self {
        let engine = Engine::new(Config::new().max_wasm_stack(512 << 10)).unwrap();
        let module = Module::from_file(&engine, folder_of_scheme().join("scheme.wasm")).unwrap();
        Self { engine, module }
    }

    fn store(&self, folder: &Path, arguments: &[String]) -> Store<State> {
        let (output, errors) = (MemoryOutputPipe::new(1 << 20), MemoryOutputPipe::new(1 << 16));
        let mut builder = WasiCtxBuilder::new();
        builder.arg("scheme").args(arguments).stdout(output.clone()).stderr(errors.clone());
        builder.preopened_dir(folder, ".", DirPerms::READ, FilePerms::READ).unwrap();
        Store::new(&self.engine, State { wasi: builder.build_p1(), output, errors })
    }

    fn linker(&self) -> Linker<State> {
        let mut linker = Linker::new(&self.engine);
        p1::add_to_linker_sync(&mut linker, |state: &mut State| &mut state.wasi).unwrap();
        linker
    }

    /// Runs `_start`; the exit code.
    fn start(&self, store: &mut Store<State>, module: &Module) -> mj_jit::Result<i32> {
        let mut linker = self.linker();
        linker.func_late_link(LateLinking::new())?;
        let instance = linker.instantiate(&mut *store, module)?;
        exit_code(instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(store, ()))
    }

    fn run(&self, options: &[&str], program: &str) -> Outcome {
        self.run_in(&programs(), options, &format!("{program}.scm"))
    }

    fn run_in(&self, folder: &Path, options: &[&str], file: &str) -> Outcome {
        let arguments: Vec<String> = options.iter().copied().chain([file]).map(str::to_owned).collect();
        let mut store = self.store(folder, &arguments);
        let exit_code = self.start(&mut store, &self.module).unwrap_or_else(|error| panic!("{file} {options:?}: {error:?}"));
        outcome(&store, exit_code)
    }

    /// Reads, evaluates and compiles the program's definitions; the module that goes on from there.
    fn snapshot(&self, program: &str) -> Vec<u8> {
        let mut store = self.store(&programs(), &[format!("{program}.scm")]);
        let mut linker = self.linker();
        linker.func_late_link(LateLinking::new()).unwrap();
        let instance = linker.instantiate(&mut store, &self.module).unwrap();
        instance.get_typed_func::<(), ()>(&mut store, "initialize").unwrap().call(&mut store, ()).unwrap();
        let late: Vec<_> = store.late_instances().collect();
        assert!(!late.is_empty(), "{program}: nothing was compiled");
        Snapshot::new(&mut store, instance).late(late).without_export("initialize").write().unwrap()
    }

    /// Runs it as any WASI program: without late linking, arguments and files.
    fn run_snapshot(&self, wasm: &[u8]) -> Outcome {
        let module = Module::new(&self.engine, wasm).unwrap();
        assert!(module.imports().all(|import| import.module().starts_with("wasi_")));
        let empty = Folder::new();
        let mut store = self.store(&empty.0, &[]);
        let instance = self.linker().instantiate(&mut store, &module).unwrap();
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
        let result = exit_code(start.call(&mut store, ())).unwrap();
        outcome(&store, result)
    }
}

fn exit_code(result: mj_jit::Result<()>) -> mj_jit::Result<i32> {
    match result {
        Ok(()) => Ok(0),
        Err(error) => error.downcast_ref::<I32Exit>().map(|exit| exit.0).ok_or(error),
    }
}

fn outcome(store: &Store<State>, exit_code: i32) -> Outcome {
    let text = |pipe: &MemoryOutputPipe| String::from_utf8_lossy(&pipe.contents()).into_owned();
    Outcome { output: text(&store.data().output), errors: text(&store.data().errors), exit_code }
}

/// An empty folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let path = env::temp_dir().join(format!("mj-scheme-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
