//! Programs with generated modules, and what their snapshots do in mj and in another engine.
#![allow(dead_code, reason = "not every test file uses everything")]

use mj_jit::*;
use mj_snapshot::{Snapshot, SnapshotError};

/// A program that runs, and what it has generated.
pub struct Running {
    pub store: Store<()>,
    pub program: Instance,
    pub late: Vec<Instance>,
    host: Linker<()>,
}

/// What programs and generated modules may import from `host`.
fn host(engine: &Engine) -> Linker<()> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("host", "twice", |number: i32| number * 2).unwrap();
    linker.func_wrap("host", "next", |number: i32| number + 1).unwrap();
    linker.func_wrap("mj:link", "instantiate", |_: i32, _: i32| 0i32).unwrap();
    linker.func_wrap("mj:link", "error", |_: i32, _: i32| 7i32).unwrap();
    linker
}

/// An instance of a program.
pub fn run(text: &str) -> Running {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let host = host(&engine);
    let module = Module::new(&engine, text).unwrap_or_else(|error| panic!("{error:#}"));
    let program = host.instantiate(&mut store, &module).unwrap_or_else(|error| panic!("{error:#}"));
    Running { store, program, late: Vec::new(), host }
}

impl Running {
    /// Links a module as generated ones are: imports from `env` are exports of the program.
    pub fn link(&mut self, text: &str) -> &mut Self {
        let module = Module::new(self.store.engine(), text).unwrap_or_else(|error| panic!("{error:#}"));
        let imports: Vec<Extern> = module
            .imports()
            .map(|import| match import.module() {
                "env" => self.program.get_export(&mut self.store, import.name()).expect("an export of the program"),
                _ => self.host.get_by_import(&mut self.store, &import).expect("something of the host"),
            })
            .collect();
        self.late.push(Instance::new(&mut self.store, &module, &imports).unwrap_or_else(|error| panic!("{error:#}")));
        self
    }

    /// Calls a function of numbers.
    pub fn call(&mut self, name: &str, arguments: &[i32]) -> i32 {
        let function = self.program.get_func(&mut self.store, name).unwrap_or_else(|| panic!("no function {name}"));
        call(&mut self.store, function, arguments).unwrap()
    }

    pub fn snapshot(&mut self) -> Result<Vec<u8>, SnapshotError> {
        Snapshot::new(&mut self.store, self.program).late(self.late.iter().copied()).write()
    }

    /// A snapshot that must be possible, and must be the same twice.
    pub fn write(&mut self) -> Vec<u8> {
        let wasm = self.snapshot().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(wasm, self.snapshot().unwrap(), "snapshots differ");
        wasm
    }

    /// Why there is no snapshot.
    pub fn refused(&mut self) -> SnapshotError {
        self.snapshot().expect_err("a snapshot that cannot be right")
    }
}

fn call(store: &mut Store<()>, function: Func, arguments: &[i32]) -> Result<i32> {
    let arguments: Vec<Val> = arguments.iter().map(|&argument| Val::I32(argument)).collect();
    let mut results = vec![Val::I32(0); function.ty(&*store).results().len()];
    function.call(store, &arguments, &mut results)?;
    Ok(results.first().map_or(0, Val::unwrap_i32))
}

/// A call with arguments, and its result; `None` is a trap.
pub type Expected<'a> = (&'a str, &'a [i32], Option<i32>);

/// Calls functions of a snapshot in turn, in mj and in wasmi.
pub fn check(wasm: &[u8], calls: &[Expected<'_>]) {
    let in_mj = calls_in_mj(wasm, calls);
    let in_wasmi = calls_in_wasmi(wasm, calls);
    for (index, &(name, arguments, expected)) in calls.iter().enumerate() {
        assert_eq!(in_mj[index], expected, "mj: call {index}, {name}({arguments:?})");
        assert_eq!(in_wasmi[index], expected, "wasmi: call {index}, {name}({arguments:?})");
    }
}

fn calls_in_mj(wasm: &[u8], calls: &[Expected<'_>]) -> Vec<Option<i32>> {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = host(&engine).instantiate(&mut store, &Module::new(&engine, wasm).unwrap()).unwrap_or_else(|error| panic!("{error:#}"));
    let mut one = |name: &str, arguments: &[i32]| {
        let function = instance.get_func(&mut store, name).unwrap_or_else(|| panic!("no function {name}"));
        call(&mut store, function, arguments).ok()
    };
    calls.iter().map(|(name, arguments, _)| one(name, arguments)).collect()
}

fn calls_in_wasmi(wasm: &[u8], calls: &[Expected<'_>]) -> Vec<Option<i32>> {
    use wasmi::{Engine, Linker, Module, Store, Val};
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap("host", "twice", |number: i32| number * 2).unwrap();
    linker.func_wrap("host", "next", |number: i32| number + 1).unwrap();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, wasm).unwrap_or_else(|error| panic!("{error}"));
    let instance = linker.instantiate_and_start(&mut store, &module).unwrap_or_else(|error| panic!("{error}"));
    let mut one = |name: &str, arguments: &[i32]| {
        let function = instance.get_func(&store, name).unwrap_or_else(|| panic!("no function {name}"));
        let arguments: Vec<Val> = arguments.iter().map(|&argument| Val::I32(argument)).collect();
        let mut results = vec![Val::I32(0); function.ty(&store).results().len()];
        function.call(&mut store, &arguments, &mut results).ok()?;
        Some(results.first().map_or(0, |value| value.i32().unwrap()))
    };
    calls.iter().map(|(name, arguments, _)| one(name, arguments)).collect()
}

impl Running {
    /// An instance of a snapshot.
    pub fn of(wasm: &[u8]) -> Running {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let host = host(&engine);
        let program = host.instantiate(&mut store, &Module::new(&engine, wasm).unwrap()).unwrap();
        Running { store, program, late: Vec::new(), host }
    }
}
