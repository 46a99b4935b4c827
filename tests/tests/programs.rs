//! The C programs of `tests/programs`, whole runs, in every mode.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use mj_jit::{Engine, Linker, Module, Store};
use mj_tests::programs::{self, Program};
use mj_wasi::p1::{self, WasiP1Ctx};
use mj_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use mj_wasi::{DirPerms, FilePerms, I32Exit, WasiCtxBuilder};

#[test]
fn programs_print_what_they_should_in_every_mode() {
    let wrong: Vec<String> = mj_wast::MODES.iter().flat_map(|mode| run_all(mode)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What went wrong in a mode.
fn run_all(mode: &str) -> Vec<String> {
    let engine = Engine::new(&mj_wast::config(mode).expect("a mode")).unwrap();
    let programs = programs::all();
    assert!(programs.len() >= 10, "only {} programs found", programs.len());
    programs.iter().filter_map(|program| run(&engine, program).err()).map(|error| format!("{mode}: {error}")).collect()
}

fn run(engine: &Engine, program: &Program) -> Result<(), String> {
    let folder = Folder::new(&program.name);
    let output = MemoryOutputPipe::new(1 << 20);
    let context = context(program, &folder.0, &output);
    let exit_code = execute(engine, &program.module, context).map_err(|error| format!("{}: {error:?}", program.name))?;
    if exit_code != program.exit_code {
        return Err(format!("{}: exit code {exit_code} instead of {}", program.name, program.exit_code));
    }
    let output = output.contents();
    if output == program.expected {
        return Ok(());
    }
    let (is, should) = (String::from_utf8_lossy(&output), String::from_utf8_lossy(&program.expected));
    let line = is.lines().zip(should.lines()).position(|(is, should)| is != should);
    let line = line.unwrap_or_else(|| is.lines().count().min(should.lines().count()));
    let (is, should) = (is.lines().nth(line), should.lines().nth(line));
    Err(format!("{}: line {} of the output is {is:?} instead of {should:?}", program.name, line + 1))
}

fn context(program: &Program, folder: &Path, output: &MemoryOutputPipe) -> WasiP1Ctx {
    let mut builder = WasiCtxBuilder::new();
    builder.arg(&program.name).args(&program.arguments);
    for variable in &program.environment {
        let (name, value) = variable.split_once('=').expect("an environment line is NAME=VALUE");
        builder.env(name, value);
    }
    builder.stdin(MemoryInputPipe::new(program.input.clone())).stdout(output.clone());
    builder.preopened_dir(folder, ".", DirPerms::all(), FilePerms::all()).unwrap();
    builder.build_p1()
}

fn execute(engine: &Engine, module: &Path, context: WasiP1Ctx) -> mj_jit::Result<i32> {
    let module = Module::from_file(engine, module)?;
    let mut linker = Linker::new(engine);
    p1::add_to_linker_sync(&mut linker, |context: &mut WasiP1Ctx| context)?;
    let mut store = Store::new(engine, context);
    // An error where fuel is not counted, which is as good as plenty.
    let _ = store.set_fuel(1 << 60);
    store.set_epoch_deadline(1 << 40);
    let instance = linker.instantiate(&mut store, &module)?;
    match instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ()) {
        Ok(()) => Ok(0),
        Err(error) => error.downcast_ref::<I32Exit>().map(|exit| exit.0).ok_or(error),
    }
}

/// An empty folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("mj-program-{name}-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
